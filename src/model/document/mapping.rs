//! What a document keeps of the mapping by which another system's evidence was read.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::document::text::Text;
use crate::text::json::escape_pointer;

/// The mapping by which the rows were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsedMapping {
    /// Its name, or its file's.
    pub name: Text,
    /// SHA-256 of its file, 64 hexadecimal digits.
    pub sha256: Text,
    /// What its rows prove.
    pub proof: MappingProof,
    /// The fields of rows that it reads, sorted: what is missing in a row was looked for.
    pub fields: Vec<Text>,
}

/// What the rows of a mapping prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum MappingProof {
    /// Each says in `verified_on_target` whether the tenant was seen on the target.
    Target,
    /// None does: the status is all there is, and a tenant is at most assumed.
    Status,
}

/// Items of an input that stand beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemRun {
    /// JSON pointer to the array or object that they are in, or to the item itself.
    pub at: Text,
    /// How many elements the array has. Absent: it is no array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elements: Option<u32>,
    /// The keys of the object, in order. Absent: it is no object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<Text>>,
}

impl ItemRun {
    /// How many items they are.
    pub fn len(&self) -> usize {
        match (&self.elements, &self.keys) {
            (Some(elements), _) => *elements as usize,
            (None, Some(keys)) => keys.len(),
            (None, None) => 1,
        }
    }
}

/// The JSON pointer of an item by its number; none where there are fewer.
pub fn item_pointer(runs: &[ItemRun], item: usize) -> Option<String> {
    let mut before = 0;
    for run in runs {
        let within = item - before;
        if within < run.len() {
            let key = run.keys.as_ref().and_then(|keys| keys.get(within));
            return Some(match key {
                Some(key) => format!("{}/{}", run.at, escape_pointer(key)),
                None if run.elements.is_some() => format!("{}/{within}", run.at),
                None => run.at.to_string(),
            });
        }
        before += run.len();
    }
    None
}

impl fmt::Display for MappingProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Target => "target",
            Self::Status => "status",
        })
    }
}
