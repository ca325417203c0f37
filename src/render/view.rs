//! How much of a report is shown, and how wide.

use std::io::{self, IsTerminal as _};

use crate::io::repository::Repository;

/// How wide a paragraph is where nobody says, in columns.
const WIDTH: usize = 100;

/// How much is shown on standard output, a terminal or not.
pub fn view(show_errors: bool) -> View {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let columns = terminal.then(|| terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into()));
    View {
        width: columns.unwrap_or(WIDTH),
        line_width: columns.unwrap_or(usize::MAX),
        color: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        errors: show_errors || terminal,
        beside_errors: true,
        repository: Repository::of_working_folder(),
    }
}

/// How much is shown in a file.
pub fn file_view(show_errors: bool) -> View {
    View { errors: show_errors, repository: Repository::of_working_folder(), ..View::plain() }
}

/// How much is shown, and to whom.
#[derive(Debug, Clone)]
pub struct View {
    /// How wide a paragraph may be, in columns.
    pub width: usize,
    /// How wide the headline and a row of a table may be, which a log keeps in one line.
    pub line_width: usize,
    /// Whether to colour.
    pub color: bool,
    /// Whether to show raw error texts of the control plane, which may be sensitive.
    pub errors: bool,
    /// Whether standard error, which says why there is no verdict, is read beside it.
    pub beside_errors: bool,
    /// The repository that names of files are relative to, for services that know no other folder.
    pub repository: Repository,
}

impl View {
    /// A file, or a pipe: no colour, no raw error texts.
    pub fn plain() -> Self {
        Self {
            width: WIDTH,
            line_width: usize::MAX,
            color: false,
            errors: false,
            beside_errors: false,
            repository: Repository::default(),
        }
    }
}
