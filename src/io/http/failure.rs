//! Why a request got no answer, or none that can be used, in one place for every service. The sentences hold no secret:
//! tokens are masked, and of an answer only the beginning of what is no JSON is quoted.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use rustls::{CertificateError, Error as TlsError, InvalidMessage};

use crate::io::http::peer::Peer;
use crate::io::http::token::masked;
use crate::model::document::failure::{Failure, FailureKind};
use crate::model::document::text::Text;

/// How many characters of an answer that is no JSON are quoted.
const MAX_QUOTED: usize = 40;

/// How many characters of a header or of an error are kept.
const MAX_KEPT: usize = 300;

/// The first bytes of gzip and of Zstandard.
const PACKED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];

/// Why no whole answer came.
#[derive(Debug)]
pub struct TransportError {
    /// The failure, with the reason in words.
    pub failure: Failure,
    /// Whether another attempt may succeed.
    pub is_transient: bool,
}

impl TransportError {
    /// No whole answer came in time.
    pub fn timed_out(limit: Duration, status: Option<u16>) -> Self {
        let reason = format!("{}no whole answer within {} s", status_prefix(status), limit.as_secs_f64());
        Self { failure: Failure::new(FailureKind::TimedOut, reason), is_transient: true }
    }

    /// The answer is larger than what is read.
    pub fn too_large(limit: usize, status: u16) -> Self {
        let reason = format!("{}the answer is larger than {limit} bytes", status_prefix(Some(status)));
        Self { failure: Failure::new(FailureKind::TooLarge, reason), is_transient: false }
    }

    /// The answer breaks off after some bytes.
    pub fn cut_off(error: &reqwest::Error, read: usize, length: Option<u64>, status: u16) -> Self {
        let of_length = length.map_or_else(String::new, |length| format!(" of {length}"));
        let (start, why) = (status_prefix(Some(status)), shown(&root(error).to_string()));
        let reason = format!("{start}the answer breaks off after {read} bytes{of_length}: {why}");
        Self { failure: Failure::new(FailureKind::CutOff, reason), is_transient: true }
    }

    /// No answer came.
    pub fn no_answer(error: &reqwest::Error, peer: &Peer) -> Self {
        use FailureKind::{Closed, NoHttp, NoTls, Other, Proxy, Refused, TimedOut, Tls, UnknownHost, Unreachable};
        let (host, address, why) = (peer.host(), peer.address(), shown(&root(error).to_string()));
        let (kind, reason) = if let Some(tunnel) = tunnel(error) {
            (Proxy, format!("the proxy made no connection to {address}: {}", shown(&tunnel)))
        } else if let Some(tls) = causes(error).find_map(tls_error) {
            match tls {
                TlsError::InvalidCertificate(error) => certificate(error, host),
                TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => {
                    (NoTls, format!("{address} speaks no TLS; write http://{}", peer.written_address()))
                }
                error => (Tls, format!("no TLS connection to {address}: {}", shown(&error.to_string()))),
            }
        } else if causes(error).any(|cause| cause.to_string() == "dns error") {
            (UnknownHost, format!("the host name {host} cannot be resolved: {why}"))
        } else if let Some(kind) = causes(error).find_map(io_kind) {
            match kind {
                io::ErrorKind::ConnectionRefused => {
                    (Refused, format!("the connection to {address} was refused: {why}"))
                }
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => (Closed, closed(&address, &why)),
                io::ErrorKind::TimedOut => (TimedOut, format!("no connection to {address} in time: {why}")),
                _ => (Unreachable, format!("{address} cannot be reached: {why}")),
            }
        } else {
            match causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>()) {
                Some(error) if error.is_parse() => (NoHttp, no_http(peer, &why)),
                Some(_) => (Closed, closed(&address, &why)),
                None => (Other, format!("no request to {address}: {why}")),
            }
        };
        let is_lasting = matches!(
            kind,
            UnknownHost
                | NoTls
                | FailureKind::CertificateExpired
                | FailureKind::CertificateName
                | FailureKind::CertificateIssuer
                | FailureKind::Certificate
        );
        Self { failure: Failure::new(kind, reason), is_transient: !is_lasting }
    }
}

