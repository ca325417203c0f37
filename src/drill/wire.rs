//! The other wire that a scenario's control plane may speak: what the requests of a team's own control plane mean in the
//! contract's words, and how it would say an answer.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::io::config::control_plane::{Method, SettingFault, header_fault, path_fault, scheme_fault};
use crate::jq::filter::Filter;
use crate::jq::value::Value;
use crate::jq::{limits, run_guarded};

/// How often the JSON of an answer may be in memory as values of a filter.
const COPIES: usize = 60;

/// The wire of a control plane that is not the contract's.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    /// The path of every call.
    #[schemars(extend("pattern" = "^/"))]
    pub path: String,
    /// The HTTP method of every call.
    #[serde(default)]
    pub method: Method,
    /// The header that carries the token. Absent: `Authorization`.
    #[serde(default)]
    pub token_header: Option<String>,
    /// What stands before the token in its header. Absent: `Bearer` in `Authorization`, and nothing in another header.
    #[serde(default)]
    pub token_scheme: Option<String>,
    /// A jq filter that makes the contract's body of a request's body. It gives at least `target_tag` and `dry_run`, and
    /// `only_slugs` for a call that names tenants. Absent: the body is the contract's.
    #[serde(default)]
    pub request: Option<String>,
    /// A jq filter that makes an answer of the contract's answer, with the request's body as `$request`. Absent: the answer
    /// is the contract's.
    #[serde(default)]
    pub answer: Option<String>,
}

/// A wire whose filters are compiled.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// As the scenario says it.
    pub wire: Wire,
    request: Option<Arc<Filter>>,
    answer: Option<Arc<Filter>>,
}

impl Speaker {
    /// Compiles a wire.
    ///
    /// # Errors
    /// In words, with what to do about it.
    pub fn new(wire: &Wire) -> Result<Self, (String, String)> {
        let fault = path_fault(&wire.path).or_else(|| wire.token_header.as_deref().and_then(header_fault));
        if let Some(SettingFault { problem, help }) =
            fault.or_else(|| wire.token_scheme.as_deref().and_then(scheme_fault))
        {
            return Err((format!("[wire] {problem}"), help.to_owned()));
        }
        let filter = |key: &str, text: &Option<String>, variables: &[&'static str]| {
            let Some(text) = text else { return Ok(None) };
            Filter::compile(text, variables).map(|filter| Some(Arc::new(filter))).map_err(|fault| {
                let (line, column) = fault.place(text);
                (format!("[wire] {key}: line {line}, column {column} of the filter: {}", fault.problem), fault.help)
            })
        };
        let request = filter("request", &wire.request, &[])?;
        Ok(Self { request, answer: filter("answer", &wire.answer, &["$request"])?, wire: wire.clone() })
    }

    /// The header that carries the token, and its value.
    pub fn authorization(&self, token: &str) -> (&str, String) {
        let header = self.wire.token_header.as_deref().unwrap_or("authorization");
        let usual = if header.eq_ignore_ascii_case("authorization") { "Bearer" } else { "" };
        let scheme = self.wire.token_scheme.as_deref().unwrap_or(usual);
        (header, format!("{scheme} {token}").trim_start().to_owned())
    }

    /// A request in the contract's words. What the contract asks for and this wire does not say is as usual.
    ///
    /// # Errors
    /// In words, where it is none of this wire.
    pub fn request(&self, body: &str) -> Result<Json, String> {
        let mut request = match &self.request {
            Some(filter) => one(filter, body, Vec::new())?,
            None => serde_json::from_str(body).map_err(|error| error.to_string())?,
        };
        if let Some(request) = request.as_object_mut().filter(|_| self.request.is_some()) {
            request.retain(|_, value| !value.is_null());
            for (key, usual) in [("soak_seconds", 0), ("batch_size", 1), ("max_stragglers", 0)] {
                request.entry(key).or_insert_with(|| usual.into());
            }
            request.entry("confirm").or_insert_with(|| true.into());
        }
        Ok(request)
    }

    /// An answer of the contract as this wire says it; `request` is the body of the request.
    pub fn answer(&self, contract: &str, request: &str) -> String {
        let Some(filter) = &self.answer else { return contract.to_owned() };
        let said = one(filter, contract, vec![request.to_owned()]);
        said.unwrap_or_else(|error| json!({"scenario": format!("[wire] answer: {error}")})).to_string()
    }
}

/// The one value that a filter gives. A variable that is no JSON is `null`.
fn one(filter: &Arc<Filter>, input: &str, variables: Vec<String>) -> Result<Json, String> {
    let bytes = input.len() + variables.iter().map(String::len).sum::<usize>();
    let (filter, input) = (Arc::clone(filter), input.to_owned());
    let made = run_guarded(limits(bytes, COPIES), move || {
        let variables: Vec<Value> = variables.iter().map(|text| Value::parse(text).unwrap_or_default()).collect();
        filter.single_value(&Value::parse(&input)?, &variables)?.json()
    });
    made.map_err(|failure| crate::error::Error::from(failure).to_string())
}
