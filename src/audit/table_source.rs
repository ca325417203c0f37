//! What the tables of an audit are made of.

use crate::audit::archive::Archive;
use crate::audit::verdict::{ArchiveEvaluator, EvaluatedRollout};
use crate::model::audit::Tenant;
use crate::model::document::text::Text;

/// An audit, for as long as its tables are written.
#[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "only a build with Parquet looks at it"))]
pub struct TableSource<'a> {
    /// Reads an archive once more.
    pub evaluator: &'a ArchiveEvaluator<'a>,
    /// The archives.
    pub archives: &'a [Archive],
    /// Every rollout that is listed and has a time, in the order of time.
    pub evaluated: &'a [EvaluatedRollout],
    /// The tenants, by number.
    pub names: &'a [Text],
    /// Those that are asked for, by control plane and name.
    pub tenants: &'a [Tenant],
}
