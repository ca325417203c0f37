//! What is wrong with a policy: where, what, and what to do about it.

use std::fmt;
use std::sync::Arc;

use crate::text::escape::for_terminal;

/// Something that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub file: Box<str>,
    /// The line and the column, from 1; 0 where the whole file is meant.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Problem {
    /// A problem at a place of a file.
    pub fn new(file: &Arc<str>, place: Place, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: (**file).into(), place, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", for_terminal(&self.file))?;
        if self.place.line > 0 {
            write!(f, ":{}", self.place.line)?;
        }
        if self.place.column > 0 {
            write!(f, ":{}", self.place.column)?;
        }
        write!(f, ": {}", for_terminal(&self.what))?;
        if !self.remedy.is_empty() {
            write!(f, "\n  {}", for_terminal(&self.remedy))?;
        }
        Ok(())
    }
}

/// Every problem on lines of its own, as an error shows them.
pub struct Problems<'a>(pub &'a [Problem]);

impl fmt::Display for Problems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// Where something stands in its file; both from 1, the column in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}
