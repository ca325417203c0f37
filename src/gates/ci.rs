//! Waits until the required CI contexts of a commit have ended (contract section 5): all pages, newest status first.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::Error;
use crate::gates::gitea::{Gitea, encoded};
use crate::io::clock::now;
use crate::io::config::Config;
use crate::io::environment::{EnvironmentFaults, seconds};
use crate::model::document::gates::{Asked, CiContext, CiEnd, CiWait};
use crate::model::document::text::Text;
use crate::text::escape::names_of;
use crate::text::misspelt::spelling_key;
use crate::time::scaled;

/// The only state that passes.
const PASSED: &str = "success";

/// The states of a context that may still pass; a status without one has none yet. Every other state ends the wait.
const OPEN: [&str; 2] = ["pending", ""];

/// How many pages of statuses are read at most: a server that gives more does not heed the page's number.
const MAX_PAGES: u32 = 1000;

/// How many characters of a state are kept.
const KEPT: usize = 64;

/// The least pause between two polls.
const MIN_PAUSE: Duration = Duration::from_millis(10);

/// How many names of other contexts are read, and how many of them are kept.
const MAX_OTHERS: usize = 200;
const KEPT_OTHERS: usize = 20;

/// How many characters of a context's name are compared.
const COMPARED: usize = 100;

/// Is told how the wait goes on.
pub trait WaitObserver {
    /// One line.
    fn line(&self, text: &str);

    /// What is waited for from now on, since when, and for how long at most; it may be said again from time to time.
    fn waiting_for(&self, what: &str, since: Instant, at_most: Duration);
}

/// The wait for the required CI contexts.
#[derive(Debug)]
pub struct Wait {
    contexts: Vec<String>,
    interval: Duration,
    timeout: Duration,
}

/// The statuses of a commit, from all pages.
#[derive(Debug, Default)]
struct Statuses {
    /// The state of each required one, and the number of its status.
    newest: HashMap<String, (u64, String)>,
    /// The names of others.
    others: BTreeSet<String>,
}

impl Wait {
    /// What the environment and the configuration require.
    ///
    /// # Errors
    /// [`Error::Usage`] where nothing is required, or a time is none.
    pub fn from_environment(config: &Config) -> Result<Self, Error> {
        let required = config.plan.required_contexts().and_then(|contexts| {
            if contexts.is_empty() {
                let help = format!("set {}, or [plan] required_contexts", config.plan.variable("REQUIRED_CONTEXTS")?);
                return Err(Error::usage("no CI context is required, so nothing would be checked", help));
            }
            Ok(contexts)
        });
        let times = EnvironmentFaults::combine(
            seconds("CI_STATUS_POLL_INTERVAL_SECONDS", 15),
            seconds("CI_STATUS_TIMEOUT_SECONDS", 1800),
        );
        let (contexts, (interval, timeout)) = EnvironmentFaults::combine(required, times)?;
        Ok(Self { contexts, interval, timeout })
    }

    /// The same with its pauses shortened, in a rehearsal.
    #[must_use]
    pub fn scaled(mut self, scale: f64) -> Self {
        self.interval = scaled(self.interval, scale);
        self
    }

