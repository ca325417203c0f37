//! Makes the calls of a rollout one after another.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use backon::Retryable as _;

use crate::collect::record::Record;
use crate::collect::rollout::step::{Question, Step};
use crate::drive::driver::{Ask, Driver, GRACE, Unfinished};
use crate::drive::prober::{ProbeTargets, Prober};
use crate::drive::runtime::block_on;
use crate::drive::stop::Signal;
use crate::error::Error;
use crate::gates::reader::GateReader;
use crate::io::clock::now;
use crate::model::document::text::Text;
use crate::model::document::{Outcome, Purpose};

impl Driver<'_> {
    /// Drives the rollout to its end, to a halt, or until a signal comes; then asks tenants for their build, where that
    /// is wanted. Where rollproof itself fails, that is an error like any other, so that what was collected can still be
    /// written.
    ///
    /// # Errors
    /// That of the journal or of the question; the rollout then stops before anything else is called.
    pub fn run(&mut self, ask: &mut Ask<'_>, probing: Option<(&Prober, &mut ProbeTargets<'_>)>) -> Result<(), Error> {
        let stop = self.stop.clone();
        let driven = block_on(&stop, async || {
            self.drive(ask).await?;
            match probing {
                Some((prober, targets)) => self.probe(prober, targets).await,
                None => Ok(()),
            }
        });
        self.rollout.cut_short();
        driven
    }

    async fn drive(&mut self, ask: &mut Ask<'_>) -> Result<(), Error> {
        self.rollout.ask(self.watch.map(GateReader::asks));
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
            self.rollout.foreseen().map_err(Error::Internal).and_then(|document| ask(&document, question))
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
    pub(crate) fn record(&mut self, record: &Record) -> Result<(), Error> {
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
