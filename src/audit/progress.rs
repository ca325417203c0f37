//! How many archives were judged, and how long the rest will take, on standard error.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where progress is shown.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar on a terminal; elsewhere, and where `quiet`, nothing.
    pub fn new(many: u64, quiet: bool) -> Self {
        let bar = ProgressBar::new(many);
        if quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} archives, {eta} left") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// An archive was judged.
    pub fn one_more(&self) {
        self.0.inc(1);
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
