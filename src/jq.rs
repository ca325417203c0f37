//! jq filters: compiled from text, checked, and run on JSON. The only folder that names the `jaq` crates.
//!
//! A filter gets a value and variables, and can read nothing else: no clock, no environment, no other file. It runs on a
//! guarded thread (see `rego::guard`), since a filter can loop or use gigabytes.

mod check;
pub mod fault;
pub mod filter;
pub mod items;
mod natives;
pub mod types;
pub mod value;

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::rego::guard::{self, Failure, Limits, is_limit};

thread_local! {
    /// The name of the filter that this thread runs, shared with the thread that waits for it.
    static RUNNING: RefCell<Arc<Mutex<String>>> = RefCell::default();
}

/// Sets the filter that this thread runs from now on, by its key in the mapping or the configuration.
pub fn set_running(key: &str) {
    RUNNING.with_borrow(|running| {
        if let Ok(mut running) = running.lock() {
            running.clear();
            running.push_str(key);
        }
    });
}

/// The limits of filters on JSON of this many bytes: 10 s and 4 s for each MiB; 1 GiB and `copies` times the bytes.
pub fn limits(bytes: usize, copies: usize) -> Limits {
    let mebibytes = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
    Limits {
        who: "the filters",
        time: Duration::from_secs(10) + Duration::from_secs(4) * mebibytes,
        memory: (1_usize << 30).saturating_add(bytes.saturating_mul(copies)),
    }
}

/// Does `work`, which runs filters, on a guarded thread. A thread costs time, so one is for all items of an input.
///
/// # Errors
/// [`Failure::Policy`] with the error of `work`, or with the limit that was reached and the filter that ran last; the others
/// where the machine or this program failed.
pub fn run_guarded<T: Send + 'static>(
    limits: Limits,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, Failure> {
    let running = Arc::<Mutex<String>>::default();
    let shared = Arc::clone(&running);
    let result = guard::guarded(limits, move || {
        RUNNING.set(shared);
        work()
    });
    result.map_err(|failure| match (failure, running.try_lock()) {
        // A thread that was stopped may hold the lock for ever.
        (Failure::Policy(problem), Ok(key)) if is_limit(&problem) && !key.is_empty() => {
            Failure::Policy(format!("{problem}; the last one that ran is {key}"))
        }
        (failure, _) => failure,
    })
}

#[cfg(test)]
mod tests;
