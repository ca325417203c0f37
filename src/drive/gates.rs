//! Reads the gates of a rollout that is driven, and keeps each reading as a record. The rollout decides which gate is read
//! next.

use crate::collect::record::{AskedGates, Record};
use crate::collect::rollout::step::Gate;
use crate::drive::driver::Driver;
use crate::error::Error;
use crate::gates::reader::GateReader;
use crate::model::document::Outcome;
use crate::model::document::gates::{HeadState, SwitchReading, SwitchSource, SwitchState};

impl Driver<'_> {
    /// Reads a gate and records the reading; where a signal comes meanwhile, nothing is recorded.
    ///
    /// # Errors
    /// That of the journal.
    pub(crate) async fn read_gate(&mut self, gate: Gate) -> Result<(), Error> {
        let Some(gate_reader) = self.gate_reader else {
            return Err(Error::bug("a gate has to be read, and there is no reader for it"));
        };
        let record = match gate {
            Gate::Head => self.head(gate_reader).await,
            Gate::Switch => self.switch(gate_reader).await,
            Gate::Ci => self.ci(gate_reader).await,
        };
        self.progress.clear_wait();
        match record {
            Some(record) => self.record(&record),
            None => Ok(()),
        }
    }

    /// Reads the branch's head once more before tenants of a rollout that has ended are asked for their build: a newer
    /// job may be rolling them out by now.
    ///
    /// # Errors
    /// That of the journal.
    pub(crate) async fn read_head_again(&mut self) -> Result<(), Error> {
        let is_complete = self.rollout.outcome() == Outcome::Completed && !self.rollout.plan().rollout.dry_run;
        match self.gate_reader.filter(|gate_reader| is_complete && gate_reader.asked_gates() == AskedGates::All) {
            Some(_) => self.read_gate(Gate::Head).await,
            None => Ok(()),
        }
    }

    /// The branch's head as a record; nothing where a signal came.
    async fn head(&self, gate_reader: &GateReader) -> Option<Record> {
        self.progress.reading_gate("the branch's head", gate_reader.limit());
        let reading = gate_reader.read_head(self.rollout.next_call_index());
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
    async fn switch(&self, gate_reader: &GateReader) -> Option<Record> {
        self.progress.reading_gate("the kill switch", gate_reader.limit());
        let reading = gate_reader.read_switch(self.rollout.next_call_index());
        let reading = self.stop.unless_stopped(reading).await?;
        let state = |reading: &SwitchReading| (reading.state, reading.source);
        if self.rollout.gates().and_then(|gates| gates.switch.last()).map(state) != Some(state(&reading)) {
            self.progress.line(&switch_in_words(&reading));
        }
        Some(Record::Switch { reading })
    }

    /// Waits for CI; nothing where a signal came.
    async fn ci(&self, gate_reader: &GateReader) -> Option<Record> {
        let wait = self.stop.unless_stopped(gate_reader.wait_for_ci(&self.progress)).await??;
        Some(Record::Ci { wait })
    }
}

fn switch_in_words(reading: &SwitchReading) -> String {
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
