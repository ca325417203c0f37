//! What is wrong with the text of a filter, and where.

use crate::diagnostic::fault::place;

/// What is wrong with the text of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterFault {
    /// The byte of the text at which it stands.
    pub at: usize,
    /// What is wrong, in words.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

impl FilterFault {
    /// A fault at a byte of the text.
    pub fn new(at: usize, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at, problem: problem.into(), help: help.into() }
    }

    /// Line and column in the filter's own text, from 1.
    pub fn place(&self, text: &str) -> (usize, usize) {
        place(text, self.at.min(text.len()))
    }
}
