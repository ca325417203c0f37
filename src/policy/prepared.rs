//! Policies that are ready to be evaluated, on a document or on a rollout that is being driven.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::declared::names::WAIVERS;
use crate::declared::params::{Declaration, Param};
use crate::diagnostic::problem::{Place, Problem};
use crate::error::Error;
use crate::lint::data::{Data, DataFile};
use crate::model::document::text::Text;
use crate::model::document::{Document, InputFile};
use crate::model::finding::{Finding, Softened};
use crate::policy::basis::Basis;
use crate::policy::facts::Facts;
use crate::policy::package::Package;
use crate::policy::source::RuleText;
use crate::policy::waivers::Waivers;
use crate::policy::{needs, source, waivers};
use crate::rego::engine;
use crate::rego::engine::input::Input;
use crate::rego::engine::probe::{RuleBindings, RuleOutput};
use crate::rego::guard::Limits;
use crate::text::suggest::nearest;

/// What the policies say of a document.
#[derive(Debug)]
pub struct Outcome {
    /// In no particular order.
    pub findings: Vec<Finding>,
    /// Why policies have nothing to judge, in a few words, by package.
    pub not_applicable: BTreeMap<String, String>,
    /// What the report counts.
    pub summary: Summary,
}

/// What `rollproof.lib.summary` says.
#[derive(Debug)]
pub struct Summary {
    /// Parallel to the document's cohorts.
    pub cohorts: Vec<CohortSummary>,
    /// The tolerance in force.
    pub tolerated: u64,
    /// Whether stragglers were shipped past.
    pub quarantined: bool,
    /// Stragglers that are waived, and so count toward no tolerance.
    pub waived: Vec<Text>,
    /// What is missing in the proof of proven tenants, in words, by proof state.
    pub reservations: BTreeMap<String, String>,
    /// Why policies only report, by package.
    pub reporting: BTreeMap<String, Softened>,
    /// The newer commit, where the job was superseded before its first call: nothing is asserted.
    pub superseded_by: Option<String>,
}

/// What `rollproof.lib.summary` says of a cohort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CohortSummary {
    /// Its proof state, such as `verified`.
    pub state: String,
    /// Whether that state proves anything.
    pub proven: bool,
    /// Whether its tenants are stragglers.
    pub straggler: bool,
    /// Why it is not proven, in words.
    pub reason: String,
    /// Which of its rows counts; none or -1 where it has no row.
    pub row: Option<i64>,
}

/// What the policies say of a rollout that is being driven.
#[derive(Debug)]
pub struct SoFar {
    /// Why it must stop here, each beginning with its code; nothing where it may go on.
    pub halts: Vec<String>,
    /// How many tenants are proven.
    pub proven: u64,
    /// How many are not although a call named them.
    pub not_proven: u64,
}

/// Policies that are ready to be evaluated.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) packages: Vec<Package>,
    pub(crate) params: Vec<Param>,
    pub(crate) declared: BTreeMap<String, Declaration>,
    pub(crate) waivers: Waivers,
    pub(crate) facts: Facts,
    pub(crate) basis: Basis,
    /// The data beside a team's own policies.
    pub(crate) beside: Data,
    /// The files that the previous rollout was read from.
    pub(crate) previous: Vec<InputFile>,
    pub(crate) engine: engine::PreparedEngine,
    /// Whether a team's own policies can see the fleet's order and the phases.
    pub(crate) sees_order: bool,
    /// How much time all of them may take for an answer, if not what their own limits say.
    pub(crate) time: Option<Duration>,
}

impl Prepared {
    /// The policies, by name.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The value of every parameter, by name.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// What every verdict of these policies follows from beside the evidence.
    pub const fn basis(&self) -> &Basis {
        &self.basis
    }

    /// What policies have printed since this was last asked for.
    pub fn take_prints(&self) -> Vec<String> {
        self.engine.take_prints()
    }

