//! Trials: the document is changed, and evaluated again by the same policies.

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

/// How many trials are made at most, on a small document.
const MAX_TRIALS: u64 = 600;

/// How many trials are made at least, on a large document.
const MIN_TRIALS: u64 = 6;

/// The cost of all trials together; see [`max_trials`].
const MAX_COST: u64 = 4_000_000;

/// Trials on one document.
pub struct Trials<'a> {
    document: &'a Document,
    evaluation: &'a Evaluation,
    /// Policies that were loaded with other parameters or waivers, by these; none where they cannot be loaded.
    loaded: BTreeMap<String, Option<Prepared>>,
    /// How many trials were made.
    tried: u64,
    /// How many trials may still be made. It depends on the document alone, so that an explanation can be repeated.
    remaining: u64,
    /// The work that policies may still do, as [`work`] counts it.
    work_left: Option<u64>,
    /// The work that they had done when the last trial began.
    work_before: u64,
}

impl<'a> Trials<'a> {
    /// Trials on a document, before the first one.
    pub fn new(document: &'a Document, evaluation: &'a Evaluation) -> Self {
        Self {
            document,
            evaluation,
            loaded: BTreeMap::new(),
            tried: 0,
            remaining: max_trials(document),
            work_left: None,
            work_before: work(),
        }
    }

    /// The same with a limit of work, after which no trial begins. Work is counted, not timed: a slow machine makes as many
    /// trials as a fast one.
    pub fn with_max_work(self, work: u64) -> Self {
        Self { work_left: Some(work), ..self }
    }

    /// The document that is changed.
    pub const fn document(&self) -> &'a Document {
        self.document
    }

    /// Allows as many trials again as at the beginning.
    pub fn renew(&mut self) {
        self.remaining = max_trials(self.document);
    }

    /// The verdict on a document; none where no more may be tried, or a policy fails.
    pub fn evaluate(&mut self, document: &Document) -> Option<Report> {
        self.begin_trial()?;
        report_on(self.evaluation.policies(), document)
    }

    /// The verdict on the document with these changes.
    pub fn evaluate_changed(&mut self, changes: &[&Change<'_>]) -> Option<Report> {
        self.begin_trial()?;
        let mut document = self.document.clone();
        let mut settings_changes = Vec::new();
        for change in changes {
            match &change.apply {
                Apply::Document(apply) => {
                    apply(&mut document);
                    // The order names cohorts by index, which may have changed.
                    document.order.clear();
                }
                other => settings_changes.push(other),
            }
        }
        if settings_changes.is_empty() {
            return report_on(self.evaluation.policies(), &document);
        }
        let key = format!("{settings_changes:?}");
        if !self.loaded.contains_key(&key) {
            let loaded = self.load(&settings_changes);
            self.loaded.insert(key.clone(), loaded);
        }
        report_on(self.loaded.get(&key)?.as_ref()?, &document)
    }

    /// Whether no more trials may be made.
    pub const fn is_over(&self) -> bool {
        self.remaining == 0
    }

    /// Counts a trial; nothing where none may be made any more.
    fn begin_trial(&mut self) -> Option<()> {
        // Rounded, because the count differs by a few from run to run.
        let last = (work() - self.work_before).next_power_of_two();
        self.work_before = work();
        self.work_left = self.work_left.map(|left| left.saturating_sub(last));
        if self.work_left == Some(0) {
            self.remaining = 0;
        }
        self.remaining = self.remaining.checked_sub(1)?;
        self.tried += 1;
        Some(())
    }

    fn load(&self, changes: &[&Apply<'_>]) -> Option<Prepared> {
        let mut settings = Evaluation::settings(&self.evaluation.options, &self.evaluation.config, None).ok()?;
        for change in changes {
            match change {
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
    pub fn search(
        &mut self,
        goal: &str,
        changes: &[Change<'_>],
        is_reached: impl Fn(&Report) -> bool,
    ) -> Counterfactuals {
        let mut counterfactuals = self.search_single(goal, changes, &is_reached);
        if counterfactuals.found.is_empty() {
            let before = self.tried;
            for (i, first) in changes.iter().enumerate() {
                for second in &changes[i + 1..] {
                    counterfactuals.found.extend(self.counterfactual(&[first, second], &is_reached));
                }
            }
            counterfactuals.tried += self.tried - before;
            counterfactuals.complete = self.remaining > 0;
        }
        counterfactuals
    }

    /// All single changes that reach a goal.
    pub fn search_single(
        &mut self,
        goal: &str,
        changes: &[Change<'_>],
        is_reached: &impl Fn(&Report) -> bool,
    ) -> Counterfactuals {
        let before = self.tried;
        let found = changes.iter().filter_map(|change| self.counterfactual(&[change], is_reached)).collect();
        Counterfactuals { goal: goal.to_owned(), tried: self.tried - before, complete: self.remaining > 0, found }
    }

    fn counterfactual(
        &mut self,
        changes: &[&Change<'_>],
        is_reached: &impl Fn(&Report) -> bool,
    ) -> Option<Counterfactual> {
        let report = self.evaluate_changed(changes).filter(is_reached)?;
        let changes = changes.iter().map(|change| change.words.clone()).collect();
        Some(Counterfactual { changes, decision: report.decision })
    }
}

/// How many trials may be made on a document. A trial costs more where there are more tenants and cohorts.
fn max_trials(document: &Document) -> u64 {
    let tenants: u64 = document.cohorts.iter().map(|cohort| cohort.tenants.len() as u64).sum();
    let cost = 1_000 + tenants + 100 * document.cohorts.len() as u64;
    (MAX_COST / cost).clamp(MIN_TRIALS, MAX_TRIALS)
}

fn report_on(policies: &Prepared, document: &Document) -> Option<Report> {
    let outcome = policies.evaluate_trial(document).ok()?;
    Some(report(document, Vec::new(), outcome, policies))
}
