//! What a CI step hands to the steps after it: `name=value` lines, as the file `$GITHUB_OUTPUT` has them.

use std::io::{self, Write};

use crate::render::view::View;
use crate::report::Report;
use crate::text::escape::write_json_line;

/// How many stragglers are named. GitHub takes no more than 1 MB of outputs from a job.
const MAX_STRAGGLERS: usize = 1_000;

/// The names, all of which are always written: what an earlier step has written is replaced.
const NAMES: [&str; 3] = ["decision", "straggler_count", "stragglers"];

/// Writes the decision, how many stragglers there are, and a JSON array of their names. No line break is left in it.
pub fn render(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<_> = report.stragglers.iter().take(MAX_STRAGGLERS).map(|straggler| &straggler.tenant).collect();
    let decision = serde_json::to_value(report.decision)?;
    let mut stragglers = Vec::new();
    write_json_line(&mut stragglers, &names)?;
    let stragglers = String::from_utf8_lossy(&stragglers);
    write([decision.as_str().unwrap_or_default(), &report.stragglers.len().to_string(), stragglers.trim_end()], out)
}

/// Writes that there is no verdict. The other values are empty: `0` or `[]` would say that nobody is behind.
pub fn error(out: &mut dyn Write) -> io::Result<()> {
    write(["error", "", ""], out)
}

fn write(values: [&str; NAMES.len()], out: &mut dyn Write) -> io::Result<()> {
    NAMES.into_iter().zip(values).try_for_each(|(name, value)| writeln!(out, "{name}={value}"))
}
