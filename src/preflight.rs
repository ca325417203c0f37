//! The gates before a rollout (contract section 5): what is read becomes facts, and `rollproof.gates` decides. The
//! commands ask one gate; `run` asks all of them, and the kill switch again before every call that changes anything.

mod ci;
mod gitea;
mod kill_switch;
mod superseded;

use jiff::Timestamp;
use tokio::runtime::Builder;

use crate::cli;
use crate::collect::{TOOL, unknown_rollout};
use crate::config::Config;
use crate::document::{
    Asked, CiWait, Document, Fleet, FleetSource, Format, Gates, HeadReading, Map, Provenance, Rollout, SwitchReading,
    Text,
};
use crate::drive::{AskedGates, Progress};
use crate::environment::given;
use crate::error::Error;
use crate::judge::{self, Judge};
use crate::output;
use crate::plan::{is_sha, sha};
use crate::policy::GATES;
use crate::render::escape::line;
use crate::schema;
use ci::Wait;
use gitea::{Gitea, HOST};
use kill_switch::KillSwitch;
use superseded::Commit;

pub use gitea::Settings;
pub use superseded::same as is_same_commit;

/// The exit code of `latest` where the job is not known to be superseded (design section 5).
const LATEST: u8 = 10;

/// The exit code where a service never answered.
const UNANSWERED: u8 = 6;

/// Asks one gate and judges what it says.
///
/// # Errors
/// [`Error::Usage`] where the environment cannot be used, [`Error::Policy`] where a policy fails.
pub fn preflight(options: &cli::Preflight, complain: &mut dyn FnMut(&Error)) -> Result<u8, Error> {
    let judged_by = options.judge();
    let judge = Judge::appoint_for(&judged_by, Some(GATES))?.ready()?;
    let progress = Progress::new(options.quiet, 0);
    let gates = ask(options.gate, &judge.config, &progress)?;
    let (asked, answered) = contacts(&gates);
    let report = judge.report(&schema::validate(&document(gates))?, Vec::new())?;
    if options.gate == cli::Gate::Latest {
        report.findings.iter().for_each(|finding| progress.line(&finding.message));
        let mut written = judge.write_files(&report);
        let newer = report.summary.superseded_by.as_deref();
        written.extend(newer.map(|head| output::print(|out| line!(out, "{head}"))));
        return Ok(judge::exit_code(if newer.is_some() { 0 } else { LATEST }, written, complain));
    }
    let code = match report.decision.exit_code(false) {
        1 if asked > 0 && answered == 0 => UNANSWERED,
        code => code,
    };
    Ok(judge::exit_code(code, judge.write(&report), complain))
}

fn ask(gate: cli::Gate, config: &Config, progress: &Progress) -> Result<Gates, Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Policy(format!("the operating system refuses: {error}")))?;
    let mut gates = Gates::default();
    match gate {
        cli::Gate::Enabled => {
            let (switch, gitea) =
                (KillSwitch::from_environment(&config.plan)?, Gitea::from_environment(&config.gitea)?);
            gates.switch.push(runtime.block_on(switch.read(&gitea, 0)));
        }
        cli::Gate::Ci => {
            let (wait, sha) = (Wait::from_environment(config)?, sha()?);
            let gitea = Gitea::from_environment(&config.gitea)?;
            gates.ci = Some(runtime.block_on(wait.run(&gitea, &sha, &|line| progress.line(line))));
        }
        cli::Gate::Latest => {
            let commit = Commit::from_environment(sha()?)?;
            let gitea = Gitea::from_environment(&config.gitea)?;
            gates.head.push(runtime.block_on(commit.read_head(&gitea, 0)));
        }
    }
    Ok(gates)
}

/// How many requests the gates needed, and how many of them were answered.
pub fn contacts(gates: &Gates) -> (u32, u32) {
    let asked = gates.switch.iter().map(|reading| &reading.asked);
    let asked = asked.chain(gates.head.iter().map(|reading| &reading.asked)).chain(gates.ci.iter().map(|ci| &ci.asked));
    asked.fold((0, 0), |(requests, answers), asked: &Asked| (requests + asked.requests, answers + asked.answers))
}

