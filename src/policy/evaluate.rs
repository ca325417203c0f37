//! Evaluates the policies: on a document, or on a rollout that is being driven.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::declared::names::{GATES, HALT, NOT_APPLICABLE, SUMMARY, WAIVERS};
use crate::error::Error;
use crate::model::document::lookalikes::lookalikes;
use crate::model::document::projection::Projection;
use crate::model::document::text::{Map, Text};
use crate::model::document::{Cohort, Document, Purpose};
use crate::model::finding::{Element, Finding, Severity, Softened, Waived};
use crate::policy::ask::{ANSWER, Answers, GATES_HALT, HALTS, Question};
use crate::policy::package::{Package, Rule, key};
use crate::policy::prepared::{CohortSummary, Outcome, Prepared, SoFar, Summary, needed};
use crate::rego::engine::answer::Answer;
use crate::rego::engine::input::Inputs;
use crate::rego::engine::probe::RuleOutput;
use crate::schema::document::Valid;

/// Which of a finding's tenants are waived, each by the waiver of that index.
type Applied = BTreeMap<String, usize>;

/// What `rollproof.lib.summary` counts of a rollout that is being driven.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    proven: u64,
    not_proven: u64,
}

/// What `rollproof.lib.summary` says of cohorts that the policies see as one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenSummary {
    state: String,
    proven: bool,
    straggler: bool,
    /// Texts between which the image of the deciding row stands.
    reason: Vec<String>,
    row: Option<i64>,
}

impl SeenSummary {
    /// What it says of one of these cohorts.
    fn of(self, cohort: &Cohort) -> CohortSummary {
        let Self { state, proven, straggler, reason, row } = self;
        let deciding = row.and_then(|row| cohort.rows.get(usize::try_from(row).ok()?));
        let image = deciding.and_then(|row| row.running_image.given()).map_or("", |image| image);
        CohortSummary { state, proven, straggler, reason: reason.join(image), row }
    }
}

impl Prepared {
    /// What every policy says of a document.
    ///
    /// # Errors
    /// [`Error::Policy`] where one fails, is undefined, says something that is no finding, or reaches a limit.
    pub fn evaluate(&self, document: &Valid<'_>) -> Result<Outcome, Error> {
        let document = self.with_waived(document);
        self.evaluate_seen(self.projection(&document)?)
    }

    /// The same where the bundled policies see every cohort as it is. It takes longer, and a test compares the two.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    #[doc(hidden)]
    pub fn evaluate_unmerged(&self, document: &Valid<'_>) -> Result<Outcome, Error> {
        let document = self.with_waived(document);
        self.evaluate_seen(Projection::whole(&document))
    }

    fn evaluate_seen(&self, projection: Projection<'_>) -> Result<Outcome, Error> {
        self.needs_of(projection.document())?;
        let answers = self.ask(ANSWER, projection, &mut Inputs::default())?;
        let mut outcome = self.read_seen(&answers)?;
        self.name_rules(&mut outcome.findings, |places| self.elements_of(places, &answers))?;
        outcome.findings.iter_mut().for_each(|finding| answers.locate(finding));
        Ok(outcome)
    }

    /// The same of a document that was changed to try something out. Too many are tried to validate each, or to ask which
    /// definition gave each finding.
    pub(crate) fn evaluate_trial(&self, document: &Document) -> Result<Outcome, Error> {
        let document = self.with_waived(document);
        self.needs_of(&document)?;
        self.read(&self.ask(ANSWER, self.projection(&document)?, &mut Inputs::default())?)
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
        let answers = self.ask(ANSWER, self.projection(&plain)?, &mut Inputs::default())?;
        self.read(&answers)
    }

