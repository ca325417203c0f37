//! The next step of a rollout.

use crate::model::document::Purpose;
use crate::model::document::text::Text;

/// A moment at which the policies decide whether the rollout has to halt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HaltCheck {
    /// A call has ended.
    AfterCall,
    /// A gate was read, and no call has ended since the last check.
    AfterGate,
    /// The fleet is known, and nothing has been changed yet. Every policy is evaluated on the document that a good
    /// rollout would have. Its findings do not halt the rollout; a policy that cannot be evaluated does.
    IdealDocument,
}

/// The next step of a rollout (contract section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The policies decide whether the rollout has to halt.
    CheckHalt(HaltCheck),
    Read(Gate),
    Call(Purpose, Vec<Text>),
    /// The canary soaks, for this number of seconds.
    Soak(u64),
    /// No step is left: every call was made.
    Done,
}

/// A gate (contract section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// The branch's head, which says whether this job is superseded.
    Head,
    /// The kill switch.
    Switch,
    Ci,
}
