//! From a report to bytes. Renderers decide nothing and escape everything that comes from evidence.

pub(crate) mod checked;
pub(crate) mod comparison;
pub(crate) mod github;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod jsonl;
pub(crate) mod junit;
pub(crate) mod markdown;
pub(crate) mod outputs;
pub(crate) mod sarif;
pub(crate) mod summary;
pub(crate) mod text;
pub mod view;
pub(crate) mod words;

use std::io::{self, Write};

use crate::error::report::ErrorReport;
use crate::render::view::View;
use crate::report::Report;
use crate::text::escape;

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a person at a terminal
    Text,
    /// One line for a log or a chat: the verdict, counts and the first causes
    Summary,
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

impl Format {
    /// Every form, as help lists them.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Summary,
        Self::Json,
        Self::Markdown,
        Self::Github,
        Self::Junit,
        Self::Sarif,
        Self::Jsonl,
        Self::Outputs,
        Self::Html,
    ];
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
            Self::Summary => summary::error(report, out),
            Self::Json => escape::write_json(out, report),
            Self::Markdown => markdown::error(report, out),
            Self::Github => github::error(report, view, out),
            Self::Junit => junit::error(report, view, out),
            Self::Sarif => sarif::error(report, view, out),
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
        Format::Summary => summary::render(report, view, out),
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
