//! What a CI step hands to the steps behind it: `name=value` lines, as the file `$GITHUB_OUTPUT` has them.

use std::io::{self, Write};

use super::View;
use super::escape::write_json_line;
use crate::report::Report;

/// How many stragglers are named. GitHub takes no more than 1 MB of outputs from a job.
const MAX_STRAGGLERS: usize = 1_000;

/// Writes the decision, how many stragglers there are, and a JSON array of their names. No line break is left in it.
pub fn render(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<_> = report.stragglers.iter().take(MAX_STRAGGLERS).map(|straggler| &straggler.tenant).collect();
    writeln!(out, "decision={}", serde_json::to_value(report.decision)?.as_str().unwrap_or_default())?;
    writeln!(out, "straggler_count={}", report.stragglers.len())?;
    write!(out, "stragglers=")?;
    write_json_line(out, &names)
}