    /// The same without waiting: CI is asked once.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.timeout = Duration::ZERO;
        self
    }

    /// Waits, and tells of each context's state as it changes, and what it waits for.
    pub async fn run(&self, gitea: &Gitea, sha: &str, observer: &dyn WaitObserver) -> CiWait {
        let start = Instant::now();
        observer.waiting_for("the statuses of the commit", start, self.timeout);
        let mut wait = CiWait {
            at: now(),
            sha: Text::from(sha),
            contexts: self.contexts.iter().map(|name| CiContext { name: Text::from(&**name), state: None }).collect(),
            end: CiEnd::TimedOut,
            present: Vec::new(),
            polls: 0,
            asked: Asked::default(),
        };
        loop {
            match self.poll(gitea, sha, &mut wait.asked).await {
                Some(statuses) => wait.record_statuses(&statuses, observer),
                None => wait.end = CiEnd::Unreadable,
            }
            let left = self.timeout.saturating_sub(start.elapsed());
            if wait.end != CiEnd::TimedOut || left.is_zero() {
                wait.at = now();
                return wait;
            }
            observer.waiting_for(&wait.open_contexts(), start, self.timeout);
            if wait.polls == 1 {
                observer.line(&format!("waiting for {}", wait.description(left)));
            }
            tokio::time::sleep(self.interval.max(MIN_PAUSE).min(left)).await;
        }
    }

    /// What all pages say; none where one cannot be read.
    async fn poll(&self, gitea: &Gitea, sha: &str, asked: &mut Asked) -> Option<Statuses> {
        let mut statuses = Statuses::default();
        for page in 1..=MAX_PAGES {
            // The server clamps `limit`, so a short page is not the last one: the empty one is.
            let answer = gitea.get(&format!("/commits/{}/statuses?page={page}&limit=100", encoded(sha))).await;
            let (requests, answers) = (asked.requests, asked.answers);
            *asked = answer.asked.clone();
            asked.requests += requests;
            asked.answers += answers;
            let read = answer.json().and_then(|page| self.read(&page, &mut statuses));
            match read {
                Some(0) => return Some(statuses),
                Some(_) => {}
                None => {
                    let unreadable = answer.unreadable("an array of statuses");
                    *asked = Asked { requests: asked.requests, answers: asked.answers, ..unreadable };
                    return None;
                }
            }
        }
        asked.problem = Some(Text::from(format!("there is no end to the pages: {MAX_PAGES} were read")));
        None
    }

    /// Reads a page: how many statuses it has; none where it cannot be read.
    fn read(&self, page: &Value, statuses: &mut Statuses) -> Option<usize> {
        let page = page.as_array()?;
        for status in page {
            let fields = status.as_object()?;
            let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::trim);
            let Some(name) = text("context") else { continue };
            if !self.contexts.iter().any(|context| context == name) {
                if statuses.others.len() < MAX_OTHERS && !name.is_empty() {
                    statuses.others.insert(name.to_owned());
                }
                continue;
            }
            let id = fields.get("id").and_then(Value::as_u64)?;
            let kept = |state: &str| state.chars().take(KEPT).collect::<String>().to_lowercase();
            // Some services have the one, some the other; where there are both, or one more with its number, the worse counts.
            let states =
                ["status", "state"].into_iter().filter(|key| fields.get(*key).is_some_and(|state| !state.is_null()));
            let states = states.map(|key| text(key).map(kept)).collect::<Option<Vec<_>>>()?;
            let state = states.into_iter().max_by_key(|state| failure_rank(state)).unwrap_or_default();
            let is_worse = |known: &(u64, String)| (known.0, failure_rank(&known.1)) < (id, failure_rank(&state));
            if statuses.newest.get(name).is_none_or(is_worse) {
                statuses.newest.insert(name.to_owned(), (id, state));
            }
        }
        Some(page.len())
    }
}

/// How bad a state is: one that passed is less so than one that may still pass.
fn failure_rank(state: &str) -> u8 {
    match state {
        PASSED => 0,
        open if OPEN.contains(&open) => 1,
        _ => 2,
    }
}

impl CiWait {
    fn record_statuses(&mut self, statuses: &Statuses, observer: &dyn WaitObserver) {
        let first = self.polls == 0;
        self.polls += 1;
        for context in &mut self.contexts {
            let state = statuses.newest.get(&*context.name).map(|(_, state)| Text::from(&**state));
            if first || state != context.state {
                observer.line(&format!("{}: {}", context.name, state.as_deref().unwrap_or("missing")));
            }
            context.state = state;
        }
        self.present = self.nearest(&statuses.others);
        if self.has_ended() {
            self.end = CiEnd::Answered;
        }
    }

    /// Whether every context passed, or one can no longer.
    fn has_ended(&self) -> bool {
        let mut ranks = self.contexts.iter().map(|context| context.state.as_deref().map_or(1, failure_rank));
        ranks.clone().any(|failure_rank| failure_rank > 1) || ranks.all(|failure_rank| failure_rank == 0)
    }

    fn missing(&self) -> impl Iterator<Item = &CiContext> {
        self.contexts.iter().filter(|context| context.state.is_none())
    }

    /// The other contexts, those that are spelt most like a missing one first; none where nothing is missing.
    fn nearest(&self, others: &BTreeSet<String>) -> Vec<Text> {
        let compared = |name: &str| spelling_key(&name.chars().take(COMPARED).collect::<String>());
        let missing: Vec<String> = self.missing().map(|context| compared(&context.name)).collect();
        let mut ranked: Vec<_> = others
            .iter()
            .filter_map(|other| {
                let compared = compared(other);
                Some((missing.iter().map(|name| distance(name, &compared)).min()?, other))
            })
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().take(KEPT_OTHERS).map(|(_, other)| Text::from(&**other)).collect()
    }

    /// The contexts that have not passed.
    fn open_contexts(&self) -> String {
        let open = self.contexts.iter().filter(|context| context.state.as_deref() != Some(PASSED));
        names_of(open.map(|context| &*context.name).collect::<Vec<_>>().into_iter())
    }

    /// What is waited for, and for how long.
    fn description(&self, left: Duration) -> String {
        let mut text = format!("{}, {} s at most", self.open_contexts(), left.as_secs_f64().ceil());
        if !self.present.is_empty() {
            let present = names_of(self.present.iter().map(|name| &**name));
            text.push_str(&format!("; what is missing may be misspelt: the commit has {present}"));
        }
        text
    }
}

/// How far one name is from another: by what they do not begin with in common, then by letters.
fn distance(name: &str, other: &str) -> (usize, usize) {
    if name == other {
        return (0, 0);
    }
    let in_common = name.chars().zip(other.chars()).take_while(|(one, two)| one == two).count();
    (COMPARED.saturating_sub(in_common) + 1, strsim::damerau_levenshtein(name, other))
}
