//! METADATA blocks: what is said about a package or a rule, joined to it by line.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::engine::Outline;
use super::params::Declaration;
use crate::waivers::Day;

/// What a METADATA block may hold. Keys of OPA's that we have no use for are allowed and not read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metadata {
    /// A short name.
    pub title: String,
    /// What it says, and when.
    pub description: String,
    /// What is ours.
    pub custom: Custom,
    scope: Option<serde::de::IgnoredAny>,
    schemas: Option<serde::de::IgnoredAny>,
    entrypoint: Option<serde::de::IgnoredAny>,
    related_resources: Option<serde::de::IgnoredAny>,
    authors: Option<serde::de::IgnoredAny>,
    organizations: Option<serde::de::IgnoredAny>,
}

/// The part of a METADATA block that is ours.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Custom {
    /// What to do about it.
    pub remedy: Option<String>,
    /// The codes that a rule's findings have.
    pub codes: Vec<String>,
    /// Whether a waiver may cover them, which only `false` changes; of a package, all of its rules.
    pub waivable: Option<bool>,
    /// The first day of rollouts on which the package denies; before it, it only reports.
    pub effective_from: Option<Day>,
    /// The parameters that a package reads.
    pub params: BTreeMap<String, Declaration>,
}

/// The METADATA blocks of a file, by the line of the rule or package behind each.
///
/// # Errors
/// In words with the line, where one is not valid.
pub fn blocks(outline: &Outline) -> Result<BTreeMap<u32, Metadata>, String> {
    let mut lines: Vec<u32> = outline.rules.iter().map(|rule| rule.line).collect();
    lines.push(outline.package_line);
    lines.sort_unstable();

    let mut blocks = BTreeMap::new();
    let mut comments = outline.comments.iter().peekable();
    while let Some((start, comment)) = comments.next() {
        if comment.trim() != "METADATA" {
            continue;
        }
        let (mut end, mut yaml) = (*start, String::new());
        while let Some((line, comment)) = comments.next_if(|(line, _)| *line == end + 1) {
            yaml.push_str(comment.strip_prefix(' ').unwrap_or(comment));
            yaml.push('\n');
            end = *line;
        }
        let metadata = serde_saphyr::from_str(&yaml).map_err(|error| format!("line {start}: METADATA: {error}"))?;
        let Some(line) = lines.iter().find(|line| **line > end) else {
            return Err(format!("line {start}: METADATA that no package or rule follows"));
        };
        blocks.insert(*line, metadata);
    }
    Ok(blocks)
}
