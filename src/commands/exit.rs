//! Exit codes that belong to no single error or verdict; those of errors are in `error`, those of verdicts in
//! `model::decision`.

/// A policy failed, so there is no verdict.
pub const POLICY: u8 = 5;

/// No service answered, so no verdict is possible.
pub const UNANSWERED: u8 = 6;

/// The verdict stands, but an output could not be written.
pub const UNWRITTEN: u8 = 7;
