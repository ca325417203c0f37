//! The Rego engine, its limits, and the syntax tree of the static checks. The only folder that names `regorus`.

pub mod annotation;
pub mod engine;
pub(crate) mod guard;
pub mod memory;
pub(crate) mod syntax;
