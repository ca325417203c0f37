//! The state of a rollout: a fold over its journal. It says what comes next, above all when it has to be asked whether
//! to go on, and what is known so far as a document; the answer to that question is not its business.

pub(crate) mod anomalies;
pub(crate) mod answers;
pub(crate) mod grammar;
pub(crate) mod ids;
pub(crate) mod requests;
pub mod rules;
pub mod state;
pub mod step;
