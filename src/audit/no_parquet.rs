//! What stands in for `--parquet` in a build without it, which is the gate's own: smaller, and with fewer dependencies.

use std::path::Path;

use crate::audit::archive::Archive;
use crate::audit::verdict::{ArchiveEvaluator, EvaluatedRollout};
use crate::error::Error;
use crate::model::audit::Tenant;
use crate::model::document::text::Text;

/// What an audit is made of.
#[expect(dead_code, reason = "only a build with Parquet looks at it")]
pub struct Found<'a> {
    /// With what archives are read.
    pub evaluator: &'a ArchiveEvaluator<'a>,
    pub archives: &'a [Archive],
    pub judged: &'a [EvaluatedRollout],
    /// The tenants, by number.
    pub names: &'a [Text],
    /// Those that are asked for.
    pub tenants: &'a [Tenant],
}

/// There are none in this build.
pub enum Tables {}

impl Tables {
    /// Tells which build has it, before anything is read.
    ///
    /// # Errors
    /// [`Error::Usage`] always.
    pub fn new(_: &Path) -> Result<Self, Error> {
        Err(Error::usage(
            "--parquet: this rollproof was built without Parquet",
            "build it with `cargo install --path . --locked --profile dist --features parquet`",
        ))
    }

    /// Never happens.
    pub fn write(self, _: &Found<'_>) -> Result<(), Error> {
        match self {}
    }
}
