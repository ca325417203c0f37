//! METADATA blocks: what is said about a package or a rule, joined to it by line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::declared::day::Day;
use crate::declared::params::Declaration;
use crate::rego::annotation::{Annotation, annotations};
use crate::rego::engine::module::Outline;
use crate::text::misspelt::spelling_key;

/// What a METADATA block may hold. Keys of OPA's that we have no use for are allowed and not read.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metadata {
    /// A short name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What it says, and when.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What is ours.
    pub custom: Custom,
    /// What it is about, in OPA's words. Of a package, one for `subpackages` may stand beside its own.
    #[serde(skip_serializing)]
    pub scope: Option<String>,
    #[serde(skip_serializing)]
    schemas: Option<serde::de::IgnoredAny>,
    #[serde(skip_serializing)]
    entrypoint: Option<serde::de::IgnoredAny>,
    #[serde(skip_serializing)]
    related_resources: Option<serde::de::IgnoredAny>,
    #[serde(skip_serializing)]
    authors: Option<serde::de::IgnoredAny>,
    #[serde(skip_serializing)]
    organizations: Option<serde::de::IgnoredAny>,
}

impl Metadata {
    /// Whether it is about the packages below.
    pub fn is_of_subpackages(&self) -> bool {
        self.scope.as_deref() == Some("subpackages")
    }
}

/// The part of a METADATA block that is ours. Other keys are the author's own, and not read.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Custom {
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The codes that a rule's findings have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// Whether a waiver may cover them, which only `false` changes; of a package, all of its rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waivable: Option<bool>,
    /// The first day of rollouts on which the package denies; before it, it only reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<Day>,
    /// The parameters that a package reads.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Declaration>,
    /// What evidence must hold for the package to say anything: paths such as `labels.tier` or `rollout.started_at`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// The facts that a package reads.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Fact>,
    /// Whether the package, which reads the previous rollout, can go without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<NeedsPrevious>,
}

/// What a package that reads the previous rollout does without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NeedsPrevious {
    /// It would be silent, so it is not evaluated.
    Required,
    /// What it says holds without it, too.
    Optional,
}

/// The keys of `custom` that are ours.
const KEYS: [&str; 8] = ["remedy", "codes", "waivable", "effective_from", "params", "needs", "facts", "previous"];

/// The key of ours that this one nearly spells: it begins as that one, and has another case or separator, or one letter
/// wrong, or two in a long name.
fn nearly_ours(key: &str) -> Option<&'static str> {
    let (given, first) = (spelling_key(key), |text: &str| text.chars().next());
    KEYS.into_iter().filter(|known| *known != key).find(|known| {
        let known = spelling_key(known);
        let allowed = if known.chars().count() < 8 { 1 } else { 2 };
        first(&known) == first(&given) && strsim::damerau_levenshtein(&known, &given) <= allowed
    })
}

/// A key of `custom` that would be taken for one of ours. Its line is counted from the block's.
fn misspelt(yaml: &str) -> Option<Invalid> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct CustomKeys {
        custom: BTreeMap<String, serde_json::Value>,
    }
    let CustomKeys { custom } = serde_saphyr::from_str(yaml).ok()?;
    let (key, near) = custom.keys().find_map(|key| Some((key, nearly_ours(key)?)))?;
    let is_there = |(_, line): &(u32, &str)| line.trim_start().trim_start_matches(['"', '\'']).starts_with(&**key);
    let (line, text) = (1..).zip(yaml.lines()).find(is_there)?;
    let before = text.len() - text.trim_start().len();
    // The key stands after the `# ` of the comment.
    let column = u32::try_from(before + 3).unwrap_or_default();
    Some(Invalid { line, column, what: format!("custom has no key {key:?}; did you mean {near:?}?") })
}

/// A fact as a policy declares it: what is given beside the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What it holds.
    pub description: String,
}

/// A METADATA block.
#[derive(Debug)]
pub struct Block {
    /// The line of `# METADATA`.
    pub start: u32,
    /// The line of the package or the rule that follows.
    pub line: u32,
    /// What it says.
    pub metadata: Metadata,
}

/// What is wrong with a METADATA block, and where.
#[derive(Debug)]
pub struct Invalid {
    pub line: u32,
    /// The column, 0 where the whole line is meant.
    pub column: u32,
    /// What is wrong.
    pub what: String,
}

/// The METADATA blocks of a file: by the line of the rule or package that follows.
pub type Blocks = BTreeMap<u32, Metadata>;

/// The METADATA blocks of a file, by the line of the rule or package that follows each.
///
/// # Errors
/// In words with the line, where one is not valid.
pub fn blocks(outline: &Outline) -> Result<Blocks, String> {
    let lines = outline.rules.iter().map(|rule| rule.line).chain([outline.package_line]);
    let mut blocks = BTreeMap::new();
    for block in read(&outline.comments()?, lines) {
        let block = block.map_err(|invalid| format!("line {}: METADATA: {}", invalid.line, invalid.what))?;
        // What is said of the packages below is not said of the package itself.
        if !block.metadata.is_of_subpackages() || !blocks.contains_key(&block.line) {
            blocks.insert(block.line, block.metadata);
        }
    }
    Ok(blocks)
}

/// Reads the METADATA blocks among comments. Each belongs to the first of `lines` after it.
pub fn read(comments: &[(u32, String)], lines: impl Iterator<Item = u32>) -> Vec<Result<Block, Invalid>> {
    let mut lines: Vec<u32> = lines.collect();
    lines.sort_unstable();
    annotations(comments).iter().map(|annotation| block(annotation, &lines)).collect()
}

fn block(annotation: &Annotation, lines: &[u32]) -> Result<Block, Invalid> {
    let Annotation { start, end, ref yaml } = *annotation;
    if let Some(invalid) = misspelt(yaml) {
        return Err(Invalid { line: start + invalid.line, ..invalid });
    }
    let metadata = serde_saphyr::from_str(yaml).map_err(|error| {
        let error = error.without_snippet();
        let at = error.location();
        let number = |n: u64| u32::try_from(n).unwrap_or_default();
        let message = error.to_string();
        // The message names the place in the block, and `line` and `column` that in the file.
        let what = message.split(" at line ").next().unwrap_or_default().to_owned();
        Invalid {
            line: at.map_or(start, |at| start.saturating_add(number(at.line()))),
            column: at.map_or(0, |at| number(at.column()).saturating_add(2)),
            what,
        }
    })?;
    let line = lines.iter().copied().find(|line| *line > end);
    let line = line.ok_or_else(|| Invalid { line: start, column: 0, what: "no package or rule follows".into() })?;
    Ok(Block { start, line, metadata })
}
