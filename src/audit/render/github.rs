//! Workflow commands that annotate a CI run. They are a command channel: a line of evidence must never start one.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::audit::render::words::{flips, headline, turned_by};
use crate::audit::report::AuditReport;
use crate::render::github::{annotation, verdict_annotation};
use crate::render::view::View;
use crate::render::words::verdict;
use crate::text::escape::for_annotation;

/// Writes an annotation for each finding, for each verdict that flips, and then the verdict.
pub fn render(report: &AuditReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        annotation(finding, &HashMap::new(), view, out)?;
    }
    if let Some(comparison) = &report.comparison {
        let command = if comparison.denied { "error" } else { "warning" };
        for flip in &comparison.flips {
            let (was, now) = (verdict(flip.was).to_lowercase(), verdict(flip.now).to_lowercase());
            let text = format!("{}: {was} before, {now} now; {}", flip.archive, turned_by(flip));
            writeln!(out, "::{command} title=rollproof::{}", for_annotation(&text))?;
        }
        writeln!(out, "::notice title=rollproof::{}", for_annotation(&flips(comparison)))?;
    }
    verdict_annotation(report.decision, &headline(report), out)
}
