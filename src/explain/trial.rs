//! Trials: the document with something changed, evaluated again by the same policies.

use std::collections::BTreeMap;

use crate::declared::params::{GivenParam, ParamSource};
use crate::evaluation::Evaluation;
use crate::explain::change::{Apply, Change};
use crate::model::document::Document;
use crate::policy::load::load;
use crate::policy::prepared::Prepared;
use crate::policy::waivers;
use crate::rego::guard::work;
use crate::report::counterfactual::{Counterfactual, Counterfactuals};
use crate::report::{Report, report};

/// How many trials are made at the most, where the document is small.
const MAX_TRIALS: u64 = 600;

/// How many trials are made at the least.
const MIN_TRIALS: u64 = 6;

/// What all trials together may look at: tenants, and cohorts with what they cost.
const MAX_WORK: u64 = 4_000_000;

/// Trials on one document.
pub struct Trials<'a> {
    document: &'a Document,
    evaluation: &'a Evaluation,
    /// Policies that were loaded with other parameters or waivers, by these; none where they cannot be loaded.
    loaded: BTreeMap<String, Option<Prepared>>,
    tried: u64,
    /// How many trials may still be made. It depends on the document alone, so that an explanation can be repeated.
    left: u64,
    /// What the policies may still do, as [`work`] counts it.
    work_left: Option<u64>,
    /// What they had done when the last trial began.
    worked: u64,
}

impl<'a> Trials<'a> {
    /// No trial has been made yet.
    pub fn new(document: &'a Document, evaluation: &'a Evaluation) -> Self {
        Self {
            document,
            evaluation,
            loaded: BTreeMap::new(),
            tried: 0,
            left: allowed(document),
            work_left: None,
            worked: work(),
        }
    }

    /// No trial begins once the policies have done this much. It is counted, not timed: a slow machine tries as much as a
    /// fast one.
    pub fn with_work(self, work: u64) -> Self {
        Self { work_left: Some(work), ..self }
    }

    /// The document that is tried on.
    pub const fn document(&self) -> &'a Document {
        self.document
    }

    /// As many trials as at the beginning may be made again.
    pub fn renew(&mut self) {
        self.left = allowed(self.document);
    }

    /// The verdict on a document; none where no more may be tried, or a policy fails.
    pub fn evaluate(&mut self, document: &Document) -> Option<Report> {
        self.begin()?;
        report_on(self.evaluation.policies(), document)
    }

    /// The verdict where something is changed.
    pub fn changed(&mut self, changes: &[&Change<'_>]) -> Option<Report> {
        self.begin()?;
        let mut document = self.document.clone();
        let mut others = Vec::new();
        for change in changes {
            match &change.apply {
                Apply::Document(apply) => {
                    apply(&mut document);
                    // It names cohorts by their places, which may have changed.
                    document.order.clear();
                }
                other => others.push(other),
            }
        }
        if others.is_empty() {
            return report_on(self.evaluation.policies(), &document);
        }
        let key = format!("{others:?}");
        if !self.loaded.contains_key(&key) {
            let loaded = self.load(&others);
            self.loaded.insert(key.clone(), loaded);
        }
        report_on(self.loaded.get(&key)?.as_ref()?, &document)
    }

    /// Whether no more trials may be made.
    pub const fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Another trial, if one may still be made.
    fn begin(&mut self) -> Option<()> {
        // Coarsely: the count differs by a few from run to run.
        let last = (work() - self.worked).next_power_of_two();
        self.worked = work();
        self.work_left = self.work_left.map(|left| left.saturating_sub(last));
        if self.work_left == Some(0) {
            self.left = 0;
        }
        self.left = self.left.checked_sub(1)?;
        self.tried += 1;
        Some(())
    }

    fn load(&self, others: &[&Apply<'_>]) -> Option<Prepared> {
        let mut settings = Evaluation::settings(&self.evaluation.options, &self.evaluation.config, None).ok()?;
        for other in others {
            match other {
                Apply::Document(_) => {}
                Apply::Param(name, text) => {
                    settings.params.retain(|given| given.name != *name);
                    settings.params.push(GivenParam {
                        name: name.clone(),
                        text: text.clone(),
                        from: ParamSource::CommandLine,
                        file: None,
                    });
                }
                Apply::Waiver(waiver) => {
                    settings.waivers.given.push(waivers::PlacedWaiver { waiver: waiver.clone(), place: String::new() });
                }
            }
        }
        load(settings).ok()?.wait().ok()
    }

    /// The smallest changes that reach a goal: all single ones, else all pairs.
    pub fn search(&mut self, goal: &str, changes: &[Change<'_>], reached: impl Fn(&Report) -> bool) -> Counterfactuals {
        let mut counterfactuals = self.search_single(goal, changes, &reached);
        if counterfactuals.found.is_empty() {
            let before = self.tried;
            for (i, first) in changes.iter().enumerate() {
                for second in &changes[i + 1..] {
                    counterfactuals.found.extend(self.counterfactual(&[first, second], &reached));
                }
            }
            counterfactuals.tried += self.tried - before;
            counterfactuals.complete = self.left > 0;
        }
        counterfactuals
    }

    /// All single changes that reach a goal.
    pub fn search_single(
        &mut self,
        goal: &str,
        changes: &[Change<'_>],
        reached: &impl Fn(&Report) -> bool,
    ) -> Counterfactuals {
        let before = self.tried;
        let found = changes.iter().filter_map(|change| self.counterfactual(&[change], reached)).collect();
        Counterfactuals { goal: goal.to_owned(), tried: self.tried - before, complete: self.left > 0, found }
    }

    fn counterfactual(
        &mut self,
        changes: &[&Change<'_>],
        reached: &impl Fn(&Report) -> bool,
    ) -> Option<Counterfactual> {
        let report = self.changed(changes).filter(reached)?;
        let changes = changes.iter().map(|change| change.words.clone()).collect();
        Some(Counterfactual { changes, decision: report.decision })
    }
}

/// How many trials may be made on a document.
fn allowed(document: &Document) -> u64 {
    let tenants: u64 = document.cohorts.iter().map(|cohort| cohort.tenants.len() as u64).sum();
    let work = 1_000 + tenants + 100 * document.cohorts.len() as u64;
    (MAX_WORK / work).clamp(MIN_TRIALS, MAX_TRIALS)
}

fn report_on(policies: &Prepared, document: &Document) -> Option<Report> {
    let outcome = policies.evaluate_trial(document).ok()?;
    Some(report(document, Vec::new(), outcome, policies))
}
