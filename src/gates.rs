//! Reads the gates of a rollout (contract section 5); the policy `rollproof.gates` decides. The commands read one gate; `run`
//! reads all of them, and the kill switch again before every call that changes anything.

pub(crate) mod ci;
pub(crate) mod gitea;
pub(crate) mod kill_switch;
pub(crate) mod reader;
pub(crate) mod superseded;
