//! The report itself in one line, so that many reports are one file.

use std::io::{self, Write};

use crate::render::view::View;
use crate::report::Report;
use crate::text::escape::write_json_line;

/// Writes the report as one line of JSON.
pub fn render(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    write_json_line(out, report)
}
