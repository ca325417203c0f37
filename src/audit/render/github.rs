//! Workflow commands that annotate a CI run. They are a command channel: a line of evidence must never start one.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::audit::render::words::headline;
use crate::audit::report::AuditReport;
use crate::render::github::{annotation, verdict_annotation};
use crate::render::view::View;

/// Writes an annotation for each finding, and then the verdict.
pub fn render(report: &AuditReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        annotation(finding, &HashMap::new(), view, out)?;
    }
    verdict_annotation(report.decision, &headline(report), out)
}
