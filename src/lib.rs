//! Proves that a rollout reached every tenant it was meant to reach, or names the ones it did not and why.
//!
//! ```text
//! archived JSON ── collect ─▶ Document ─ schema ─▶ Document (valid) ─ policy ─▶ [Finding] ─ report ─▶ Report ─ render ─▶ bytes
//!                                                                                              └─ decision ─▶ exit code
//! ```
//!
//! `audit` takes many archives down this line, and what comes of them down its own.
//!
//! Each arrow is one module with one entry function, each noun one type. Only `collect` reads the world; everything
//! behind it is a pure function, so that an archive gives the same verdict a year later. The decision is Rego's.
//!
//! The layers, lowest first. Every import points down this list, which a test holds
//! (`tests/integration/conventions/layers.rs`):
//!
//! 1. `text`, `time`: small helpers without a domain
//! 2. `diagnostic`, `error`: what is wrong and where it stands; everything that can go wrong
//! 3. `model`: documents, findings, decisions; it reads no file and no clock
//! 4. `io`: files, the environment, the network, the clock
//! 5. `schema`: the published formats, and what is wrong with a value against one of them
//! 6. `rego`: the engine, its limits, the syntax tree
//! 7. `declared`: what policies declare about themselves
//! 8. `lint`: static checks of policies
//! 9. `policy`: loads policies and evaluates them
//! 10. `collect`: from files to a document; the fold over the records of a journal
//! 11. `report`, `render`: from findings to bytes
//! 12. `evaluation`, `explain`: a verdict with everything it needs; how it came about
//! 13. `gates`, `drive`, `drill`: the live rollout, its gates, its rehearsal
//! 14. `audit`: many archives
//! 15. `cli`: types of the arguments alone
//! 16. `commands`: one file per command

pub(crate) mod audit;
pub mod cli;
pub mod collect;
pub mod commands;
pub mod declared;
pub mod diagnostic;
pub(crate) mod drill;
pub mod drive;
pub mod error;
pub(crate) mod evaluation;
pub(crate) mod explain;
pub(crate) mod gates;
pub mod io;
pub mod lint;
pub mod model;
pub mod policy;
pub mod rego;
pub mod render;
pub mod report;
pub mod schema;
pub mod text;
pub(crate) mod time;

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: rego::memory::CappedAllocator = rego::memory::CappedAllocator;
