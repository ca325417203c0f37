//! The drill's tenants: what they answer at `/buildinfo` (contract section 4.8), right or wrong.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::drill::names::SHA;

/// How tenants are asked for their build once every call was made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// For how long, in seconds, every 20 s; the time scale shortens it.
    pub timeout_seconds: u64,
}

impl Default for Probe {
    fn default() -> Self {
        Self { timeout_seconds: 40 }
    }
}

/// What a tenant says of its build, where it is not the target's commit.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Build {
    /// How often it says this, until it turns to the target's commit; for ever where it is 0.
    pub times: u64,
    /// The commit that it names.
    pub git_sha: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The answer's whole body, instead of JSON.
    pub body: Option<String>,
    /// How long the answer takes, in seconds.
    pub delay_seconds: f64,
}

/// The path of a tenant's `/buildinfo`; `{slug}` stands for the tenant.
pub const PATH: &str = "/tenants/{slug}/buildinfo";

/// What a tenant answers when it is asked this time, counted from 1.
pub async fn answer(build: &Build, time: u64) -> Response {
    let usual = Build::default();
    let build = if build.times == 0 || time <= build.times { build } else { &usual };
    if build.delay_seconds > 0.0 {
        tokio::time::sleep(Duration::from_secs_f64(build.delay_seconds)).await;
    }
    let status = build.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    let says = json!({"git_sha": build.git_sha.as_deref().unwrap_or(SHA)});
    let body = build.body.clone().unwrap_or_else(|| says.to_string());
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
