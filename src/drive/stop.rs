//! SIGINT and SIGTERM: the first is obeyed in good order, the second at once.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// A signal that ends a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// An interrupt, as from a keyboard.
    Interrupt,
    /// A request to end, as from CI.
    Terminate,
}

impl Signal {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    /// The exit code (design section 5).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Whether a signal came, and something to wait for one with.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    came: Rc<Cell<Option<Signal>>>,
    notify: Rc<Notify>,
    in_flight: Rc<Cell<bool>>,
}

impl Stop {
    /// Listens, within a tokio `LocalSet`.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn listen() -> std::io::Result<Self> {
        let stop = Self::default();
        let armed = Arc::new(AtomicBool::new(false));
        for (number, kind, which) in [
            (SIGINT, SignalKind::interrupt(), Signal::Interrupt),
            (SIGTERM, SignalKind::terminate(), Signal::Terminate),
        ] {
            // In this order: the first arms, the second finds it armed and ends the process.
            let code = i32::from(which.exit_code());
            signal_hook::flag::register_conditional_shutdown(number, code, Arc::clone(&armed))?;
            signal_hook::flag::register(number, Arc::clone(&armed))?;
            let mut signals = signal(kind)?;
            let stop = stop.clone();
            tokio::task::spawn_local(async move {
                if signals.recv().await.is_some() {
                    stop.came.set(Some(stop.came.get().unwrap_or(which)));
                    stop.notify.notify_waiters();
                }
            });
        }
        debug_assert!(!armed.load(Ordering::SeqCst));
        Ok(stop)
    }

    /// The signal that came.
    pub fn came(&self) -> Option<Signal> {
        self.came.get()
    }

    async fn comes(&self) -> Signal {
        loop {
            let notified = self.notify.notified();
            if let Some(signal) = self.came() {
                return signal;
            }
            notified.await;
        }
    }

    /// Waits for something, but no longer than until a signal comes.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.comes() => None,
            done = work => Some(done),
        }
    }

    /// Waits for an answer; once a signal came, which `told` is told, no longer than `grace`.
    pub async fn within_grace<T>(
        &self,
        work: impl Future<Output = T>,
        grace: Duration,
        told: impl FnOnce(Signal),
    ) -> Option<T> {
        self.in_flight.set(true);
        let over = async {
            told(self.comes().await);
            tokio::time::sleep(grace).await;
        };
        let done = tokio::select! {
            biased;
            done = work => Some(done),
            () = over => None,
        };
        self.in_flight.set(false);
        done
    }

    /// Waits for something that is mostly an answer in flight and otherwise a wait that a signal cuts short.
    pub async fn unless_waiting<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            _ = self.comes() => {}
        }
        if self.in_flight.get() { Some(work.await) } else { None }
    }
}
