//! Which definition of a rule gave which finding.

use std::collections::HashMap;

use serde_json::Value;

use crate::model::finding::{Finding, RulePlace, Severity};
use crate::policy::source::RuleText;
use crate::rego::engine::probe::RuleOutput;
use crate::report::Report;

/// Which definitions of rules spoke: by policy, rule, code (none: a bare message) and message, the first where several
/// said the same.
#[derive(Debug, Default)]
pub struct Spoke(HashMap<Words, (usize, RulePlace)>);

type Words = (String, String, Option<String>, String);

impl Spoke {
    /// From what definitions say on their own.
    pub fn new(alone: &[RuleOutput], rules: &[RuleText]) -> Self {
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

    pub(crate) fn place(&self, finding: &Finding) -> Option<&RulePlace> {
        let said = [None, Some(finding.code.clone())].map(|code| {
            self.0.get(&(finding.policy.clone(), rule_of(finding).to_owned(), code, finding.message.clone()))
        });
        said.into_iter().flatten().min_by_key(|(i, _)| *i).map(|(_, place)| place)
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
