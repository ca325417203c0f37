//! From a report to bytes. Renderers decide nothing and escape everything that comes from evidence.

pub mod escape;
mod github;
pub mod html;
mod json;
mod jsonl;
mod junit;
mod markdown;
mod outputs;
mod sarif;
mod text;
mod words;

use std::io::{self, Write};

pub use text::{findings, verdict_style};
pub use words::{headline, names_of, verdict};

use crate::error::ErrorReport;
use crate::report::Report;

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person at a terminal
    Text,
    /// The whole report, for machines
    Json,
    /// A CI summary
    Markdown,
    /// Workflow commands that annotate a CI run, GitHub's and Gitea's
    Github,
    /// A test case per policy and per straggler, for a CI's test tab
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// The whole report in one line, JSON Lines
    Jsonl,
    /// Outputs of a CI step, for $GITHUB_OUTPUT
    Outputs,
    /// One page for a browser, with the fleet as a picture
    Html,
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

/// A form of output in which it can be said that there is no verdict.
pub trait Form: Copy {
    /// Writes why there is none, in the place of a report.
    ///
    /// # Errors
    /// Those of `out`.
    fn error(self, report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()>;
}

impl Form for Format {
    fn error(self, report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Text => text::error(report, view, out),
            Self::Json => escape::write_json(out, report),
            Self::Markdown => markdown::error(report, out),
            Self::Github => github::error(report, out),
            Self::Junit => junit::error(report, out),
            Self::Sarif => sarif::error(report, out),
            Self::Jsonl => escape::write_json_line(out, report),
            Self::Outputs => outputs::error(out),
            Self::Html => html::error(report, out),
        }
    }
}

/// Writes a report.
///
/// # Errors
/// Those of `out`.
pub fn render(format: Format, report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text::render(report, view, out),
        Format::Json => json::render(report, view, out),
        Format::Markdown => markdown::render(report, view, out),
        Format::Github => github::render(report, view, out),
        Format::Junit => junit::render(report, view, out),
        Format::Sarif => sarif::render(report, view, out),
        Format::Jsonl => jsonl::render(report, view, out),
        Format::Outputs => outputs::render(report, view, out),
        Format::Html => html::render(report, view, out),
    }
}
