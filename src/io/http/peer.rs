//! The service that is asked, as error messages name it.

use reqwest::Url;

/// The service that is asked, as error messages name it. Nothing in it is secret.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The URL that is asked. `{slug}` may stand in it for the tenant.
    pub url: String,
    /// The name of the key or variable that the URL comes from, such as `cp_url`.
    pub url_from: &'static str,
    /// The name of the variable or file that the token comes from, where one is sent.
    pub token_from: Option<String>,
}

impl Peer {
    /// The host name.
    pub fn host(&self) -> &str {
        let address = self.written_address();
        match address.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => address,
        }
    }

    /// Host and port.
    pub fn address(&self) -> String {
        let address = self.written_address();
        if address.len() > self.host().len() {
            return address.to_owned();
        }
        let port = if self.url.starts_with("http://") { 80 } else { 443 };
        format!("{address}:{port}")
    }

    /// Host and port as the URL has them.
    pub fn written_address(&self) -> &str {
        let rest = self.url.split_once("://").map_or(&*self.url, |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    }

    /// Where a redirect from here leads, without a user name and a password.
    pub fn redirected(&self, location: &str) -> String {
        let Ok(mut url) = Url::parse(&self.url).and_then(|base| base.join(location)) else {
            return location.to_owned();
        };
        // It fails only for a URL that can have neither.
        let _ = (url.set_username(""), url.set_password(None));
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn the_parts_of_a_url() {
        for (url, host, address) in [
            ("https://cp.example", "cp.example", "cp.example:443"),
            ("http://cp.example/a:b", "cp.example", "cp.example:80"),
            ("https://{slug}.shop:8443/x", "{slug}.shop", "{slug}.shop:8443"),
            ("https://[::1]/x", "[::1]", "[::1]:443"),
            ("https://[::1]:99", "[::1]", "[::1]:99"),
        ] {
            let peer = Peer { url: url.into(), url_from: "cp_url", token_from: None };
            assert_eq!((peer.host(), &*peer.address()), (host, address), "{url}");
        }
        let peer = Peer { url: "https://cp.example/a".into(), url_from: "cp_url", token_from: None };
        assert_eq!(peer.redirected("/b?c"), "https://cp.example/b?c");
        assert_eq!(peer.redirected("http://a:b@other.example/"), "http://other.example/");
        assert_eq!(peer.redirected("http://["), "http://[");
    }
}
