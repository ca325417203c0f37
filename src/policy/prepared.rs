//! Policies that are ready to be evaluated, on a document or on a rollout that is being driven.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::declared::names;
use crate::declared::names::{GATES, HALT, NOT_APPLICABLE, SUMMARY, WAIVERS};
use crate::declared::params::{Declaration, Param};
use crate::diagnostic::problem::{Place, Problem};
use crate::error::Error;
use crate::lint::data::{Data, DataFile};
use crate::model::document::lookalikes::lookalikes;
use crate::model::document::text::{Map, Text};
use crate::model::document::{Document, InputFile, Purpose};
use crate::model::finding::{Element, Finding, Severity, Softened, Waived};
use crate::policy::facts::Facts;
use crate::policy::failure::CandidateRule;
use crate::policy::package::{Package, Rule, key};
use crate::policy::source::RuleText;
use crate::policy::waivers::Waivers;
use crate::policy::{failure, needs, source, waivers};
use crate::rego::engine;
use crate::rego::engine::probe::{RuleBindings, RuleOutput};
use crate::rego::engine::{Answer, Input, Inputs};
use crate::rego::guard::{Failure, Limits};
use crate::schema::document::Valid;
use crate::text::suggest::nearest;

/// Which of a finding's tenants are waived, each by the waiver of that index.
type Applied = BTreeMap<String, usize>;

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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
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
    #[serde(default)]
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

/// What `rollproof.lib.summary` counts of a rollout that is being driven.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    proven: u64,
    not_proven: u64,
}

