//! HTTP to a service that a token is sent to: the one place that builds a client. No redirects, https unless loopback,
//! every exchange bounded in time and size; where an answer holds the token, it is masked before anybody sees it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, RequestBuilder, StatusCode, Url};

use crate::error::Error;

/// What stands in the token's place.
const MASK: &str = "***";

/// A descriptive one: a firewall once banned a library's default (contract section 3).
const USER_AGENT: &str = concat!("rollproof/", env!("CARGO_PKG_VERSION"), " (rollout verification)");

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

/// How long an exchange may take, and how large its answer may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From the first byte sent to the last one read.
    pub time: Duration,
    /// In bytes.
    pub answer: usize,
}

/// Sends a request and reads the whole answer.
pub async fn exchange(request: RequestBuilder, bounds: Bounds, token: &Token) -> Attempted {
    let start = Instant::now();
    let mut attempted = Attempted { duration: Duration::ZERO, status: None, error: None, body: None };
    let mut bytes = Vec::new();
    let reading = read(request, bounds.answer, &mut attempted.status, &mut bytes);
    let sent = tokio::time::timeout(bounds.time, reading).await;
    attempted.duration = start.elapsed();
    attempted.error = match sent {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(token.mask(&error)),
        Err(_) => Some(format!("no whole answer within {} s", bounds.time.as_secs_f64())),
    };
    if attempted.status.is_some() {
        attempted.body = Some(token.mask(&String::from_utf8_lossy(&bytes)));
    }
    attempted
}

async fn read(
    request: RequestBuilder,
    most: usize,
    status: &mut Option<u16>,
    bytes: &mut Vec<u8>,
) -> Result<(), String> {
    let mut response = request.send().await.map_err(|error| chain(&error.without_url()))?;
    *status = Some(StatusCode::as_u16(&response.status()));
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error.without_url()))? {
        if bytes.len() + chunk.len() > most {
            return Err(format!("the answer is larger than {most} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(())
}

/// An error with what caused it.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Begins a client of the service at `base`. No redirects; no proxy for loopback.
pub fn client(base: &Url, headers: HeaderMap) -> ClientBuilder {
    let builder = reqwest::Client::builder().user_agent(USER_AGENT).default_headers(headers).redirect(Policy::none());
    if is_loopback(base) { builder.no_proxy() } else { builder }
}

/// The base of a service's URLs; `name` is what gave it. White space around it is no part of it.
///
/// # Errors
/// In words, where it is none, or would send a token in the clear.
pub fn base_url(text: &str, name: &str) -> Result<Url, String> {
    let text = text.trim();
    let url = Url::parse(text).map_err(|error| format!("{name} {text:?} is no URL: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(format!("{name} {text:?} is plain http, which is for loopback only")),
        other => return Err(format!("{name} {text:?} has the scheme {other:?}; https is expected")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{name} holds a user name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{name} {text:?} is no base of a URL: it has a query or a fragment"));
    }
    Ok(url)
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// A token: never printed, nor anything equal to it.
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
            return Err(Error::usage(format!("{from} is blank, so no call was made"), "give it the service's token"));
        }
        if HeaderValue::from_str(token).is_err() {
            return Err(Error::usage(
                format!("{from} holds what cannot stand in an HTTP header, so no call was made"),
                "is it the token alone, on one line?",
            ));
        }
        Ok(Self(token.to_owned()))
    }

    /// The value of the header that carries it, such as `Bearer <token>`.
    pub fn header(&self, scheme: &str) -> HeaderValue {
        // What a token may hold was looked at when it was made.
        let mut value = HeaderValue::from_str(&format!("{scheme} {}", self.0))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer none"));
        value.set_sensitive(true);
        value
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
