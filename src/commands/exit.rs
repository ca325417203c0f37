//! Exit codes that several commands give themselves; those of errors are in `error`, those of verdicts in `model::decision`.

/// A policy failed, so there is no verdict.
pub const POLICY: u8 = 5;

/// Nobody answered.
pub const UNANSWERED: u8 = 6;

/// What has to be kept could not be written.
pub const UNWRITTEN: u8 = 7;
