//! The asynchronous runtime of a rollout, and the signals that end it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::drive::stop::Stop;
use crate::error::Error;

/// Registers handlers of signals.
///
/// # Errors
/// [`Error::Internal`] where the operating system refuses.
pub fn register_signals() -> Result<Stop, Error> {
    Stop::register().map_err(|error| system_error(&error))
}

fn system_error(error: &io::Error) -> Error {
    Error::machine(format!("the operating system refuses: {error}"))
}

/// Runs work that a signal can end. A panic becomes an error.
pub(crate) fn block_on<T>(stop: &Stop, work: impl AsyncFnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| system_error(&error))?;
    let local = LocalSet::new();
    local.block_on(&runtime, async { stop.listen() }).map_err(|error| system_error(&error))?;
    let done = catch_unwind(AssertUnwindSafe(|| local.block_on(&runtime, work())));
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    done.unwrap_or_else(|_| Err(Error::bug("rollproof itself failed")))
}
