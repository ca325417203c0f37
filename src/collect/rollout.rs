//! The state of a rollout: a fold over its journal. It says what the next step is, above all when the policies have to be
//! asked whether to go on, and gives the document so far. It does not decide whether to go on.

pub(crate) mod anomalies;
pub(crate) mod answers;
pub(crate) mod grammar;
pub(crate) mod ids;
pub(crate) mod requests;
pub mod rules;
pub mod state;
pub mod step;
