//! What stands in for `--parquet` in a build without it, which is the gate's own: smaller, and with fewer dependencies.

use std::path::Path;

use crate::audit::table_source::TableSource;
use crate::error::Error;

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
    pub fn write(self, _: &TableSource<'_>) -> Result<(), Error> {
        match self {}
    }
}
