//! What a document's parts say of each other: every count, list and outcome that the others determine. A document that
//! was written by rollproof agrees with itself; one that does not was changed since, and proves nothing.

pub(crate) mod calls;
pub(crate) mod contradiction;
pub(crate) mod parts;

use crate::model::document::Document;
use crate::model::document::consistency::contradiction::Checked;
use crate::model::document::consistency::parts::Whole;

/// Checks a document as a whole.
///
/// # Errors
/// The first contradiction.
pub fn check(document: &Document) -> Checked {
    let whole = Whole::new(document)?;
    whole.provenance()?;
    whole.plan()?;
    whole.times()?;
    whole.fleet()?;
    whole.order()?;
    whole.archive()?;
    let steps = whole.calls()?;
    whole.outcome(&steps)?;
    whole.cohorts()?;
    whole.phases()?;
    whole.gates()?;
    whole.probes()?;
    whole.mapping()?;
    whole.anomalies()
}
