//! The drill's control plane: real HTTP on loopback, the contract of section 3, and the faults of a scenario.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use jsonschema::Validator;
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::drill::build;
use crate::drill::build::Build;
use crate::drill::names::TOKEN;
use crate::drill::scenario::{Fault, Scenario};

/// What a control plane must speak.
const WIRE: &str = include_str!("../../schemas/control-plane.openapi.json");

/// A control plane on loopback.
#[derive(Clone)]
struct ControlPlane {
    scenario: Arc<Scenario>,
    /// How often each scope was asked for.
    attempts: Arc<Mutex<HashMap<String, u64>>>,
}

/// A listener on a free port of loopback.
///
/// # Errors
/// Those of the operating system.
pub async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves a scenario until it is dropped.
///
/// # Errors
/// Those of the operating system.
pub async fn serve(listener: TcpListener, scenario: Scenario) -> io::Result<()> {
    let gitea = crate::drill::gitea::router(&scenario.gitea.clone().unwrap_or_default());
    let plane = ControlPlane { scenario: Arc::new(scenario), attempts: Arc::default() };
    let router = Router::new()
        .route("/cp/admin/tenants/redeploy-fleet", post(redeploy))
        .route(build::PATH, get(buildinfo))
        .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
        .with_state(plane)
        .merge(gitea);
    axum::serve(listener, router).await
}

/// Why a call is refused: what it holds that the published description of the wire does not allow.
fn refused(request: &Value) -> Option<String> {
    static CALLS: LazyLock<[Validator; 2]> = LazyLock::new(|| {
        let wire: Value = serde_json::from_str(WIRE).expect("it is JSON");
        ["PlanCall", "ScopedCall"].map(|call| {
            let schema = json!({"$ref": format!("#/components/schemas/{call}"), "components": wire["components"]});
            jsonschema::validator_for(&schema).expect("it is a schema")
        })
    });
    let is_scoped = request.get("only_slugs").is_some();
    let error = CALLS[usize::from(is_scoped)].iter_errors(request).next()?;
    Some(match error.instance_path().as_str() {
        "" => error.to_string(),
        at => format!("{at}: {error}"),
    })
}

async fn redeploy(State(plane): State<ControlPlane>, headers: HeaderMap, body: Bytes) -> Response {
    let bearer = format!("Bearer {TOKEN}");
    if headers.get(AUTHORIZATION).is_none_or(|given| given.as_bytes() != bearer.as_bytes()) {
        return answer(StatusCode::UNAUTHORIZED, &json!({"ok": false, "error": "unauthorized"}));
    }
    let bad = |error: &str| answer(StatusCode::BAD_REQUEST, &json!({"ok": false, "error": error}));
    let request: Value = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return bad(&format!("the body is no JSON: {error}")),
    };
    if let Some(error) = refused(&request) {
        return bad(&error);
    }
    let tenants: Option<Vec<String>> = request.get("only_slugs").and_then(|slugs| Vec::deserialize(slugs).ok());
    let dry_run = request["dry_run"] == true;
    let attempt = plane.attempt(tenants.as_deref());
    let usual = Fault::default();
    let fault = plane.scenario.fault(tenants.as_deref(), attempt).unwrap_or(&usual);
    if fault.delay_seconds > 0.0 {
        tokio::time::sleep(Duration::from_secs_f64(fault.delay_seconds)).await;
    }
    let rows = if fault.no_rows { Vec::new() } else { plane.scenario.rows(tenants.as_deref(), dry_run) };
    let mut answer_body = json!({"ok": fault.ok.unwrap_or(fault.status.is_none()), "results": rows});
    if let Some(error) = &fault.error {
        answer_body["error"] = error.clone().into();
    }
    let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    let text = fault.body.clone().unwrap_or_else(|| answer_body.to_string());
    if fault.drop {
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        let parts = [Ok(Bytes::from(half)), Err(io::Error::other("the scenario drops the connection"))];
        return (status, Body::from_stream(futures_util::stream::iter(parts))).into_response();
    }
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}

async fn buildinfo(State(plane): State<ControlPlane>, Path(slug): Path<String>) -> Response {
    let time = plane.attempt(Some(&[format!("/buildinfo of {slug}")]));
    let build = plane.scenario.tenants.get(&slug).and_then(|tenant| tenant.build.as_ref());
    build::answer(build.unwrap_or(&Build::default()), time).await
}

impl ControlPlane {
    /// Which attempt this is for these tenants, from 1.
    fn attempt(&self, tenants: Option<&[String]>) -> u64 {
        let scope = tenants.map_or_else(String::new, |tenants| tenants.join("\n"));
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = attempts.entry(scope).or_default();
        *attempt += 1;
        *attempt
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
