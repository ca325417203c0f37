//! A contradiction between two parts of a document.

/// A part of a document that contradicts another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// JSON pointer to it.
    pub at: String,
    /// What was found, and what the other parts say.
    pub problem: String,
}

pub(crate) type Checked = Result<(), Contradiction>;

pub(crate) fn wrong(at: impl Into<String>, problem: impl Into<String>) -> Checked {
    Err(Contradiction { at: at.into(), problem: problem.into() })
}

pub(crate) fn ensure(holds: bool, at: impl Into<String>, problem: impl Into<String>) -> Checked {
    if holds { Ok(()) } else { wrong(at, problem) }
}
