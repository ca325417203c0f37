//! The gates of a rollout that is driven: everything that is read of them is a record, and the question whether to go on
//! follows it.

use super::{Ask, Driver, Question, Record};
use crate::document::{HeadState, Outcome, Purpose, SwitchReading, SwitchSource, SwitchState};
use crate::error::Error;
use crate::preflight::Watch;

impl Driver<'_> {
    /// Asks what is asked once, before anything is called: superseded, the kill switch, CI; and where CI took long,
    /// superseded again.
    ///
    /// # Errors
    /// Those of [`Driver::drive`].
    pub(super) async fn preflight(&mut self, ask: &mut Ask<'_>) -> Result<(), Error> {
        let Some(watch) = self.watch.filter(|watch| watch.asks_all()) else { return Ok(()) };
        self.read_head(watch, ask).await?;
        self.read_switch(watch, ask).await?;
        if self.wait_for_ci(watch, ask).await? {
            self.read_head(watch, ask).await?;
        }
        Ok(())
    }

    /// Whether a call may be made. One that changes something is made only behind a reading of the kill switch.
    ///
    /// # Errors
    /// Those of [`Driver::drive`].
    pub(super) async fn is_let_through(&mut self, purpose: Purpose, ask: &mut Ask<'_>) -> Result<bool, Error> {
        let changes = purpose != Purpose::Plan && !self.rollout.plan().rollout.dry_run;
        if let Some(watch) = self.watch.filter(|_| changes) {
            self.read_switch(watch, ask).await?;
        }
        Ok(self.goes_on())
    }

    async fn read_head(&mut self, watch: &Watch, ask: &mut Ask<'_>) -> Result<(), Error> {
        if !self.goes_on() {
            return Ok(());
        }
        match self.head(watch).await {
            Some(reading) => self.judge(&reading, ask),
            None => Ok(()),
        }
    }

    /// Reads the branch's head once more before tenants of a rollout that has ended are asked for their build: a newer
    /// job may be rolling them out by now.
    ///
    /// # Errors
    /// That of the journal.
    pub(super) async fn read_head_again(&mut self) -> Result<(), Error> {
        let ended = self.rollout.outcome() == Outcome::Completed && !self.rollout.plan().rollout.dry_run;
        let Some(watch) = self.watch.filter(|watch| ended && watch.asks_all()) else { return Ok(()) };
        match self.head(watch).await {
            Some(reading) => self.record(&reading),
            None => Ok(()),
        }
    }

    /// The branch's head as a record; nothing where a signal came.
    async fn head(&self, watch: &Watch) -> Option<Record> {
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

    async fn read_switch(&mut self, watch: &Watch, ask: &mut Ask<'_>) -> Result<(), Error> {
        if !self.goes_on() {
            return Ok(());
        }
        let reading = watch.read_switch(self.rollout.next_call());
        let Some(reading) = self.stop.unless_stopped(reading).await else { return Ok(()) };
        let said = |reading: &SwitchReading| (reading.state, reading.source);
        if self.rollout.gates().and_then(|gates| gates.switch.last()).map(said) != Some(said(&reading)) {
            self.progress.line(&words(&reading));
        }
        self.judge(&Record::Switch { reading }, ask)
    }

    /// Waits for CI; whether it was asked more than once.
    async fn wait_for_ci(&mut self, watch: &Watch, ask: &mut Ask<'_>) -> Result<bool, Error> {
        if !self.goes_on() {
            return Ok(false);
        }
        let told = |line: &str| self.progress.line(line);
        let Some(Some(wait)) = self.stop.unless_stopped(watch.wait_for_ci(&told)).await else { return Ok(false) };
        let again = wait.polls > 1;
        self.judge(&Record::Ci { wait }, ask)?;
        Ok(again)
    }

    fn judge(&mut self, record: &Record, ask: &mut Ask<'_>) -> Result<(), Error> {
        self.record(record)?;
        if self.goes_on() { self.ask(ask, Question::Gate) } else { Ok(()) }
    }

    fn goes_on(&self) -> bool {
        self.rollout.outcome() == Outcome::Running && self.stop.came().is_none()
    }
}

fn words(reading: &SwitchReading) -> String {
    let variable = &reading.variable;
    let state = match reading.state {
        SwitchState::Off => "off",
        SwitchState::Armed => "armed",
        SwitchState::Unreadable => "unreadable",
    };
    match reading.source {
        SwitchSource::Live => format!("kill switch {variable}: {state}"),
        SwitchSource::Job => format!("kill switch {variable}: {state}, degraded: the job's own value counts"),
    }
}