    /// The files of waivers that were read.
    pub fn waiver_files(&self) -> &[InputFile] {
        &self.waivers.files
    }

    /// Every waiver is meant for some code that a policy declares.
    pub(crate) fn check_waivers(&self) -> Result<(), Error> {
        if self.waivers.given.is_empty() {
            return Ok(());
        }
        let failed = |error| Error::bug(format!("{WAIVERS}: {error}"));
        let answer = self.engine.evaluate_here("data.rollproof.lib.waivers.matched_codes").map_err(failed)?;
        let meant: Vec<Vec<String>> = answer.value().map_err(failed)?;
        let mut faults = Vec::new();
        let rules = || self.packages.iter().flat_map(|package| &package.rules);
        for (given, codes) in self.waivers.given.iter().zip(meant) {
            let code = &given.waiver.code;
            let fault = match rules().find(|rule| rule.codes.contains(code)) {
                _ if !codes.is_empty() => continue,
                Some(_) => format!("{code} is never waivable"),
                None => {
                    let near = nearest(code, rules().flat_map(|rule| &rule.codes).map(String::as_str));
                    let near = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
                    format!("no policy has a code {code:?} that may be waived{near}")
                }
            };
            faults.push(format!("{}: {fault}", given.place));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::usage(faults.join("\n"), waivers::WAIVER_HELP)) }
    }

    /// Every definition of every rule, as it stands in its file.
    ///
    /// # Errors
    /// [`Error::Internal`] where that cannot be told.
    pub fn rules(&self) -> Result<Vec<RuleText>, Error> {
        source::rules(&self.engine).map_err(Error::bug)
    }

    /// The values with which definitions of rules held on a document, each definition given by file and line.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn held(&self, places: &[(String, u32)], document: &Document) -> Result<Vec<RuleBindings>, Error> {
        let input = Input::new(document).map_err(|error| Error::bug(error.to_string()))?;
        Ok(self.engine.held(places, &input, Limits::for_cohorts(document.cohorts.len()))?)
    }

    /// What single definitions of rules say of a document, each definition given by file and line.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn elements(&self, places: &[(String, u32)], document: &Document) -> Result<Vec<RuleOutput>, Error> {
        let input = Input::new(document).map_err(|error| Error::bug(error.to_string()))?;
        Ok(self.engine.elements(places, &input, Limits::for_cohorts(document.cohorts.len()))?)
    }

    /// Every parameter that a policy declares, by name.
    pub const fn declared(&self) -> &BTreeMap<String, Declaration> {
        &self.declared
    }

    /// The files of facts that were read.
    pub fn fact_files(&self) -> &[InputFile] {
        &self.facts.files
    }

    /// The files that the previous rollout was read from.
    pub fn previous_files(&self) -> &[InputFile] {
        &self.previous
    }

    /// The files of data beside a team's own policies.
    pub fn data_files(&self) -> &[DataFile] {
        &self.beside.files
    }

    /// Whether a document has what the policies need.
    ///
    /// # Errors
    /// [`Error::Policies`] where it has not.
    pub fn needs_of(&self, document: &Document) -> Result<(), Error> {
        needed(self.packages.iter().filter(|package| package.is_on()), document)
    }
}

/// Fails where the evidence lacks what some policies need.
pub(crate) fn needed<'p>(packages: impl Iterator<Item = &'p Package>, document: &Document) -> Result<(), Error> {
    let mut problems = Vec::new();
    for package in packages {
        let (file, place) = (package.place.file.as_str().into(), Place { line: package.place.line, column: 0 });
        if let Some(need) = needs::missing(&package.needs, document) {
            let what = format!("the policy {} needs {need}, and the evidence does not have it", package.name);
            let remedy = "give evidence that has it, or leave the policy out: what is absent would pass unseen";
            problems.push(Problem::new(&file, place, what, remedy));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Policies(problems)) }
}
