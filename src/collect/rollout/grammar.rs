//! The grammar of a journal: its states, and what the rules in `rules.rs` need to know of the records so far.

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

/// The kind of a record; an answer that ends its call is a kind of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
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

impl RecordKind {
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
pub(crate) enum GateRead {
    Head,
    Switch,
    Ci {
        /// Whether the head is read again after it.
        head_again: bool,
    },
}

/// What the rules of a journal need to know of the records so far, besides the state of the rollout.
#[derive(Debug, Clone)]
pub struct Grammar {
    pub(crate) state: State,
    /// The gates that have to be read, as far as the first record says.
    pub(crate) required_gates: Option<AskedGates>,
    /// Whether nothing but reading gates was done since the rollout was started or resumed.
    pub(crate) is_fresh: bool,
    /// The gates that were read since then, or since the last request or soak.
    pub(crate) gates_read: Vec<GateRead>,
    /// Whether every gate was read since the rollout was started or resumed.
    pub(crate) all_gates_read: bool,
    /// Tenants that the next round of probing may ask.
    pub(crate) awaited: Vec<Text>,
    /// How many rounds of probing have ended.
    rounds: usize,
    /// Whether a signal cut the last round short, as far as that is known.
    pub(crate) is_round_cut: bool,
}

impl Grammar {
    /// After the first record.
    pub const fn start(enabled: bool, required_gates: Option<AskedGates>) -> Self {
        Self {
            required_gates,
            state: if enabled { State::Between } else { State::Halted },
            is_fresh: true,
            gates_read: Vec::new(),
            all_gates_read: false,
            awaited: Vec::new(),
            rounds: 0,
            is_round_cut: false,
        }
    }
}

impl Grammar {
    /// Records what came.
    pub(crate) fn advance(&mut self, record: &Record) {
        match record {
            Record::Head { .. } => {
                self.all_gates_read |= !self.gates_read.is_empty();
                self.gates_read.push(GateRead::Head);
            }
            Record::Switch { .. } => self.gates_read.push(GateRead::Switch),
            Record::Ci { wait } => {
                self.all_gates_read = wait.polls <= 1;
                self.gates_read.push(GateRead::Ci { head_again: !self.all_gates_read });
            }
            Record::Request { .. } | Record::Soak { .. } => {
                self.is_fresh = false;
                self.gates_read.clear();
            }
            Record::Resumed { .. } => *self = Self::start(true, self.required_gates),
            Record::Probing { tenants, .. } => {
                self.awaited.clone_from(tenants);
                self.rounds = 0;
                self.is_round_cut = false;
            }
            Record::Probed { answers, .. } => {
                let answered: Vec<Text> = tenants_of(answers).cloned().collect();
                // The first round asks every tenant; the policy decides which tenants a later one asks.
                self.is_round_cut = self.rounds == 0 && answered.len() < self.awaited.len();
                self.rounds += 1;
                self.awaited = answered;
            }
            _ => {}
        }
    }
}

/// The tenants of a round of probing.
pub(crate) fn tenants_of(answers: &[ProbeAnswer]) -> impl Iterator<Item = &Text> {
    answers.iter().flat_map(|answer| &answer.tenants)
}
