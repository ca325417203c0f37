//! What would change a verdict: the type alone, which `explain` fills.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::decision::Decision;

/// What was tried to turn a verdict, and what did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counterfactuals {
    /// What was to be reached.
    pub goal: String,
    /// How many changes, and pairs of changes, were tried.
    pub tried: u64,
    /// Whether all that are known were tried.
    pub complete: bool,
    /// The smallest that reach it: single changes, else pairs.
    pub found: Vec<Counterfactual>,
}

/// Changes that together reach a goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counterfactual {
    /// The changes, each as a condition in words. They never hold a raw error text.
    pub changes: Vec<String>,
    /// The verdict that would follow.
    pub decision: Decision,
}
