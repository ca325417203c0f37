//! A contradiction between two parts of a document.

/// A part of a document that contradicts another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// JSON pointer to it.
    pub at: String,
    /// What was found, and what the other parts say.
    pub problem: String,
}

pub(crate) type CheckResult = Result<(), Contradiction>;

pub(crate) fn contradiction(at: impl Into<String>, problem: impl Into<String>) -> CheckResult {
    Err(Contradiction { at: at.into(), problem: problem.into() })
}

pub(crate) fn ensure(holds: bool, at: impl Into<String>, problem: impl Into<String>) -> CheckResult {
    if holds { Ok(()) } else { contradiction(at, problem) }
}
