//! Matches each finding with the definition of a rule that gave it.

use std::collections::HashMap;

use serde_json::Value;

use crate::model::finding::{Finding, RulePlace, Severity};
use crate::policy::source::RuleText;
use crate::rego::engine::probe::RuleOutput;
use crate::report::Report;

/// The definitions that gave findings, by policy, rule, code (none: a bare message) and message. Where several gave the
/// same finding, the first.
#[derive(Debug, Default)]
pub struct FindingRules(HashMap<FindingKey, (usize, RulePlace)>);

type FindingKey = (String, String, Option<String>, String);

impl FindingRules {
    /// Matches findings with what each definition gives on its own.
    pub fn new(outputs: &[RuleOutput], rules: &[RuleText]) -> Self {
        let mut rules_by_key = HashMap::new();
        for (i, output) in outputs.iter().enumerate() {
            let Some(rule) = rules.iter().find(|rule| rule.file == output.file && rule.line == output.line) else {
                continue;
            };
            let place = RulePlace { file: output.file.clone(), line: output.line };
            for value in &output.values {
                let text = |key: &str| value[key].as_str().map(str::to_owned);
                let (code, message) = match value {
                    Value::String(message) => (None, Some(message.clone())),
                    _ => (text("code"), text("message")),
                };
                let Some(message) = message else { continue };
                let key = (rule.package.clone(), rule.rule.clone(), code, message);
                rules_by_key.entry(key).or_insert_with(|| (i, place.clone()));
            }
        }
        Self(rules_by_key)
    }

    pub(crate) fn place(&self, finding: &Finding) -> Option<&RulePlace> {
        let found = [None, Some(finding.code.clone())].map(|code| {
            self.0.get(&(finding.policy.clone(), rule_of(finding).to_owned(), code, finding.message.clone()))
        });
        found.into_iter().flatten().min_by_key(|(i, _)| *i).map(|(_, place)| place)
    }
}

/// The name of a finding's rule: a deny that is only reported is shown as a warning.
fn rule_of(finding: &Finding) -> &'static str {
    if finding.softened.is_some() { Severity::Deny.name() } else { finding.severity.name() }
}

/// The definitions that can have given a report's findings, by file and line.
pub fn rule_places(report: &Report, rules: &[RuleText]) -> Vec<(String, u32)> {
    let may_have_given = |rule: &&RuleText| {
        report.findings.iter().any(|finding| finding.policy == rule.package && rule_of(finding) == rule.rule)
    };
    rules.iter().filter(may_have_given).map(|rule| (rule.file.clone(), rule.line)).collect()
}
