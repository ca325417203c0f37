//! Makes the calls of a rollout one after another.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use backon::Retryable as _;

use crate::collect::record::Record;
use crate::collect::rollout::requests::REQUEST_HELP;
use crate::collect::rollout::step::{HaltCheck, Step};
use crate::drive::client::RequestIds;
use crate::drive::driver::{CheckHalt, Driver, GRACE, Unfinished};
use crate::drive::prober::{ProbeTargets, Prober};
use crate::drive::progress::{AttemptNumber, Request};
use crate::drive::runtime::block_on;
use crate::drive::stop::Signal;
use crate::error::Error;
use crate::gates::reader::GateReader;
use crate::io::clock::now;
use crate::io::http::Exchange;
use crate::model::document::text::Text;
use crate::model::document::{Outcome, Purpose};

impl Driver<'_> {
    /// Drives the rollout to its end, to a halt, or until a signal comes; then asks tenants for their build, where `probing`
    /// is given. A panic becomes an error, so that what was collected can still be written.
    ///
    /// # Errors
    /// Those of the journal and of halt checks; the rollout then stops before the next call.
    pub fn run(
        &mut self,
        check_halt: &mut CheckHalt<'_>,
        probing: Option<(&Prober, &mut ProbeTargets<'_>)>,
    ) -> Result<(), Error> {
        let stop = self.stop.clone();
        let result = block_on(&stop, async || {
            self.drive(check_halt).await?;
            match probing {
                Some((prober, targets)) => self.probe(prober, targets).await,
                None => Ok(()),
            }
        });
        self.rollout.mark_cut_short();
        result
    }

    async fn drive(&mut self, check_halt: &mut CheckHalt<'_>) -> Result<(), Error> {
        self.rollout.set_gates(self.gate_reader.map(GateReader::asked_gates));
        while self.rollout.outcome() == Outcome::Running {
            match (self.rollout.next_step(), self.stop.signal()) {
                // A signal does not keep an answer from being checked: a rollout that has to halt is not resumed.
                (Step::CheckHalt(check), signal) if signal.is_none() || check != HaltCheck::IdealDocument => {
                    self.check_halt(check_halt, check)?;
                }
                (_, Some(signal)) => self.interrupt(signal)?,
                (Step::CheckHalt(check), None) => self.check_halt(check_halt, check)?,
                (Step::Read(gate), None) => self.read_gate(gate).await?,
                (Step::Soak(seconds), None) => self.soak(seconds).await?,
                (Step::Call(purpose, tenants), None) => self.call(purpose, &tenants).await?,
                (Step::Done, None) => self.record(&Record::Completed { at: now() })?,
            }
        }
        Ok(())
    }

    fn check_halt(&mut self, check_halt: &mut CheckHalt<'_>, check: HaltCheck) -> Result<(), Error> {
        let answer = if check == HaltCheck::IdealDocument {
            let document = self.rollout.ideal_document().map_err(Error::bug)?;
            if let Err(problem) = self.rollout.check_requests_of(&document) {
                return self.halt_without_request(&problem);
            }
            check_halt(&document, check)
        } else {
            check_halt(&self.rollout.document_so_far(), check)
        };
        let halts = match answer {
            Ok(_) if check == HaltCheck::IdealDocument => Vec::new(),
            Ok(answer) => {
                self.progress.set_counts(answer.proven, answer.not_proven);
                answer.halts
            }
            Err(error) => {
                let because = Text::from("a policy could not be evaluated");
                self.record(&Record::Halted { at: now(), because })?;
                return Err(error);
            }
        };
        if halts.is_empty() {
            self.rollout.pass_check(check);
            return Ok(());
        }
        self.progress.line(&format!("halted: {}", halts.join("; ")));
        self.record(&Record::Halted { at: now(), because: Text::from(halts.join("; ")) })
    }

    /// The body of a call. Where the request filter makes none, the rollout halts.
    fn body(&mut self, purpose: Purpose, tenants: &[Text]) -> Result<String, Error> {
        match self.rollout.body(purpose, tenants) {
            Ok(body) => Ok(body),
            Err(problem) => self.halt_without_request(&problem),
        }
    }

    /// Halts where the request filter makes no body of a call.
    fn halt_without_request<T>(&mut self, problem: &str) -> Result<T, Error> {
        let because = Text::from("the request filter of the control plane failed");
        self.record(&Record::Halted { at: now(), because })?;
        Err(Error::usage(problem, REQUEST_HELP))
    }

    /// Appends a record to the journal and applies it to the rollout; it is applied even if the journal cannot be written.
    pub(crate) fn record(&mut self, record: &Record) -> Result<(), Error> {
        self.journal.append(&mut self.rollout, record)
    }

    pub(crate) fn interrupt(&mut self, signal: Signal) -> Result<(), Error> {
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

    pub(crate) async fn call(&mut self, purpose: Purpose, tenants: &[Text]) -> Result<(), Error> {
        let call = self.rollout.next_call_index();
        let body = self.body(purpose, tenants)?;
        let idempotency_key = self.rollout.idempotency_key(purpose, tenants);
        let limit = if purpose == Purpose::Plan { self.timing.plan_timeout } else { self.timing.call_timeout };
        let delays: Vec<Duration> = self.timing.retry_delays.iter().map(|delay| self.timing.scaled(*delay)).collect();
        let retries = u16::try_from(delays.len()).unwrap_or(u16::MAX);
        let (client, stop) = (self.client, self.stop.clone());
        let max = retries.saturating_add(1);
        self.progress.call(&self.rollout, &Request { purpose, tenants, body: &body, url: self.client.url() }, limit);

        let next = Cell::new(0);
        let driver = RefCell::new(&mut *self);
        let attempt = || async {
            if stop.signal().is_some() {
                return Err(Unfinished::Stopped);
            }
            let attempt = next.replace(next.get() + 1);
            let request_id = driver.borrow().rollout.request_id(call, attempt);
            let ids = RequestIds { idempotency_key: idempotency_key.clone(), request_id };
            let request = Record::Request {
                call,
                attempt,
                purpose,
                tenants: tenants.to_vec(),
                at: now(),
                idempotency_key: Some(Text::from(&*ids.idempotency_key)),
                request_id: Some(Text::from(&*ids.request_id)),
            };
            driver.borrow_mut().record(&request).map_err(Unfinished::Failed)?;
            driver.borrow().progress.attempt(purpose, tenants, AttemptNumber { number: attempt + 1, max }, limit);
            let on_signal = |signal| driver.borrow().progress.awaiting_last_answer(signal, GRACE);
            let Some(attempted) = stop.within_grace(client.attempt(body.clone(), &ids, limit), GRACE, on_signal).await
            else {
                return Err(Unfinished::Stopped);
            };
            let last = !attempted.is_transient || attempt == retries;
            let mut driver = driver.borrow_mut();
            driver.record(&answer(call, attempt, attempted, last)).map_err(Unfinished::Failed)?;
            if let Some(attempt) = driver.rollout.last_attempt(call) {
                driver.progress.answered(&driver.rollout, purpose, tenants, attempt);
            }
            if last { Ok(()) } else { Err(Unfinished::Transient) }
        };
        let before_retry =
            |_: &Unfinished, wait| driver.borrow().progress.retry(AttemptNumber { number: next.get() + 1, max }, wait);
        let attempts =
            attempt.retry(delays.into_iter()).when(|error| matches!(error, Unfinished::Transient)).notify(before_retry);
        match stop.unless_stopped_or_in_flight(attempts).await {
            Some(Err(Unfinished::Failed(error))) => Err(error),
            _ => Ok(()),
        }
    }
}

/// The record of an attempt that has ended; `last` says that no other follows.
fn answer(call: u32, attempt: u16, attempted: Exchange, last: bool) -> Record {
    Record::Answer {
        call,
        attempt,
        at: now(),
        duration_ms: u64::try_from(attempted.duration.as_millis()).unwrap_or(u64::MAX),
        status: attempted.status,
        error: attempted.error.map(Text::from),
        body: attempted.body.map(Text::from),
        malformed: attempted.malformed.map(Text::from),
        failure: attempted.failure,
        last,
    }
}
