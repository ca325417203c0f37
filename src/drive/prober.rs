//! Asks tenants for their build (contract section 4.8): rounds of `GET /buildinfo`, bounded in time, size and number.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use reqwest::Url;
use reqwest::header::{ACCEPT, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::collect::record::Record;
use crate::drive::progress::Progress;
use crate::drive::runtime::{block_on, register_signals};
use crate::drive::stop::{Signal, Stop};
use crate::error::Error;
use crate::io::clock::now;
use crate::io::config::http::Http;
use crate::io::http::peer::Peer;
use crate::io::http::token::masked;
use crate::io::http::{Bounds, build_client, check_url, client_builder, exchange};
use crate::model::document::Document;
use crate::model::document::probe::{BuildSeen, ProbeAnswer};
use crate::model::document::text::{Field, Map, Text};
use crate::schema::explain::json;

/// How much of an answer is read, in bytes.
pub const MAX_BUILDINFO: usize = 64 << 10;

/// How long the commit in an answer may be, in characters. A commit has 40 or 64.
const MAX_COMMIT: usize = 200;

/// The placeholder of the tenant in a URL.
const SLUG: &str = "{slug}";

/// Keeps a record, and gives the tenants to ask next.
pub type KeepRecord<'a> = dyn FnMut(&Record) -> Result<Vec<Text>, Error> + 'a;

/// Gives the tenants to ask, for the document so far.
pub type ProbeTargets<'a> = dyn FnMut(&Document) -> Result<Vec<Text>, Error> + 'a;

/// The URL at which tenants are asked for their build, with `{slug}` in it.
#[derive(Debug, Clone)]
pub struct UrlTemplate {
    text: String,
    http: Http,
}

impl UrlTemplate {
    /// `https://{slug}.DOMAIN/buildinfo`.
    ///
    /// # Errors
    /// In words, where that is no domain.
    pub fn from_domain(domain: &str, http: &Http) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if domain.is_empty() || !domain.chars().all(plain) {
            return Err(format!("{domain:?} is no domain such as tenants.example"));
        }
        Self::new(&format!("https://{SLUG}.{domain}/buildinfo"), http)
    }

    /// A URL with `{slug}` in it: https, unless it leads to this machine or to a host that may be asked over plain http.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn new(text: &str, http: &Http) -> Result<Self, String> {
        if !text.contains(SLUG) {
            return Err(format!("{text:?} lacks {SLUG}, so that every tenant would be asked at one place"));
        }
        let template = Self { text: text.to_owned(), http: http.clone() };
        template.url("slug").map(|_| template)
    }

    /// A tenant's own URL. The slug must be one that may stand in a URL.
    fn url(&self, slug: &str) -> Result<Url, String> {
        let text = &self.text;
        let url = Url::parse(&text.replace(SLUG, slug)).map_err(|error| format!("{text:?} is no URL: {error}"))?;
        check_url(&url, &format!("{text:?}"), &self.http)?;
        Ok(url)
    }

    /// The URL, with `{slug}` in it.
    pub fn text(&self) -> Text {
        Text::from(&*self.text)
    }
}

/// Whether a slug matches `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`, and so may stand in a URL (contract section 4.8).
fn may_stand_in_a_url(slug: &str) -> bool {
    let end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = slug.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    bytes.len() <= 63 && end(bytes.first()) && end(bytes.last()) && bytes.iter().all(plain)
}

/// How long probing may take, and how many requests are made at a time.
#[derive(Debug, Clone)]
pub struct Pace {
    /// From the start of one round to the start of the next.
    pub interval: Duration,
    /// From the start of the first round to the start of the last.
    pub timeout: Duration,
    /// The time limit of one request.
    pub request_timeout: Duration,
    /// How many requests are in flight, at most; at least 1.
    pub concurrency: usize,
}

/// The place of the commit in an answer.
#[derive(Debug, Clone, Default)]
pub enum CommitPlace {
    /// In the key `git_sha` of a JSON object.
    #[default]
    GitSha,
    /// Where a JSON pointer leads to in the body.
    Pointer(String),
    /// In a header. The body is not looked at.
    Header(HeaderName),
}

