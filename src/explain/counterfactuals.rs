//! The report of a verdict, for a page with the changes that would turn it.

use crate::error::Error;
use crate::evaluation::Judge;
use crate::explain::context::Ground;
use crate::explain::spoke::Spoke;
use crate::explain::times::Times;
use crate::explain::trial::Trials;
use crate::explain::verdict;
use crate::model::document::{Document, InputFile};
use crate::policy::prepared::CohortSummary;
use crate::report::Report;
use crate::report::counterfactual::Turns;
use crate::schema::document::Valid;

/// What policies may do in the search for what would turn a report's verdict, as [`crate::policy::work`] counts it: some
/// seconds. Only policies that are slow themselves come near it.
const MAX_WORK: u64 = 50_000_000;

/// The verdict on a document, and for a page also what would turn it.
///
/// # Errors
/// [`Error::Policy`] where a policy fails.
pub(crate) fn report(judge: &Judge, document: &Valid<'_>, inputs: Vec<InputFile>) -> Result<Report, Error> {
    let (mut report, cohorts) = judge.evaluate(document, inputs)?;
    if judge.draws() {
        report.turns = Some(turns(document, judge, &report, &cohorts));
    }
    Ok(report)
}

/// What would turn the verdict of a report: for a report that shows it beside the verdict, and must not wait for it.
fn turns(document: &Document, judge: &Judge, report: &Report, cohorts: &[CohortSummary]) -> Turns {
    // Neither rules nor times have a part in it.
    let ground =
        Ground { document, report, judge, rules: &[], times: &Times::default(), spoke: &Spoke::default(), cohorts };
    let mut trials = Trials::new(document, judge).within(MAX_WORK);
    verdict::turns(&ground, &mut trials)
}
