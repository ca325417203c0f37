//! The live rollout: makes the calls of contract section 4 one after another, keeps a journal, and checks before every call
//! whether to go on. It knows nothing of policies: the check is a function that the caller gives.

pub(crate) mod calls;
pub mod client;
pub mod driver;
pub(crate) mod gates;
pub(crate) mod ideal;
pub mod journal;
pub(crate) mod preview;
pub(crate) mod probe;
pub(crate) mod prober;
pub mod progress;
pub(crate) mod response;
pub(crate) mod runtime;
pub mod stop;
