//! Offline checks over months: `rollproof audit`. Which archived deploys were called green and were not, and since when
//! is each tenant behind?
//!
//! ```text
//! folders ─ archive ─▶ [Archive] ─ verdict ─▶ [EvaluatedRollout] ─ history ─▶ Audit ─ schema, policy ─▶ [Finding] ─ report ─▶ AuditReport ─ render ─▶ bytes
//! ```
//!
//! Each archive goes through the very line that `verify` is. What the verdicts are put together into is a document again,
//! and what that means is the business of `rollproof.lag`.

pub(crate) mod against;
pub(crate) mod archive;
pub(crate) mod fleets;
pub(crate) mod group;
pub(crate) mod history;
pub(crate) mod labels;
pub(crate) mod life;
pub(crate) mod listed;
pub(crate) mod names;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
#[cfg(not(feature = "parquet"))]
#[path = "audit/no_parquet.rs"]
pub(crate) mod parquet;
pub(crate) mod progress;
pub(crate) mod render;
pub(crate) mod report;
pub(crate) mod table_source;
pub(crate) mod times;
pub(crate) mod timestamps;
pub(crate) mod verdict;
