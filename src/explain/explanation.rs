//! The explanation, as `explain --format json` writes it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::explain::code::Code;
use crate::explain::tenant::Tenant;
use crate::explain::verdict::Verdict;
use crate::model::decision::Decision;
use crate::model::document::InputFile;

/// How a verdict came about. One of `verdict`, `tenant` and `code` is there.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Explanation {
    /// The format's name and version.
    pub format: Format,
    /// What follows from the findings.
    pub decision: Decision,
    /// The verdict in one sentence.
    pub headline: String,
    /// The files that the evidence was read from.
    pub inputs: Vec<InputFile>,
    /// What could not be looked for within the policies' limits, and why. Absent: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The verdict as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// A tenant's part in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    /// What a code means, and why it was said or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// The name and version of the explanation's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub enum Format {
    /// Version 1.
    #[serde(rename = "rollproof.explanation/v1")]
    V1,
}
