//! A CI summary (contract section 4.7).

use std::io::{self, Write};

use crate::error::report::ErrorReport;
use crate::model::decision::Decision;
use crate::model::document::FleetSource;
use crate::model::document::text::Field;
use crate::model::finding::Finding;
use crate::policy::basis::Basis;
use crate::render::view::View;
use crate::render::words::{
    DECIDED, MAX_PROBLEMS, NO_VERDICT, counts, downgrades, headline, more_problems, problem_lines, verdict, waiver_note,
};
use crate::report::Report;
use crate::report::rows::{MAX_ROWS, Rows};
use crate::report::stragglers::Straggler;
use crate::text::escape::{for_markdown, names_of};
use crate::text::plural::plural;

/// How many findings are written out. GitHub takes no summary of more than 1 MiB.
const MAX_FINDINGS: usize = 500;

/// How many stragglers the table of stragglers holds.
const MAX_STRAGGLERS: usize = 500;

/// Writes the verdict as Markdown.
pub fn render(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mark = mark(report.decision);
    writeln!(out, "## {mark} {}: {}\n", verdict(report.decision), for_markdown(&headline(report)))?;
    for sentence in downgrades(report) {
        writeln!(out, "**{}**\n", for_markdown(&sentence))?;
    }
    let summary = &report.summary;
    if let Some(sha) = &summary.target_sha {
        writeln!(out, "- Commit: {}", for_markdown(sha))?;
    }
    match (&summary.target, summary.fleet_source) {
        (Some(target), _) => writeln!(out, "- Target tag: {}", for_markdown(target))?,
        // Gates alone were asked, or the plan is disabled.
        (None, FleetSource::None) => writeln!(out, "- Target tag: none, nothing was to be rolled out\n")?,
        (None, _) => writeln!(out, "- Target tag: unknown, no plan was given")?,
    }
    match summary.fleet_source {
        FleetSource::None if summary.target.is_none() => {}
        FleetSource::None => writeln!(out, "- Fleet: nobody was enumerated\n")?,
        _ => writeln!(out, "- Fleet: {}, {}\n", plural(summary.fleet, "tenant"), counts(report).join(", "))?,
    }
    stragglers(report, out)?;
    findings(&report.findings, view, out)?;
    rows(report, out)?;
    match &report.basis {
        Some(Basis { digest, tool, engine, .. }) => {
            writeln!(out, "\nSHA-256 of {DECIDED}: {digest} ({tool}, {engine})")
        }
        None => Ok(()),
    }
}

/// A decision as a sign.
pub(crate) const fn mark(decision: Decision) -> &'static str {
    match decision {
        Decision::Pass => "✅",
        Decision::Fail => "❌",
        Decision::Inconclusive | Decision::NotAsserted => "⚠️",
    }
}

/// Writes as Markdown why there is no verdict.
pub fn error(report: &ErrorReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## ❌ {NO_VERDICT}: {}\n", report.meaning)?;
    for problem in report.problems.iter().take(MAX_PROBLEMS) {
        writeln!(out, "- {}", problem_lines(problem, for_markdown).join("<br>"))?;
        if let Some(help) = &problem.help {
            writeln!(out, "  - Next: {}", for_markdown(help))?;
        }
    }
    if let Some(more) = more_problems(report) {
        writeln!(out, "\n{more}")?;
    }
    if let Some(help) = report.more_help() {
        writeln!(out, "\nNext: {}", for_markdown(help))?;
    }
    writeln!(out, "\nThe exit code is {}. No earlier verdict holds for this run.\n", report.exit_code)
}

