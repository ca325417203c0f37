//! The result of collecting evidence.

use crate::model::document::{Document, InputFile};

/// A document, and the files that it was read from just now.
#[derive(Debug)]
pub struct Collected {
    /// The evidence, normalized.
    pub document: Document,
    /// The files that were read, in order; for a document that was written before, its own file, then those that it was collected
    /// from.
    pub inputs: Vec<InputFile>,
}