/// The words before a reason, where an answer began.
fn status_prefix(status: Option<u16>) -> String {
    status.map_or_else(String::new, |status| format!("HTTP {status}, and "))
}

fn closed(address: &str, why: &str) -> String {
    format!("the connection to {address} was closed before an answer came: {why}")
}

fn no_http(peer: &Peer, why: &str) -> String {
    let hint = if peer.url.starts_with("http://") { "; if it expects TLS, write https://" } else { "" };
    format!("{} answers with something that is no HTTP: {why}{hint}", peer.address())
}

fn certificate(error: &CertificateError, host: &str) -> (FailureKind, String) {
    use CertificateError as E;
    let day = |time: &rustls::pki_types::UnixTime| {
        let time = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.map_or_else(String::new, |time| format!(" ({time})"))
    };
    match error {
        E::Expired => (FailureKind::CertificateExpired, format!("the certificate of {host} has expired")),
        E::ExpiredContext { not_after, .. } => {
            (FailureKind::CertificateExpired, format!("the certificate of {host} has expired{}", day(not_after)))
        }
        E::NotValidYet => (FailureKind::CertificateExpired, format!("the certificate of {host} is not valid yet")),
        E::NotValidYetContext { not_before, .. } => {
            (FailureKind::CertificateExpired, format!("the certificate of {host} is not valid yet{}", day(not_before)))
        }
        E::NotValidForName => {
            (FailureKind::CertificateName, format!("the certificate is for another name than {host}"))
        }
        E::NotValidForNameContext { presented, .. } => {
            let names: Vec<String> = presented.iter().map(|name| name_of(name)).collect();
            let names = if names.is_empty() { "no name at all".to_owned() } else { shown(&names.join(", ")) };
            (
                FailureKind::CertificateName,
                format!("the certificate is for another name than {host}: it is for {names}"),
            )
        }
        E::UnknownIssuer => {
            let reason = format!("the certificate of {host} is signed by an authority that is not trusted here");
            (FailureKind::CertificateIssuer, reason)
        }
        // Two authorities may have the same name: then the signature is what tells them apart.
        E::BadSignature => {
            let reason = format!(
                "the certificate of {host} is signed by an authority that is not trusted here, although one with its \
                 name is"
            );
            (FailureKind::CertificateIssuer, reason)
        }
        error if error.to_string().contains("CaUsedAsEndEntity") => {
            let reason = format!(
                "the certificate of {host} is that of an authority itself (CA:TRUE), which no server can show for its own"
            );
            (FailureKind::Certificate, reason)
        }
        error => {
            let reason = format!("the certificate of {host} is refused: {}", shown(&error.to_string()));
            (FailureKind::Certificate, reason)
        }
    }
}

/// A name as a certificate presents it, such as `DnsName("cp.example")`, without what wraps it.
fn name_of(presented: &str) -> String {
    let inner = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(presented).trim_matches('"').to_owned()
}

/// The failure that a status means, other than a success.
pub fn status_failure(status: u16, headers: &HeaderMap, peer: &Peer) -> Option<Failure> {
    let token = peer.token_from.as_ref();
    let see = || token.map_or_else(String::new, |from| format!(", see {from}"));
    let retry_after = header(headers, &RETRY_AFTER);
    let location = header(headers, &LOCATION).map(|location| shown(&peer.redirected(&location)));
    let (kind, says) = match status {
        300..=399 => {
            let points = location.as_ref().map_or_else(
                || "it names no other URL".to_owned(),
                |location| format!("it points to {location}: check {}", peer.url_from),
            );
            (FailureKind::Redirect, format!("redirects are not followed; {points}"))
        }
        401 if token.is_some() => (FailureKind::Unauthorized, format!("the token is refused{}", see())),
        401 => (FailureKind::Unauthorized, "a token is expected, and none is sent".to_owned()),
        403 if token.is_some() => (FailureKind::Forbidden, format!("the token may not do this{}", see())),
        403 => (FailureKind::Forbidden, "the request is not allowed".to_owned()),
        404 => (FailureKind::NotFound, format!("no such path at {}", peer.url)),
        429 => {
            let when = match &retry_after {
                Some(wait) if wait.bytes().all(|byte| byte.is_ascii_digit()) => {
                    format!("the server asks to try again after {wait} s (Retry-After)")
                }
                Some(time) => format!("the server asks to try again after {time} (Retry-After)"),
                None => "the server does not say when to try again".to_owned(),
            };
            (FailureKind::TooManyRequests, format!("too many requests; {when}"))
        }
        _ => return None,
    };
    let text = |text: String| Text::from(text);
    let failure = Failure::new(kind, masked(&format!("HTTP {status}: {says}"), false).into_owned());
    Some(Failure { location: location.map(text), retry_after: retry_after.map(text), ..failure })
}

