//! SIGINT, SIGTERM and SIGHUP: the first ends the rollout in good order, the second ends the process at once.

use std::cell::Cell;
use std::future::Future;
use std::mem::MaybeUninit;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use std::{io, ptr};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// A signal that ends a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// An interrupt, as from a keyboard.
    Interrupt,
    /// A request to end, as from CI.
    Terminate,
    /// The terminal or the connection is gone.
    Hangup,
}

impl Signal {
    const ALL: [Self; 3] = [Self::Interrupt, Self::Terminate, Self::Hangup];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Hangup => "SIGHUP",
        }
    }

    /// The exit code (design section 5).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::Hangup => 129,
        }
    }

    const fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
            Self::Hangup => SIGHUP,
        }
    }

    /// Whether it is handled. A process that was started with `nohup` ignores SIGHUP, to outlive the terminal.
    fn is_handled(self) -> bool {
        self != Self::Hangup || !is_ignored(SIGHUP)
    }
}

/// Whether a signal is ignored now.
#[expect(unsafe_code, reason = "there is no other way to ask; without an action to set, the call only reads")]
fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null pointer sets nothing, and what is read goes to memory of the right type that zeros are valid for.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// The signal that came, and the means to wait for one.
#[derive(Debug, Clone)]
pub struct Stop {
    /// The number of the signal that came, or 0.
    received: Arc<AtomicUsize>,
    /// The handlers that end the process at the second signal.
    shutdowns: Rc<[SigId]>,
    notify: Rc<Notify>,
    /// Whether an answer is waited for that a signal does not end at once.
    in_flight: Rc<Cell<bool>>,
}

impl Stop {
    /// Registers handlers of signals.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn register() -> io::Result<Self> {
        let (armed, received) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut shutdowns = Vec::new();
        for which in Signal::ALL.into_iter().filter(|which| which.is_handled()) {
            let number = which.number();
            // In this order: the first signal arms, the second finds it armed and ends the process.
            let code = i32::from(which.exit_code());
            shutdowns.push(flag::register_conditional_shutdown(number, code, Arc::clone(&armed))?);
            flag::register_usize(number, Arc::clone(&received), number.unsigned_abs() as usize)?;
            flag::register(number, Arc::clone(&armed))?;
        }
        Ok(Self { received, shutdowns: shutdowns.into(), notify: Rc::default(), in_flight: Rc::default() })
    }

    /// Wakes every waiting future when a signal comes; called within a tokio `LocalSet`.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn listen(&self) -> io::Result<()> {
        for which in Signal::ALL.into_iter().filter(|which| which.is_handled()) {
            let mut signals = signal(SignalKind::from_raw(which.number()))?;
            let stop = self.clone();
            tokio::task::spawn_local(async move {
                if signals.recv().await.is_some() {
                    stop.notify.notify_waiters();
                }
            });
        }
        Ok(())
    }

    /// The signal that came.
    pub fn signal(&self) -> Option<Signal> {
        let number = self.received.load(Ordering::SeqCst);
        Signal::ALL.into_iter().find(|which| which.number().unsigned_abs() as usize == number)
    }

    /// The signal that came, if one did. A later signal does not end the process any more.
    pub fn last_signal(&self) -> Option<Signal> {
        for shutdown in &*self.shutdowns {
            low_level::unregister(*shutdown);
        }
        self.signal()
    }

    async fn wait(&self) -> Signal {
        loop {
            let notified = self.notify.notified();
            if let Some(signal) = self.signal() {
                return signal;
            }
            notified.await;
        }
    }

    /// Waits for something, but no longer than until a signal comes.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.wait() => None,
            done = work => Some(done),
        }
    }

    /// Waits for an answer. Once a signal came, calls `on_signal` and waits no longer than `grace`.
    pub async fn within_grace<T>(
        &self,
        work: impl Future<Output = T>,
        grace: Duration,
        on_signal: impl FnOnce(Signal),
    ) -> Option<T> {
        self.in_flight.set(true);
        let grace_over = async {
            on_signal(self.wait().await);
            tokio::time::sleep(grace).await;
        };
        let done = tokio::select! {
            biased;
            done = work => Some(done),
            () = grace_over => None,
        };
        self.in_flight.set(false);
        done
    }

    /// Waits for `work`, but stops at a signal, unless an answer is in flight (see [`Stop::within_grace`]).
    pub async fn unless_stopped_or_in_flight<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            _ = self.wait() => {}
        }
        if self.in_flight.get() { Some(work.await) } else { None }
    }
}