/// A document of nothing but gates: nobody was enumerated, and nobody called.
fn document(gates: Gates) -> Document {
    let sha = gates.ci.iter().map(|ci| &ci.sha).chain(gates.head.iter().map(|reading| &reading.sha)).next();
    Document {
        format: Format::V1,
        rollout: Rollout { target_sha: sha.cloned(), ..unknown_rollout() },
        fleet: Fleet {
            source: FleetSource::None,
            tenants: 0,
            duplicates: Vec::new(),
            inventory: Vec::new(),
            dropped: Vec::new(),
        },
        archive: None,
        calls: Vec::new(),
        cohorts: Vec::new(),
        phases: Map::default(),
        order: Vec::new(),
        gates: Some(gates),
        probes: None,
        anomalies: Vec::new(),
        provenance: Provenance { tool: Text::from(TOOL), collected_at: now(), inputs: Vec::new() },
    }
}

/// The gates of a rollout that is driven.
#[derive(Debug)]
pub struct Watch {
    gitea: Gitea,
    switch: KillSwitch,
    /// Absent: only the kill switch is read.
    before: Option<Before>,
}

/// What is asked once, before the rollout begins.
#[derive(Debug)]
struct Before {
    commit: Commit,
    wait: Wait,
}

impl Watch {
    /// Which gates a rollout asks: all of them where `all`, else the kill switch where a Gitea is named, else none.
    ///
    /// # Errors
    /// [`Error::Usage`] where the environment cannot be used.
    pub fn asked(all: bool) -> Result<Option<AskedGates>, Error> {
        let switch = given(HOST)?.is_some();
        Ok(if all { Some(AskedGates::All) } else { switch.then_some(AskedGates::KillSwitch) })
    }

    /// These gates, for a rollout of this commit.
    ///
    /// # Errors
    /// [`Error::Usage`] where the environment cannot be used.
    pub fn from_environment(
        config: &Config,
        asked: AskedGates,
        planned: Option<&str>,
        scale: f64,
    ) -> Result<Self, Error> {
        let before = if asked == AskedGates::All {
            let sha = match planned.filter(|planned| is_sha(planned)) {
                Some(planned) => planned.to_owned(),
                None => sha()?,
            };
            let (commit, wait) = (Commit::from_environment(sha)?, Wait::from_environment(config)?.scaled(scale));
            Some(Before { commit, wait })
        } else {
            None
        };
        let switch = KillSwitch::from_environment(&config.plan)?;
        Ok(Self { gitea: Gitea::from_environment(&config.gitea)?.scaled(scale), switch, before })
    }

    /// Which gates are asked.
    pub const fn asks(&self) -> AskedGates {
        if self.before.is_some() { AskedGates::All } else { AskedGates::KillSwitch }
    }

    /// Refuses to go on with a rollout whose gates were asked where nobody can be asked any more.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is no token.
    pub fn still_answers(&self) -> Result<(), Error> {
        if self.gitea.has_token() {
            return Ok(());
        }
        let problem = "the rollout began with gates, and is resumed without GITEA_TOKEN, so that none could be read";
        Err(Error::usage(problem, "give the job the token; nothing was called, and the journal is as it was"))
    }

    /// Reads the kill switch, before the call with this index.
    pub async fn read_switch(&self, before: u32) -> SwitchReading {
        self.switch.read(&self.gitea, before).await
    }

    /// Reads the branch's head, before the call with this index; nothing where that is not asked for.
    pub async fn read_head(&self, before: u32) -> Option<HeadReading> {
        match &self.before {
            Some(asked) => Some(asked.commit.read_head(&self.gitea, before).await),
            None => None,
        }
    }

    /// Waits for CI; nothing where that is not asked for.
    pub async fn wait_for_ci(&self, told: &dyn Fn(&str)) -> Option<CiWait> {
        match &self.before {
            Some(asked) => Some(asked.wait.run(&self.gitea, &asked.commit.sha, told).await),
            None => None,
        }
    }
}

/// The time, as facts have it.
fn now() -> Text {
    Text::from(Timestamp::now().to_string())
}