fn stragglers(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.stragglers.is_empty() {
        return Ok(());
    }
    let target = report.summary.target.as_deref().unwrap_or("unknown");
    writeln!(out, "### ⚠ Stragglers (NOT on target tag {})\n", for_markdown(target))?;
    if report.summary.quarantined > 0 {
        writeln!(out, "The tolerance of {} let the rollout ship past them.\n", report.summary.tolerated)?;
    }
    writeln!(out, "| Slug | State | Why |\n| --- | --- | --- |")?;
    for Straggler { tenant, state, reason, .. } in report.stragglers.iter().take(MAX_STRAGGLERS) {
        writeln!(out, "| {} | {} | {} |", for_markdown(tenant), for_markdown(state), for_markdown(reason))?;
    }
    more(report.stragglers.len().saturating_sub(MAX_STRAGGLERS), "straggler", out)?;
    writeln!(out)
}

/// Says how many lines of a table or a list are not shown, if any; `one` names what a line is.
pub(crate) fn more(many: usize, one: &str, out: &mut dyn Write) -> io::Result<()> {
    let are = if many == 1 { "is" } else { "are" };
    let more = plural(many, &format!("more {one}"));
    if many == 0 { Ok(()) } else { writeln!(out, "\n{more} {are} not shown; the JSON report names all.") }
}

/// Writes findings as a list.
pub(crate) fn findings(findings: &[Finding], view: &View, out: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        return writeln!(out, "No policy has anything to say.\n");
    }
    writeln!(out, "### Findings\n")?;
    for finding in findings.iter().take(MAX_FINDINGS) {
        let Finding { severity, code, message, tenants, remedy, .. } = finding;
        let message = for_markdown(message);
        writeln!(out, "- **{}** {}: {message}", severity.name(), for_markdown(code))?;
        if let Some(but) = waiver_note(finding) {
            writeln!(out, "  - But: {}", for_markdown(&but))?;
        }
        if !tenants.is_empty() {
            writeln!(out, "  - Tenants: {}", for_markdown(&names_of(tenants.iter().map(|tenant| &**tenant))))?;
        }
        if let (true, Some(observed)) = (view.errors, &finding.observed) {
            writeln!(out, "  - Seen: {}", for_markdown(&observed.to_string()))?;
        }
        if let Some(remedy) = remedy {
            writeln!(out, "  - Next: {}", for_markdown(remedy.trim()))?;
        }
    }
    more(findings.len().saturating_sub(MAX_FINDINGS), "finding", out)?;
    writeln!(out)
}

fn rows(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Rows { lines, selected, cut } = &report.rows;
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "### Rows\n")?;
    writeln!(out, "| Slug | Phase | SSM Status | Exit | Healthz | On target | Error present | Denied |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")?;
    for line in lines {
        let row = &line.row;
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            for_markdown(&line.tenant),
            line.phase.as_deref().map_or_else(|| "-".into(), for_markdown),
            cell(&row.ssm_status, |status| for_markdown(status)),
            cell(&row.ssm_exit_code, ToString::to_string),
            cell(&row.healthz_ok, |ok| if *ok { "yes" } else { "**no**" }.into()),
            on_target(row.verified_on_target),
            if line.error_present() { "yes" } else { "no" },
            if report.is_denied(&line.tenant) { "**yes**" } else { "no" },
        )?;
    }
    let first = if *cut { format!(", the first {MAX_ROWS} of them") } else { String::new() };
    match (selected, cut) {
        (true, _) => writeln!(out, "\nOnly the rows of denied tenants and stragglers are shown{first}."),
        (false, true) => writeln!(out, "\nOnly the first {MAX_ROWS} rows are shown."),
        (false, false) => Ok(()),
    }
}

/// `verified_on_target` in words.
const fn on_target(field: Field<bool>) -> &'static str {
    match field {
        Field::Given(true) => "yes",
        Field::Given(false) => "**no**",
        Field::Null => "null",
        Field::Absent => "-",
    }
}

fn cell<T>(field: &Field<T>, show: impl FnOnce(&T) -> String) -> String {
    match field {
        Field::Absent => "-".into(),
        Field::Null => "null".into(),
        Field::Given(value) => show(value),
    }
}
