//! A rollout that is being driven: its parts.

use std::time::Duration;

use crate::collect::rollout::state::Rollout;
use crate::collect::rollout::step::HaltCheck;
use crate::drive::client::Client;
use crate::drive::journal::Journal;
use crate::drive::progress::Progress;
use crate::drive::stop::Stop;
use crate::error::Error;
use crate::gates::reader::GateReader;
use crate::model::document::Document;
use crate::time::scaled;

/// How long a call in flight is waited for once a signal came. CI kills after about 10 s.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Time limits and waits of a rollout.
#[derive(Debug, Clone)]
pub struct Timing {
    /// The wait before each further attempt of a call; each delay allows one more attempt.
    pub retry_delays: Vec<Duration>,
    /// The time limit of the plan call.
    pub plan_timeout: Duration,
    /// The time limit of each attempt of a call that names tenants.
    pub call_timeout: Duration,
    /// The factor of soak and retry delays: 1, or another in a rehearsal.
    pub scale: f64,
}

impl Timing {
    pub(crate) fn scaled(&self, wait: Duration) -> Duration {
        scaled(wait, self.scale)
    }
}

/// The result of a halt check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HaltAnswer {
    /// Why the rollout has to halt; empty where it may go on.
    pub halts: Vec<String>,
    /// How many tenants are proven; only shown.
    pub proven: u64,
    /// How many are not although a call named them; only shown.
    pub not_proven: u64,
}

/// Evaluates the policies on the document so far.
pub type CheckHalt<'a> = dyn FnMut(&Document, HaltCheck) -> Result<HaltAnswer, Error> + 'a;

/// A rollout that is being driven.
pub struct Driver<'a> {
    /// Its state.
    pub rollout: Rollout,
    /// The journal that every record is appended to.
    pub journal: Journal,
    /// Reads the gates. Absent: none is read.
    pub gate_reader: Option<&'a GateReader>,
    /// The control plane.
    pub client: &'a Client,
    /// Time limits and waits.
    pub timing: &'a Timing,
    /// Where progress is shown.
    pub progress: Progress,
    /// The signals that end it from outside.
    pub stop: Stop,
}

/// Why an attempt of a call did not end it.
pub(crate) enum Unfinished {
    /// Worth another attempt.
    Transient,
    /// A signal came.
    Stopped,
    /// The journal cannot be written.
    Failed(Error),
}
