//! Proves that a rollout reached every tenant it was meant to reach, or names the ones it did not and why.
//!
//! ```text
//! archived JSON ── collect ─▶ Document ─ schema ─▶ Document (valid) ─ policy ─▶ [Finding] ─ report ─▶ Report ─ render ─▶ bytes
//!                                                                                              └─ decision ─▶ exit code
//! ```
//!
//! `audit` sends each archive through this line, and then the audit document through the same stages.
//!
//! Each arrow is one module with one entry function, each noun one type. `collect` reads the evidence; `policy` reads
//! policies, waivers and facts. Everything after that is a function of what was read, so that an archive gives the same
//! verdict a year later. The policies (Rego) decide.
//!
//! In comments, `contract section N` is a section of docs/contract.md, and `design section N` one of docs/design.md.
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
//! 7. `jq`: filters of other systems' JSON, compiled and run within the engine's limits
//! 8. `declared`: what policies declare about themselves
//! 9. `lint`: static checks of policies
//! 10. `policy`: loads policies and evaluates them
//! 11. `mapping`: another system's output as rows
//! 12. `collect`: from files to a document; the fold over the records of a journal
//! 13. `report`, `render`: from findings to bytes
//! 14. `evaluation`, `explain`: a verdict with everything it needs; how it came about
//! 15. `gates`, `drive`, `drill`: the live rollout, its gates, its rehearsal
//! 16. `audit`: many archives
//! 17. `cli`: types of the arguments alone
//! 18. `commands`: one file per command
//!
//! Below them all is the crate `rollproof-memory`: the allocator, and the cap on what a policy may hold.
//!
//! As a library it is what an embedder needs, in the order of the arrows: [`collect`], [`validate`], [`load`] and
//! [`Prepared::evaluate`], [`report`], [`render`]. `examples/embed.rs` does it all.

mod audit;
mod cli;
mod collect;
mod commands;
mod declared;
mod diagnostic;
mod drill;
mod drive;
mod error;
mod evaluation;
mod explain;
mod gates;
mod io;
mod jq;
mod lint;
mod mapping;
mod model;
mod policy;
mod rego;
mod render;
mod report;
mod schema;
mod text;
mod time;

pub use collect::collected::Collected;
pub use collect::fields::EvidenceFields;
pub use collect::{Sources, collect};
pub use declared::params::{GivenParam, Param, ParamSource};
pub use declared::subject::Subject;
pub use diagnostic::fault::Fault;
pub use diagnostic::problem::{Problem, Problems};
pub use error::Error;
pub use io::input::Source;
pub use jiff::Timestamp;
pub use model::decision::Decision;
pub use model::document::Document;
pub use model::finding::{Finding, Severity};
pub use policy::facts::FactFiles;
pub use policy::load::{Loading, Settings, load};
pub use policy::prepared::{Outcome, Prepared};
pub use policy::waivers::Waivers;
pub use render::view::View;
pub use render::{Format, render};
pub use report::{Report, report};
pub use rollproof_memory::CappedAllocator;
pub use schema::document::{Valid, validate};

/// What the program, its tests, its benchmarks and its fuzz targets need beyond that. It promises nothing.
#[doc(hidden)]
pub mod internal {
    pub use crate::cli::{Cli, refusal};
    pub use crate::collect::journal::replay;
    pub use crate::collect::labels::add as add_labels;
    pub use crate::collect::record::{Format as JournalFormat, Inventory, Record, read as read_journal};
    pub use crate::collect::response::explain_response;
    pub use crate::collect::rollout::rules::table as grammar_table;
    pub use crate::collect::rollout::state::Rollout;
    pub use crate::collect::rollout::step::HaltCheck;
    pub use crate::commands::dispatch;
    pub use crate::commands::schema::generate;
    pub use crate::declared::bundled::modules as bundled;
    pub use crate::drive::client::Client;
    pub use crate::drive::driver::{Driver, HaltAnswer, Timing};
    pub use crate::drive::journal::Journal;
    pub use crate::drive::progress::Progress;
    pub use crate::drive::stop::Stop;
    pub use crate::io::clock::now;
    pub use crate::io::config::Config;
    pub use crate::io::environment::force_color;
    pub use crate::io::http::token::Token;
    pub use crate::io::input::{Bytes, Input};
    pub use crate::lint::data::Data;
    pub use crate::lint::files as check_files;
    pub use crate::model::document::Outcome as RolloutOutcome;
    pub use crate::model::document::consistency::check;
    pub use crate::model::document::text::Text;
    pub use crate::policy::load::Policies;
    pub use crate::policy::prepared::SoFar;
    pub use crate::policy::waivers;
    pub use crate::rego::engine::input::Inputs;
    pub use crate::rego::engine::module::Module;
    pub use crate::schema::explain::explain;
    pub use crate::schema::published::Name;
    pub use crate::text::{escape, misspelt};
}

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: CappedAllocator = CappedAllocator;
