//! A document, and the files that it was read from.

use crate::model::document::{Document, InputFile};

/// A document, and the files that it was read from just now.
#[derive(Debug)]
pub struct Collected {
    /// The evidence, normalized.
    pub document: Document,
    /// What was read, in order; for a document that was written before, it first and then what it was collected from.
    pub inputs: Vec<InputFile>,
}