impl CommitPlace {
    /// The place that a JSON pointer or the name of a header gives. Only one of them may be given.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn new(pointer: Option<&str>, header: Option<&str>) -> Result<Self, String> {
        match (pointer, header) {
            (Some(_), Some(_)) => {
                Err("the commit is named by a pointer and by a header, but only one of them counts".into())
            }
            (Some(pointer), None) if is_pointer(pointer) => Ok(Self::Pointer(pointer.to_owned())),
            (Some(pointer), None) => Err(format!("{pointer:?} is no JSON pointer such as /data/sha")),
            (None, Some(header)) => HeaderName::from_bytes(header.trim().as_bytes())
                .map(Self::Header)
                .map_err(|_| format!("{header:?} is no name of a header such as x-git-sha")),
            (None, None) => Ok(Self::GitSha),
        }
    }

    /// Refuses a commit that is longer than a commit may be.
    ///
    /// # Errors
    /// In words, with its length.
    fn check_length(&self, commit: Field<Text>) -> Result<Field<Text>, String> {
        let length = commit.given().map_or(0, |commit| commit.chars().count());
        if length <= MAX_COMMIT {
            return Ok(commit);
        }
        let what = match self {
            Self::GitSha => "its git_sha".to_owned(),
            Self::Pointer(pointer) => format!("the commit at {pointer}"),
            Self::Header(name) => format!("the commit in the header {name}"),
        };
        Err(format!("{what} is {length} characters long, but at most {MAX_COMMIT} are allowed"))
    }
}

/// Whether this is a JSON pointer (RFC 6901): each part after a slash, and `~` only in `~0` and `~1`.
fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

/// Asks tenants for their build.
#[derive(Debug)]
pub struct Prober {
    http: reqwest::Client,
    template: UrlTemplate,
    commit_place: CommitPlace,
    pace: Pace,
    /// Names the template and no tenant's own URL, so that tenants that fail alike have the same answer.
    peer: Peer,
}

/// The answer of `/buildinfo` (contract section 4.8); other keys are ignored.
#[derive(Deserialize)]
struct BuildInfo {
    #[serde(default)]
    git_sha: Field<Text>,
    #[serde(flatten)]
    _unknown: Map<IgnoredAny>,
}

