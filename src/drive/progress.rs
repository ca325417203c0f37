//! Shows on standard error what is being waited for, and for how long at most: bars on a terminal; elsewhere a line for each
//! call, and one a minute while nothing else is written.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use jiff::Timestamp;

use crate::collect::rollout::state::Rollout;
use crate::drive::stop::Signal;
use crate::gates::ci::WaitObserver;
use crate::model::document::text::Text;
use crate::model::document::{Attempt, Purpose};
use crate::text::escape::{for_terminal, names_of};
use crate::text::plural::plural;
use crate::time::rounded;

/// The bar of called tenants, and what is waited for; the second line is cut where the terminal ends.
const CALLS_TEMPLATE: &str = "{bar:30} {pos} of {len} tenants called{counts}\n{wide_msg} {wait}";

/// The bar while tenants are asked for their build.
const PROBE_TEMPLATE: &str = "{bar:30} {pos} of {len} tenants on the build\n{wide_msg} {wait}";

/// After how long without a line a reminder says what is waited for, outside of a terminal.
const SILENCE: Duration = Duration::from_mins(1);

/// Where progress is shown.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    writes_lines: bool,
    verbose: u8,
    state: Arc<Shared>,
}

/// What this thread shares with the thread that writes reminders.
#[derive(Debug)]
struct Shared {
    state: Mutex<WaitState>,
    ended: Condvar,
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, WaitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is waited for, and what the bars and reminders show of it.
#[derive(Debug)]
struct WaitState {
    /// What is waited for; blank where nothing is.
    what: String,
    since: Instant,
    wait: Wait,
    /// How many tenants are proven and how many are not, once policies have been evaluated.
    counts: Option<(u64, u64)>,
    /// When the last line was written.
    last_line_at: Instant,
    has_ended: bool,
}

impl WaitState {
    /// A line about what is waited for; none where nothing is.
    fn reminder(&self, now: Instant) -> Option<String> {
        if self.what.is_empty() {
            return None;
        }
        let waited = now.saturating_duration_since(self.since);
        let since = Timestamp::now() - waited;
        let bound = match self.wait {
            Wait::AtMost(limit) => format!("at most {}", seconds(limit)),
            Wait::Exactly(wait) => format!("{} s to go", wait.saturating_sub(waited).as_secs_f64().round()),
        };
        Some(format!(
            "still waiting: {}; since {}, {} s so far, {bound}",
            self.what,
            since.strftime("%H:%M:%S UTC"),
            waited.as_secs_f64().round(),
        ))
    }
}

#[derive(Debug, Clone, Copy)]
enum Wait {
    /// For an answer, at most this long.
    AtMost(Duration),
    /// Until this much time has passed.
    Exactly(Duration),
}

/// A call that is made.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What it is for.
    pub purpose: Purpose,
    /// The tenants that it names.
    pub tenants: &'a [Text],
    /// The body of the request.
    pub body: &'a str,
    /// Where it goes.
    pub url: &'a str,
}

/// The number of an attempt among those of its call.
#[derive(Debug, Clone, Copy)]
pub struct AttemptNumber {
    /// From 1.
    pub number: u16,
    /// How many there are at most.
    pub max: u16,
}

impl std::fmt::Display for AttemptNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "attempt {} of {}", self.number, self.max)
    }
}

