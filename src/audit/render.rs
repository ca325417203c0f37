//! From the report of an audit to bytes. Renderers decide nothing and escape everything that comes from evidence.

pub(crate) mod csv;
pub(crate) mod github;
pub(crate) mod html;
pub(crate) mod jsonl;
pub(crate) mod junit;
pub(crate) mod life;
pub(crate) mod markdown;
pub(crate) mod metrics;
pub(crate) mod text;
pub(crate) mod words;

use std::io::{self, Write};

use crate::audit::report::AuditReport;
use crate::error::report::ErrorReport;
use crate::render::view::View;
use crate::render::{Form, Format as Common};
use crate::text::escape::write_json;

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person at a terminal
    Text,
    /// The whole report, for machines
    Json,
    /// A line each for the verdict, every finding, every rollout and every time that a tenant was behind, JSON Lines
    Jsonl,
    /// A CI summary or a comment
    Markdown,
    /// Workflow commands that annotate a CI run, GitHub's and Gitea's
    Github,
    /// A test case for each policy, tenant that is behind, and rollout that is not what it was called, for a CI's test tab
    Junit,
    /// A row for each tenant and time that it was behind, for a spreadsheet
    Csv,
    /// One page for a browser, with tenants and rollouts as a heat map
    Html,
}

impl Form for Format {
    fn error(self, report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Text => Common::Text.error(report, view, out),
            Self::Json => Common::Json.error(report, view, out),
            Self::Jsonl => jsonl::error(report, out),
            Self::Markdown => Common::Markdown.error(report, view, out),
            Self::Github => Common::Github.error(report, view, out),
            Self::Junit => Common::Junit.error(report, view, out),
            Self::Csv => csv::error(report, out),
            Self::Html => Common::Html.error(report, view, out),
        }
    }
}

/// Writes a report.
///
/// # Errors
/// Those of `out`.
pub fn render(format: Format, report: &AuditReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text::render(report, view, out),
        Format::Json => write_json(out, report),
        Format::Jsonl => jsonl::render(report, out),
        Format::Markdown => markdown::render(report, view, out),
        Format::Github => github::render(report, view, out),
        Format::Junit => junit::render(report, view, out),
        Format::Csv => csv::render(report, out),
        Format::Html => html::render(report, view, out),
    }
}
