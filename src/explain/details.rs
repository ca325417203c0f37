//! Calls and findings with the details that an explanation shows.

use schemars::JsonSchema;
use serde::Serialize;

use crate::explain::context::ExplainContext;
use crate::model::document::failure::Failure;
use crate::model::document::text::{Field, Text};
use crate::model::document::{Call, Purpose};
use crate::model::finding::Finding;
use crate::policy::source::RuleText;

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallDetails {
    /// Its index in the document's `calls`.
    pub call: u64,
    /// What it was for.
    pub purpose: Purpose,
    /// How many tenants it named.
    pub tenants: u64,
    /// `ok` of the last answer.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub ok: Field<bool>,
    /// Every attempt, in order.
    pub attempts: Vec<AttemptDetails>,
}

/// An attempt of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AttemptDetails {
    /// When it was made, RFC 3339. Absent: only a journal tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Text>,
    /// The HTTP status. Absent: no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds. Absent: it has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What went wrong. May hold sensitive text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Text>,
    /// Why the answer is none that the contract knows. May hold sensitive text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed: Option<Text>,
    /// Why there is no answer, or none that can be used. It holds no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A finding, with the definitions of rules that can have given it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExplainedFinding {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// The text of its rule. Absent: it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What its rule's METADATA says of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// The calls of the document for which `is_shown` holds.
pub fn call_details(context: &ExplainContext<'_>, is_shown: impl Fn(&Call) -> bool) -> Vec<CallDetails> {
    let calls = context.document.calls.iter().enumerate().filter(|(_, call)| is_shown(call));
    let details = |(i, call): (usize, &Call)| {
        let attempts = call.attempts.iter().enumerate().map(|(j, attempt)| AttemptDetails {
            at: attempt_key(i, j).and_then(|key| context.times.0.get(&key).cloned()),
            status: attempt.status,
            duration_ms: attempt.duration_ms,
            error: attempt.error.clone(),
            malformed: attempt.malformed.clone(),
            failure: attempt.failure.clone(),
        });
        CallDetails {
            call: i as u64,
            purpose: call.purpose,
            tenants: call.tenants.len() as u64,
            ok: call.ok,
            attempts: attempts.collect(),
        }
    };
    calls.map(details).collect()
}

fn attempt_key(call: usize, attempt: usize) -> Option<(u32, u16)> {
    Some((u32::try_from(call).ok()?, u16::try_from(attempt).ok()?))
}

/// A finding with the text of its rule.
pub fn finding_details(context: &ExplainContext<'_>, finding: &Finding) -> ExplainedFinding {
    let mut finding = finding.clone();
    // Where several definitions have the code, the report names the first; here it is the one that gave the finding.
    if let Some(place) = context.finding_rules.place(&finding) {
        finding.rule = place.clone();
    }
    let rule = rule_at(context, &finding.rule.file, finding.rule.line);
    if let Some(rule) = rule {
        finding.title.clone_from(&rule.title);
        finding.remedy.clone_from(&rule.remedy);
    }
    ExplainedFinding {
        finding,
        text: rule.map(|rule| rule.text.clone()),
        description: rule.map_or_else(String::new, |rule| rule.description.clone()),
    }
}

/// The definition that begins on a line.
pub fn rule_at<'a>(context: &ExplainContext<'a>, file: &str, line: u32) -> Option<&'a RuleText> {
    context.rules.iter().find(|rule| rule.file == file && rule.line == line)
}
