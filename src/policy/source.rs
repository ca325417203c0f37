//! The policies' own words: each definition of a rule with its text and what its METADATA says of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::declared::metadata;
use crate::rego::engine;
use crate::rego::engine::module::Outline;

/// A definition of a rule, as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleText {
    /// The package.
    pub package: String,
    /// The rule's name.
    pub rule: String,
    /// The file.
    pub file: String,
    /// The line on which it begins, from 1.
    pub line: u32,
    /// The title in its METADATA, else its package's.
    pub title: String,
    /// The description in its METADATA, else its package's.
    pub description: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The codes that its findings may have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// Its own lines.
    pub text: String,
}

/// Every definition of every rule, in the order of files and lines.
///
/// # Errors
/// In words, where METADATA is not valid; it was when the policies were loaded.
pub fn rules(engine: &engine::PreparedEngine) -> Result<Vec<RuleText>, String> {
    let mut rules = Vec::new();
    for (outline, text) in engine.files()? {
        let blocks = metadata::blocks(&outline)?;
        let of_package = blocks.get(&outline.package_line).cloned().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let ends = ends(&outline, lines.len());
        for rule in &outline.rules {
            let of_rule = blocks.get(&rule.line).cloned().unwrap_or_default();
            let end = ends.get(&rule.line).copied().unwrap_or(lines.len());
            rules.push(RuleText {
                package: outline.package.clone(),
                rule: rule.name.clone(),
                file: outline.file.clone(),
                line: rule.line,
                title: first_given(&of_rule.title, &of_package.title),
                description: first_given(&of_rule.description, &of_package.description),
                remedy: of_rule.custom.remedy.or_else(|| of_package.custom.remedy.clone()),
                codes: of_rule.custom.codes,
                text: definition(lines.get(rule.line as usize - 1..end).unwrap_or_default()),
            });
        }
    }
    rules.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Ok(rules)
}

/// A rule's own words, or those of its package where it has none.
fn first_given(own: &str, of_package: &str) -> String {
    if own.is_empty() { of_package.trim().to_owned() } else { own.trim().to_owned() }
}

/// The text of a definition without the blank lines and comments after it, which belong to the next one.
fn definition(lines: &[&str]) -> String {
    let belongs = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let end = lines.iter().rposition(belongs).map_or(0, |last| last + 1);
    lines[..end].join("\n")
}

/// Where each definition ends at the latest: before the next one.
fn ends(outline: &Outline, last: usize) -> BTreeMap<u32, usize> {
    let mut starts: Vec<u32> = outline.rules.iter().map(|rule| rule.line).collect();
    starts.sort_unstable();
    let next = starts.iter().skip(1).map(|next| *next as usize - 1).chain([last]);
    starts.iter().copied().zip(next).collect()
}
