//! The report itself in one line, so that many reports are one file.

use std::io::{self, Write};

use super::View;
use super::escape::write_json_line;
use crate::report::Report;

/// Writes the report as one line of JSON.
pub fn render(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    write_json_line(out, report)
}
