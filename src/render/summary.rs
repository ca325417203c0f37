//! One line for a log or a chat: the verdict, how many tenants are in which state, and what decided.

use std::io::{self, Write};

use crate::error::report::ErrorReport;
use crate::render::view::View;
use crate::render::words::{NO_VERDICT, counted_headline, problem_lines, verdict};
use crate::report::Report;
use crate::text::escape::for_line;

/// Writes the line.
pub fn render(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}  {}", verdict(report.decision), for_line(&counted_headline(report)))
}

/// Writes in one line that there is no verdict, with the first problem and how many more there are.
pub fn error(report: &ErrorReport, out: &mut dyn Write) -> io::Result<()> {
    let mut text = format!("{NO_VERDICT}  {}", report.meaning);
    let first = report.problems.first().and_then(|problem| problem_lines(problem, for_line).into_iter().next());
    text.extend(first.map(|problem| format!(": {problem}")));
    match report.problems.len().saturating_sub(1) {
        0 => {}
        more => text.push_str(&format!("; and {more} more")),
    }
    writeln!(out, "{text}")
}
