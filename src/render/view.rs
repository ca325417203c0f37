//! How much of a report is shown, and how wide.

use std::io::{self, IsTerminal as _};

/// How much is shown on standard output, a terminal or not.
pub fn view(show_errors: bool) -> View {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    View {
        width: if terminal { terminal_size::terminal_size().map_or(100, |(width, _)| width.0.into()) } else { 100 },
        color: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        errors: show_errors || terminal,
        beside_errors: true,
    }
}

/// How much is shown, and to whom.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// How wide a line may be, in columns.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
    /// Whether to show raw error texts of the control plane, which may be sensitive.
    pub errors: bool,
    /// Whether standard error, which says why there is no verdict, is read beside it.
    pub beside_errors: bool,
}

impl View {
    /// A file, or a pipe: no colour, no raw error texts.
    pub const fn plain() -> Self {
        Self { width: 100, color: false, errors: false, beside_errors: false }
    }
}
