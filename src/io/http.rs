//! HTTP: the one place that builds a client and reads an answer. There are no redirects, plain http is for loopback and allowed
//! hosts only, and time and size of every exchange are limited. Tokens in an answer are masked.

pub(crate) mod answer_text;
pub mod failure;
pub mod peer;
pub mod token;

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, RequestBuilder, Url};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::error::Error;
use crate::io::config::http::Http;
use crate::io::http::answer_text::{DecodedAnswer, decode_answer};
use crate::io::http::failure::{TransportError, answer_failure, status_failure, with_causes};
use crate::io::http::peer::Peer;
use crate::io::http::token::masked;
use crate::io::input::{MAX_WRITTEN, Source};
use crate::model::document::failure::{Failure, FailureKind};

/// It names the program: a firewall once banned a library's default (contract section 3).
const USER_AGENT: &str = concat!("rollproof/", env!("CARGO_PKG_VERSION"), " (rollout verification)");

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// How long it took.
    pub duration: Duration,
    /// The HTTP status, where an answer began.
    pub status: Option<u16>,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// Why no whole answer came.
    pub error: Option<String>,
    /// The answer as far as it came, without tokens.
    pub body: Option<String>,
    /// Why the answer may not be read: its text differs in meaning from what the service sent.
    pub malformed: Option<String>,
    /// Why there is no answer, or none that can be used, as far as the transport knows.
    pub failure: Option<Failure>,
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
    /// The keys whose values must not be masked: an answer with a token in one of them is malformed. Absent: every key.
    pub names: Option<&'static [&'static str]>,
}

/// An answer as far as it came.
#[derive(Default)]
struct PartialAnswer {
    status: Option<u16>,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

/// Sends a request and reads the whole answer. Whether another attempt is worth making depends on the status first, and only
/// then on the body (contract section 3).
pub async fn exchange(request: RequestBuilder, bounds: Bounds, peer: &Peer) -> Exchange {
    let start = Instant::now();
    let mut answer = PartialAnswer::default();
    let read = tokio::time::timeout(bounds.time, answer.read(request, bounds.answer, peer)).await;
    let duration = start.elapsed();
    let PartialAnswer { status, headers, bytes } = answer;
    let broken = match read {
        Ok(result) => result.err(),
        Err(_) => Some(TransportError::timed_out(bounds.time, status)),
    };
    let is_transient = match status {
        Some(502..=504) => true,
        Some(200) | None => broken.as_ref().is_some_and(|broken| broken.is_transient),
        Some(_) => false,
    };
    let broken = broken.map(|TransportError { failure, .. }| Failure {
        reason: masked(&failure.reason, false).into_owned().into(),
        ..failure
    });
    let error = broken.as_ref().map(|failure| failure.reason.to_string());
    let decoded = status.map(|_| decode_answer(&bytes, broken.is_some(), bounds.names));
    let (body, mut malformed) =
        decoded.map_or((None, None), |DecodedAnswer { text, malformed }| (Some(text), malformed));
    let text = body.as_deref().unwrap_or_default();
    let failure = match status {
        Some(200) if broken.is_none() => answer_failure(&bytes, text, malformed.as_deref(), &headers),
        Some(200) | None => broken,
        Some(status) => status_failure(status, &headers, peer),
    };
    if let Some(Failure { kind: FailureKind::Compressed, reason, .. }) = &failure {
        malformed = Some(reason.to_string());
    }
    Exchange { duration, status, headers, error, body, malformed, failure, is_transient }
}

impl PartialAnswer {
    async fn read(&mut self, request: RequestBuilder, max: usize, peer: &Peer) -> Result<(), TransportError> {
        let sent = request.send().await;
        let mut response = sent.map_err(|error| TransportError::no_answer(&error.without_url(), peer))?;
        let (status, length) = (response.status().as_u16(), response.content_length());
        self.status = Some(status);
        self.headers.clone_from(response.headers());
        if length.is_some_and(|length| length > max as u64) {
            return Err(TransportError::too_large(max, status));
        }
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(()),
                Ok(Some(chunk)) if self.bytes.len() + chunk.len() > max => {
                    return Err(TransportError::too_large(max, status));
                }
                Ok(Some(chunk)) => self.bytes.extend_from_slice(&chunk),
                Err(error) => {
                    return Err(TransportError::cut_off(&error.without_url(), self.bytes.len(), length, status));
                }
            }
        }
    }
}

