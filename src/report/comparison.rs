//! What has changed since an earlier report, as a report has it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::decision::Decision;

/// What has changed since an earlier report.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The file of the earlier report.
    pub report: String,
    /// The SHA-256 of that file.
    pub sha256: String,
    /// What followed then.
    pub decision: Decision,
    /// What the verdict follows from that is not what it was: `evidence`, a part of `basis`, `engine` or `tool`.
    pub changed: Vec<String>,
    /// What of these the earlier report does not say enough about.
    pub unknown: Vec<String>,
    /// The policies that are not what they were.
    pub policies: Vec<PolicyChange>,
    /// The parameters that are not what they were.
    pub params: Vec<ParamChange>,
    /// Findings that are new, each with the tenants that are.
    pub came: Vec<ChangedFinding>,
    /// Findings that are gone, each with the tenants that are.
    pub went: Vec<ChangedFinding>,
}

/// A policy that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PolicyChange {
    /// Its package.
    pub package: String,
    /// What became of it.
    pub change: Change,
}

/// What became of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Change {
    /// It was not there.
    Added,
    /// It is no longer there.
    Removed,
    /// Its text is another.
    Changed,
}

impl Change {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// A parameter that is not what it was.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ParamChange {
    /// Its name.
    pub name: String,
    /// What it was. Absent: it had no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
    /// What it is. Absent: it has no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Value>,
}

/// A finding that came or went, as far as it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangedFinding {
    /// Its code.
    pub code: String,
    /// How much it weighs.
    pub severity: String,
    /// Whether it is waived. Absent: it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waived: bool,
    /// The tenants that came or went with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Its messages, where it names no tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
}
