//! Small helpers about text.

pub mod escape;
pub(crate) mod json;
pub(crate) mod suggest;
