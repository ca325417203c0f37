//! The call to the control plane (contract section 3), one attempt at a time.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::error::Error;
use crate::io::config::http::Http;
use crate::io::http::peer::Peer;
use crate::io::http::token::Token;
use crate::io::http::{Attempted, Bounds, base_url, built, client, exchange};

/// How much of an answer is read, in bytes.
pub const MAX_ANSWER: usize = 64 << 20;

/// Fields whose values are sent back in the next call, or identify a row. The others are evaluated with their masks.
const NAMES: &[&str] = &["slug", "phase"];

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REQUEST_ID: &str = "x-request-id";

const PATH: &str = "/cp/admin/tenants/redeploy-fleet";

/// Whether a client of the control plane at `url` could be made, with any token.
///
/// # Errors
/// As [`Client::new`].
pub fn check(url: &str, config: &Http) -> Result<(), Error> {
    built(client(&urls(url, config)?.0, HeaderMap::new(), config)?).map(drop)
}

/// The base of the control plane's URLs, and the one that is called.
fn urls(url: &str, config: &Http) -> Result<(Url, Url), Error> {
    let wrong = |problem: String| Error::usage(problem, "the plan's cp_url is where the token would be sent");
    let base = base_url(url, "cp_url", config).map_err(wrong)?;
    let called = Url::parse(&format!("{}{PATH}", url.trim().trim_end_matches('/')))
        .map_err(|error| wrong(format!("cp_url {url:?} is no base of a URL: {error}")))?;
    Ok((base, called))
}

/// A control plane.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    peer: Peer,
}

/// How a control plane knows that attempts belong together.
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
        let (base, url) = urls(url, config)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, token.header("Bearer"));
        let http = built(client(&base, headers, config)?)?;
        let peer = Peer { url: url.to_string(), url_from: "cp_url", token_from: Some(token.from().to_owned()) };
        Ok(Self { http, url, peer })
    }

    /// Where every call goes.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// One attempt.
    pub async fn attempt(&self, body: String, ids: &RequestIds, limit: Duration) -> Attempted {
        let bounds = Bounds { time: limit, answer: MAX_ANSWER, names: NAMES };
        let request = self.http.post(self.url.clone()).body(body);
        let request = request.header(IDEMPOTENCY_KEY, &ids.idempotency_key).header(REQUEST_ID, &ids.request_id);
        exchange(request, bounds, &self.peer).await
    }
}
