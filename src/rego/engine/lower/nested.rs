//! Rules with several keys: each definition adds elements to a set, and one rule more joins them.

use std::collections::BTreeSet;

use crate::rego::engine::generated::{NESTED, OURS};

/// A rule with several keys, whose elements are joined.
#[derive(Debug)]
pub struct Nested {
    /// Whether sets lie below its keys.
    pub sets: bool,
    /// With which keys its definitions begin.
    pub keys: BTreeSet<Constants>,
}

/// The keys that a definition begins with and that are constants: they are there though nothing lies below them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Constants {
    pub keys: Vec<String>,
    /// Whether a key that is no constant follows.
    pub has_others: bool,
    /// Whether a set lies below them.
    pub of_sets: bool,
}

impl Nested {
    /// The rule that joins the elements.
    pub fn rule(&self, name: &str) -> String {
        let kind = if self.sets { "sets" } else { "values" };
        // Where a definition has a key that is no constant, keys of others are there only if something lies below.
        let is_covered = |of: &&Constants| {
            self.keys
                .iter()
                .any(|other| other.has_others && other.keys.len() < of.keys.len() && of.keys.starts_with(&other.keys))
        };
        let keys = self.keys.iter().filter(|keys| !keys.keys.is_empty() && !is_covered(keys));
        let keys: Vec<String> = keys.map(|keys| format!("[[{}], {}]", keys.keys.join(", "), keys.of_sets)).collect();
        format!("{name} := {OURS}nest_{kind}({NESTED}{name}, [{}])\n", keys.join(", "))
    }
}
