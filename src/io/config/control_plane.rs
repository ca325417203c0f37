//! `[control_plane]` of the configuration: another wire than the contract's.

use std::fmt;
use std::path::PathBuf;

use reqwest::header::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::diagnostic::fault::place;

/// The headers that a client sets itself, so that none of them can carry the token.
const RESERVED_HEADERS: [&str; 18] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-request-id",
];

/// How a control plane of another wire is called, and how its answers are read. What is absent is as in the contract
/// (section 3).
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ControlPlane {
    /// The path of every call, after the plan's `cp_url`. Absent: `/cp/admin/tenants/redeploy-fleet`.
    #[schemars(extend("pattern" = "^/"))]
    pub path: Option<String>,
    /// The HTTP method of every call. Absent: `POST`.
    pub method: Option<Method>,
    /// The header that carries the token. Absent: `Authorization`.
    pub token_header: Option<String>,
    /// What stands before the token in its header, with a blank between. Empty: the token stands alone. Absent: `Bearer`
    /// in `Authorization`, and nothing in another header.
    pub token_scheme: Option<String>,
    /// A jq filter that makes the body of a request of the contract's body, with `$purpose` (`plan`, `canary` or `batch`)
    /// and `$tenants` (the tenants that the call names).
    #[schemars(with = "Option<String>")]
    pub request: Option<Spanned<String>>,
    /// A mapping file that makes rows of an answer, from the configuration's own folder.
    pub answer: Option<PathBuf>,
    /// A jq filter on an answer: exactly `true` is a success. Absent: `.ok`.
    #[schemars(with = "Option<String>")]
    pub ok: Option<Spanned<String>>,
    /// A jq filter on an answer: a text that says what went wrong, or `null`. Absent: the first of `.error` and
    /// `.message` that is not blank.
    #[schemars(with = "Option<String>")]
    pub error: Option<Spanned<String>>,
    /// The text of the configuration, which the places of filters point into.
    #[serde(skip)]
    pub text: String,
}

/// An HTTP method whose request has a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Method {
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        reqwest::Method::from(*self).fmt(f)
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// The setting, and what is wrong with it.
    pub problem: String,
    /// What to do.
    pub help: &'static str,
}

impl ControlPlane {
    /// Whether nothing is set: the wire is the contract's.
    pub fn is_default(&self) -> bool {
        *self == Self { text: self.text.clone(), ..Self::default() }
    }

    /// The first of path, header and scheme that cannot be used.
    pub fn fault(&self) -> Option<SettingFault> {
        let path = self.path.as_deref().and_then(path_fault);
        let header = self.token_header.as_deref().and_then(header_fault);
        path.or(header).or_else(|| self.token_scheme.as_deref().and_then(scheme_fault))
    }

    /// Line and column, from 1, of a byte of a filter in the file; of its beginning where the file holds it with escapes.
    pub fn place(&self, filter: &Spanned<String>, offset: usize) -> (usize, usize) {
        let span = filter.span();
        let written = self.text.get(span.clone()).unwrap_or_default();
        let byte = written.find(&**filter.get_ref()).map_or(0, |start| start + offset);
        place(&self.text, self.text.floor_char_boundary(span.start + byte))
    }
}

/// Why this is no path of a URL.
pub fn path_fault(path: &str) -> Option<SettingFault> {
    let problem = if !path.starts_with('/') {
        "does not begin with /"
    } else if path.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        "holds a blank, a backslash or a control character"
    } else if path.contains('#') {
        "has a fragment, which is never sent"
    } else {
        return None;
    };
    let help = "write what follows the plan's cp_url, such as /api/v2/rollouts";
    Some(SettingFault { problem: format!("path: {path:?} {problem}"), help })
}

/// Why this is no header that can carry a token.
pub fn header_fault(name: &str) -> Option<SettingFault> {
    let help = "name the header in which the control plane expects the token, such as X-Api-Key";
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Some(SettingFault { problem: format!("token_header: {name:?} is no name of an HTTP header"), help });
    }
    let reserved = RESERVED_HEADERS.iter().find(|header| header.eq_ignore_ascii_case(name))?;
    Some(SettingFault { problem: format!("token_header: {reserved:?} is a header that the client sets itself"), help })
}

/// Why this cannot stand before a token.
pub fn scheme_fault(scheme: &str) -> Option<SettingFault> {
    let is_plain = scheme.chars().all(|c| c.is_ascii_graphic() || c == ' ') && scheme.trim() == scheme;
    let help = "write the word before the token, such as Bearer, without a blank after it, or leave it empty";
    (!is_plain)
        .then(|| SettingFault { problem: format!("token_scheme: {scheme:?} cannot stand in an HTTP header"), help })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_control_plane_is_called_is_checked() {
        for (path, is_wrong) in [
            ("/api/v2/rollouts", false),
            ("/a?wait=true&x=%20", false),
            ("/", false),
            ("", true),
            ("api", true),
            ("https://other.example/", true),
            ("@other.example/", true),
            ("/a b", true),
            ("/a\n", true),
            ("/a\\b", true),
            ("/a#b", true),
        ] {
            assert_eq!(path_fault(path).is_some(), is_wrong, "{path:?}");
        }
        for (header, is_wrong) in [
            ("X-Api-Key", false),
            ("authorization", false),
            ("", true),
            ("X Api", true),
            ("X-Api:", true),
            ("ä", true),
            ("Content-Type", true),
            ("HOST", true),
            ("X-Request-ID", true),
        ] {
            assert_eq!(header_fault(header).is_some(), is_wrong, "{header:?}");
        }
        for (scheme, is_wrong) in
            [("", false), ("Token", false), ("Api key", false), ("a\r\nX: y", true), ("Bearer ", true), ("ä", true)]
        {
            assert_eq!(scheme_fault(scheme).is_some(), is_wrong, "{scheme:?}");
        }
    }

    #[test]
    fn a_byte_of_a_filter_has_its_place_in_the_file() {
        for (text, place) in [
            ("request = '.a ä b'", (1, 16)),
            ("\nrequest = \"\"\".a\n ä b\"\"\"", (3, 3)),
            ("request = \".a\\u0020ä b\"", (1, 11)),
        ] {
            let mut read: ControlPlane = toml::from_str(text).expect("it is valid");
            read.text = text.to_owned();
            let filter = read.request.clone().expect("it is there");
            let offset = filter.get_ref().find(" b").expect("it is there");
            assert_eq!(read.place(&filter, offset), place, "{text}");
        }
    }
}