impl Progress {
    /// On a terminal bars, elsewhere lines; nothing where `quiet`. With `verbose` the tenants of each call are named and
    /// every answer has its line; with more of it the bodies of requests are shown.
    pub fn new(quiet: bool, verbose: u8) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && !quiet;
        let now = Instant::now();
        let wait = Wait::Exactly(Duration::ZERO);
        let state =
            WaitState { what: String::new(), since: now, wait, counts: None, last_line_at: now, has_ended: false };
        let state = Arc::new(Shared { state: Mutex::new(state), ended: Condvar::new() });
        let bar = is_terminal.then(|| bar(&state));
        let writes_lines = !is_terminal && !quiet;
        if writes_lines {
            let state = Arc::clone(&state);
            // Where the system gives no thread, nobody is reminded.
            let _ = thread::Builder::new().name("reminder".into()).spawn(move || write_reminders(&state));
        }
        Self { bar, writes_lines, verbose, state }
    }

    /// Writes a line.
    pub fn line(&self, text: &str) {
        let text = for_terminal(text);
        if let Some(bar) = &self.bar {
            bar.println(&text);
        } else if self.writes_lines {
            self.locked().last_line_at = Instant::now();
            write_line(&text);
        }
    }

    /// Shows that a call begins; outside of a terminal this is its only line.
    pub fn call(&self, rollout: &Rollout, call: &Request<'_>, limit: Duration) {
        let Request { purpose, tenants, body, url } = *call;
        let what = words(purpose, tenants);
        if self.bar.is_none() {
            let counts = counts(self.locked().counts);
            let so_far = match rollout.fleet_size() {
                0 => String::new(),
                fleet => format!("{} of {fleet} tenants called{counts}; ", rollout.called_count()),
            };
            self.line(&format!("{so_far}{what}, at most {} an attempt", seconds(limit)));
        }
        if self.verbose > 0 {
            self.line(&format!("POST {url}"));
        }
        if self.verbose > 0 && !tenants.is_empty() {
            self.line(&format!("calling {}", tenants.iter().map(|tenant| &**tenant).collect::<Vec<_>>().join(", ")));
        }
        if self.verbose > 1 {
            self.line(&format!("sending {body}"));
        }
    }

    /// Shows that an attempt of a call begins.
    pub fn attempt(&self, purpose: Purpose, tenants: &[Text], attempt: AttemptNumber, limit: Duration) {
        let which = if attempt.number > 1 { format!(", {attempt}") } else { String::new() };
        self.wait(&format!("{}{which}", words(purpose, tenants)), Wait::AtMost(limit));
    }

    /// Shows that an attempt has ended. Outside of a terminal a good answer has no line: the next call's line follows.
    pub fn answered(&self, rollout: &Rollout, purpose: Purpose, tenants: &[Text], attempt: &Attempt) {
        if let Some(bar) = &self.bar {
            bar.set_length(rollout.fleet_size() as u64);
            bar.set_position(rollout.called_count() as u64);
        }
        if self.bar.is_some() || self.verbose > 0 || attempt.status != Some(200) {
            self.line(&format!("{}: {}", words(purpose, tenants), outcome(attempt)));
        }
        self.clear_wait();
    }

    /// Shows that nothing is waited for any more.
    pub fn clear_wait(&self) {
        self.locked().what.clear();
    }

    /// Shows that a gate is read, which takes at most `limit`.
    pub fn reading_gate(&self, what: &str, limit: Duration) {
        self.wait(what, Wait::AtMost(limit));
    }

    /// Sets how many tenants are proven so far, and how many are not although a call named them.
    pub fn set_counts(&self, proven: u64, not_proven: u64) {
        self.locked().counts = Some((proven, not_proven));
    }

    /// Shows that another attempt follows after some time.
    pub fn retry(&self, attempt: AttemptNumber, wait: Duration) {
        self.line(&format!("{attempt} in {}", seconds(wait)));
        self.wait(&format!("before {attempt}"), Wait::Exactly(wait));
    }

    /// Shows that something is waited for, such as the soak, and for how long.
    pub fn pause(&self, what: &str, wait: Duration) {
        if self.bar.is_none() {
            self.line(&format!("{what}: {}", seconds(wait)));
        }
        self.wait(what, Wait::Exactly(wait));
    }

    /// Shows that probing begins.
    pub fn probing(&self, tenants: usize, refused: usize, url: &str, timeout: Duration) {
        if let Some(bar) = &self.bar {
            let style = ProgressStyle::with_template(PROBE_TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(
                style.with_key("wait", key_writer(&self.state, |state| time_left(state.since.elapsed(), state.wait))),
            );
            bar.set_length(tenants as u64);
            bar.set_position(0);
        }
        let tenants = plural(tenants, "tenant");
        self.line(&format!("probing {tenants} at {url}, at most {}", seconds(timeout)));
        if refused > 0 {
            self.line(&format!("not probed, because their slug cannot stand in a URL: {refused}"));
        }
    }

    /// Shows that a round of probing begins, and for how long others may follow.
    pub fn probe_round(&self, awaited: &[Text], left: Duration) {
        self.wait(&format!("the builds of {}", names_of(awaited.iter())), Wait::AtMost(left));
    }

    /// Shows that a round of probing has ended; `next` says when the next one begins, and for how long others may follow.
    pub fn probe_round_ended(&self, tenants: usize, awaited: &[Text], next: Option<(Duration, Duration)>) {
        let on_target = tenants.saturating_sub(awaited.len());
        if let Some(bar) = &self.bar {
            bar.set_position(on_target as u64);
        }
        let mut text = format!("probed: {on_target} of {tenants} tenants are on the build");
        self.clear_wait();
        if !awaited.is_empty() {
            let names = names_of(awaited.iter());
            // Writing to a string cannot fail.
            let _ = write!(text, ", not yet {names}");
            if let Some((wait, left)) = next {
                let _ = write!(text, "; next round in {}, for at most {} more", seconds(wait), seconds(left));
                self.wait(&format!("the next round of asking {names}"), Wait::Exactly(wait));
            }
        }
        self.line(&text);
    }

    /// Shows that a signal came while a call is in flight, and for how long its answer is waited for.
    pub fn awaiting_last_answer(&self, signal: Signal, grace: Duration) {
        let name = signal.name();
        self.line(&format!(
            "{name}: waiting at most {} for the answer in flight; a second signal ends at once",
            seconds(grace)
        ));
        self.wait(&format!("{name}: the answer in flight"), Wait::AtMost(grace));
    }

    fn wait(&self, what: &str, wait: Wait) {
        self.wait_since(what, Instant::now(), wait);
    }

    fn wait_since(&self, what: &str, since: Instant, wait: Wait) {
        let mut state = self.locked();
        (state.what, state.since, state.wait) = (what.to_owned(), since, wait);
        drop(state);
        if let Some(bar) = &self.bar {
            bar.set_message(for_terminal(what));
        }
    }

    fn locked(&self) -> MutexGuard<'_, WaitState> {
        self.state.locked()
    }
}

