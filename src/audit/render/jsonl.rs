//! JSON Lines: one line a thing, so that an archive of many audits is one file that a query engine reads.

use std::io::{self, Write};

use serde::Serialize;

use crate::audit::against::Flip;
use crate::audit::report::{AuditReport, Lag};
use crate::error::report::ErrorReport;
use crate::model::audit::{Rollout, Unreadable};
use crate::model::decision::Decision;
use crate::model::document::text::Text;
use crate::model::finding::Finding;
use crate::text::escape::write_json_line;

#[derive(Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line<'a> {
    /// The verdict, always the first.
    Audit {
        format: &'a str,
        decision: Decision,
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<&'a Text>,
        until: &'a Text,
        rollouts: usize,
        tenants: usize,
    },
    Finding(&'a Finding),
    Rollout(&'a Rollout),
    Lag(&'a Lag),
    Unreadable(&'a Unreadable),
    /// A verdict that other policies would have turned.
    Flip(&'a Flip),
    /// Why there is no verdict: the only line then.
    Error(&'a ErrorReport),
}

/// Writes the lines.
pub fn render(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    let audit = &report.audit;
    let first = Line::Audit {
        format: report.format,
        decision: report.decision,
        since: audit.since.as_ref(),
        until: &audit.until,
        rollouts: audit.rollouts.len(),
        tenants: audit.tenants.len(),
    };
    let lines = std::iter::once(first)
        .chain(report.findings.iter().map(Line::Finding))
        .chain(audit.rollouts.iter().map(Line::Rollout))
        .chain(report.lag.iter().map(Line::Lag))
        .chain(audit.unreadable.iter().map(Line::Unreadable))
        .chain(report.comparison.iter().flat_map(|comparison| &comparison.flips).map(Line::Flip));
    lines.into_iter().try_for_each(|line| write_json_line(out, &line))
}

/// Writes the line that says why there is no verdict.
pub fn error(report: &ErrorReport, out: &mut dyn Write) -> io::Result<()> {
    write_json_line(out, &Line::Error(report))
}
