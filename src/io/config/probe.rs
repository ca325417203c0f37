//! `[probe]` of the configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// The smallest interval and time limit of a request, in seconds, so that no tenant is flooded with requests.
pub const MIN_SECONDS: f64 = 0.01;

/// Asking tenants for their build (contract section 4.8). Times are in seconds and may be fractions.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// Each tenant is asked at `https://SLUG.DOMAIN/buildinfo`.
    pub domain: Option<String>,
    /// Each tenant is asked at this URL, in which `{slug}` stands for it. It comes before `domain`.
    pub url_template: Option<String>,
    /// Where the commit stands in an answer, as a JSON pointer such as `/data/sha`. Absent: in `git_sha`.
    #[schemars(extend("pattern" = "^(/([^~]|~[01])*)$"))]
    pub commit_pointer: Option<String>,
    /// The header of an answer that holds the commit, such as `x-git-sha`. The body is not looked at then.
    pub commit_header: Option<String>,
    /// How long it takes from one round of asking to the next.
    #[schemars(range(min = 0.01))]
    pub interval_seconds: f64,
    /// From the start of the first round to the start of the last.
    #[schemars(range(min = 0))]
    pub timeout_seconds: f64,
    /// The time limit of one request, from its first byte to the last one of the answer.
    #[schemars(range(min = 0.01))]
    pub request_timeout_seconds: f64,
    /// How many tenants are asked at a time, at most.
    #[schemars(range(min = 1))]
    pub concurrency: usize,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            domain: None,
            url_template: None,
            commit_pointer: None,
            commit_header: None,
            interval_seconds: 20.0,
            timeout_seconds: 240.0,
            request_timeout_seconds: 10.0,
            concurrency: 16,
        }
    }
}
