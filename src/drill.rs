//! `rollproof drill`: a real rollout, against a control plane that rollproof itself serves on loopback.

pub(crate) mod build;
pub(crate) mod gitea;
pub(crate) mod names;
pub(crate) mod scenario;
pub(crate) mod server;
pub(crate) mod wire;
