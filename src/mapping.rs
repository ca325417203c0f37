//! Mappings: how another system's JSON is read as rows, by a file of jq filters (`rollproof.mapping/v1`).
//!
//! This folder reads the file, finds the items of an input and runs the filters on each; `collect` makes the document. Every
//! item becomes one row or one reported skip. Values must have the types of rows: nothing is converted.

pub(crate) mod bundled;
pub mod file;
pub(crate) mod input;
pub(crate) mod item;
pub mod load;
pub(crate) mod read;
pub(crate) mod walk;
