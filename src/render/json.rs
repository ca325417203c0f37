//! The report itself, never shortened.

use std::io::{self, Write};

use crate::render::view::View;
use crate::report::Report;
use crate::text::escape::write_json;

/// Writes the report as JSON.
pub fn render(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    write_json(out, report)
}
