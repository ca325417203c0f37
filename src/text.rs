//! Small helpers about text.

pub(crate) mod digest;
pub mod escape;
pub(crate) mod json;
pub mod misspelt;
pub(crate) mod plural;
pub(crate) mod suggest;
pub(crate) mod switch;
pub(crate) mod table;
pub(crate) mod wrap;
