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
const PASSED_STATE: &str = "success";

/// The states of a context that may still pass; a status without one has none yet. Every other state ends the wait.
const OPEN_STATES: [&str; 2] = ["pending", ""];

/// How many pages of statuses are read at most: a server that gives more ignores the page's number.
const MAX_PAGES: u32 = 1000;

/// How many characters of a state are kept.
const MAX_STATE: usize = 64;

/// The least pause between two polls.
const MIN_PAUSE: Duration = Duration::from_millis(10);

/// How many names of other contexts are read.
const MAX_OTHERS: usize = 200;

/// How many names of other contexts are kept.
const MAX_PRESENT: usize = 20;

/// How many characters of a context's name are compared.
const MAX_COMPARED: usize = 100;

/// Follows a wait for CI.
pub trait WaitObserver {
    /// A line for a person.
    fn line(&self, text: &str);

    /// What is waited for from now on, since when, and for how long at most; it may be said again from time to time.
    fn waiting_for(&self, what: &str, since: Instant, at_most: Duration);
}

/// How CI is waited for.
#[derive(Debug)]
pub struct Wait {
    contexts: Vec<String>,
    interval: Duration,
    timeout: Duration,
}

/// The statuses of a commit, from all pages.
#[derive(Debug, Default)]
struct Statuses {
    /// The number of the newest status of each required context, and its state.
    newest: HashMap<String, (u64, String)>,
    /// The names of other contexts.
    others: BTreeSet<String>,
}

impl Wait {
    /// The contexts and times that the environment and the configuration give.
    ///
    /// # Errors
    /// [`Error::Usage`] where no context is required, or a time is not valid.
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

    /// The same wait with its pauses shortened, for a rehearsal.
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

    /// Waits, and tells the observer each state that changes, and what is waited for.
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

    /// The statuses of all pages; none where a page cannot be read.
    async fn poll(&self, gitea: &Gitea, sha: &str, asked: &mut Asked) -> Option<Statuses> {
        let mut statuses = Statuses::default();
        for page in 1..=MAX_PAGES {
            // The server clamps `limit`, so a short page is not the last one: the empty one is.
            let answer = gitea.get(&format!("/commits/{}/statuses?page={page}&limit=100", encoded(sha))).await;
            let (requests, answers) = (asked.requests, asked.answers);
            *asked = answer.asked.clone();
            asked.requests += requests;
            asked.answers += answers;
            let count = answer.json().and_then(|page| self.read_page(&page, &mut statuses));
            match count {
                Some(0) => return Some(statuses),
                Some(_) => {}
                None => {
                    let unreadable = answer.into_unreadable("an array of statuses");
                    *asked = Asked { requests: asked.requests, answers: asked.answers, ..unreadable };
                    return None;
                }
            }
        }
        asked.problem = Some(Text::from(format!("there is no end to the pages: {MAX_PAGES} were read")));
        None
    }

    /// Reads a page, and gives the number of its statuses; none where it cannot be read.
    fn read_page(&self, page: &Value, statuses: &mut Statuses) -> Option<usize> {
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
            let kept = |state: &str| state.chars().take(MAX_STATE).collect::<String>().to_lowercase();
            // Some services have `status`, some `state`. Where both are there, or two statuses have one number, the worse counts.
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

/// How bad a state is: 0 where it passed, 1 where it may still pass, 2 where it cannot.
fn failure_rank(state: &str) -> u8 {
    match state {
        PASSED_STATE => 0,
        open if OPEN_STATES.contains(&open) => 1,
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

    /// Whether every context passed, or one cannot pass any more.
    fn has_ended(&self) -> bool {
        let mut ranks = self.contexts.iter().map(|context| context.state.as_deref().map_or(1, failure_rank));
        ranks.clone().any(|rank| rank > 1) || ranks.all(|rank| rank == 0)
    }

    fn missing(&self) -> impl Iterator<Item = &CiContext> {
        self.contexts.iter().filter(|context| context.state.is_none())
    }

    /// The other contexts, the one that is spelt most like a missing context first; none where nothing is missing.
    fn nearest(&self, others: &BTreeSet<String>) -> Vec<Text> {
        let compared = |name: &str| spelling_key(&name.chars().take(MAX_COMPARED).collect::<String>());
        let missing: Vec<String> = self.missing().map(|context| compared(&context.name)).collect();
        let mut ranked: Vec<_> = others
            .iter()
            .filter_map(|other| {
                let compared = compared(other);
                Some((missing.iter().map(|name| distance(name, &compared)).min()?, other))
            })
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().take(MAX_PRESENT).map(|(_, other)| Text::from(&**other)).collect()
    }

    /// The contexts that have not passed.
    fn open_contexts(&self) -> String {
        let open = self.contexts.iter().filter(|context| context.state.as_deref() != Some(PASSED_STATE));
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

/// How far one name is from another: by the length of their common beginning, then by the number of edits.
fn distance(name: &str, other: &str) -> (usize, usize) {
    if name == other {
        return (0, 0);
    }
    let common = name.chars().zip(other.chars()).take_while(|(one, two)| one == two).count();
    (MAX_COMPARED.saturating_sub(common) + 1, strsim::damerau_levenshtein(name, other))
}
