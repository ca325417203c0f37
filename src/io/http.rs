//! HTTP: the one place that builds a client and reads an answer. No redirects, https unless loopback, every exchange
//! bounded in time and size; where an answer holds a token, that is masked before anybody sees it.

pub(crate) mod reading;
pub mod token;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, RequestBuilder, Url};

use crate::error::Error;
use crate::io::http::reading::{Reading, reading};
use crate::io::http::token::masked;

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
    /// The answer as far as it came, without tokens.
    pub body: Option<String>,
    /// Why the answer may not be read: its text would say something else than the service said.
    pub malformed: Option<String>,
    /// Whether another attempt is worth making.
    pub is_transient: bool,
}

/// How long an exchange may take, how large its answer may be, and what is read in it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From the first byte sent to the last one read.
    pub time: Duration,
    /// In bytes.
    pub answer: usize,
    /// The keys whose values are read as they are: an answer that holds a token in one is malformed.
    pub names: &'static [&'static str],
}

/// Why no whole answer came.
struct Broken {
    why: String,
    /// Whether it may be otherwise the next time.
    is_transient: bool,
}

impl From<reqwest::Error> for Broken {
    fn from(error: reqwest::Error) -> Self {
        let is_transient = !is_lasting(&error);
        Self { why: chain(&error.without_url()), is_transient }
    }
}

/// Sends a request and reads the whole answer. The status decides first whether another attempt is worth making, whatever
/// became of the body (contract section 3).
pub async fn exchange(request: RequestBuilder, bounds: Bounds) -> Attempted {
    exchange_seeing(request, bounds, &mut |_| {}).await
}

/// The same, and shows the headers of the answer to `on_headers`.
pub async fn exchange_seeing(
    request: RequestBuilder,
    bounds: Bounds,
    on_headers: &mut dyn FnMut(&HeaderMap),
) -> Attempted {
    let start = Instant::now();
    let (mut status, mut bytes) = (None, Vec::new());
    let on_head = &mut |head: &reqwest::Response| {
        status = Some(head.status().as_u16());
        on_headers(head.headers());
    };
    let sent = tokio::time::timeout(bounds.time, read(request, bounds.answer, on_head, &mut bytes)).await;
    let duration = start.elapsed();
    let broken = match sent {
        Ok(Ok(())) => None,
        Ok(Err(broken)) => Some(broken),
        Err(_) => {
            let why = format!("no whole answer within {} s", bounds.time.as_secs_f64());
            Some(Broken { why, is_transient: true })
        }
    };
    let is_transient = match status {
        Some(502..=504) => true,
        Some(200) | None => broken.as_ref().is_some_and(|broken| broken.is_transient),
        Some(_) => false,
    };
    let answer = status.map(|_| reading(&bytes, broken.is_some(), bounds.names));
    let (body, malformed) = answer.map_or((None, None), |Reading { text, malformed }| (Some(text), malformed));
    let error = broken.map(|broken| masked(&broken.why, false).into_owned());
    Attempted { duration, status, error, body, malformed, is_transient }
}

async fn read(
    request: RequestBuilder,
    most: usize,
    on_head: &mut dyn FnMut(&reqwest::Response),
    bytes: &mut Vec<u8>,
) -> Result<(), Broken> {
    let mut response = request.send().await?;
    on_head(&response);
    let too_large = || Broken { why: format!("the answer is larger than {most} bytes"), is_transient: false };
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(())
}

/// Whether the same comes of every attempt: a certificate that is refused, a name that leads nowhere.
fn is_lasting(error: &reqwest::Error) -> bool {
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.any(|cause| {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        // The type of an error in a name is not public.
        matches!(tls, Some(rustls::Error::InvalidCertificate(_))) || cause.to_string() == "dns error"
    })
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Begins a client of the service at `base`. No redirects; no proxy for loopback. The system's certificates are read only
/// where the service speaks TLS: a container without any can still rehearse.
pub fn client(base: &Url, headers: HeaderMap) -> ClientBuilder {
    // An error says that there is a provider already, from an earlier client or from who embeds this library.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().user_agent(USER_AGENT).default_headers(headers).redirect(Policy::none());
    let builder = if base.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    if is_loopback(base) { builder.no_proxy() } else { builder }
}

/// The client that was begun.
///
/// # Errors
/// [`Error::Usage`] where it needs certificates and the system has none.
pub fn built(begun: ClientBuilder) -> Result<reqwest::Client, Error> {
    begun.build().map_err(|error| {
        let help = "HTTPS needs certificates of authorities. A container has none: mount the system's at \
                    /etc/ssl/certs/ca-certificates.crt, or name your own in SSL_CERT_FILE";
        Error::usage(format!("no HTTP client: {}", chain(&error)), help)
    })
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
