//! The report itself, never shortened.

use std::io::{self, Write};

use super::View;
use crate::report::Report;

/// Writes the report as JSON.
pub fn render(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}
