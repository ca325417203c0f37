//! The report of a verdict; for a page, with the changes that would turn it.

use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::explain::context::ExplainContext;
use crate::explain::finding_rules::FindingRules;
use crate::explain::times::Times;
use crate::explain::trial::Trials;
use crate::explain::verdict;
use crate::model::document::{Document, InputFile};
use crate::policy::prepared::CohortSummary;
use crate::report::Report;
use crate::report::counterfactual::Counterfactuals;
use crate::schema::document::Valid;

/// The work of policies that may be spent on the changes of a report, as [`crate::rego::guard::work`] counts it: some seconds.
/// Only policies that are slow themselves come near it.
const MAX_WORK: u64 = 50_000_000;

/// The report on a document; for a page also with what would turn the verdict.
///
/// # Errors
/// [`Error::Policy`] where a policy fails.
pub(crate) fn report(evaluation: &Evaluation, document: &Valid<'_>, inputs: Vec<InputFile>) -> Result<Report, Error> {
    let (mut report, cohorts) = evaluation.evaluate(document, inputs)?;
    if evaluation.renders_page() {
        report.counterfactuals = Some(counterfactuals(document, evaluation, &report, &cohorts));
    }
    Ok(report)
}

/// What would turn the verdict of a report, as far as the limit of work allows: the report must not wait long for it.
fn counterfactuals(
    document: &Document,
    evaluation: &Evaluation,
    report: &Report,
    cohorts: &[CohortSummary],
) -> Counterfactuals {
    // Neither rules nor times are needed for it.
    let context = ExplainContext {
        document,
        report,
        evaluation,
        rules: &[],
        times: &Times::default(),
        finding_rules: &FindingRules::default(),
        cohorts,
    };
    let mut trials = Trials::new(document, evaluation).with_max_work(MAX_WORK);
    verdict::counterfactuals(&context, &mut trials)
}
