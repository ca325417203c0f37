//! The verdict as a whole: what it rests on, what each finding says, and what would turn it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::explain::context::ExplainContext;
use crate::explain::details::{CallDetails, ExplainedFinding};
use crate::explain::trial::Trials;
use crate::explain::{candidates, details};
use crate::model::decision::Decision;
use crate::model::document::text::Text;
use crate::model::document::{FleetSource, Outcome};
use crate::report::Summary;
use crate::report::counterfactual::{Counterfactual, Counterfactuals};
use crate::report::stragglers::Straggler;

/// How the verdict came about.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Verdict {
    /// Who enumerated the fleet.
    pub fleet_source: FleetSource,
    /// How the rollout ended.
    pub outcome: Outcome,
    /// Why it was halted, or what interrupted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Text>,
    /// What was counted.
    pub summary: Summary,
    /// The calls; none where the evidence is an archived response.
    pub calls: Vec<CallDetails>,
    /// The tenants that are not proven.
    pub stragglers: Vec<Straggler>,
    /// What the policies say, heaviest first, each with its rule.
    pub findings: Vec<ExplainedFinding>,
    /// The smallest changes of the evidence, the plan or the parameters that would turn the verdict.
    #[serde(rename = "turns")]
    pub counterfactuals: Counterfactuals,
}

/// Explains the verdict.
pub fn explain(context: &ExplainContext<'_>, trials: &mut Trials<'_>) -> Verdict {
    let rollout = &context.document.rollout;
    let report = context.report;
    Verdict {
        fleet_source: context.document.fleet.source,
        outcome: rollout.outcome,
        because: rollout.halted_because.clone(),
        summary: report.summary.clone(),
        calls: details::call_details(context, |_| true),
        stragglers: report.stragglers.clone(),
        findings: report.findings.iter().map(|finding| details::finding_details(context, finding)).collect(),
        counterfactuals: counterfactuals(context, trials),
    }
}

/// The smallest changes that would turn the verdict.
pub fn counterfactuals(context: &ExplainContext<'_>, trials: &mut Trials<'_>) -> Counterfactuals {
    let passes = context.report.decision == Decision::Pass;
    let changes = if passes { candidates::regressions(context) } else { candidates::fixes(context) };
    let fails = matches!(context.report.decision, Decision::Fail | Decision::Inconclusive);
    // A dry run never passes.
    let is_failed_dry_run = fails && context.document.rollout.dry_run;
    let goal = match (passes, is_failed_dry_run) {
        (true, _) => "it would not pass any more",
        (false, false) => "it would pass",
        (false, true) => "it would not fail",
    };
    trials.search(goal, &changes, |report| match report.decision {
        Decision::Pass => !passes,
        Decision::NotAsserted => passes || is_failed_dry_run,
        Decision::Fail | Decision::Inconclusive => passes,
    })
}

impl Counterfactual {
    /// Its changes in one sentence.
    pub fn sentence(&self) -> String {
        self.changes.join(", and ")
    }
}
