//! What policies declare about themselves: METADATA, parameters, and the document they evaluate.

pub mod bundled;
pub(crate) mod day;
pub(crate) mod metadata;
pub(crate) mod names;
pub(crate) mod params;
pub mod subject;
