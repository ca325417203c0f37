//! An earlier report, read for a comparison. A newer version may have written it: keys that are not known are ignored.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::diagnostic::fault::without_bom;
use crate::error::Error;
use crate::io::input::Source;
use crate::model::decision::Decision;
use crate::policy::basis::Basis;

/// What a report has to be for a comparison.
const REPORT_HELP: &str =
    "it compares with what --format json, --format jsonl or --report json=FILE of verify or run wrote";

/// The format that is read.
const FORMAT: &str = "rollproof.report/v1";

/// An earlier report.
#[derive(Debug, Deserialize)]
pub struct Earlier {
    /// Its file.
    #[serde(skip)]
    pub name: String,
    /// The SHA-256 of its file.
    #[serde(skip)]
    pub sha256: String,
    /// What followed.
    pub decision: Decision,
    /// What the policies said.
    pub findings: Vec<EarlierFinding>,
    /// The policies.
    pub policies: Vec<EarlierPolicy>,
    /// The values of parameters.
    pub params: Vec<EarlierParam>,
    /// What the verdict followed from. Absent: the report is from before there were digests.
    pub basis: Option<Basis>,
}

/// A finding of an earlier report.
#[derive(Debug, Deserialize)]
pub struct EarlierFinding {
    /// Its code.
    pub code: String,
    /// How much it weighed.
    pub severity: String,
    /// By what it was waived, if it was.
    pub waived: Option<Value>,
    /// What it said.
    pub message: String,
    /// Whom it named.
    #[serde(default)]
    pub tenants: Vec<String>,
}

/// A policy of an earlier report.
#[derive(Debug, Deserialize)]
pub struct EarlierPolicy {
    /// Its package.
    pub package: String,
    /// The SHA-256 of its text.
    pub sha256: Option<String>,
}

/// A parameter of an earlier report.
#[derive(Debug, Deserialize)]
pub struct EarlierParam {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Option<Value>,
}

impl Earlier {
    /// Reads a report that an option names.
    ///
    /// # Errors
    /// [`Error::Usage`] where the file is none.
    pub fn read(option: &str, path: &Path, max_bytes: u64) -> Result<Self, Error> {
        let wrong = |problem: String| Error::usage(format!("{option} {}: {problem}", path.display()), REPORT_HELP);
        let input = Source::new(path.to_owned()).read(max_bytes).map_err(|error| wrong(error.to_string()))?;
        let value: Value = serde_json::from_slice(without_bom(&input.bytes))
            .map_err(|error| wrong(format!("it is no JSON: {error}")))?;
        match value["format"].as_str() {
            Some(FORMAT) => {}
            Some("rollproof.error/v1") => return Err(wrong("it says that there was no verdict".into())),
            Some(other) => {
                return Err(wrong(format!("found the format {other:?}, but only {FORMAT:?} is compared with")));
            }
            None => return Err(wrong("found no report, which has a key \"format\"".into())),
        }
        let read: Self = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { name: input.name.to_string(), sha256: input.sha256(), ..read })
    }
}
