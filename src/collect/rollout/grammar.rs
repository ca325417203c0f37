//! The grammar of a journal: which record may follow which, as one table. Whoever writes a record and whoever reads one
//! asks it, so that nothing can be written that would not be read. `docs/journal.md` shows the table.

use crate::collect::record::{AskedGates, Record};
use crate::model::document::probe::ProbeAnswer;
use crate::model::document::text::Text;

/// Where a rollout stands between two records of its journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// No call is in flight.
    #[default]
    Between,
    /// A request was sent, and not answered.
    Sent,
    /// A request was answered, and another attempt follows.
    Retry,
    /// The canary soaks.
    Soaking,
    /// A signal stopped it.
    Interrupted,
    /// A policy stopped it.
    Halted,
    /// Every call was made.
    Completed,
    /// Every call was made, and tenants are asked for their build.
    Probing,
}

impl State {
    pub(crate) const ALL: [Self; 8] = [
        Self::Between,
        Self::Sent,
        Self::Retry,
        Self::Soaking,
        Self::Interrupted,
        Self::Halted,
        Self::Completed,
        Self::Probing,
    ];

    /// The state in words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Between => "no call is in flight",
            Self::Sent => "a call is in flight",
            Self::Retry => "an attempt failed, and another follows",
            Self::Soaking => "the canary soaks",
            Self::Interrupted => "the rollout was interrupted",
            Self::Halted => "the rollout was halted",
            Self::Completed => "every call was made",
            Self::Probing => "builds are probed",
        }
    }
}

/// What kind of record it is; an answer that ends its call is one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Start,
    Request,
    Answer,
    LastAnswer,
    Switch,
    Ci,
    Head,
    Soak,
    Soaked,
    Halted,
    Interrupted,
    Resumed,
    Completed,
    Probe,
    Probing,
    Probed,
}

impl Kind {
    pub(crate) const fn of(record: &Record) -> Self {
        match record {
            Record::Start { .. } => Self::Start,
            Record::Request { .. } => Self::Request,
            Record::Answer { last: true, .. } => Self::LastAnswer,
            Record::Answer { .. } => Self::Answer,
            Record::Switch { .. } => Self::Switch,
            Record::Ci { .. } => Self::Ci,
            Record::Head { .. } => Self::Head,
            Record::Soak { .. } => Self::Soak,
            Record::Soaked { .. } => Self::Soaked,
            Record::Halted { .. } => Self::Halted,
            Record::Interrupted { .. } => Self::Interrupted,
            Record::Resumed { .. } => Self::Resumed,
            Record::Completed { .. } => Self::Completed,
            Record::Probe { .. } => Self::Probe,
            Record::Probing { .. } => Self::Probing,
            Record::Probed { .. } => Self::Probed,
        }
    }

    /// The record's name in a journal.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Request => "request",
            Self::Answer | Self::LastAnswer => "answer",
            Self::Switch => "switch",
            Self::Ci => "ci",
            Self::Head => "head",
            Self::Soak => "soak",
            Self::Soaked => "soaked",
            Self::Halted => "halted",
            Self::Interrupted => "interrupted",
            Self::Resumed => "resumed",
            Self::Completed => "completed",
            Self::Probe => "probe",
            Self::Probing => "probing",
            Self::Probed => "probed",
        }
    }
}

/// A gate that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Head,
    Switch,
    /// And whether the head is read again after it.
    Ci(bool),
}

/// What the grammar keeps in mind of a journal, beside what the fold knows.
#[derive(Debug, Clone)]
pub struct Grammar {
    pub(crate) state: State,
    /// The gates that have to be read, as far as the first record says.
    pub(crate) asked: Option<AskedGates>,
    /// Whether nothing was done yet since the rollout was started or resumed, but for reading gates.
    pub(crate) fresh: bool,
    /// The gates that were read since then, or since the last request or soak.
    pub(crate) gates: Vec<Read>,
    /// Whether every gate was asked since the rollout was started or resumed.
    pub(crate) preflight: bool,
    /// Tenants that the next round of probing may ask.
    pub(crate) awaited: Vec<Text>,
    /// How many rounds of probing have ended, and whether a signal cut the last one short, as far as that is known.
    rounds: usize,
    pub(crate) cut: bool,
}

impl Grammar {
    /// After the first record.
    pub const fn start(enabled: bool, asked: Option<AskedGates>) -> Self {
        Self {
            asked,
            state: if enabled { State::Between } else { State::Halted },
            fresh: true,
            gates: Vec::new(),
            preflight: false,
            awaited: Vec::new(),
            rounds: 0,
            cut: false,
        }
    }
}

impl Grammar {
    /// Keeps in mind what came.
    pub(crate) fn advance(&mut self, record: &Record) {
        match record {
            Record::Head { .. } => {
                self.preflight |= !self.gates.is_empty();
                self.gates.push(Read::Head);
            }
            Record::Switch { .. } => self.gates.push(Read::Switch),
            Record::Ci { wait } => {
                self.preflight = wait.polls <= 1;
                self.gates.push(Read::Ci(!self.preflight));
            }
            Record::Request { .. } | Record::Soak { .. } => {
                self.fresh = false;
                self.gates.clear();
            }
            Record::Resumed { .. } => *self = Self::start(true, self.asked),
            Record::Probing { tenants, .. } => {
                self.awaited.clone_from(tenants);
                self.rounds = 0;
                self.cut = false;
            }
            Record::Probed { answers, .. } => {
                let seen: Vec<Text> = tenants_of(answers).cloned().collect();
                // The first round asks everybody; whom a later one asks, the policy decides.
                self.cut = self.rounds == 0 && seen.len() < self.awaited.len();
                self.rounds += 1;
                self.awaited = seen;
            }
            _ => {}
        }
    }
}

/// The tenants of a round of probing.
pub(crate) fn tenants_of(answers: &[ProbeAnswer]) -> impl Iterator<Item = &Text> {
    answers.iter().flat_map(|answer| &answer.tenants)
}
