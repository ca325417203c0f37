//! Small helpers about text.

pub mod escape;
pub(crate) mod json;
pub mod misspelt;
pub(crate) mod suggest;
