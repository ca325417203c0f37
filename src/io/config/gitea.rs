//! `[gitea]` of `rollproof.toml`.

use schemars::JsonSchema;
use serde::Deserialize;

/// Questions to the Gitea. Times are in seconds and may be fractions.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GiteaConfig {
    /// The time limit of a request, in seconds.
    #[schemars(range(min = 0))]
    pub timeout_seconds: f64,
    /// How long to wait before each further attempt, in seconds; there are as many attempts more as delays.
    #[schemars(inner(range(min = 0)))]
    pub retry_delays_seconds: Vec<f64>,
}

impl Default for GiteaConfig {
    fn default() -> Self {
        Self { timeout_seconds: 20.0, retry_delays_seconds: vec![1.0, 1.0] }
    }
}
