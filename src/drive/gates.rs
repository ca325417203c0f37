//! The gates of a rollout that is driven: everything that is read of them is a record. Which one is read next, and that
//! it is judged, is the rollout's word.

use crate::collect::record::{AskedGates, Record};
use crate::collect::rollout::step::Gate;
use crate::drive::driver::Driver;
use crate::error::Error;
use crate::gates::reader::GateReader;
use crate::model::document::Outcome;
use crate::model::document::gates::{HeadState, SwitchReading, SwitchSource, SwitchState};

impl Driver<'_> {
    /// Reads a gate; nothing is kept where a signal came meanwhile.
    ///
    /// # Errors
    /// That of the journal.
    pub(crate) async fn read(&mut self, gate: Gate) -> Result<(), Error> {
        let Some(watch) = self.watch else {
            return Err(Error::Internal("a gate is to be read, and nobody is there to be asked".into()));
        };
        let read = match gate {
            Gate::Head => self.head(watch).await,
            Gate::Switch => self.switch(watch).await,
            Gate::Ci => self.ci(watch).await,
        };
        match read {
            Some(reading) => self.record(&reading),
            None => Ok(()),
        }
    }

    /// Reads the branch's head once more before tenants of a rollout that has ended are asked for their build: a newer
    /// job may be rolling them out by now.
    ///
    /// # Errors
    /// That of the journal.
    pub(crate) async fn read_head_again(&mut self) -> Result<(), Error> {
        let ended = self.rollout.outcome() == Outcome::Completed && !self.rollout.plan().rollout.dry_run;
        match self.watch.filter(|watch| ended && watch.asks() == AskedGates::All) {
            Some(_) => self.read(Gate::Head).await,
            None => Ok(()),
        }
    }

    /// The branch's head as a record; nothing where a signal came.
    async fn head(&self, watch: &GateReader) -> Option<Record> {
        let reading = watch.read_head(self.rollout.next_call());
        let reading = self.stop.unless_stopped(reading).await??;
        let head = reading.head.as_deref().unwrap_or("unknown");
        self.progress.line(&match reading.state {
            HeadState::Latest => format!("{} is at {head}: this job is the latest", reading.branch),
            HeadState::Superseded => format!("{} is at {head}, and this job is for {}", reading.branch, reading.sha),
            HeadState::Unreadable => format!("the head of {} cannot be read", reading.branch),
        });
        Some(Record::Head { reading })
    }

    /// The kill switch as a record; nothing where a signal came.
    async fn switch(&self, watch: &GateReader) -> Option<Record> {
        let reading = watch.read_switch(self.rollout.next_call());
        let reading = self.stop.unless_stopped(reading).await?;
        let said = |reading: &SwitchReading| (reading.state, reading.source);
        if self.rollout.gates().and_then(|gates| gates.switch.last()).map(said) != Some(said(&reading)) {
            self.progress.line(&words(&reading));
        }
        Some(Record::Switch { reading })
    }

    /// Waits for CI; nothing where a signal came.
    async fn ci(&self, watch: &GateReader) -> Option<Record> {
        let told = |line: &str| self.progress.line(line);
        let wait = self.stop.unless_stopped(watch.wait_for_ci(&told)).await??;
        Some(Record::Ci { wait })
    }
}

fn words(reading: &SwitchReading) -> String {
    let variable = &reading.variable;
    let state = match reading.state {
        SwitchState::Off => "off",
        SwitchState::Armed => "armed",
        SwitchState::Unreadable => "unreadable",
    };
    match (reading.source, &reading.owner) {
        (SwitchSource::Live, None) => format!("kill switch {variable}: {state}"),
        (SwitchSource::Live, Some(owner)) => format!("kill switch {variable} of {owner}: {state}"),
        (SwitchSource::Job, _) if reading.asked.requests == 0 => {
            format!("kill switch {variable}: {state} by the job's own value")
        }
        (SwitchSource::Job, _) => format!("kill switch {variable}: {state}, degraded: the job's own value counts"),
    }
}
