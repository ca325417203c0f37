//! Reads the gates of a rollout that is driven.

use std::time::Duration;

use crate::collect::record::AskedGates;
use crate::error::Error;
use crate::gates::ci::{Wait, WaitObserver};
use crate::gates::gitea::{Gitea, HOST};
use crate::gates::kill_switch::KillSwitch;
use crate::gates::superseded::Commit;
use crate::io::config::Config;
use crate::io::environment::{EnvironmentFaults, nonblank_var, sha};
use crate::model::commit::is_sha;
use crate::model::document::gates::{CiWait, HeadReading, SwitchReading};

/// The gates of a rollout that is driven.
#[derive(Debug)]
pub struct GateReader {
    gitea: Gitea,
    switch: KillSwitch,
    /// Absent: only the kill switch is read.
    start_gates: Option<StartGates>,
}

/// The gates that are read once, before the rollout begins.
#[derive(Debug)]
struct StartGates {
    commit: Commit,
    wait: Wait,
}

impl GateReader {
    /// The gates that a rollout asks: all of them where `all`, else the kill switch where a Gitea is named or the job's own
    /// variable arms it, else none.
    ///
    /// # Errors
    /// [`Error::Usage`] where the environment cannot be used.
    pub fn gates_to_ask(config: &Config, all: bool) -> Result<Option<AskedGates>, Error> {
        let switch = KillSwitch::from_environment(&config.plan);
        let armed = EnvironmentFaults::combine(config.plan.refuse_misspelt(), switch)?.1.is_armed_by_job();
        let switch = armed || nonblank_var(HOST)?.is_some();
        Ok(if all { Some(AskedGates::All) } else { switch.then_some(AskedGates::KillSwitch) })
    }

    /// A reader of the gates that are `asked`, for a rollout of the commit `planned`.
    ///
    /// # Errors
    /// [`Error::Usage`] where the environment cannot be used.
    pub fn from_environment(
        config: &Config,
        asked: AskedGates,
        planned: Option<&str>,
        scale: f64,
    ) -> Result<Self, Error> {
        let start_gates = if asked == AskedGates::All {
            let sha = match planned.filter(|planned| is_sha(planned)) {
                Some(planned) => planned.to_owned(),
                None => sha()?,
            };
            let (commit, wait) =
                EnvironmentFaults::combine(Commit::from_environment(sha), Wait::from_environment(config))?;
            Some(StartGates { commit, wait: wait.scaled(scale) })
        } else {
            None
        };
        let switch = KillSwitch::from_environment(&config.plan)?;
        // Where the job's own variable halts the rollout, no Gitea has to be asked or named.
        let is_needed = start_gates.is_some() || !switch.is_armed_by_job();
        let gitea =
            if is_needed { Gitea::from_environment(&config.gitea, &config.http)? } else { Gitea::without_token() };
        Ok(Self { gitea: gitea.scaled(scale), switch, start_gates })
    }

    pub const fn asked_gates(&self) -> AskedGates {
        if self.start_gates.is_some() { AskedGates::All } else { AskedGates::KillSwitch }
    }

    /// Refuses to resume a rollout whose gates were read where they cannot be read any more.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is no token.
    pub fn check_has_token(&self) -> Result<(), Error> {
        if self.gitea.has_token() || self.switch.is_armed_by_job() {
            return Ok(());
        }
        let problem = "the rollout began with gates, and is resumed without GITEA_TOKEN, so that none could be read";
        Err(Error::usage(problem, "give the job the token; nothing was called, and the journal is as it was"))
    }

    /// Reads the kill switch, before the call with this index.
    pub async fn read_switch(&self, before: u32) -> SwitchReading {
        self.switch.read(&self.gitea, before).await
    }

    /// Reads the branch's head, before the call with this index; nothing where only the kill switch is read.
    pub async fn read_head(&self, before: u32) -> Option<HeadReading> {
        match &self.start_gates {
            Some(gates) => Some(gates.commit.read_head(&self.gitea, before).await),
            None => None,
        }
    }

    /// Waits for CI; nothing where only the kill switch is read.
    pub async fn wait_for_ci(&self, observer: &dyn WaitObserver) -> Option<CiWait> {
        match &self.start_gates {
            Some(gates) => Some(gates.wait.run(&self.gitea, &gates.commit.sha, observer).await),
            None => None,
        }
    }

    /// How long a reading of the head or of the kill switch may take.
    pub fn limit(&self) -> Duration {
        self.gitea.limit()
    }

    /// The same gates, but CI is asked once and not waited for.
    #[must_use]
    pub fn without_waiting(mut self) -> Self {
        self.start_gates = self.start_gates.map(|gates| StartGates { wait: gates.wait.once(), ..gates });
        self
    }
}
