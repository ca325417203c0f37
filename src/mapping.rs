//! Mappings: how another system's JSON is read as rows, by a file of jq filters (`rollproof.mapping/v1`).
//!
//! It knows the file, the items of an input and what the filters give for each; the document is made in `collect`. Every
//! item becomes one row or one named skip, types are those of rows, and nothing is coerced.

pub(crate) mod bundled;
pub mod file;
pub(crate) mod input;
pub(crate) mod item;
pub mod load;
pub(crate) mod read;
pub(crate) mod walk;
