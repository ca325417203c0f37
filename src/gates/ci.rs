//! Waits until the required CI contexts of a commit have ended (contract section 5): all pages, newest status first.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::Error;
use crate::gates::gitea::{Gitea, encoded};
use crate::io::clock::now;
use crate::io::config::Config;
use crate::io::environment::seconds;
use crate::model::document::gates::{Asked, CiContext, CiEnd, CiWait};
use crate::model::document::text::Text;
use crate::time::scaled;

/// The only state that passes.
const PASSED: &str = "success";

/// States that end the wait at once.
const ENDED: [&str; 5] = ["failure", "error", "cancelled", "canceled", "skipped"];

/// No commit has so many pages of statuses: the server does not count them.
const MAX_PAGES: u32 = 1000;

/// How many characters of a state are kept.
const KEPT: usize = 64;

/// The least pause between two polls.
const LEAST: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub struct Wait {
    contexts: Vec<String>,
    interval: Duration,
    timeout: Duration,
}

/// The state of each context by name, newest status first.
type States = HashMap<String, String>;

impl Wait {
    /// What the environment and the configuration require.
    ///
    /// # Errors
    /// [`Error::Usage`] where nothing is required, or a time is none.
    pub fn from_environment(config: &Config) -> Result<Self, Error> {
        let contexts = config.plan.required_contexts()?;
        if contexts.is_empty() {
            let help = format!("set {}, or [plan] required_contexts", config.plan.variable("REQUIRED_CONTEXTS")?);
            return Err(Error::usage("no CI context is required, so nothing would be checked", help));
        }
        Ok(Self {
            contexts,
            interval: seconds("CI_STATUS_POLL_INTERVAL_SECONDS", 15)?,
            timeout: seconds("CI_STATUS_TIMEOUT_SECONDS", 1800)?,
        })
    }

    /// The same with its pauses shortened, in a rehearsal.
    #[must_use]
    pub fn scaled(mut self, scale: f64) -> Self {
        self.interval = scaled(self.interval, scale);
        self
    }

    /// Waits, and tells of each context's state as it changes.
    pub async fn run(&self, gitea: &Gitea, sha: &str, told: &dyn Fn(&str)) -> CiWait {
        let start = Instant::now();
        let mut wait = CiWait {
            at: now(),
            sha: Text::from(sha),
            contexts: self.contexts.iter().map(|name| CiContext { name: Text::from(&**name), state: None }).collect(),
            end: CiEnd::TimedOut,
            polls: 0,
            asked: Asked::default(),
        };
        loop {
            match self.poll(gitea, sha, &mut wait.asked).await {
                Some(states) => wait.see(&states, told),
                None => wait.end = CiEnd::Unreadable,
            }
            let left = self.timeout.saturating_sub(start.elapsed());
            if wait.end != CiEnd::TimedOut || left.is_zero() {
                wait.at = now();
                return wait;
            }
            tokio::time::sleep(self.interval.max(LEAST).min(left)).await;
        }
    }

    /// The newest status of each required context, from all pages; none where one cannot be read.
    async fn poll(&self, gitea: &Gitea, sha: &str, asked: &mut Asked) -> Option<States> {
        let mut newest: HashMap<String, (u64, String)> = HashMap::new();
        for page in 1..=MAX_PAGES {
            // The server clamps `limit`, so a short page is not the last one: the empty one is.
            let answer = gitea.get(&format!("/commits/{}/statuses?page={page}&limit=100", encoded(sha))).await;
            let (requests, answers) = (asked.requests, asked.answers);
            *asked = answer.asked.clone();
            asked.requests += requests;
            asked.answers += answers;
            let read = answer.json().and_then(|page| self.read(&page, &mut newest));
            match read {
                Some(0) => return Some(newest.into_iter().map(|(name, (_, state))| (name, state)).collect()),
                Some(_) => {}
                None => {
                    let unreadable = answer.unreadable("no array of statuses");
                    *asked = Asked { requests: asked.requests, answers: asked.answers, ..unreadable };
                    return None;
                }
            }
        }
        asked.problem = Some(Text::from(format!("there is no end to the pages: {MAX_PAGES} were read")));
        None
    }

    /// Reads a page: how many statuses it has; none where it cannot be read.
    fn read(&self, page: &Value, newest: &mut HashMap<String, (u64, String)>) -> Option<usize> {
        let statuses = page.as_array()?;
        for status in statuses {
            let fields = status.as_object()?;
            let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::trim);
            let Some(name) = text("context").filter(|name| self.contexts.iter().any(|context| context == name)) else {
                continue;
            };
            let id = fields.get("id").and_then(Value::as_u64)?;
            let kept = |state: &str| state.chars().take(KEPT).collect::<String>().to_lowercase();
            // Some services have the one, some the other; where there are both, or one more with its number, the worse counts.
            let states =
                ["status", "state"].into_iter().filter(|key| fields.get(*key).is_some_and(|state| !state.is_null()));
            let states = states.map(|key| text(key).map(kept)).collect::<Option<Vec<_>>>()?;
            let state = states.into_iter().max_by_key(|state| badness(state)).unwrap_or_default();
            let is_worse = |known: &(u64, String)| (known.0, badness(&known.1)) < (id, badness(&state));
            if newest.get(name).is_none_or(is_worse) {
                newest.insert(name.to_owned(), (id, state));
            }
        }
        Some(statuses.len())
    }
}

/// How bad a state is: one that passed is less so than one that may still pass.
fn badness(state: &str) -> u8 {
    match state {
        PASSED => 0,
        ended if ENDED.contains(&ended) => 2,
        _ => 1,
    }
}

impl CiWait {
    fn see(&mut self, states: &States, told: &dyn Fn(&str)) {
        let first = self.polls == 0;
        self.polls += 1;
        for context in &mut self.contexts {
            let state = states.get(&*context.name).map(|state| Text::from(&**state));
            if first || state != context.state {
                told(&format!("{}: {}", context.name, state.as_deref().unwrap_or("missing")));
            }
            context.state = state;
        }
        if self.has_ended() {
            self.end = CiEnd::Answered;
        }
    }

    /// Whether every context passed, or one can no longer.
    fn has_ended(&self) -> bool {
        let state = |context: &CiContext| context.state.clone();
        let mut states = self.contexts.iter().filter_map(state);
        states.any(|state| ENDED.contains(&&*state))
            || self.contexts.iter().all(|context| context.state.as_deref() == Some(PASSED))
    }
}
