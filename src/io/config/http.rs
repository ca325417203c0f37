//! `[http]` of `rollproof.toml`.

use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Calls to the control plane (contract section 3), and what holds for every service that is asked.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// How long to wait before each further attempt of a call, in seconds; there are as many attempts more as delays.
    #[schemars(inner(range(min = 0)))]
    pub retry_delays_seconds: Vec<f64>,
    /// The time limit of the plan call, in seconds.
    #[schemars(range(min = 0))]
    pub plan_timeout_seconds: f64,
    /// A PEM file with certificates of authorities that are trusted beside the system's, from the configuration's own
    /// folder.
    pub ca_file: Option<PathBuf>,
    /// Hosts that may be asked over plain http, such as those inside a cluster: everybody on the way can read the token.
    /// `*.DOMAIN` stands for every host below a domain.
    pub plain_http_hosts: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            retry_delays_seconds: vec![5.0, 10.0, 20.0],
            plan_timeout_seconds: 120.0,
            ca_file: None,
            plain_http_hosts: Vec::new(),
        }
    }
}

impl Http {
    /// Whether this host, as a URL has it, may be asked over plain http.
    pub fn allows_plain(&self, host: &str) -> bool {
        let host = normalized(host);
        !host.is_empty()
            && self.plain_http_hosts.iter().any(|listed| match listed.strip_prefix('*') {
                Some(domain) => host.len() > domain.len() && host.ends_with(&domain.to_ascii_lowercase()),
                None => normalized(listed) == host,
            })
    }

    /// The first entry of `plain_http_hosts` that is no host.
    pub fn invalid_host(&self) -> Option<&str> {
        let is_host = |entry: &str| {
            let name = entry.strip_prefix("*.").unwrap_or(entry);
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            let is_name = !name.is_empty() && !name.starts_with('.') && name.chars().all(plain);
            is_name || normalized(entry).parse::<IpAddr>().is_ok()
        };
        self.plain_http_hosts.iter().map(String::as_str).find(|entry| !is_host(entry))
    }
}

/// A host in lower case, an IPv6 address without its brackets.
fn normalized(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::Http;

    #[test]
    fn plain_http_is_for_the_hosts_that_are_listed() {
        let listed = ["cp.shop.svc", "*.tenants.svc", "fd00::1"].map(str::to_owned).to_vec();
        let http = Http { plain_http_hosts: listed, ..Http::default() };
        for (host, allowed) in [
            ("cp.shop.svc", true),
            ("CP.shop.svc", true),
            ("[fd00::1]", true),
            ("acme.tenants.svc", true),
            ("a.b.tenants.svc", true),
            ("tenants.svc", false),
            (".tenants.svc", false),
            ("eviltenants.svc", false),
            ("x.cp.shop.svc", false),
            ("", false),
        ] {
            assert_eq!(http.allows_plain(host), allowed, "{host}");
        }
        assert_eq!(http.invalid_host(), None);
        for wrong in ["*", "*.", "http://cp", "cp:80", "cp/x", "", "a*.b", "10.0.0.0/8", "cp .svc"] {
            let http = Http { plain_http_hosts: vec![wrong.to_owned()], ..Http::default() };
            assert_eq!(http.invalid_host(), Some(wrong));
        }
    }
}
