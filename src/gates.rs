//! The gates before a rollout (contract section 5): what is read becomes facts, and `rollproof.gates` decides. The
//! commands ask one gate; `run` asks all of them, and the kill switch again before every call that changes anything.

pub(crate) mod ci;
pub(crate) mod gitea;
pub(crate) mod kill_switch;
pub(crate) mod reader;
pub(crate) mod superseded;
