//! CSV: one row for each tenant and time that it was behind, for a spreadsheet.

use std::io::{self, Write};

use crate::audit::report::{AuditReport, Lag};
use crate::error::report::ErrorReport;
use crate::model::document::text::Text;
use crate::text::escape::for_line;

const COLUMNS: [&str; 11] = [
    "tenant",
    "group",
    "control_plane",
    "since",
    "until",
    "rollouts",
    "seconds",
    "seconds_seen",
    "state",
    "reason",
    "waived",
];

/// Writes a header, and the rows in the report's order.
pub fn render(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    write(report.lag.iter().map(row), out)
}

/// Writes a header and one row, which says that there is no verdict.
pub fn error(report: &ErrorReport, out: &mut dyn Write) -> io::Result<()> {
    let mut row: [String; COLUMNS.len()] = std::array::from_fn(|_| String::new());
    "no_verdict".clone_into(&mut row[8]);
    row[9] = cell(report.kind.meaning());
    write(std::iter::once(row), out)
}

fn write(rows: impl Iterator<Item = [String; COLUMNS.len()]>, out: &mut dyn Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(COLUMNS)?;
    for row in rows {
        table.write_record(row)?;
    }
    table.flush()
}

fn row(lag: &Lag) -> [String; COLUMNS.len()] {
    let behind = &lag.behind;
    let maybe = |text: &Option<Text>| text.as_ref().map_or_else(String::new, |text| cell(text));
    [
        cell(&lag.tenant),
        maybe(&lag.group),
        maybe(&lag.control_plane),
        cell(&behind.since),
        maybe(&behind.until),
        behind.rollouts.to_string(),
        behind.seconds.to_string(),
        behind.seconds_seen.map_or_else(String::new, |seconds| seconds.to_string()),
        cell(&behind.state),
        cell(&behind.reason),
        behind.waived.to_string(),
    ]
}

/// A text that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let text = for_line(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}
