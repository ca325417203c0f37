//! The live rollout: makes the calls of contract section 4 one after another, keeps a journal, and asks before every
//! call whether to go on. It knows nothing of policies: the question is a function.

mod client;
mod foreseen;
mod gates;
mod journal;
mod probe;
mod progress;
mod response;
mod rollout;
mod stop;

use std::cell::{Cell, RefCell};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use backon::Retryable as _;
use jiff::Timestamp;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

pub use crate::http::Token;
pub use client::Client;
pub use journal::{AskedGates, Format as JournalFormat, Inventory, Journal, Record, read as read_journal};
pub use probe::{Pace, Prober, Template, Whom};
pub use progress::Progress;
pub use response::{Response, failed_call};
pub use rollout::{Gate, Refusal, Rollout, Step, table as grammar_table};
pub use stop::{Signal, Stop};

use crate::document::{Document, Outcome, Purpose, Text};
use crate::error::Error;
use crate::preflight::Watch;

/// How long a call in flight is waited for once a signal came. CI kills after about 10 s.
const GRACE: Duration = Duration::from_secs(5);

/// A plan may ask for any number of seconds; the clock cannot count as far.
const LONGEST_WAIT: Duration = Duration::from_hours(100 * 365 * 24);

/// How long things may take, and how much of the waiting is done.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Before each further attempt of a call; as many as there are delays.
    pub retry_delays: Vec<Duration>,
    /// The time limit of the plan call.
    pub plan_timeout: Duration,
    /// The time limit of each attempt of a call that names tenants.
    pub call_timeout: Duration,
    /// What soak and retry delays are multiplied with: 1, but in a rehearsal.
    pub scale: f64,
}

impl Timing {
    fn scaled(&self, wait: Duration) -> Duration {
        scaled(wait, self.scale)
    }
}

/// A wait of another length, as far as the clock can count.
pub fn scaled(wait: Duration, scale: f64) -> Duration {
    Duration::try_from_secs_f64(wait.as_secs_f64() * scale).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

/// Why it is asked whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// A call has ended.
    Call,
    /// A gate was read, and no call has ended since somebody asked.
    Gate,
    /// The fleet is known, and nothing is changed yet: could every policy be asked, if all went well? Nothing is halted
    /// by what they would say.
    Foreseen,
}

/// What is said of a rollout so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Why to stop; nothing to go on.
    pub halts: Vec<String>,
    /// How many tenants are proven, to be shown.
    pub proven: u64,
    /// How many are not although a call named them, to be shown.
    pub not_proven: u64,
}

/// Asked with the document so far.
pub type Ask<'a> = dyn FnMut(&Document, Question) -> Result<Said, Error> + 'a;

/// A rollout that is being driven.
pub struct Driver<'a> {
    /// Its state.
    pub rollout: Rollout,
    /// Where everything is kept.
    pub journal: Journal,
    /// The gates that are asked. Absent: none.
    pub watch: Option<&'a Watch>,
    /// Who is called.
    pub client: &'a Client,
    /// How long things may take.
    pub timing: &'a Timing,
    /// Who is told.
    pub progress: Progress,
    /// What ended it from outside.
    pub stop: Stop,
}

/// Why a call is not gone on with.
enum Unfinished {
    /// Worth another attempt.
    Transient,
    /// A signal came.
    Stopped,
    /// The journal cannot be written.
    Failed(Error),
}

