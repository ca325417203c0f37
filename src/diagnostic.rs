//! Faults of inputs and problems of policies, each with its place.

pub mod fault;
pub mod problem;
