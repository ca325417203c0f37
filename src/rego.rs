//! The Rego engine, its limits, and the syntax tree of the static checks. The only folder that names `regorus`.

pub mod annotation;
pub mod engine;
pub(crate) mod guard;
pub(crate) mod syntax;