impl Driver<'_> {
    /// Drives the rollout to its end, to a halt, or until a signal comes; then asks tenants for their build, where that
    /// is wanted. Where rollproof itself fails, that is an error like any other, so that what was collected can still be
    /// written.
    ///
    /// # Errors
    /// That of the journal or of the question; the rollout then stops before anything else is called.
    pub fn run(&mut self, ask: &mut Ask<'_>, probing: Option<(&Prober, &mut Whom<'_>)>) -> Result<(), Error> {
        let stop = self.stop.clone();
        let driven = block_on(&stop, async || {
            self.drive(ask).await?;
            match probing {
                Some((prober, whom)) => self.probe(prober, whom).await,
                None => Ok(()),
            }
        });
        self.rollout.cut_short();
        driven
    }

    async fn drive(&mut self, ask: &mut Ask<'_>) -> Result<(), Error> {
        self.rollout.ask(self.watch.map(Watch::asks));
        while self.rollout.outcome() == Outcome::Running {
            match (self.rollout.next(), self.stop.came()) {
                // What was answered is judged also where a signal came: a rollout that has to halt is not resumed.
                (Step::Judge(question), signal) if signal.is_none() || question != Question::Foreseen => {
                    self.judge(ask, question)?;
                }
                (_, Some(signal)) => self.interrupt(signal)?,
                (Step::Judge(question), None) => self.judge(ask, question)?,
                (Step::Read(gate), None) => self.read(gate).await?,
                (Step::Soak(seconds), None) => self.soak(seconds).await?,
                (Step::Call(purpose, tenants), None) => self.call(purpose, &tenants).await?,
                (Step::Done, None) => self.record(&Record::Completed { at: now() })?,
            }
        }
        Ok(())
    }

    fn judge(&mut self, ask: &mut Ask<'_>, question: Question) -> Result<(), Error> {
        let said = if question == Question::Foreseen {
            self.rollout.foreseen().map_err(Error::Bug).and_then(|document| ask(&document, question))
        } else {
            ask(&self.rollout.so_far(), question)
        };
        let halts = match said {
            Ok(_) if question == Question::Foreseen => Vec::new(),
            Ok(said) => {
                self.progress.counted(said.proven, said.not_proven);
                said.halts
            }
            Err(error) => {
                let because = Text::from("a policy could not be evaluated");
                self.record(&Record::Halted { at: now(), because })?;
                return Err(error);
            }
        };
        if halts.is_empty() {
            self.rollout.judged(question);
            return Ok(());
        }
        self.progress.line(&format!("halted: {}", halts.join("; ")));
        self.record(&Record::Halted { at: now(), because: Text::from(halts.join("; ")) })
    }

    /// Keeps a record. What happened has happened, also where it cannot be kept.
    fn record(&mut self, record: &Record) -> Result<(), Error> {
        self.journal.append(&mut self.rollout, record)
    }

    fn interrupt(&mut self, signal: Signal) -> Result<(), Error> {
        self.progress.line(&format!("interrupted by {}", signal.name()));
        self.record(&Record::Interrupted { at: now(), signal: Text::from(signal.name()) })
    }

    async fn soak(&mut self, seconds: u64) -> Result<(), Error> {
        self.record(&Record::Soak { at: now() })?;
        let wait = self.timing.scaled(Duration::from_secs(seconds));
        self.progress.pause("soak", wait);
        if self.stop.unless_stopped(tokio::time::sleep(wait)).await.is_some() {
            self.record(&Record::Soaked { at: now() })?;
        }
        Ok(())
    }

    async fn call(&mut self, purpose: Purpose, tenants: &[Text]) -> Result<(), Error> {
        let call = self.rollout.next_call();
        let body = self.rollout.body(purpose, tenants);
        let limit = if purpose == Purpose::Plan { self.timing.plan_timeout } else { self.timing.call_timeout };
        let delays: Vec<Duration> = self.timing.retry_delays.iter().map(|delay| self.timing.scaled(*delay)).collect();
        let attempts = u16::try_from(delays.len()).unwrap_or(u16::MAX);
        let (client, stop) = (self.client, self.stop.clone());
        let attempts_at_most = attempts.saturating_add(1);
        self.progress.call(&self.rollout, purpose, tenants, limit, &body);

        let number = Cell::new(0);
        let keeper = RefCell::new(&mut *self);
        let attempt = || async {
            if stop.came().is_some() {
                return Err(Unfinished::Stopped);
            }
            let attempt = number.replace(number.get() + 1);
            let request = Record::Request { call, attempt, purpose, tenants: tenants.to_vec(), at: now() };
            keeper.borrow_mut().record(&request).map_err(Unfinished::Failed)?;
            keeper.borrow().progress.attempt(purpose, tenants, (attempt + 1, attempts_at_most), limit);
            let told = |signal| keeper.borrow().progress.grace(signal, GRACE);
            let Some(attempted) = stop.within_grace(client.attempt(body.clone(), limit), GRACE, told).await else {
                return Err(Unfinished::Stopped);
            };
            let last = !attempted.is_transient || attempt == attempts;
            let answer = Record::Answer {
                call,
                attempt,
                at: now(),
                duration_ms: u64::try_from(attempted.duration.as_millis()).unwrap_or(u64::MAX),
                status: attempted.status,
                error: attempted.error.map(Text::from),
                body: attempted.body.map(Text::from),
                malformed: attempted.malformed.map(Text::from),
                last,
            };
            let mut driver = keeper.borrow_mut();
            driver.record(&answer).map_err(Unfinished::Failed)?;
            if let Some(attempt) = driver.rollout.last_attempt(call) {
                driver.progress.answered(&driver.rollout, purpose, tenants, attempt);
            }
            if last { Ok(()) } else { Err(Unfinished::Transient) }
        };
        let told = |_: &Unfinished, wait| keeper.borrow().progress.retry((number.get() + 1, attempts_at_most), wait);
        let retried =
            attempt.retry(delays.into_iter()).when(|error| matches!(error, Unfinished::Transient)).notify(told);
        match stop.unless_waiting(retried).await {
            Some(Err(Unfinished::Failed(error))) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Hears signals from now on.
///
/// # Errors
/// [`Error::Bug`] where the operating system refuses.
pub fn hear_signals() -> Result<Stop, Error> {
    Stop::hear().map_err(|error| system(&error))
}

fn system(error: &io::Error) -> Error {
    Error::Bug(format!("the operating system refuses: {error}"))
}

/// Does something that a signal can end. A panic is an error like any other.
fn block_on<T>(stop: &Stop, work: impl AsyncFnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| system(&error))?;
    let local = LocalSet::new();
    local.block_on(&runtime, async { stop.listen() }).map_err(|error| system(&error))?;
    let done = catch_unwind(AssertUnwindSafe(|| local.block_on(&runtime, work())));
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    done.unwrap_or_else(|_| Err(Error::Bug("rollproof itself failed; please report this as a bug".into())))
}

/// The time, as records have it.
pub fn now() -> Text {
    Text::from(Timestamp::now().to_string())
}
