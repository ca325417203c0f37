//! A rollout plan (contract section 2), older ones too.

use schemars::JsonSchema;
use serde::Deserialize;

use super::response::Anomalies;
use super::scan::{Refused, Unknown};
use crate::document::{Anomaly, Map, Outcome, Rollout, Text};
use crate::schema::escape_pointer;

/// A rollout plan. It may hold fields that are not described here.
#[derive(Deserialize, JsonSchema)]
pub struct Plan {
    /// Whether there is anything to roll out. A disabled plan describes no rollout that could be verified.
    #[schemars(extend("const" = true))]
    enabled: bool,
    /// The commit.
    sha: Option<Text>,
    /// Its first 7 digits.
    #[allow(dead_code, reason = "described, so that it is no unknown field")]
    short_sha: Option<Text>,
    /// The target tag; the same as in the body.
    #[allow(dead_code, reason = "described, so that it is no unknown field")]
    target_tag: Option<Text>,
    /// The control plane's URL.
    cp_url: Option<Text>,
    /// The time limit of each attempt, in seconds. Older plans lack it.
    #[allow(dead_code, reason = "described, so that it is no unknown field")]
    rollout_http_timeout: Option<u64>,
    /// Why the plan is disabled.
    #[allow(dead_code, reason = "described, so that it is no unknown field")]
    disabled_reason: Option<Text>,
    /// What is sent to the control plane.
    body: Body,
    #[serde(flatten)]
    #[schemars(skip)]
    unknown: Map<Unknown<1>>,
}

/// What is sent to the control plane.
#[derive(Deserialize, JsonSchema)]
struct Body {
    /// The image tag to roll out.
    #[schemars(extend("pattern" = r"\S", "description" = "a tag that is not blank"))]
    target_tag: Text,
    /// The tenant that goes first. Absent or blank: none.
    canary_slug: Option<Text>,
    /// How long the canary soaks, in seconds.
    soak_seconds: Option<u64>,
    /// How many tenants a call names.
    #[schemars(range(min = 1))]
    batch_size: Option<u64>,
    /// How many stragglers are tolerated. Older plans lack it, which is 0.
    max_stragglers: Option<u64>,
    /// Whether to change nothing.
    dry_run: Option<bool>,
    /// Whether it is meant.
    #[allow(dead_code, reason = "described, so that it is no unknown field")]
    confirm: Option<bool>,
    #[serde(flatten)]
    #[schemars(skip)]
    unknown: Map<Unknown<2>>,
}

/// Reads a plan.
///
/// # Errors
/// [`Refused`] where it is none, or disabled; `schema::explain` says why.
pub fn read(bytes: &[u8], input: &Text) -> Result<(Rollout, Vec<Anomaly>), Refused> {
    let plan: Plan = serde_json::from_slice(bytes).map_err(|_| Refused)?;
    let body = plan.body;
    if !plan.enabled || body.target_tag.trim().is_empty() || body.batch_size == Some(0) {
        return Err(Refused);
    }
    let mut anomalies = Anomalies::new(input);
    for field in plan.unknown.keys() {
        anomalies.unknown(format!("/{}", escape_pointer(field)), field);
    }
    for field in body.unknown.keys() {
        anomalies.unknown(format!("/body/{}", escape_pointer(field)), field);
    }
    let rollout = Rollout {
        target_tag: Some(trimmed(&body.target_tag)),
        target_sha: plan.sha,
        dry_run: body.dry_run.unwrap_or_default(),
        canary: body.canary_slug.map(|slug| trimmed(&slug)).filter(|slug| !slug.is_empty()),
        batch_size: body.batch_size,
        soak_seconds: body.soak_seconds,
        max_stragglers: body.max_stragglers.unwrap_or_default(),
        control_plane: plan.cp_url,
        started_at: None,
        finished_at: None,
        outcome: Outcome::Unknown,
        halted_because: None,
    };
    Ok((rollout, anomalies.finish()))
}

/// What is known of a rollout without a plan.
pub const fn unknown_rollout() -> Rollout {
    Rollout {
        target_tag: None,
        target_sha: None,
        dry_run: false,
        canary: None,
        batch_size: None,
        soak_seconds: None,
        max_stragglers: 0,
        control_plane: None,
        started_at: None,
        finished_at: None,
        outcome: Outcome::Unknown,
        halted_because: None,
    }
}

fn trimmed(text: &Text) -> Text {
    Text::from(text.trim())
}
