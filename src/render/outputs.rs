//! What a CI step hands to the steps after it: `name=value` lines, as the file `$GITHUB_OUTPUT` has them.

use std::io::{self, Write};

use crate::model::document::text::Text;
use crate::render::view::View;
use crate::report::Report;
use crate::text::escape::write_json_line;

/// How many names each list has. GitHub takes no more than 1 MB of outputs from a job.
const MAX_LISTED: usize = 1_000;

/// The names, all of which are always written: what an earlier step has written is replaced.
const NAMES: [&str; 5] = ["decision", "straggler_count", "stragglers", "denied_tenants", "denied_count"];

/// Writes the decision, how many stragglers and denied tenants there are, and JSON arrays of the names of both. No line
/// break is left in them.
pub fn render(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    let decision = serde_json::to_value(report.decision)?;
    let count = report.stragglers.len().to_string();
    let stragglers = names(report.stragglers.iter().map(|straggler| &straggler.tenant))?;
    let denied = names(report.denied.iter())?;
    let denied_count = report.denied.len().to_string();
    write([decision.as_str().unwrap_or_default(), &count, stragglers.trim_end(), denied.trim_end(), &denied_count], out)
}

/// A JSON array of the first of some names, in one line.
fn names<'a>(tenants: impl Iterator<Item = &'a Text>) -> io::Result<String> {
    let mut line = Vec::new();
    write_json_line(&mut line, &tenants.take(MAX_LISTED).collect::<Vec<_>>())?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Writes that there is no verdict. The other values are empty: `0` or `[]` would say that nobody is behind.
pub fn error(out: &mut dyn Write) -> io::Result<()> {
    write(["error", "", "", "", ""], out)
}

fn write(values: [&str; NAMES.len()], out: &mut dyn Write) -> io::Result<()> {
    NAMES.into_iter().zip(values).try_for_each(|(name, value)| writeln!(out, "{name}={value}"))
}