    /// Why a rollout that is being driven must halt after a call, and how many tenants are proven so far.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn halt_check(&self, document: &Document, inputs: &mut Inputs) -> Result<SoFar, Error> {
        self.evaluate_halts(HALTS, self.projection_for_halts(document)?, inputs, |_| true)
    }

    /// The same where the bundled policies see every cohort and every call as it is, as in [`Prepared::evaluate_unmerged`].
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    #[doc(hidden)]
    pub fn halt_check_unmerged(&self, document: &Document) -> Result<SoFar, Error> {
        self.evaluate_halts(HALTS, Projection::whole(document), &mut Inputs::default(), |_| true)
    }

    /// The same after a reading of a gate, by the gates' policy alone. The other policies were evaluated after the last
    /// call, and nothing has changed for them since.
    ///
    /// # Errors
    /// As [`Prepared::evaluate`].
    pub fn halt_check_gates(&self, document: &Document, inputs: &mut Inputs) -> Result<SoFar, Error> {
        self.evaluate_halts(GATES_HALT, self.projection_for_halts(document)?, inputs, |package| package.name == GATES)
    }

    fn evaluate_halts(
        &self,
        question: Question,
        projection: Projection<'_>,
        inputs: &mut Inputs,
        asked: impl Fn(&Package) -> bool,
    ) -> Result<SoFar, Error> {
        let document = projection.document();
        let asking = self.packages.iter().filter(|package| package.is_on() && package.halts && asked(package));
        // Before anybody was called there is nothing that a need could be missing from.
        if document.calls.iter().any(|call| call.purpose != Purpose::Plan) {
            needed(asking, document)?;
        }
        let answers = self.ask(question, projection, inputs)?;
        let mut halts = Vec::new();
        let reporting = answers.bundled.get("reporting").only().and_then(|reporting| reporting.value());
        let reporting: BTreeMap<String, Softened> = reporting.map_err(Error::bug)?;
        let halting = |package: &&Package| package.halts && package.is_on() && !reporting.contains_key(&package.name);
        for package in self.packages.iter().filter(halting).filter(|package| asked(package)) {
            let path = format!("{}.{HALT}", package.name);
            let answer = answers.of(package);
            let said = answer.get("findings").get(&path).only().and_then(|said| said.elements::<Element>());
            let mut waived = self.applied(answer, &path)?.into_iter();
            for element in said.map_err(|error| Error::Policy(format!("{path}: {error}")))? {
                let applied = waived.next().unwrap_or_default();
                if element.tenants().is_some_and(|mut tenants| tenants.all(|tenant| applied.contains_key(&**tenant))) {
                    continue;
                }
                halts.push(match element {
                    Element::Message(message) => format!("{path}: {message}"),
                    Element::Finding(stated) => {
                        let place = &package.place;
                        package.allowed(&stated.code).map_err(|error| {
                            Error::Policy(format!("{}:{}: {path}: {error}", place.file, place.line))
                        })?;
                        format!("{}: {}", stated.code, stated.message)
                    }
                });
            }
        }
        halts.sort();
        halts.dedup();
        let progress = answers.bundled.get("progress").only().and_then(|said| said.value());
        let Counts { proven, not_proven } =
            progress.map_err(|error| Error::bug(format!("{SUMMARY}.progress: {error}")))?;
        Ok(SoFar { halts, proven, not_proven })
    }

    /// What the answers say of the document.
    pub(crate) fn read(&self, answers: &Answers<'_>) -> Result<Outcome, Error> {
        let mut outcome = self.read_seen(answers)?;
        outcome.findings.iter_mut().for_each(|finding| answers.locate(finding));
        Ok(outcome)
    }

    /// The same, with the findings of bundled policies where the policies saw them.
    fn read_seen(&self, answers: &Answers<'_>) -> Result<Outcome, Error> {
        let summary = read_summary(&answers.bundled, &answers.projection).map_err(Error::bug)?;
        let mut findings = Vec::new();
        for package in self.packages.iter().filter(|package| package.is_on()) {
            for severity in package.severities() {
                let softened = summary.reporting.get(&package.name).filter(|_| severity == Severity::Deny);
                findings.extend(self.findings(answers.of(package), package, severity, softened)?);
            }
        }
        Ok(Outcome { findings, not_applicable: self.not_applicable(answers).map_err(Error::Policy)?, summary })
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
    fn not_applicable(&self, answers: &Answers<'_>) -> Result<BTreeMap<String, String>, String> {
        let mut reasons = BTreeMap::new();
        for package in self.packages.iter().filter(|package| package.is_on() && package.has_not_applicable) {
            let values = answers.of(package).get("not_applicable").get(&package.name).elements::<String>();
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
fn read_summary(answer: &Answer, projection: &Projection<'_>) -> Result<Summary, String> {
    let rule = |rule: &str| answer.get(rule).only().map_err(|error| format!("{SUMMARY}.{rule}: {error}"));
    let seen: Vec<SeenSummary> = rule("cohorts")?.elements()?;
    if seen.len() != projection.len() {
        return Err(format!("{SUMMARY}.cohorts: {} entries for {} cohorts", seen.len(), projection.len()));
    }
    let of_cohorts = projection.spread(seen).into_iter().zip(&projection.document().cohorts);
    Ok(Summary {
        cohorts: of_cohorts.map(|(seen, cohort)| seen.of(cohort)).collect(),
        tolerated: rule("tolerated")?.value()?,
        quarantined: rule("quarantined")?.value()?,
        waived: rule("waived")?.elements()?,
        reservations: rule("reservations")?.value()?,
        reporting: rule("reporting")?.value()?,
        superseded_by: rule("superseded_by")?.value()?,
    })
}