/// Policies that are ready to be evaluated.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) packages: Vec<Package>,
    pub(crate) params: Vec<Param>,
    pub(crate) declared: BTreeMap<String, Declaration>,
    pub(crate) waivers: Waivers,
    pub(crate) facts: Facts,
    /// The data beside a team's own policies.
    pub(crate) beside: Data,
    /// The files that the previous rollout was read from.
    pub(crate) previous: Vec<InputFile>,
    pub(crate) engine: engine::Prepared,
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
        if faults.is_empty() { Ok(()) } else { Err(Error::usage(faults.join("\n"), waivers::HELP)) }
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

    /// What every policy says of a document.
    ///
    /// # Errors
    /// [`Error::Policy`] where one fails, is undefined, says something that is no finding, or reaches a limit.
    pub fn evaluate(&self, document: &Valid<'_>) -> Result<Outcome, Error> {
        let document = self.with_waived(document);
        let mut outcome = self.evaluate_trial(&document)?;
        self.name_rules(&mut outcome.findings, |places| self.elements(places, &document))?;
        Ok(outcome)
    }

    /// The same of a document that was changed to try something out. Too many are tried to validate each, or to ask which
    /// definition gave each finding.
    pub(crate) fn evaluate_trial(&self, document: &Document) -> Result<Outcome, Error> {
        let document = self.with_waived(document);
        let answer = self.answer("data.rollproof.query.answer", &document)?;
        self.read(&answer, document.cohorts.len())
    }

    /// The document, in which the names that waivers give look like tenants of the fleet as well.
    fn with_waived<'d>(&self, document: &'d Document) -> Cow<'d, Document> {
        let tenants = self.waivers.given.iter().filter_map(|given| given.waiver.tenants.as_ref()).flatten();
        let known = &document.fleet.lookalikes;
        let all = if self.waivers.given.is_empty() { known.clone() } else { lookalikes(document, tenants) };
        if all.len() == known.len() {
            return Cow::Borrowed(document);
        }
        let mut document = document.clone();
        document.fleet.lookalikes = all;
        Cow::Owned(document)
    }

    /// Names the definition that gave a finding, where several declare its code: `ask` asks each of them alone.
    pub(crate) fn name_rules(
        &self,
        findings: &mut [Finding],
        ask: impl FnOnce(&[(String, u32)]) -> Result<Vec<RuleOutput>, Error>,
    ) -> Result<(), Error> {
        let candidates = |finding: &Finding| -> Vec<&Rule> {
            let severity = if finding.softened.is_some() { Severity::Deny } else { finding.severity };
            let package = self.packages.iter().find(|package| package.name == finding.policy);
            package.into_iter().flat_map(|package| package.candidates(severity, &finding.code)).collect()
        };
        let unclear = findings.iter_mut().map(|finding| (candidates(finding), finding));
        let mut unclear: Vec<(Vec<&Rule>, &mut Finding)> = unclear.filter(|(rules, _)| rules.len() > 1).collect();
        if unclear.is_empty() {
            return Ok(());
        }
        let rules = unclear.iter().flat_map(|(rules, _)| rules);
        let places: BTreeSet<_> = rules.map(|rule| (rule.place.file.clone(), rule.place.line)).collect();
        let outputs = ask(&places.into_iter().collect::<Vec<_>>())?;
        for (rules, finding) in &mut unclear {
            let gave = |rule: &&&Rule| {
                let own =
                    outputs.iter().filter(|output| output.file == rule.place.file && output.line == rule.place.line);
                own.flat_map(|output| &output.values).any(|value| is_of(finding, value))
            };
            if let Some(rule) = rules.iter().find(gave) {
                **finding = rule.gave(finding.clone());
            }
        }
        Ok(())
    }

    /// What the policies say of `foreseen`, the document that a good rollout would have. Nothing follows from it but that
    /// every policy can be evaluated: much of that document is made up.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn foresee(&self, foreseen: &Document) -> Result<Outcome, Error> {
        self.needs_of(foreseen)?;
        let mut plain = foreseen.clone();
        // Nobody knows what extra fields will hold, so policies are evaluated without them.
        plain.cohorts.iter_mut().flat_map(|cohort| &mut cohort.rows).for_each(|row| row.extra = Map::default());
        let answer = self.evaluate_rule("data.rollproof.query.answer", &plain)?;
        self.read(&answer, plain.cohorts.len())
    }

    /// Whether a document has what the policies need.
    ///
    /// # Errors
    /// [`Error::Policies`] where it has not.
    pub fn needs_of(&self, document: &Document) -> Result<(), Error> {
        needed(self.packages.iter().filter(|package| package.is_on()), document)
    }

    /// The value of a rule of the query, where the document has what the policies need.
    pub(crate) fn answer(&self, rule: &'static str, document: &Document) -> Result<Answer, Error> {
        self.needs_of(document)?;
        self.evaluate_rule(rule, document)
    }

    /// Why a rollout that is being driven must halt after a call, and how many tenants are proven so far.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn halt_check(&self, document: &Document, inputs: &mut Inputs) -> Result<SoFar, Error> {
        self.evaluate_halts("data.rollproof.query.halts", document, inputs, |_| true)
    }

    /// The same after a reading of a gate, by the gates' policy alone. The other policies were evaluated after the last
    /// call, and nothing has changed for them since.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn halt_check_gates(&self, document: &Document, inputs: &mut Inputs) -> Result<SoFar, Error> {
        self.evaluate_halts("data.rollproof.query.gates_halt", document, inputs, |package| package.name == GATES)
    }

    fn evaluate_halts(
        &self,
        rule: &'static str,
        document: &Document,
        inputs: &mut Inputs,
        asked: impl Fn(&Package) -> bool,
    ) -> Result<SoFar, Error> {
        let asking = self.packages.iter().filter(|package| package.is_on() && package.halts && asked(package));
        // Before anybody was called there is nothing that a need could be missing from.
        if document.calls.iter().any(|call| call.purpose != Purpose::Plan) {
            needed(asking, document)?;
        }
        let answer = self.evaluate_input(rule, inputs.next(document), document.cohorts.len())?;
        let mut halts = Vec::new();
        let reporting = answer.get("reporting").only().and_then(|reporting| reporting.value());
        let reporting: BTreeMap<String, Softened> = reporting.map_err(Error::bug)?;
        let halting = |package: &&Package| package.halts && package.is_on() && !reporting.contains_key(&package.name);
        for package in self.packages.iter().filter(halting).filter(|package| asked(package)) {
            let path = format!("{}.{HALT}", package.name);
            let said = answer.get("findings").get(&path).only().and_then(|said| said.elements::<Element>());
            let mut waived = self.applied(&answer, &path)?.into_iter();
            for element in said.map_err(|error| Error::Policy(format!("{path}: {error}")))? {
                let applied = waived.next().unwrap_or_default();
                if element.tenants().is_some_and(|mut tenants| tenants.all(|tenant| applied.contains_key(&**tenant))) {
                    continue;
                }
                halts.push(match element {
                    Element::Message(message) => format!("{path}: {message}"),
                    Element::Finding(stated) => format!("{}: {}", stated.code, stated.message),
                });
            }
        }
        halts.sort();
        halts.dedup();
        let progress = answer.get("progress").only().and_then(|said| said.value());
        let Counts { proven, not_proven } =
            progress.map_err(|error| Error::bug(format!("{SUMMARY}.progress: {error}")))?;
        Ok(SoFar { halts, proven, not_proven })
    }

    pub(crate) fn read(&self, answer: &Answer, cohorts: usize) -> Result<Outcome, Error> {
        let summary = read_summary(answer).map_err(Error::bug)?;
        if summary.cohorts.len() != cohorts {
            let found = summary.cohorts.len();
            return Err(Error::bug(format!("{SUMMARY}.cohorts: {found} entries for {cohorts} cohorts")));
        }
        let mut findings = Vec::new();
        for package in self.packages.iter().filter(|package| package.is_on()) {
            for severity in package.severities() {
                let softened = summary.reporting.get(&package.name).filter(|_| severity == Severity::Deny);
                findings.extend(self.findings(answer, package, severity, softened)?);
            }
        }
        Ok(Outcome { findings, not_applicable: self.not_applicable(answer).map_err(Error::Policy)?, summary })
    }

    /// What the rules of one severity of a policy state, without the tenants for which it is waived.
    fn findings(
        &self,
        answer: &Answer,
        package: &Package,
        severity: Severity,
        softened: Option<&Softened>,
    ) -> Result<Vec<Finding>, Error> {
        let key = key(package, severity);
        let at_rule = |error: String| Error::Policy(package.at_rule(severity, &error));
        let elements = answer.get("findings").get(&key).only().and_then(|stated| stated.elements::<Element>());
        let mut applied = self.applied(answer, &key)?.into_iter();
        let mut findings = Vec::new();
        for element in elements.map_err(at_rule)? {
            let finding = package.finding(severity, element, softened);
            package.allowed(&finding.code).map_err(at_rule)?;
            findings.extend(self.split(finding, &applied.next().unwrap_or_default()));
        }
        Ok(findings)
    }

    /// What policies without anything to judge say of it.
    fn not_applicable(&self, answer: &Answer) -> Result<BTreeMap<String, String>, String> {
        let mut reasons = BTreeMap::new();
        for package in self.packages.iter().filter(|package| package.is_on() && package.has_not_applicable) {
            let values = answer.get("not_applicable").get(&package.name).elements::<String>();
            let values = values.map_err(|error| format!("{}.{NOT_APPLICABLE}: {error}", package.name))?;
            reasons.extend(values.into_iter().map(|reason| (package.name.clone(), reason)));
        }
        Ok(reasons)
    }

    /// What waivers cover of each element that a rule gave.
    fn applied(&self, answer: &Answer, path: &str) -> Result<Vec<Applied>, Error> {
        // What is said about waivers is waived by none.
        if self.waivers.given.is_empty() || path.starts_with(WAIVERS) {
            return Ok(Vec::new());
        }
        answer.get("applied").get(path).elements().map_err(Error::bug)
    }

    /// A finding without the tenants for which it is waived, and one a waiver about these.
    fn split(&self, finding: Finding, applied: &Applied) -> Vec<Finding> {
        if applied.is_empty() {
            return vec![finding];
        }
        let mut parts: BTreeMap<Option<usize>, Vec<Text>> = BTreeMap::new();
        for tenant in &finding.tenants {
            parts.entry(applied.get(&**tenant).copied()).or_default().push(tenant.clone());
        }
        let part = |(waiver, tenants): (Option<usize>, Vec<Text>)| {
            let given = waiver.and_then(|index| self.waivers.given.get(index)).map(|given| &given.waiver);
            let waived = given.map(|waiver| Waived {
                reason: waiver.reason.clone(),
                owner: waiver.owner.clone(),
                expires: waiver.expires.clone().into(),
            });
            Finding { tenants, waived, ..finding.clone() }
        };
        parts.into_iter().map(part).collect()
    }

    pub(crate) fn evaluate_rule(&self, rule: &'static str, document: &Document) -> Result<Answer, Error> {
        self.evaluate_input(rule, Input::new(document), document.cohorts.len())
    }

    fn evaluate_input(
        &self,
        rule: &'static str,
        input: Result<Input, serde_json::Error>,
        cohorts: usize,
    ) -> Result<Answer, Error> {
        let input = input.map_err(|error| Error::bug(error.to_string()))?;
        let limits = Limits::for_cohorts(cohorts).within(self.time);
        self.engine
            .evaluate(rule, input.clone(), limits)
            .map_err(|failure| self.locate_failure(self.candidates(), &input, limits, failure))
    }

    /// Names the rule that failed, and the facts that it may have failed on.
    pub(crate) fn locate_failure(
        &self,
        candidates: Vec<CandidateRule>,
        input: &Input,
        limits: Limits,
        failure: Failure,
    ) -> Error {
        let mut error = failure::locate_failure(&self.engine, candidates, input, limits, failure);
        let facts: Vec<&str> = self.facts.files.iter().map(|file| &*file.name).collect();
        if let Error::Policies(problems) = &mut error
            && !facts.is_empty()
        {
            for problem in problems {
                problem.remedy += &format!("; the facts that were given: {}", facts.join(", "));
            }
        }
        error
    }

    /// Every rule that is evaluated, a team's own first.
    pub(crate) fn candidates(&self) -> Vec<CandidateRule> {
        let candidates = |package: &Package| -> Vec<CandidateRule> {
            let names = package.rules().chain(package.has_not_applicable.then_some(NOT_APPLICABLE));
            let candidate = |name: &str| CandidateRule {
                path: format!("{}.{name}", package.name),
                place: package.rule(name).unwrap_or(&package.place).clone(),
            };
            names.map(candidate).collect()
        };
        let (ours, own): (Vec<_>, Vec<_>) =
            self.packages.iter().filter(|package| package.is_on()).partition(|package| names::is_ours(&package.name));
        own.into_iter().chain(ours).flat_map(candidates).collect()
    }
}

