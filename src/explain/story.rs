//! Calls and findings, as an explanation tells them.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Ground;
use crate::collect::{Source, is_journal};
use crate::document::{Call, Field, Purpose, Text};
use crate::drive::{Record, read_journal};
use crate::finding::{Finding, RulePlace, Severity};
use crate::policy::{Alone, RuleText};
use crate::report::Report;

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallStory {
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
    pub attempts: Vec<AttemptStory>,
}

/// An attempt of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AttemptStory {
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
}

/// A finding, with the definitions of rules that can have given it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Said {
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

/// When each attempt was made, by call and attempt.
#[derive(Debug, Default)]
pub struct Times(HashMap<(u32, u16), Text>);

impl Times {
    /// Those that a journal tells of; none where the evidence is something else, or cannot be read a second time.
    pub fn read(source: &Source, max_bytes: u64) -> Self {
        let Source::File(path) = source else { return Self::default() };
        let Ok(input) = Source::Found(path.clone()).read(max_bytes) else { return Self::default() };
        if !is_journal(&input.bytes) {
            return Self::default();
        }
        let records = read_journal(&input.bytes).map(|(records, _)| records).unwrap_or_default();
        let request = |record| match record {
            Record::Request { call, attempt, at, .. } => Some(((call, attempt), at)),
            _ => None,
        };
        Self(records.into_iter().filter_map(request).collect())
    }
}

/// The calls of the document that `wanted` picks.
pub fn calls(ground: &Ground<'_>, wanted: impl Fn(&Call) -> bool) -> Vec<CallStory> {
    let calls = ground.document.calls.iter().enumerate().filter(|(_, call)| wanted(call));
    let story = |(i, call): (usize, &Call)| {
        let attempts = call.attempts.iter().enumerate().map(|(j, attempt)| AttemptStory {
            at: index(i, j).and_then(|key| ground.times.0.get(&key).cloned()),
            status: attempt.status,
            duration_ms: attempt.duration_ms,
            error: attempt.error.clone(),
            malformed: attempt.malformed.clone(),
        });
        CallStory {
            call: i as u64,
            purpose: call.purpose,
            tenants: call.tenants.len() as u64,
            ok: call.ok,
            attempts: attempts.collect(),
        }
    };
    calls.map(story).collect()
}

fn index(call: usize, attempt: usize) -> Option<(u32, u16)> {
    Some((u32::try_from(call).ok()?, u16::try_from(attempt).ok()?))
}

/// Which definitions of rules spoke: by policy, rule, code (none: a bare message) and message, the first where several
/// said the same.
#[derive(Debug, Default)]
pub struct Spoke(HashMap<Words, (usize, RulePlace)>);

type Words = (String, String, Option<String>, String);

impl Spoke {
    /// From what definitions say on their own.
    pub fn new(alone: &[Alone], rules: &[RuleText]) -> Self {
        let mut spoke = HashMap::new();
        for (i, alone) in alone.iter().enumerate() {
            let Some(rule) = rules.iter().find(|rule| rule.file == alone.file && rule.line == alone.line) else {
                continue;
            };
            let place = RulePlace { file: alone.file.clone(), line: alone.line };
            for value in &alone.values {
                let text = |key: &str| value[key].as_str().map(str::to_owned);
                let (code, message) = match value {
                    Value::String(message) => (None, Some(message.clone())),
                    _ => (text("code"), text("message")),
                };
                let Some(message) = message else { continue };
                let words = (rule.package.clone(), rule.rule.clone(), code, message);
                spoke.entry(words).or_insert_with(|| (i, place.clone()));
            }
        }
        Self(spoke)
    }

    fn place(&self, finding: &Finding) -> Option<&RulePlace> {
        let said = [None, Some(finding.code.clone())].map(|code| {
            self.0.get(&(finding.policy.clone(), rule_of(finding).to_owned(), code, finding.message.clone()))
        });
        said.into_iter().flatten().min_by_key(|(i, _)| *i).map(|(_, place)| place)
    }
}

/// A finding with its rule's words.
pub fn said(ground: &Ground<'_>, finding: &Finding) -> Said {
    let mut finding = finding.clone();
    // Where several definitions have the code, the report names the first; here it is the one that said it.
    if let Some(place) = ground.spoke.place(&finding) {
        finding.rule = place.clone();
    }
    let rule = rule_at(ground, &finding.rule.file, finding.rule.line);
    if let Some(rule) = rule {
        finding.title.clone_from(&rule.title);
        finding.remedy.clone_from(&rule.remedy);
    }
    Said {
        finding,
        text: rule.map(|rule| rule.text.clone()),
        description: rule.map_or_else(String::new, |rule| rule.description.clone()),
    }
}

/// The rule that a finding is of: a deny that is only reported is shown as a warning.
fn rule_of(finding: &Finding) -> &'static str {
    if finding.softened.is_some() { Severity::Deny.name() } else { finding.severity.name() }
}

/// Where the definitions of the rules stand that can have given a report's findings.
pub fn places(report: &Report, rules: &[RuleText]) -> Vec<(String, u32)> {
    let gave = |rule: &&RuleText| {
        report.findings.iter().any(|finding| finding.policy == rule.package && rule_of(finding) == rule.rule)
    };
    rules.iter().filter(gave).map(|rule| (rule.file.clone(), rule.line)).collect()
}

/// The definition that begins on a line.
pub fn rule_at<'a>(ground: &Ground<'a>, file: &str, line: u32) -> Option<&'a RuleText> {
    ground.rules.iter().find(|rule| rule.file == file && rule.line == line)
}
