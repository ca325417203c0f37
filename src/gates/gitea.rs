//! A client of a Gitea (contract section 5; Forgejo's API is the same): one request at a time, bounded in time and size, tried
//! again where that may help. Without a token no request is made. The gates interpret the answers.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::Value;

use crate::error::Error;
use crate::io::config::gitea::GiteaConfig;
use crate::io::config::http::Http;
use crate::io::environment::{nonblank_var, required};
use crate::io::http::peer::Peer;
use crate::io::http::token::{GITEA as TOKEN, Token};
use crate::io::http::{Bounds, base_url, build_client, client_builder, exchange};
use crate::model::document::failure::Failure;
use crate::model::document::gates::Asked;
use crate::model::document::text::Text;
use crate::schema::explain;
use crate::time::{scaled, seconds};

/// The variable that holds the host.
pub const HOST: &str = "GITEA_HOST";

/// How much of an answer is read, in bytes.
const MAX_ANSWER: usize = 8 << 20;

/// The keys of answers that are read; their values must not be masked.
const READ_KEYS: &[&str] = &["context", "data", "id", "login", "sha", "state", "status", "value"];

/// How many requests a gate makes at most, without further attempts. The kill switch asks for the repository, its owner, the
/// token's user, and a variable of each.
const MAX_REQUESTS: u32 = 6;

/// How many characters of an answer that cannot be read are kept.
const MAX_KEPT: usize = 200;

/// A repository on a Gitea.
#[derive(Debug)]
pub struct Gitea {
    /// Absent: there is no token.
    service: Option<Service>,
}

#[derive(Debug)]
struct Service {
    http: reqwest::Client,
    /// The base of every URL: it ends with the version of the API, without a slash.
    base: String,
    owner: String,
    /// Its name, without its owner's.
    repository: String,
    bounds: Bounds,
    delays: Vec<Duration>,
    /// The name of the variable that the token comes from.
    token_from: String,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The requests that were made. It has no problem yet where a whole answer came, whatever its status.
    pub asked: Asked,
    body: String,
    malformed: Option<String>,
    failure: Option<Failure>,
}

impl Gitea {
    /// The repository that the environment names.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is a token, and host or repository are missing or wrong.
    pub fn from_environment(settings: &GiteaConfig, config: &Http) -> Result<Self, Error> {
        let Some(token) = nonblank_var(TOKEN)? else { return Ok(Self { service: None }) };
        let token = Token::new(&token, TOKEN)?;
        let url_error = |problem: String| Error::usage(problem, format!("correct {HOST}, where {TOKEN} would be sent"));
        let host = required(HOST, "the Gitea's host name, or its URL")?;
        let url = if host.contains("://") { host } else { format!("https://{host}") };
        let url = base_url(&url, HOST, config).map_err(url_error)?;
        let repository = required("GITHUB_REPOSITORY", "the repository, such as shop/platform")?;
        let parts: Vec<&str> = repository.split('/').collect();
        let [owner, name] = parts[..] else { return Err(repository_error(&repository)) };
        if [owner, name].iter().any(|name| ["", ".", ".."].contains(name)) {
            return Err(repository_error(&repository));
        }
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, token.header("token"));
        let http = build_client(client_builder(&url, headers, config)?)?;
        let base = format!("{}/api/v1", without_last_slash(&url));
        let (owner, repository) = (owner.to_owned(), name.to_owned());
        let bounds = Bounds {
            time: seconds(settings.timeout_seconds).unwrap_or_default(),
            answer: MAX_ANSWER,
            names: Some(READ_KEYS),
        };
        let delays = settings.retry_delays_seconds.iter().filter_map(|delay| seconds(*delay)).collect();
        let token_from = token.from().to_owned();
        Ok(Self { service: Some(Service { http, base, owner, repository, bounds, delays, token_from }) })
    }

    /// A client without a token, which makes no request.
    pub const fn without_token() -> Self {
        Self { service: None }
    }

    /// A client of a server on loopback, with the repository `shop/platform`.
    #[cfg(test)]
    pub fn on_loopback(url: &str) -> Self {
        let builder =
            client_builder(&url.parse().expect("a URL"), HeaderMap::new(), &Http::default()).expect("no ca_file");
        let http = builder.build().expect("a client");
        let bounds = Bounds { time: Duration::from_secs(20), answer: MAX_ANSWER, names: Some(READ_KEYS) };
        let (owner, repository) = ("shop".into(), "platform".into());
        let base = format!("{url}/api/v1");
        let (delays, token_from) = (Vec::new(), TOKEN.to_owned());
        Self { service: Some(Service { http, base, owner, repository, bounds, delays, token_from }) }
    }

    /// Whether there is a token, so that requests are made.
    pub const fn has_token(&self) -> bool {
        self.service.is_some()
    }

    /// The same client with its pauses shortened, for a rehearsal.
    #[must_use]
    pub fn scaled(mut self, scale: f64) -> Self {
        for delay in self.service.iter_mut().flat_map(|service| &mut service.delays) {
            *delay = scaled(*delay, scale);
        }
        self
    }

    /// How long the requests of a gate may take, each with all of its attempts.
    pub fn limit(&self) -> Duration {
        let Some(Service { bounds, delays, .. }) = &self.service else { return Duration::ZERO };
        let request =
            delays.iter().fold(bounds.time, |sum, delay| sum.saturating_add(*delay).saturating_add(bounds.time));
        request.saturating_mul(MAX_REQUESTS)
    }

    /// The repository's owner.
    pub fn owner(&self) -> &str {
        self.service.as_ref().map_or("", |service| &service.owner)
    }

    /// Asks for something below the repository: `path` is empty or begins with `/`, and is encoded.
    pub async fn get(&self, path: &str) -> Answer {
        let Some(Service { owner, repository, .. }) = &self.service else { return not_asked() };
        self.get_below("repos", &format!("/{}/{}{path}", encoded(owner), encoded(repository))).await
    }

    /// Asks for something below the owner as an organization: `path` is empty or begins with `/`, and is encoded.
    pub async fn get_of_owner(&self, path: &str) -> Answer {
        self.get_below("orgs", &format!("/{}{path}", encoded(self.owner()))).await
    }

    /// Asks for something below the user that the token is of: `path` is empty or begins with `/`, and is encoded.
    pub async fn get_of_user(&self, path: &str) -> Answer {
        self.get_below("user", path).await
    }

    async fn get_below(&self, kind: &str, path: &str) -> Answer {
        let Some(service) = &self.service else { return not_asked() };
        let url = format!("{}/{kind}{path}", service.base);
        let (mut asked, mut delays) = (Asked::default(), service.delays.iter());
        let token_from = Some(service.token_from.clone());
        let peer = Peer { url: url.clone(), url_from: HOST, token_from };
        loop {
            let attempted = exchange(service.http.get(&url), service.bounds, &peer).await;
            asked.requests += 1;
            asked.answers += u32::from(attempted.status.is_some());
            asked.status = attempted.status;
            match delays.next() {
                Some(delay) if attempted.is_transient => tokio::time::sleep(*delay).await,
                _ => {
                    asked.problem = attempted.error.map(Text::from);
                    let body = attempted.body.unwrap_or_default();
                    let (malformed, failure) = (attempted.malformed, attempted.failure);
                    return Answer { asked, body, malformed, failure };
                }
            }
        }
    }
}

