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
use axum::http::{HeaderMap, Method, StatusCode, Uri};
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
use crate::drill::wire::Speaker;

/// What a control plane must speak.
const WIRE: &str = include_str!("../../schemas/control-plane.openapi.json");

/// A control plane on loopback.
#[derive(Clone)]
struct ControlPlane {
    scenario: Arc<Scenario>,
    /// How often each scope was asked for.
    attempts: Arc<Mutex<HashMap<String, u64>>>,
    /// What it speaks; absent: the contract's wire.
    speaker: Option<Arc<Speaker>>,
}

/// What it answers.
struct Answer {
    status: StatusCode,
    text: String,
    /// Whether the text is an answer of the contract, and not one that a scenario says.
    is_contract: bool,
    /// Whether the connection is dropped in the middle.
    drops: bool,
}

impl Answer {
    fn refusal(status: StatusCode, error: &str) -> Self {
        let text = json!({"ok": false, "error": error}).to_string();
        Self { status, text, is_contract: true, drops: false }
    }

    fn response(self) -> Response {
        if self.drops {
            let half: String = self.text.chars().take(self.text.chars().count() / 2).collect();
            let parts = [Ok(Bytes::from(half)), Err(io::Error::other("the scenario drops the connection"))];
            return (self.status, Body::from_stream(futures_util::stream::iter(parts))).into_response();
        }
        (self.status, [(CONTENT_TYPE, "application/json")], self.text).into_response()
    }
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
    let speaker = scenario.wire.as_ref().and_then(|wire| Speaker::new(wire).ok()).map(Arc::new);
    let plane = ControlPlane { scenario: Arc::new(scenario), attempts: Arc::default(), speaker };
    let router = match plane.speaker {
        // It may have any path.
        Some(_) => Router::new().fallback(redeploy_of_wire),
        None => Router::new().route("/cp/admin/tenants/redeploy-fleet", post(redeploy)),
    };
    let router = router
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

fn is_authorized(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|given| given.as_bytes() == value.as_bytes())
}

async fn redeploy(State(plane): State<ControlPlane>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_authorized(&headers, AUTHORIZATION.as_str(), &format!("Bearer {TOKEN}")) {
        return Answer::refusal(StatusCode::UNAUTHORIZED, "unauthorized").response();
    }
    let answer = match serde_json::from_slice(&body) {
        Ok(request) => plane.answer(&request).await,
        Err(error) => Answer::refusal(StatusCode::BAD_REQUEST, &format!("the body is no JSON: {error}")),
    };
    answer.response()
}

async fn redeploy_of_wire(
    State(plane): State<ControlPlane>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(speaker) = &plane.speaker else { return StatusCode::NOT_FOUND.into_response() };
    let wire = &speaker.wire;
    if uri.path_and_query().is_none_or(|path| path.as_str() != wire.path) {
        return StatusCode::NOT_FOUND.into_response();
    }
    if method != reqwest::Method::from(wire.method) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let request = String::from_utf8_lossy(&body);
    let (header, token) = speaker.authorization(TOKEN);
    let mut answer = if is_authorized(&headers, header, &token) {
        match speaker.request(&request) {
            Ok(contract) => plane.answer(&contract).await,
            Err(error) => Answer::refusal(StatusCode::BAD_REQUEST, &format!("[wire] request: {error}")),
        }
    } else {
        Answer::refusal(StatusCode::UNAUTHORIZED, "unauthorized")
    };
    if answer.is_contract {
        answer.text = speaker.answer(&answer.text, &request);
    }
    answer.response()
}

async fn buildinfo(State(plane): State<ControlPlane>, Path(slug): Path<String>) -> Response {
    let time = plane.attempt(Some(&[format!("/buildinfo of {slug}")]));
    let build = plane.scenario.tenants.get(&slug).and_then(|tenant| tenant.build.as_ref());
    build::answer(build.unwrap_or(&Build::default()), time).await
}

impl ControlPlane {
    /// What it answers to a request.
    async fn answer(&self, request: &Value) -> Answer {
        if let Some(error) = refused(request) {
            return Answer::refusal(StatusCode::BAD_REQUEST, &error);
        }
        let tenants: Option<Vec<String>> = request.get("only_slugs").and_then(|slugs| Vec::deserialize(slugs).ok());
        let dry_run = request["dry_run"] == true;
        let attempt = self.attempt(tenants.as_deref());
        let usual = Fault::default();
        let fault = self.scenario.fault(tenants.as_deref(), attempt).unwrap_or(&usual);
        if fault.delay_seconds > 0.0 {
            tokio::time::sleep(Duration::from_secs_f64(fault.delay_seconds)).await;
        }
        let rows = if fault.no_rows { Vec::new() } else { self.scenario.rows(tenants.as_deref(), dry_run) };
        let mut body = json!({"ok": fault.ok.unwrap_or(fault.status.is_none()), "results": rows});
        if let Some(error) = &fault.error {
            body["error"] = error.clone().into();
        }
        let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
        let text = fault.body.clone().unwrap_or_else(|| body.to_string());
        Answer { status, text, is_contract: fault.body.is_none(), drops: fault.drop }
    }

    /// Which attempt this is for these tenants, from 1.
    fn attempt(&self, tenants: Option<&[String]>) -> u64 {
        let scope = tenants.map_or_else(String::new, |tenants| tenants.join("\n"));
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = attempts.entry(scope).or_default();
        *attempt += 1;
        *attempt
    }
}