/// Whether a finding, which may lack tenants for which it is waived, is what a rule gave.
fn is_of(finding: &Finding, value: &Value) -> bool {
    match serde_json::from_value::<Element>(value.clone()) {
        Ok(Element::Message(message)) => finding.message == message,
        Ok(Element::Finding(stated)) => {
            (&stated.code, &stated.message) == (&finding.code, &finding.message)
                && (&stated.observed, &stated.expected, &stated.at)
                    == (&finding.observed, &finding.expected, &finding.at)
                && stated.tenants.iter().collect::<BTreeSet<_>>().is_superset(&finding.tenants.iter().collect())
        }
        Err(_) => false,
    }
}

/// What `rollproof.lib.summary` says.
fn read_summary(answer: &Answer) -> Result<Summary, String> {
    let rule = |rule: &str| answer.get(rule).only().map_err(|error| format!("{SUMMARY}.{rule}: {error}"));
    Ok(Summary {
        cohorts: rule("cohorts")?.elements()?,
        tolerated: rule("tolerated")?.value()?,
        quarantined: rule("quarantined")?.value()?,
        waived: rule("waived")?.elements()?,
        reservations: rule("reservations")?.value()?,
        reporting: rule("reporting")?.value()?,
        superseded_by: rule("superseded_by")?.value()?,
    })
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
