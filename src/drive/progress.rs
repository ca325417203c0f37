//! What is being waited for, on standard error: bars on a terminal, a plain line a call elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::rollout::Rollout;
use crate::document::{Purpose, Text};
use crate::render::escape::for_terminal;

/// Where progress is shown.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    verbose: u8,
    waiting: std::cell::RefCell<String>,
}

impl Progress {
    /// On a terminal a bar, elsewhere lines; nothing where `quiet`. With `verbose` the tenants of each call are named.
    pub fn new(quiet: bool, verbose: u8) -> Self {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let bar = terminal.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} tenants called  {msg}  {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, lines: !terminal && !quiet, verbose, waiting: std::cell::RefCell::default() }
    }

    /// One line.
    pub fn line(&self, text: &str) {
        let text = for_terminal(text);
        if let Some(bar) = &self.bar {
            bar.println(&text);
        } else if self.lines {
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "rollproof: {text}");
        }
    }

    /// A call begins.
    pub fn call(&self, purpose: Purpose, tenants: &[Text], limit: Duration) {
        let what = match (purpose, tenants) {
            (Purpose::Plan, _) => "plan call".to_owned(),
            (Purpose::Canary, _) => format!("canary {}", names(tenants)),
            (Purpose::Batch, [_]) => format!("batch of 1 tenant: {}", names(tenants)),
            (Purpose::Batch, _) => format!("batch of {} tenants: {}", tenants.len(), names(tenants)),
        };
        let waiting = format!("{what}, at most {} s an attempt", limit.as_secs_f64());
        match &self.bar {
            Some(bar) => bar.set_message(for_terminal(&waiting)),
            None => self.line(&waiting),
        }
        if self.verbose > 0 {
            self.line(&format!("calling {}", tenants.iter().map(|tenant| &**tenant).collect::<Vec<_>>().join(", ")));
        }
        self.waiting.replace(what);
    }

    /// An attempt has ended.
    pub fn answered(&self, rollout: &Rollout, call: u32) {
        if let Some(bar) = &self.bar {
            bar.set_length(rollout.fleet() as u64);
            bar.set_position(rollout.called() as u64);
        }
        let Some(attempt) = rollout.last_attempt(call) else { return };
        let status = attempt.status.map_or_else(|| "no answer".into(), |status| format!("HTTP {status}"));
        let took = Duration::from_millis(attempt.duration_ms.unwrap_or_default()).as_secs_f64();
        let what = self.waiting.borrow();
        self.line(&format!(
            "{what}: {status} after {took:.1} s; {} of {} tenants called",
            rollout.called(),
            rollout.fleet()
        ));
    }

    /// Another attempt follows.
    pub fn retry(&self, wait: Duration) {
        self.line(&format!("{}: another attempt in {} s", self.waiting.borrow(), wait.as_secs_f64()));
    }

    /// Tenants begin to be asked for their build.
    pub fn probing(&self, tenants: usize, refused: usize, url: &str, timeout: Duration) {
        if let Some(bar) = &self.bar {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} tenants on the build  {msg}  {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_length(tenants as u64);
            bar.set_position(0);
            bar.set_message("probing");
        }
        let tenants = if tenants == 1 { "1 tenant".to_owned() } else { format!("{tenants} tenants") };
        self.line(&format!("probing {tenants} at {url}, at most {} s", timeout.as_secs_f64()));
        if refused > 0 {
            self.line(&format!("not probed, because their slug cannot stand in a URL: {refused}"));
        }
    }

    /// A round of asking has ended.
    pub fn probed(&self, on_target: usize, tenants: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(on_target as u64);
        }
        self.line(&format!("probed: {on_target} of {tenants} tenants are on the build"));
    }

    /// Waits, and shows for how long still.
    pub async fn countdown(&self, what: &str, wait: Duration) {
        let end = Instant::now() + wait;
        let Some(bar) = &self.bar else {
            let tenths = (wait.as_secs_f64() * 10.0).round() / 10.0;
            self.line(&format!("{what}: {tenths} s"));
            return tokio::time::sleep(wait).await;
        };
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            bar.set_message(format!("{what}: {} s left", left.as_secs()));
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
    }
}

fn names(tenants: &[Text]) -> String {
    crate::render::names_of(tenants.iter())
}
