//! From the report of an audit to bytes. Renderers decide nothing and escape everything that comes from evidence.

pub(crate) mod html;
pub(crate) mod jsonl;
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
    /// One page for a browser, with tenants and rollouts as a heat map
    Html,
}

impl Form for Format {
    fn error(self, report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Text => Common::Text.error(report, view, out),
            Self::Json => Common::Json.error(report, view, out),
            Self::Jsonl => jsonl::error(report, out),
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
        Format::Html => html::render(report, view, out),
    }
}
