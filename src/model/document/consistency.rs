//! What a document's parts say of each other: every count, list and outcome that the others determine. A document that
//! was written by rollproof agrees with itself; one that does not was changed since, and proves nothing.

pub(crate) mod calls;
pub(crate) mod contradiction;
pub(crate) mod parts;

use crate::model::document::Document;
use crate::model::document::consistency::contradiction::CheckResult;
use crate::model::document::consistency::parts::DocumentCheck;

/// Checks a document as a check.
///
/// # Errors
/// The first contradiction.
pub fn check(document: &Document) -> CheckResult {
    let check = DocumentCheck::new(document)?;
    check.provenance()?;
    check.plan()?;
    check.times()?;
    check.fleet()?;
    check.order()?;
    check.archive()?;
    let steps = check.calls()?;
    check.outcome(&steps)?;
    check.cohorts()?;
    check.phases()?;
    check.gates()?;
    check.probes()?;
    check.mapping()?;
    check.anomalies()
}
