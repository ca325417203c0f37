//! A rollout plan (contract section 2), older ones too.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::response::Anomalies;
use super::scan::{Refused, Unknown};
use crate::document::{Anomaly, Map as Fields, Outcome, Rollout, Text};
use crate::schema::escape_pointer;

/// What older plans, which lack it, mean by `rollout_http_timeout`.
const DEFAULT_TIMEOUT_SECONDS: u64 = 600;

/// A rollout plan. It may hold fields that are not described here.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("if" = {"properties": {"enabled": {"const": true}}}, "then" = {"required": ["body"]}))]
pub struct Plan {
    /// Whether there is anything to roll out. A disabled plan has no body.
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
    rollout_http_timeout: Option<u64>,
    /// Why the plan is disabled.
    disabled_reason: Option<Text>,
    /// What is sent to the control plane.
    body: Option<Body>,
    #[serde(flatten)]
    #[schemars(skip)]
    unknown: Fields<Unknown<1>>,
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
    unknown: Fields<Unknown<2>>,
}

/// What a plan says.
#[derive(Debug, Clone)]
pub struct PlanFile {
    /// Whether there is anything to roll out.
    pub enabled: bool,
    /// Why not.
    pub disabled_reason: Text,
    /// The rollout that it describes.
    pub rollout: Rollout,
    /// What is sent to the control plane.
    pub body: Map<String, Value>,
    /// The time limit of each attempt of a call that names tenants, in seconds.
    pub timeout_seconds: u64,
    /// What is strange about the plan.
    pub anomalies: Vec<Anomaly>,
}

/// Reads a plan.
///
/// # Errors
/// [`Refused`] where it is none; `schema::explain` says why.
pub fn read(bytes: &[u8], input: &Text) -> Result<PlanFile, Refused> {
    let plan: Plan = serde_json::from_slice(bytes).map_err(|_| Refused)?;
    let mut anomalies = Anomalies::new(input);
    for field in plan.unknown.keys() {
        anomalies.unknown(format!("/{}", escape_pointer(field)), field);
    }
    let mut rollout = Rollout { control_plane: plan.cp_url, target_sha: plan.sha, ..unknown_rollout() };
    match &plan.body {
        Some(body) if body.target_tag.trim().is_empty() || body.batch_size == Some(0) => return Err(Refused),
        None if plan.enabled => return Err(Refused),
        None => {}
        Some(body) => {
            for field in body.unknown.keys() {
                anomalies.unknown(format!("/body/{}", escape_pointer(field)), field);
            }
            rollout = Rollout {
                target_tag: Some(trimmed(&body.target_tag)),
                dry_run: body.dry_run.unwrap_or_default(),
                canary: body.canary_slug.as_ref().map(trimmed).filter(|slug| !slug.is_empty()),
                batch_size: body.batch_size,
                soak_seconds: body.soak_seconds,
                max_stragglers: body.max_stragglers.unwrap_or_default(),
                ..rollout
            };
        }
    }
    // What is sent is what stands there, fields of a newer control plane included.
    let raw: Value = serde_json::from_slice(bytes).map_err(|_| Refused)?;
    Ok(PlanFile {
        enabled: plan.enabled,
        disabled_reason: plan.disabled_reason.unwrap_or_else(|| Text::from("the plan gives no reason")),
        rollout,
        body: raw["body"].as_object().cloned().unwrap_or_default(),
        timeout_seconds: plan.rollout_http_timeout.unwrap_or(DEFAULT_TIMEOUT_SECONDS),
        anomalies: anomalies.finish(),
    })
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
        time_scale: None,
    }
}

fn trimmed(text: &Text) -> Text {
    Text::from(text.trim())
}
