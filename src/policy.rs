//! From the document to findings: loads the policies and evaluates all of them at once. What they say is Rego's alone.

pub(crate) mod ask;
pub(crate) mod audit;
pub mod basis;
pub(crate) mod catalog;
pub(crate) mod data;
pub(crate) mod evaluate;
pub(crate) mod facts;
pub(crate) mod failure;
pub(crate) mod files;
pub mod load;
pub(crate) mod needs;
pub(crate) mod order;
pub(crate) mod package;
pub mod prepared;
pub(crate) mod previous;
pub(crate) mod probe_targets;
pub(crate) mod query;
pub(crate) mod raw_findings;
pub(crate) mod source;
pub(crate) mod test_runner;
pub mod waivers;
