//! HTTP to the control plane (contract section 3): one attempt at a time, bounded in time and size. Where an answer
//! holds the token, it is masked before anybody sees it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};

use crate::error::Error;

/// How much of an answer is read, in bytes.
pub const MAX_ANSWER: usize = 64 << 20;

/// What stands in the token's place.
const MASK: &str = "***";

const PATH: &str = "/cp/admin/tenants/redeploy-fleet";

pub(super) const USER_AGENT: &str = concat!("rollproof/", env!("CARGO_PKG_VERSION"), " (rollout verification)");

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// How long it took.
    pub duration: Duration,
    /// The HTTP status, where an answer began.
    pub status: Option<u16>,
    /// Why no whole answer came.
    pub error: Option<String>,
    /// The answer as far as it came; the token is masked.
    pub body: Option<String>,
}

impl Attempted {
    /// Whether another attempt is worth making: HTTP 502, 503, 504, a time limit, a transport error.
    pub fn is_transient(&self) -> bool {
        self.error.is_some() || self.status.is_some_and(|status| matches!(status, 502..=504))
    }
}

/// A control plane.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    token: Token,
}

/// A bearer token: never printed, nor anything equal to it.
#[derive(Clone)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(masked)")
    }
}

impl Token {
    /// A token as it was given; white space around it is no part of it.
    ///
    /// # Errors
    /// [`Error::Usage`] where it is blank or cannot stand in a header.
    pub fn new(text: &str, from: &str) -> Result<Self, Error> {
        let token = text.trim();
        if token.is_empty() {
            return Err(Error::usage(
                format!("{from} is blank, so no call was made"),
                "set CP_ADMIN_API_TOKEN, or name a file with --token-file",
            ));
        }
        if HeaderValue::from_str(token).is_err() {
            return Err(Error::usage(
                format!("{from} holds what cannot stand in an HTTP header, so no call was made"),
                "is it the token alone, on one line?",
            ));
        }
        Ok(Self(token.to_owned()))
    }

    /// The text without the token, however a JSON string in it spells it: what reads the text later undoes escapes, and
    /// a message about it quotes what was read.
    pub fn mask(&self, text: &str) -> String {
        let text = text.replace(&self.0, MASK);
        if !text.contains('\\') {
            return text;
        }
        let mut masked = String::with_capacity(text.len());
        let mut rest = &*text;
        while let Some(next) = rest.chars().next() {
            if let Some(behind) = behind_escaped(rest, &self.0) {
                masked.push_str(MASK);
                rest = behind;
            } else {
                masked.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        masked
    }
}

/// What follows `token` at the beginning of `text`, where any of its characters may be escaped as in a JSON string.
fn behind_escaped<'a>(mut text: &'a str, token: &str) -> Option<&'a str> {
    for wanted in token.chars() {
        text = match text.strip_prefix('\\') {
            None => text.strip_prefix(wanted)?,
            Some(escape) => match escape.strip_prefix('u') {
                Some(digits) => {
                    let (digits, behind) = digits.split_at_checked(4)?;
                    (u32::from_str_radix(digits, 16).ok()? == u32::from(wanted)).then_some(behind)?
                }
                None => escape.strip_prefix(if wanted == '\t' { 't' } else { wanted })?,
            },
        };
    }
    Some(text)
}

impl Client {
    /// A client of the control plane at `url`. No redirects; https unless loopback; no proxy for loopback.
    ///
    /// # Errors
    /// [`Error::Usage`] where the URL is none, or would send the token in the clear.
    pub fn new(url: &str, token: Token) -> Result<Self, Error> {
        let wrong = |problem: String| Error::usage(problem, "the plan's cp_url is where the token would be sent");
        let base = Url::parse(url).map_err(|error| wrong(format!("cp_url {url:?} is no URL: {error}")))?;
        let loopback = is_loopback(&base);
        match base.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(wrong(format!("cp_url {url:?} is plain http, which is for loopback only"))),
            other => return Err(wrong(format!("cp_url {url:?} has the scheme {other:?}; https is expected"))),
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("cp_url holds a user name or a password".into()));
        }
        let url = Url::parse(&format!("{}{PATH}", url.trim().trim_end_matches('/')))
            .map_err(|error| wrong(format!("cp_url {url:?} is no base of a URL: {error}")))?;

        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.0))
            .map_err(|_| wrong("the token cannot stand in an HTTP header".into()))?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        let mut builder =
            reqwest::Client::builder().user_agent(USER_AGENT).default_headers(headers).redirect(Policy::none());
        if loopback {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| wrong(format!("no HTTP client: {error}")))?;
        Ok(Self { http, url, token })
    }

    /// One attempt.
    pub async fn attempt(&self, body: String, limit: Duration) -> Attempted {
        let start = Instant::now();
        let mut attempted = Attempted { duration: Duration::ZERO, status: None, error: None, body: None };
        let mut bytes = Vec::new();
        let sent = tokio::time::timeout(limit, self.exchange(body, &mut attempted.status, &mut bytes)).await;
        attempted.duration = start.elapsed();
        attempted.error = match sent {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(self.token.mask(&error)),
            Err(_) => Some(format!("no whole answer within {} s", limit.as_secs_f64())),
        };
        if attempted.status.is_some() {
            attempted.body = Some(self.token.mask(&String::from_utf8_lossy(&bytes)));
        }
        attempted
    }

    async fn exchange(&self, body: String, status: &mut Option<u16>, bytes: &mut Vec<u8>) -> Result<(), String> {
        let sent = self.http.post(self.url.clone()).body(body).send().await;
        let mut response = sent.map_err(|error| chain(&error.without_url()))?;
        *status = Some(StatusCode::as_u16(&response.status()));
        while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error.without_url()))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(format!("the answer is larger than {MAX_ANSWER} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(())
    }
}

/// An error with what caused it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
