//! The call to the control plane (contract section 3), one attempt at a time.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::collect::wire::settings::WireSettings;
use crate::error::Error;
use crate::io::config::control_plane::{Method, SettingFault, header_fault, path_fault, scheme_fault};
use crate::io::config::http::Http;
use crate::io::http::peer::Peer;
use crate::io::http::token::Token;
use crate::io::http::{Bounds, Exchange, base_url, build_client, client_builder, exchange};

/// How much of an answer is read, in bytes.
pub const MAX_ANSWER: usize = 64 << 20;

/// Fields that name a tenant or a phase. A token in another field is masked; in one of these it makes the answer unreadable.
const NAMES: &[&str] = &["slug", "phase"];

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REQUEST_ID: &str = "x-request-id";

/// The word before the token in its header.
const SCHEME: &str = "Bearer";

const PATH: &str = "/cp/admin/tenants/redeploy-fleet";

/// Refuses a URL at which no client of the control plane could be made, with any token.
///
/// # Errors
/// As [`Client::new`].
pub fn check(url: &str, config: &Http) -> Result<(), Error> {
    build_client(client_builder(&base(url, config)?, HeaderMap::new(), config)?).map(drop)
}

fn wrong_url(problem: String) -> Error {
    Error::usage(problem, "correct the plan's cp_url, where the token would be sent")
}

/// The base of the control plane's URLs.
fn base(url: &str, config: &Http) -> Result<Url, Error> {
    base_url(url, "cp_url", config).map_err(wrong_url)
}

/// The URL of a path of the control plane.
fn url_of_path(base: &Url, path: &str) -> Result<Url, Error> {
    let url = Url::parse(&format!("{}{path}", base.as_str().trim_end_matches('/')));
    url.map_err(|error| wrong_url(format!("cp_url {:?} is no base of a URL: {error}", base.as_str())))
}

/// A control plane.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    url: Url,
    peer: Peer,
    method: Method,
    token: Token,
    /// The header that carries the token.
    authorization: (HeaderName, HeaderValue),
    /// The keys of an answer whose values must not be masked; absent: every key.
    names: Option<&'static [&'static str]>,
}

/// The ids by which a control plane knows which attempts belong together.
#[derive(Debug, Clone)]
pub struct RequestIds {
    /// The same for every attempt of a call, also where a resumed rollout repeats it.
    pub idempotency_key: String,
    /// The attempt's own.
    pub request_id: String,
}

impl Client {
    /// A client of the control plane at `url`.
    ///
    /// # Errors
    /// [`Error::Usage`] where the URL is none, or would send the token in the clear, or `[http] ca_file` cannot be used.
    pub fn new(url: &str, token: &Token, config: &Http) -> Result<Self, Error> {
        let base = base(url, config)?;
        let url = url_of_path(&base, PATH)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let http = build_client(client_builder(&base, headers, config)?)?;
        let peer = Peer { url: url.to_string(), url_from: "cp_url", token_from: Some(token.from().to_owned()) };
        Ok(Self {
            http,
            base,
            url,
            peer,
            method: Method::default(),
            token: token.clone(),
            authorization: (AUTHORIZATION, token.header(SCHEME)),
            names: Some(NAMES),
        })
    }

    /// A client that calls a control plane of another wire.
    ///
    /// # Errors
    /// [`Error::Usage`] where the settings tell of no request, or of one that would not carry the token alone.
    pub fn with_wire(self, wire: &WireSettings) -> Result<Self, Error> {
        let (path, header) = (wire.path.as_deref(), wire.token_header.as_deref());
        let scheme = wire.token_scheme.as_deref();
        let fault = path.and_then(path_fault).or_else(|| header.and_then(header_fault));
        if let Some(SettingFault { problem, help }) = fault.or_else(|| scheme.and_then(scheme_fault)) {
            return Err(Error::usage(format!("[control_plane] {problem}"), help));
        }
        let url = url_of_path(&self.base, path.unwrap_or(PATH))?;
        let name = header.and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok()).unwrap_or(AUTHORIZATION);
        let usual = if name == AUTHORIZATION { SCHEME } else { "" };
        let value = self.token.header(scheme.unwrap_or(usual));
        Ok(Self {
            peer: Peer { url: url.to_string(), ..self.peer },
            url,
            method: wire.method.unwrap_or_default(),
            authorization: (name, value),
            // A filter may read a slug from any value, and a mask must not be taken for one.
            names: Some(NAMES).filter(|_| !wire.reads_answers()),
            ..self
        })
    }

    /// How every call is made.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Where every call goes.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Makes one attempt of a call.
    pub async fn attempt(&self, body: String, ids: &RequestIds, limit: Duration) -> Exchange {
        let bounds = Bounds { time: limit, answer: MAX_ANSWER, names: self.names };
        let request = self.http.request(self.method.into(), self.url.clone()).body(body);
        let (name, value) = self.authorization.clone();
        let request = request.header(name, value);
        let request = request.header(IDEMPOTENCY_KEY, &ids.idempotency_key).header(REQUEST_ID, &ids.request_id);
        exchange(request, bounds, &self.peer).await
    }
}