/// A builder of clients for the service at `base`, without redirects, and without a proxy for loopback. The system's
/// certificates are read only for TLS, so that a rehearsal works in a container that has none.
///
/// # Errors
/// [`Error::Usage`] where `[http] ca_file` cannot be used.
pub fn client_builder(base: &Url, headers: HeaderMap, http: &Http) -> Result<ClientBuilder, Error> {
    // An error says that there is a provider already, from an earlier client or a program that embeds this library.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().user_agent(USER_AGENT).default_headers(headers).redirect(Policy::none());
    let authorities = http.ca_file.as_deref().map(authorities).transpose()?.unwrap_or_default();
    let is_plain = base.scheme() == "http";
    let builder = if is_plain { builder.tls_certs_only([]) } else { builder.tls_certs_merge(authorities) };
    Ok(if is_loopback(base) { builder.no_proxy() } else { builder })
}

/// The certificates of authorities in a PEM file, which are trusted beside the system's.
fn authorities(path: &Path) -> Result<Vec<Certificate>, Error> {
    let file_error = |problem: &dyn std::fmt::Display| {
        let help = "name a PEM file with the certificate of the authority: -----BEGIN CERTIFICATE-----";
        Error::usage(format!("[http] ca_file {}: {problem}", path.display()), help)
    };
    let text = Source::File(path.to_owned()).text(MAX_WRITTEN).map_err(|error| file_error(&error))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let certificates = certificates.map_err(|error| file_error(&error))?;
    if certificates.is_empty() {
        return Err(file_error(&"found no certificate"));
    }
    for certificate in &certificates {
        RootCertStore::empty().add(certificate.clone()).map_err(|error| file_error(&error))?;
    }
    certificates
        .iter()
        .map(|certificate| Certificate::from_der(certificate))
        .collect::<Result<_, _>>()
        .map_err(|error| file_error(&error))
}

/// Builds a client.
///
/// # Errors
/// [`Error::Usage`] where it needs certificates and the system has none.
pub fn build_client(builder: ClientBuilder) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|error| {
        let help = "HTTPS needs certificates of authorities. A container has none: mount the system's at \
                    /etc/ssl/certs/ca-certificates.crt, or name your own in SSL_CERT_FILE or in [http] ca_file of \
                    rollproof.toml";
        Error::usage(format!("no HTTP client: {}", with_causes(&error)), help)
    })
}

/// Parses the base of a service's URLs, without white space around it; `name` is the variable or key that it comes from.
///
/// # Errors
/// In words, where it is no URL, or would send a token in the clear.
pub fn base_url(text: &str, name: &str, http: &Http) -> Result<Url, String> {
    let text = text.trim();
    let url = Url::parse(text).map_err(|error| format!("{name} {text:?} is no URL: {error}"))?;
    check_url(&url, &format!("{name} {text:?}"), http)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{name} {text:?} is no base of a URL: it has a query or a fragment"));
    }
    Ok(url)
}

/// Refuses a URL that would send something in the clear, or that holds a password; `shown` is how it is named.
///
/// # Errors
/// In words.
pub fn check_url(url: &Url, shown: &str, http: &Http) -> Result<(), String> {
    if !url.username().is_empty() || url.password().is_some() {
        let name = shown.split_once(' ').map_or("it", |(name, _)| name);
        return Err(format!("{name} holds a user name or a password"));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) || http.allows_plain(url.host_str().unwrap_or_default()) => Ok(()),
        "http" => Err(format!(
            "{shown} is plain http, which is for loopback only, or for a host that [http] plain_http_hosts lists"
        )),
        other => Err(format!("{shown} has the scheme {other:?}; https is expected")),
    }
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
