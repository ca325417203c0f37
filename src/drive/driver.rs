//! A rollout that is being driven: its parts.

use std::time::Duration;

use crate::collect::rollout::state::Rollout;
use crate::collect::rollout::step::Question;
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

/// How long things may take, and how much of the waiting is done.
#[derive(Debug, Clone)]
pub struct Timing {
    /// StartGates each further attempt of a call; as many as there are delays.
    pub retry_delays: Vec<Duration>,
    /// The time limit of the plan call.
    pub plan_timeout: Duration,
    /// The time limit of each attempt of a call that names tenants.
    pub call_timeout: Duration,
    /// What soak and retry delays are multiplied with: 1, but in a rehearsal.
    pub scale: f64,
}

impl Timing {
    pub(crate) fn scaled(&self, wait: Duration) -> Duration {
        scaled(wait, self.scale)
    }
}

/// What is said of a rollout so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HaltAnswer {
    /// Why to stop; nothing to go on.
    pub halts: Vec<String>,
    /// How many tenants are proven, to be shown.
    pub proven: u64,
    /// How many are not although a call named them, to be shown.
    pub not_proven: u64,
}

/// Asked with the document so far.
pub type Ask<'a> = dyn FnMut(&Document, Question) -> Result<HaltAnswer, Error> + 'a;

/// A rollout that is being driven.
pub struct Driver<'a> {
    /// Its state.
    pub rollout: Rollout,
    /// Where everything is kept.
    pub journal: Journal,
    /// The gates that are asked. Absent: none.
    pub watch: Option<&'a GateReader>,
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
pub(crate) enum Unfinished {
    /// Worth another attempt.
    Transient,
    /// A signal came.
    Stopped,
    /// The journal cannot be written.
    Failed(Error),
}
