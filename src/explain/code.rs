//! A code: the rules that may say it, the values with which they held, and a document that is as small as can be found
//! on which it is said.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::explain::change::{Apply, Change, blocks};
use crate::explain::context::ExplainContext;
use crate::explain::details::ExplainedFinding;
use crate::explain::shrink::{make_consistent, shrink};
use crate::explain::trial::Trials;
use crate::explain::{candidates, details};
use crate::model::document::Document;
use crate::model::document::consistency::check;
use crate::model::document::text::Map;
use crate::model::finding::Severity;
use crate::policy::source::RuleText;
use crate::report::Report;
use crate::report::counterfactual::{Counterfactual, Counterfactuals};

/// Documents on which codes of the bundled policies are said, as small as could be found, by code.
const EXAMPLES: &str = include_str!("minimal.json");

/// For how many of the times that a rule held the values are shown.
const MAX_HELD: usize = 5;

/// How many elements of a list, and entries of an object, of a value are shown.
const MAX_SHOWN: usize = 8;

/// What a code means, and why it was said or not.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[allow(clippy::struct_field_names, reason = "the keys of a published format")]
pub struct Code {
    /// The code.
    pub code: String,
    /// The definitions of rules that may say it.
    pub rules: Vec<RuleText>,
    /// What was said.
    pub findings: Vec<ExplainedFinding>,
    /// The values with which these definitions, and those that they took it from, held.
    pub held: Vec<Place>,
    /// What would make somebody say it, where nobody does; else what would take it away. Absent: it is said, and stands
    /// against no pass.
    #[serde(rename = "turns", skip_serializing_if = "Option::is_none")]
    pub counterfactuals: Option<Counterfactuals>,
    /// A small document on which it is said. Absent: none was found, near this evidence or among the examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimal: Option<Minimal>,
}

/// The values with which a definition held.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Place {
    /// The rule's name.
    pub rule: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// How often its body held.
    pub times: u64,
    /// Variable to value, for the first of these times; long values are shortened. May hold sensitive text.
    pub values: Vec<Value>,
}

/// A small document on which a code is said: of the evidence, or made up.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Minimal {
    /// What was changed of the evidence before it was shrunk; none where the code is said of it as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Whether it is made up, and not of this evidence, no change of which makes anybody say the code. Absent: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made_up: bool,
    /// The document; `rollproof verify` takes it.
    pub document: Value,
}

/// Every code that a policy declares or has said.
pub fn names(context: &ExplainContext<'_>) -> BTreeSet<String> {
    let declared = context.rules.iter().flat_map(|rule| rule.codes.iter().cloned().chain(default_code(rule)));
    declared.chain(context.report.findings.iter().map(|finding| finding.code.clone())).collect()
}

/// The code of a rule's messages that have none.
fn default_code(rule: &RuleText) -> Option<String> {
    let gives_findings = rule.rule == "halt" || Severity::ALL.iter().any(|severity| severity.name() == rule.rule);
    (gives_findings && rule.codes.is_empty()).then(|| format!("{}.{}", rule.package, rule.rule))
}

