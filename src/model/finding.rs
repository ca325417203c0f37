//! What a policy says: findings and how much each weighs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::document::text::Text;

/// How much a finding weighs. The order is that of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Severity {
    /// The rollout fails.
    Deny,
    /// The evidence cannot decide.
    Inconclusive,
    /// Somebody should look.
    Warn,
    /// Good to know.
    Note,
}

impl Severity {
    /// Every severity, heaviest first.
    pub const ALL: [Self; 4] = [Self::Deny, Self::Inconclusive, Self::Warn, Self::Note];

    /// The name of the rule that says it, and of the severity in every format.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Inconclusive => "inconclusive",
            Self::Warn => "warn",
            Self::Note => "note",
        }
    }
}

/// A finding as a policy's rule gives it: a bare message or an object with these keys and no other.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Element {
    /// A message; the code is the package's and the rule's name.
    Message(String),
    /// A whole finding.
    Finding(Box<Stated>),
}

impl Element {
    /// The tenants that it is about, if there are any.
    pub fn tenants(&self) -> Option<impl Iterator<Item = &Text>> {
        match self {
            Self::Finding(stated) if !stated.tenants.is_empty() => Some(stated.tenants.iter()),
            _ => None,
        }
    }
}

/// What a rule states.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// Its code, such as `coverage.incomplete`.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// The tenants that it is about.
    #[serde(default)]
    pub tenants: Vec<Text>,
    /// What was seen.
    #[serde(default)]
    pub observed: Option<Value>,
    /// What should have been seen.
    #[serde(default)]
    pub expected: Option<Value>,
    /// JSON pointer to the evidence.
    #[serde(default)]
    pub at: Option<String>,
}

/// A finding, with what is known of the rule that gave it. Published in `rollproof.report/v1`: it may grow by optional
/// keys, no more.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// A frozen code, such as `coverage.incomplete`.
    pub code: String,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence for a person. It never holds a raw error text of the control plane.
    pub message: String,
    /// The tenants that it is about, sorted.
    pub tenants: Vec<Text>,
    /// What was seen. May hold sensitive text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<Value>,
    /// What should have been seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// JSON pointer to the evidence: into the document, or, after `INPUT#`, into that input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The package that gave it.
    pub policy: String,
    /// Where its rule stands.
    pub rule: RulePlace,
    /// The rule's title.
    pub title: String,
    /// What the rule says, and when; not published.
    #[serde(skip)]
    #[schemars(skip)]
    pub description: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Who has agreed to live with it: it then decides nothing. Absent: nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
    /// Why this deny is only a warning. Absent: the severity is the rule's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub softened: Option<Softened>,
}

/// A waiver, as a finding that it covers shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Waived {
    /// Why the finding is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it counts.
    pub expires: String,
}

/// Why a policy only reports. Either key is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Softened {
    /// The reason that the configuration gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The first day on which it denies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<String>,
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct RulePlace {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}