impl Prober {
    /// A prober that follows no redirects, sends no credentials, and uses no proxy for loopback.
    ///
    /// # Errors
    /// [`Error::Usage`] where this machine has no roots of trust, or `[http] ca_file` cannot be used.
    pub fn new(template: UrlTemplate, commit_place: CommitPlace, pace: Pace) -> Result<Self, Error> {
        let mut headers = HeaderMap::new();
        let accept = if matches!(commit_place, CommitPlace::Header(_)) { "*/*" } else { "application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        // A cache in front of a tenant would answer with an older build.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let base = template.url("slug").map_err(|problem| Error::usage(problem, "correct the URL of the probe"))?;
        // Every tenant is a host of its own: connections kept for the next round would be as many as the fleet.
        let http = build_client(client_builder(&base, headers, &template.http)?.pool_max_idle_per_host(0))?;
        let peer = Peer { url: template.text.clone(), url_from: "the URL of the probe", token_from: None };
        Ok(Self { http, template, commit_place, pace, peer })
    }

    /// Where tenants are asked.
    pub const fn template(&self) -> &UrlTemplate {
        &self.template
    }

    /// How long a round of this many requests may take.
    fn longest_round(&self, tenants: usize) -> Duration {
        let turns = tenants.div_ceil(self.pace.concurrency.max(1));
        self.pace.request_timeout.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX))
    }

    /// Asks these tenants, in rounds, until none is left to ask, the time is over, or a signal comes. Tenants that are left when
    /// the time is over are asked once more.
    ///
    /// # Errors
    /// Those of `keep`.
    pub(crate) async fn probe(
        &self,
        tenants: Vec<Text>,
        progress: &Progress,
        stop: &Stop,
        keep: &mut KeepRecord<'_>,
    ) -> Result<(), Error> {
        if tenants.is_empty() {
            return Ok(());
        }
        let (tenants, refused): (Vec<_>, Vec<_>) = tenants.into_iter().partition(|slug| may_stand_in_a_url(slug));
        let all = tenants.len();
        progress.probing(all, refused.len(), &self.template.text, self.pace.timeout);
        let url = self.template.text();
        keep(&Record::Probing { at: now(), url, tenants: tenants.clone(), refused })?;
        let mut round = Instant::now();
        let end = round + self.pace.timeout;
        let mut awaited = tenants;
        while !awaited.is_empty() {
            progress.probe_round(
                &awaited,
                end.saturating_duration_since(round).saturating_add(self.longest_round(awaited.len())),
            );
            let answers = self.round(&awaited, stop).await;
            let next = keep(&Record::Probed { at: now(), answers })?;
            awaited = next.into_iter().filter(|slug| may_stand_in_a_url(slug)).collect();
            // A round may take long, so the last one begins when the time is over.
            if awaited.is_empty() || round >= end {
                progress.probe_round_ended(all, &awaited, None);
                break;
            }
            let now = Instant::now();
            round = (round + self.pace.interval).min(end).max(now);
            let wait = round.saturating_duration_since(now);
            progress.probe_round_ended(all, &awaited, Some((wait, end.saturating_duration_since(now))));
            if stop.unless_stopped(tokio::time::sleep(wait)).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Asks tenants for their build outside of a rollout. Gives the signal that came meanwhile.
    ///
    /// # Errors
    /// Those of `keep`.
    pub fn run(
        &self,
        tenants: Vec<Text>,
        progress: &Progress,
        keep: &mut KeepRecord<'_>,
    ) -> Result<Option<Signal>, Error> {
        let stop = register_signals()?;
        block_on(&stop, async || self.probe(tenants, progress, &stop, keep).await)?;
        Ok(stop.signal())
    }

    /// Asks each tenant once. After a signal, only the answers that came before it are given.
    async fn round(&self, tenants: &[Text], stop: &Stop) -> Vec<ProbeAnswer> {
        let mut answers: Vec<ProbeAnswer> = Vec::new();
        let mut places: HashMap<BuildSeen, usize> = HashMap::new();
        let asking = async {
            let ask = |slug: &Text| {
                let slug = slug.clone();
                async move { (self.ask(&slug).await, slug) }
            };
            let mut asked = futures_util::stream::iter(tenants).map(ask).buffer_unordered(self.pace.concurrency);
            while let Some((seen, slug)) = asked.next().await {
                let place = *places.entry(seen.clone()).or_insert(answers.len());
                match answers.get_mut(place) {
                    Some(answer) => answer.tenants.push(slug),
                    None => answers.push(ProbeAnswer { tenants: vec![slug], seen }),
                }
            }
        };
        // A request changes nothing, so it can be given up.
        let _ = stop.unless_stopped(asking).await;
        answers
    }

    async fn ask(&self, slug: &str) -> BuildSeen {
        let url = match self.template.url(slug) {
            Ok(url) => url,
            Err(problem) => return BuildSeen { error: Some(Text::from(problem)), ..BuildSeen::default() },
        };
        let bounds = Bounds { time: self.pace.request_timeout, answer: MAX_BUILDINFO, names: Some(&["git_sha"]) };
        let attempted = exchange(self.http.get(url), bounds, &self.peer).await;
        let mut seen = BuildSeen { status: attempted.status, ..BuildSeen::default() };
        // The status decides first: nothing is read of another answer.
        if attempted.status.is_none_or(|status| status == 200) {
            // Where a header holds the commit, it is no failure that the body is no JSON.
            let is_read = !matches!(self.commit_place, CommitPlace::Header(_)) || attempted.error.is_some();
            seen.failure = attempted.failure.filter(|_| is_read);
            let body = attempted.body.unwrap_or_default();
            let commit = match (&self.commit_place, attempted.error, attempted.malformed) {
                (CommitPlace::Header(name), None, _) => commit_in_header(&attempted.headers, name),
                (_, Some(problem), _) | (_, None, Some(problem)) => Err(problem),
                (CommitPlace::GitSha, None, None) => commit_in_git_sha(&body),
                (CommitPlace::Pointer(pointer), None, None) => commit_at_pointer(&body, pointer),
            };
            match commit.and_then(|commit| self.commit_place.check_length(commit)) {
                Ok(git_sha) => seen.git_sha = git_sha,
                Err(error) => seen.error = Some(Text::from(error)),
            }
        }
        seen
    }
}

/// The commit that an answer names in its key `git_sha`.
fn commit_in_git_sha(answer: &str) -> Result<Field<Text>, String> {
    let info: BuildInfo = serde_json::from_str(answer).map_err(|error| format!("{error}: {}", start_of(answer)))?;
    Ok(info.git_sha)
}

/// The commit that an answer names where a JSON pointer leads to.
fn commit_at_pointer(answer: &str, pointer: &str) -> Result<Field<Text>, String> {
    let answer = json(answer.as_bytes()).map_err(|faults| {
        let problem = faults.into_iter().next().map_or_else(String::new, |fault| fault.problem);
        format!("{problem}: {}", start_of(answer))
    })?;
    match answer.pointer(pointer) {
        None => Ok(Field::Absent),
        Some(Value::Null) => Ok(Field::Null),
        Some(Value::String(commit)) => Ok(Field::Given(Text::from(&**commit))),
        Some(other) => Err(format!("at {pointer} stands no text but {}", start_of(&other.to_string()))),
    }
}

/// The commit that the headers of an answer name.
fn commit_in_header(headers: &HeaderMap, name: &HeaderName) -> Result<Field<Text>, String> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(Field::Absent),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| format!("the header {name} is no text"))?;
            Ok(Field::Given(Text::from(&*masked(text, false))))
        }
        (Some(_), Some(_)) => Err(format!("the header {name} comes more than once")),
    }
}

fn start_of(answer: &str) -> String {
    answer.chars().take(MAX_COMMIT).collect()
}