/// Explains a code. Gives also what was left out of the explanation, and why.
pub fn explain(context: &ExplainContext<'_>, trials: &mut Trials<'_>, code: &str) -> (Code, Option<String>) {
    let findings: Vec<ExplainedFinding> = context
        .report
        .findings
        .iter()
        .filter(|finding| finding.code == code)
        .map(|finding| details::finding_details(context, finding))
        .collect();
    let gave_finding = |rule: &RuleText| {
        findings
            .iter()
            .any(|explained| explained.finding.rule.file == rule.file && explained.finding.rule.line == rule.line)
    };
    let may_give_code = |rule: &&RuleText| {
        rule.codes.iter().any(|known| known == code)
            || default_code(rule).is_some_and(|known| known == code)
            || gave_finding(rule)
    };
    let rules: Vec<RuleText> = context.rules.iter().filter(may_give_code).cloned().collect();
    let places: Vec<(String, u32)> = rules.iter().map(|rule| (rule.file.clone(), rule.line)).collect();
    let (held, left_out) = match context.evaluation.policies().held(&places, context.document) {
        Ok(held) => (held, None),
        Err(error) => (Vec::new(), Some(format!("with which values its rules held: {error}"))),
    };
    let held = held.into_iter().filter(|held| !held.values.is_empty()).map(|held| Place {
        rule: held.rule,
        file: held.file,
        line: held.line,
        times: held.values.len() as u64,
        values: held.values.into_iter().take(MAX_HELD).map(|value| shortened(value, 0)).collect(),
    });
    let held = held.collect();
    let is_said = |report: &Report| report.findings.iter().any(|finding| finding.code == code);
    let (counterfactuals, start) = if findings.is_empty() {
        let mut changes = candidates::regressions(context);
        changes.extend(candidates::fixes(context));
        let (counterfactuals, start) = changes_that_give(trials, &changes, code, &is_said);
        (Some(counterfactuals), start)
    } else {
        (changes_that_lift(context, trials, code), Some((Vec::new(), context.document.clone())))
    };
    trials.renew();
    let example = if start.is_none() { example(trials, code, &is_said) } else { None };
    let mut minimal = |changes, document, made_up| {
        trials.renew();
        let document = shrink(trials, document, &is_said);
        Minimal { changes, made_up, document: serde_json::to_value(&document).unwrap_or_default() }
    };
    let minimal = match (start, example) {
        (Some((changes, document)), _) => Some(minimal(changes, document, false)),
        (None, Some(document)) => Some(minimal(Vec::new(), document, true)),
        (None, None) => None,
    };
    (Code { code: code.to_owned(), rules, findings, held, counterfactuals, minimal }, left_out)
}

/// An example on which a code is said: the code's own, if it has one, else the first.
fn example(trials: &mut Trials<'_>, code: &str, is_said: &impl Fn(&Report) -> bool) -> Option<Document> {
    let mut examples: BTreeMap<String, Document> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let of_code = examples.remove(code);
    of_code
        .into_iter()
        .chain(examples.into_values())
        .find(|document| check(document).is_ok() && trials.evaluate(document).is_some_and(|report| is_said(&report)))
}

/// The single changes with which a code would not stand against a pass; none where it does not.
fn changes_that_lift(context: &ExplainContext<'_>, trials: &mut Trials<'_>, code: &str) -> Option<Counterfactuals> {
    let stands = |report: &Report| report.findings.iter().any(|finding| finding.code == code && blocks(finding));
    if !stands(context.report) {
        return None;
    }
    let goal = format!("{code} would not stand against a pass");
    Some(trials.search_single(&goal, &candidates::fixes(context), &|report| !stands(report)))
}

/// The single changes with which a code is said, and the document of the first that is one of the evidence.
fn changes_that_give(
    trials: &mut Trials<'_>,
    changes: &[Change<'_>],
    code: &str,
    is_said: &impl Fn(&Report) -> bool,
) -> (Counterfactuals, Option<(Vec<String>, Document)>) {
    let goal = format!("{code} would be said");
    let counterfactuals = trials.search_single(&goal, changes, is_said);
    let first = |counterfactual: &Counterfactual| {
        let change =
            changes.iter().find(|change| [&change.words] == *counterfactual.changes.iter().collect::<Vec<_>>())?;
        let Apply::Document(apply) = &change.apply else { return None };
        let mut document = trials.document().clone();
        apply(&mut document);
        document.order.clear();
        document.phases = Map::default();
        make_consistent(&mut document);
        check(&document).is_ok().then(|| (counterfactual.changes.clone(), document))
    };
    let start = counterfactuals.found.iter().find_map(first);
    (counterfactuals, start)
}

/// A value in which long lists and large objects are cut off.
fn shortened(value: Value, depth: usize) -> Value {
    match value {
        Value::Array(list) => {
            let more = list.len().saturating_sub(MAX_SHOWN);
            let mut shown: Vec<Value> =
                list.into_iter().take(MAX_SHOWN).map(|value| shortened(value, depth + 1)).collect();
            if more > 0 {
                shown.push(format!("and {more} more").into());
            }
            shown.into()
        }
        Value::Object(object) => {
            let more = object.len().saturating_sub(MAX_SHOWN);
            // The variables themselves are all shown.
            let count = if depth == 0 || more == 0 { object.len() } else { MAX_SHOWN };
            let entries = object.into_iter().take(count).map(|(key, value)| (key, shortened(value, depth + 1)));
            entries.collect::<serde_json::Map<_, _>>().into()
        }
        other => other,
    }
}