/// Why a whole answer with HTTP 200 cannot be read as JSON; `text` is what is kept of it.
pub fn answer_failure(bytes: &[u8], text: &str, malformed: Option<&str>, headers: &HeaderMap) -> Option<Failure> {
    let failure = |kind, says: &str| Some(Failure::new(kind, format!("HTTP 200, and {says}")));
    let start = text.trim_start();
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return failure(FailureKind::Empty, "the answer is empty");
    }
    let encoding = header(headers, &CONTENT_ENCODING).filter(|name| !name.eq_ignore_ascii_case("identity"));
    let is_packed = PACKED.iter().any(|packed| bytes.starts_with(packed));
    let is_json = start.starts_with(['{', '[']) && malformed.is_none();
    if is_packed || (encoding.is_some() && !is_json) {
        let how = encoding
            .map_or_else(|| "without a Content-Encoding".to_owned(), |name| format!("Content-Encoding: {name}"));
        return failure(FailureKind::Compressed, &format!("the answer is compressed ({how}), which was not asked for"));
    }
    if let Some(malformed) = malformed.filter(|malformed| malformed.contains("UTF-")) {
        return failure(FailureKind::Encoding, malformed);
    }
    if is_json || malformed.is_some() {
        return None;
    }
    let quoted: String = start.chars().take(MAX_QUOTED).collect();
    let rest = if start.chars().count() > MAX_QUOTED { "..." } else { "" };
    let begins = format!("it begins with {quoted:?}{rest}");
    if start.starts_with('<') {
        return failure(FailureKind::Html, &format!("the answer is HTML and not JSON: {begins}"));
    }
    failure(FailureKind::NoJson, &format!("the answer is no JSON object: {begins}"))
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(name)?.as_bytes()).trim().to_owned();
    Some(shown(&value)).filter(|value| !value.is_empty())
}

/// A text from elsewhere as a sentence holds it: short, and without tokens.
fn shown(text: &str) -> String {
    masked(text, false).chars().take(MAX_KEPT).collect()
}

/// An error and its causes.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |cause: &&(dyn StdError + 'static)| (*cause).source())
}

/// The root cause of an error.
fn root(error: &reqwest::Error) -> &(dyn StdError + 'static) {
    causes(error).last().unwrap_or(error)
}

fn tls_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    let mut cause = cause;
    // `source` of an I/O error does not give the error that it wraps.
    while let Some(inner) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        cause = inner;
    }
    cause.downcast_ref()
}

fn io_kind(cause: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    cause.downcast_ref::<io::Error>().map(io::Error::kind)
}

/// The error of a proxy, or of the connection to it. The type of these errors is not public.
fn tunnel(error: &reqwest::Error) -> Option<String> {
    let is_tunnel = |cause: &&(dyn StdError + 'static)| cause.to_string().starts_with("tunnel error: ");
    let found = causes(error).find(is_tunnel)?.to_string();
    let root = root(error).to_string();
    Some(if found == root { found } else { format!("{found}: {root}") })
}

/// An error with its causes, in words.
pub fn with_causes(error: &reqwest::Error) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
