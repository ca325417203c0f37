//! Everything that touches the world: files, the environment, the network, the clock.

pub mod clock;
pub mod config;
pub mod container;
pub(crate) mod environment;
pub mod http;
pub mod input;
pub(crate) mod lock;
pub(crate) mod output;
pub mod repository;
pub(crate) mod walk;
pub(crate) mod zstd;
