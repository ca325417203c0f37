//! Why a request got no answer, or none that can be used: a kind that policies choose a remedy by, and a sentence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::document::text::Text;

/// Why a request got no answer, or none that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The reason as a sentence. It holds no secret, so every report shows it.
    pub reason: Text,
    /// Where a redirect points to, without a user name and a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Text>,
    /// The answer's `Retry-After`, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Text>,
}

impl Failure {
    /// A failure of some kind.
    pub fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: Text::from(reason.into()), location: None, retry_after: None }
    }
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum FailureKind {
    /// Nothing accepts connections at that host and port.
    Refused,
    /// The host cannot be reached.
    Unreachable,
    /// The host name has no address.
    UnknownHost,
    /// The proxy did not make the connection.
    Proxy,
    /// No whole answer came in time.
    TimedOut,
    /// The connection was closed before an answer came.
    Closed,
    /// The server's certificate has expired, or is not valid yet.
    CertificateExpired,
    /// The server's certificate is for another name.
    CertificateName,
    /// The server's certificate is not signed by a trusted authority.
    CertificateIssuer,
    /// The server's certificate is refused for another reason.
    Certificate,
    /// TLS failed for another reason.
    Tls,
    /// The server speaks no TLS.
    NoTls,
    /// The server speaks no HTTP.
    NoHttp,
    /// The answer is a redirect.
    Redirect,
    /// HTTP 401: the token is refused.
    Unauthorized,
    /// HTTP 403: the request is not allowed.
    Forbidden,
    /// HTTP 404: there is no such path.
    NotFound,
    /// HTTP 429: too many requests.
    TooManyRequests,
    /// The answer is an HTML page.
    Html,
    /// The answer is no JSON.
    NoJson,
    /// The answer is empty.
    Empty,
    /// The answer is compressed, which was not asked for.
    Compressed,
    /// The answer is not plain UTF-8, or begins with a byte-order mark.
    Encoding,
    /// The answer breaks off.
    CutOff,
    /// The answer is larger than what is read.
    TooLarge,
    /// The answer has no `ok`.
    NoOk,
    /// None of these.
    Other,
}
