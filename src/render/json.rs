//! The report itself, never shortened.

use std::io::{self, Write};

use super::View;
use super::escape::write_json;
use crate::report::Report;

/// Writes the report as JSON.
pub fn render(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    write_json(out, report)
}
