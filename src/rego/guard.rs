//! The policy thread: a large stack, a time limit and a memory cap around the engine, so that a runaway policy ends in
//! an error and never in an aborted process.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rollproof_memory::{self as memory, Budget};
use rustix::process::{Resource, getrlimit};

use crate::error::Error;
use crate::time::rounded;

/// The sizes of the stack, in bytes, largest first: nested policies recurse deeply. A smaller one is tried where the
/// system refuses a larger one, and the smallest is enough for everything that the checks of policies let through.
/// Virtual, not resident.
const STACKS: [usize; 3] = [1 << 30, 1 << 28, 1 << 27];

/// How long the engine's own limit may be overdue before the thread is given up.
const GRACE: Duration = Duration::from_millis(500);

/// Why nothing is evaluated in a program whose memory nobody counts.
const NOT_COUNTED: &str = "the memory of policies cannot be limited: this program has to declare \
                           `rollproof::CappedAllocator` as its `#[global_allocator]`";

/// How often the thread that waits looks whether a limit was reached.
const TICK: Duration = Duration::from_millis(5);

thread_local! {
    static WORK: Cell<u64> = const { Cell::new(0) };
}

/// What stopped work counts as, since nobody knows how much it was.
const WORK_OF_STOPPED_THREAD: u64 = 1 << 24;

/// What policies have done for this thread so far, in requests for memory: some million a second, and about the same
/// number on any machine.
pub fn work() -> u64 {
    WORK.get()
}

fn add_work(requests: u64) {
    WORK.set(WORK.get().saturating_add(requests));
}

/// Why work on a policy thread came to nothing, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// A policy failed or reached a limit.
    Policy(String),
    /// The machine refuses a thread.
    Machine(String),
    /// The engine or this program failed.
    Bug(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Policy(problem) => Self::Policy(problem),
            Failure::Machine(problem) => Self::machine(problem),
            Failure::Bug(problem) => Self::bug(problem),
        }
    }
}

/// In every sentence about a limit that was reached, after who reached it.
const NEED_MORE: &str = " need more than";

/// Who evaluates policies.
const POLICIES: &str = "the policies";

/// Whether a failure says that time or memory ran out.
pub fn is_limit(problem: &str) -> bool {
    [POLICIES, "the filters"].iter().any(|who| problem.contains(&format!("{who}{NEED_MORE}")))
        || problem.contains("exceeded time limit")
}

/// What policies or filters may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Whose limits they are, in words.
    pub who: &'static str,
    /// For all policies together.
    pub time: Duration,
    /// What the policy thread may hold, in bytes.
    pub memory: usize,
}

impl Limits {
    /// That there was too little time.
    pub fn out_of_time(self) -> String {
        format!("{}{NEED_MORE} {} s", self.who, rounded(self.time))
    }

    /// That there was too little memory.
    fn out_of_memory(self) -> String {
        format!("{}{NEED_MORE} {} MiB of memory", self.who, self.memory >> 20)
    }

    /// Replaces the time limit, where one is given.
    pub fn within(self, time: Option<Duration>) -> Self {
        Self { time: time.unwrap_or(self.time), ..self }
    }

    /// The limits for a document of this many cohorts: 10 s and 100 µs a cohort; 2 GiB and 4 KiB a cohort.
    pub fn for_cohorts(cohorts: usize) -> Self {
        let many = u32::try_from(cohorts).unwrap_or(u32::MAX);
        Self {
            who: POLICIES,
            time: Duration::from_secs(10) + Duration::from_micros(100) * many,
            memory: (2_usize << 30).saturating_add(cohorts.saturating_mul(4 << 10)),
        }
    }
}

/// Does `work` on a policy thread.
///
/// # Errors
/// What `work` says is [`Failure::Policy`]; else as [`start`] and [`Pending::wait`].
pub fn guarded<T: Send + 'static>(
    limits: Limits,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, Failure> {
    start(limits, work)?.wait()?.map_err(Failure::Policy)
}

/// Begins `work` on a policy thread.
///
/// # Errors
/// [`Failure::Machine`] where the operating system refuses.
pub fn start<T: Send + 'static>(
    limits: Limits,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Pending<T>, Failure> {
    let (sender, receiver) = channel();
    let end = Instant::now() + limits.time + GRACE;
    let budget = Budget::new(limits.memory);
    let own = Arc::clone(&budget);
    // Not moved into the thread, so that it is still there for the next one where the system refuses a thread.
    let work = Arc::new(Mutex::new(Some(move || {
        own.cap_this_thread();
        let done = if memory::is_counted() { Ok(work()) } else { Err(Failure::Bug(NOT_COUNTED.to_owned())) };
        // Nobody listens any more once the time is over.
        let _ = sender.send((done, memory::requests()));
    })));
    let mut refused = None;
    for stack in STACKS {
        let work = Arc::clone(&work);
        let run = move || {
            let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(work) = work {
                work();
            }
        };
        match thread::Builder::new().name("policy".into()).stack_size(stack).spawn(run) {
            Ok(thread) => return Ok(Pending { limits, end, budget, receiver, thread }),
            Err(error) => refused = Some(error),
        }
    }
    let error = refused.map_or_else(String::new, |error| format!(": {error}"));
    let stack = STACKS.last().unwrap_or(&0) >> 20;
    let problem = format!("cannot start the policy thread, with a stack of {stack} MiB{error}{}", address_space());
    Err(Failure::Machine(problem))
}

/// The limit on the memory that this process may address, in words; blank where there is none.
fn address_space() -> String {
    let limit = getrlimit(Resource::As).current;
    limit.map_or_else(String::new, |bytes| format!("; this process may address {} MiB (ulimit -v)", bytes >> 20))
}

/// Work on a policy thread.
pub struct Pending<T> {
    limits: Limits,
    end: Instant,
    budget: Arc<Budget>,
    receiver: Receiver<(Result<T, Failure>, u64)>,
    thread: JoinHandle<()>,
}

impl<T> Pending<T> {
    /// Waits for what comes of it.
    ///
    /// # Errors
    /// [`Failure::Policy`] where a limit was reached, [`Failure::Bug`] where the engine failed.
    pub fn wait(self) -> Result<T, Failure> {
        let Self { limits, end, budget, receiver, thread } = self;
        loop {
            match receiver.recv_timeout(TICK) {
                Ok((done, requests)) => {
                    add_work(requests);
                    // It has nothing left to do, and the next one may need the room of its stack.
                    let _ = thread.join();
                    return done;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Bug("the engine failed".into()));
                }
                Err(RecvTimeoutError::Timeout) if budget.exceeded() => {
                    add_work(WORK_OF_STOPPED_THREAD);
                    return Err(Failure::Policy(limits.out_of_memory()));
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() > end => {
                    add_work(WORK_OF_STOPPED_THREAD);
                    return Err(Failure::Policy(limits.out_of_time()));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which rule is blamed, and what is advised, depends on it.
    #[test]
    fn a_limit_is_known_by_its_words() {
        let limits = Limits::for_cohorts(1);
        assert!(is_limit(&limits.out_of_time()) && is_limit(&limits.out_of_memory()));
        assert!(!is_limit("own.rego:3:1: a tenant may need more than 10 s"));
    }
}
