//! The published formats, the validation of documents and inputs against their schemas, and what is wrong in words.

pub mod document;
pub mod explain;
pub mod published;
