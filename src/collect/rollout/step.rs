//! What comes next in a rollout.

use crate::model::document::Purpose;
use crate::model::document::text::Text;

/// Why it is asked whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// A call has ended.
    Call,
    /// A gate was read, and no call has ended since somebody asked.
    Gate,
    /// The fleet is known, and nothing is changed yet: could every policy be asked, if all went well? Nothing is halted
    /// by what they would say.
    Foreseen,
}

/// What comes next in a rollout (contract section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is asked whether to go on.
    Judge(Question),
    Read(Gate),
    Call(Purpose, Vec<Text>),
    /// The canary soaks, for so many seconds.
    Soak(u64),
    /// Nothing: every call was made.
    Done,
}

/// A gate (contract section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// The branch's head: is this job superseded?
    Head,
    /// The kill switch.
    Switch,
    Ci,
}