impl WaitObserver for Progress {
    fn line(&self, text: &str) {
        self.line(text);
    }

    fn waiting_for(&self, what: &str, since: Instant, at_most: Duration) {
        self.wait_since(what, since, Wait::AtMost(at_most));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.locked().has_ended = true;
        self.state.ended.notify_all();
    }
}

/// Writes a reminder whenever no line was written for [`SILENCE`], until everything has ended.
fn write_reminders(shared: &Shared) {
    let mut state = shared.locked();
    while !state.has_ended {
        let left = SILENCE.saturating_sub(state.last_line_at.elapsed());
        if left.is_zero() {
            let now = Instant::now();
            state.last_line_at = now;
            if let Some(text) = state.reminder(now) {
                write_line(&for_terminal(&text));
            }
        } else {
            state = shared.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn write_line(escaped: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "rollproof: {escaped}");
}

/// A function that writes a key of a bar's template.
fn key_writer(
    state: &Arc<Shared>,
    write: fn(&WaitState) -> String,
) -> impl Fn(&ProgressState, &mut dyn std::fmt::Write) + Clone + Send + Sync + 'static {
    let state = Arc::clone(state);
    move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        // Writing to the line that is drawn cannot fail.
        let _ = out.write_str(&write(&state.locked()));
    }
}

fn bar(state: &Arc<Shared>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(CALLS_TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style.with_key("counts", key_writer(state, |state| counts(state.counts)));
    bar.set_style(style.with_key("wait", key_writer(state, |state| time_left(state.since.elapsed(), state.wait))));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// How long something has been waited for, or how long the wait still takes.
fn time_left(since: Duration, wait: Wait) -> String {
    match wait {
        Wait::AtMost(limit) => format!("{} s, at most {}", since.as_secs(), seconds(limit)),
        Wait::Exactly(wait) => format!("{} s left", wait.saturating_sub(since).as_secs_f64().ceil()),
    }
}

fn counts(counts: Option<(u64, u64)>) -> String {
    counts.map_or_else(String::new, |(proven, not_proven)| format!(", {proven} proven, {not_proven} not proven"))
}

fn seconds(time: Duration) -> String {
    format!("{} s", rounded(time))
}

fn words(purpose: Purpose, tenants: &[Text]) -> String {
    let names = names_of(tenants.iter());
    match (purpose, tenants.len()) {
        (Purpose::Plan, _) => "plan call".to_owned(),
        (Purpose::Canary, _) => format!("canary {names}"),
        (Purpose::Batch, 1) => format!("batch of 1 tenant: {names}"),
        (Purpose::Batch, many) => format!("batch of {many} tenants: {names}"),
    }
}

fn outcome(attempt: &Attempt) -> String {
    let status = attempt.status.map_or_else(|| "no answer".into(), |status| format!("HTTP {status}"));
    let took = Duration::from_millis(attempt.duration_ms.unwrap_or_default()).as_secs_f64();
    let mut text = format!("{status} after {took:.1} s");
    if attempt.malformed.is_some() {
        // Writing to a string cannot fail.
        let _ = write!(text, ", malformed");
    }
    if let Some(failure) = &attempt.failure {
        let _ = write!(text, ": {}", failure.reason);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Wait, WaitState};

    #[test]
    fn a_reminder_says_what_is_waited_for_since_when_and_for_how_long() {
        let since = Instant::now();
        let state = |what: &str, wait| WaitState {
            what: what.to_owned(),
            since,
            wait,
            counts: None,
            last_line_at: since,
            has_ended: false,
        };
        let after = |seconds: u64, state: &WaitState| state.reminder(since + Duration::from_secs(seconds));
        let call = after(61, &state("canary acme", Wait::AtMost(Duration::from_mins(10)))).unwrap_or_default();
        assert!(call.starts_with("still waiting: canary acme; since "), "{call}");
        assert!(call.ends_with(" UTC, 61 s so far, at most 600 s"), "{call}");
        let soak = after(120, &state("soak", Wait::Exactly(Duration::from_mins(5)))).unwrap_or_default();
        assert!(soak.ends_with(" UTC, 120 s so far, 180 s to go"), "{soak}");
        assert_eq!(after(120, &state("", Wait::Exactly(Duration::ZERO))), None);
    }
}
