//! What every stage speaks of: types and what keeps them consistent. It reads no file and no clock.

pub(crate) mod audit;
pub(crate) mod commit;
pub(crate) mod decision;
pub mod document;
pub mod finding;