impl Answer {
    /// Whether a whole answer came with this status.
    pub fn has_status(&self, status: u16) -> bool {
        self.asked.problem.is_none() && self.asked.status == Some(status)
    }

    /// The JSON of a whole answer with HTTP 200; none where a key stands twice in an object.
    pub fn json(&self) -> Option<Value> {
        if self.has_status(200) { self.read().ok() } else { None }
    }

    fn read(&self) -> Result<Value, String> {
        match &self.malformed {
            Some(problem) => Err(problem.clone()),
            None => explain::json(self.body.as_bytes()).map_err(|faults| {
                let faults = faults.iter().map(|fault| fault.problem.clone());
                format!("the answer is no JSON that can be relied on: {}", faults.collect::<Vec<_>>().join("; "))
            }),
        }
    }

    /// The requests with the problem that the answer cannot be read, and why: it is not what was `expected`.
    pub fn into_unreadable(self, expected: &str) -> Asked {
        let status = self.asked.status.unwrap_or_default();
        let problem = match self.read() {
            _ if let Some(failure) = &self.failure => failure.reason.to_string(),
            _ if status != 200 => format!("HTTP {status}"),
            Ok(_) => format!("HTTP 200, but the answer is not {expected}"),
            Err(problem) => format!("HTTP 200, and {problem}"),
        };
        let mut asked = self.asked;
        asked.problem = asked.problem.or_else(|| Some(Text::from(problem)));
        let start: String = self.body.chars().take(MAX_KEPT).collect();
        asked.answer = Some(start).filter(|start| !start.is_empty()).map(Text::from);
        asked
    }
}

/// A part of a path, everything but unreserved characters percent-encoded, `/` too.
pub fn encoded(part: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    part.bytes().map(encode).collect()
}

/// The answer where there is no token.
fn not_asked() -> Answer {
    let problem = Some(Text::from(format!("{TOKEN} is not set, so nobody was asked")));
    Answer { asked: Asked { problem, ..Asked::default() }, body: String::new(), malformed: None, failure: None }
}

fn without_last_slash(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

fn repository_error(repository: &str) -> Error {
    Error::usage(
        format!("GITHUB_REPOSITORY: got {repository:?}, but an owner and a name are expected"),
        "set it to an owner and a name, such as shop/platform",
    )
}
