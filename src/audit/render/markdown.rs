//! A CI summary, or a comment: the verdict, the findings, who is behind, and what was not what it was called.

use std::io::{self, Write};

use crate::audit::render::words::{
    called, duration, flips, group_name, headline, is_miscalled, is_of, judged, several, turned_by,
};
use crate::audit::report::{AuditReport, Lag};
use crate::model::audit::{Group, Rollout};
use crate::model::document::text::Text;
use crate::render::markdown::{findings, mark, more};
use crate::render::view::View;
use crate::render::words::verdict;
use crate::text::escape::{for_markdown, names_of};

/// How many lines a table has. GitHub takes no summary of more than 1 MiB.
const MAX_LINES: usize = 200;

/// Writes the verdict as Markdown.
pub fn render(report: &AuditReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## {} {}: {}\n", mark(report.decision), verdict(report.decision), for_markdown(&headline(report)))?;
    writeln!(out, "{}\n", for_markdown(&judged(report)))?;
    findings(&report.findings, view, out)?;
    for group in &report.audit.groups {
        let name = several(report).then(|| group_name(group.group.as_ref(), group.control_plane.as_ref()));
        let of = name.map_or_else(String::new, |name| format!("{}: ", for_markdown(&name)));
        behind(report, group, &of, out)?;
        miscalled(report, group, &of, out)?;
    }
    if let Some(comparison) = &report.comparison {
        writeln!(out, "### Verdicts that flip\n\n{}\n", for_markdown(&flips(comparison)))?;
        if !comparison.flips.is_empty() {
            writeln!(out, "| When | Before | Now | Archive | Why |\n| --- | --- | --- | --- | --- |")?;
        }
        for flip in comparison.flips.iter().take(MAX_LINES) {
            let when = flip.at.as_ref().map_or_else(|| "undated".to_owned(), |at| for_markdown(at));
            let (was, now) = (verdict(flip.was).to_lowercase(), verdict(flip.now).to_lowercase());
            let (archive, why) = (for_markdown(&flip.archive), for_markdown(&turned_by(flip)));
            writeln!(out, "| {when} | {was} | **{now}** | {archive} | {why} |")?;
        }
        more(comparison.flips.len().saturating_sub(MAX_LINES), "flip", out)?;
        writeln!(out)?;
    }
    if !report.audit.unreadable.is_empty() {
        writeln!(out, "### Archives that could not be read\n\n| Archive | Why |\n| --- | --- |")?;
        for entry in report.audit.unreadable.iter().take(MAX_LINES) {
            writeln!(out, "| {} | {} |", for_markdown(&entry.archive), for_markdown(&entry.problem))?;
        }
        more(report.audit.unreadable.len().saturating_sub(MAX_LINES), "archive", out)?;
    }
    Ok(())
}

fn behind(report: &AuditReport, group: &Group, of: &str, out: &mut dyn Write) -> io::Result<()> {
    let is_here = |lag: &&Lag| is_of(group, lag.group.as_ref(), lag.control_plane.as_ref());
    let lags: Vec<&Lag> = report.lag.iter().filter(is_here).collect();
    if lags.is_empty() {
        return Ok(());
    }
    writeln!(out, "### {of}Tenants that were behind\n")?;
    writeln!(out, "| Tenant | Since | Until | How long | Rollouts | State | Why |")?;
    writeln!(out, "| --- | --- | --- | --- | ---: | --- | --- |")?;
    for lag in lags.iter().take(MAX_LINES) {
        let behind = &lag.behind;
        let waived = if behind.waived { ", waived" } else { "" };
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {}{waived} | {} |",
            for_markdown(&lag.tenant),
            for_markdown(&behind.since),
            behind.until.as_ref().map_or_else(|| "**now**".to_owned(), |until| for_markdown(until)),
            duration(behind.seconds),
            behind.rollouts,
            for_markdown(&behind.state),
            for_markdown(&behind.reason),
        )?;
    }
    more(lags.len().saturating_sub(MAX_LINES), "time", out)?;
    writeln!(out)
}

fn miscalled(report: &AuditReport, group: &Group, of: &str, out: &mut dyn Write) -> io::Result<()> {
    let is_here = |rollout: &&Rollout| {
        is_miscalled(rollout) && is_of(group, rollout.group.as_ref(), rollout.control_plane.as_ref())
    };
    let rollouts: Vec<&Rollout> = report.audit.rollouts.iter().filter(is_here).collect();
    if rollouts.is_empty() {
        return Ok(());
    }
    writeln!(out, "### {of}Rollouts that are not what they were called\n")?;
    writeln!(out, "| When | Target | Called | Is | Archive | Why |\n| --- | --- | --- | --- | --- | --- |")?;
    for rollout in rollouts.iter().take(MAX_LINES) {
        writeln!(
            out,
            "| {} | {} | {} | **{}** | {} | {} |",
            rollout.at.as_ref().map_or_else(|| "undated".to_owned(), |at| for_markdown(at)),
            rollout.target.as_ref().map_or_else(|| "unknown".to_owned(), |target| for_markdown(target)),
            called(rollout.called),
            verdict(rollout.decision).to_lowercase(),
            for_markdown(&rollout.archive),
            why(rollout),
        )?;
    }
    more(rollouts.len().saturating_sub(MAX_LINES), "rollout", out)?;
    writeln!(out)
}

fn why(rollout: &Rollout) -> String {
    let who =
        |tenants: &[Text]| if tenants.is_empty() { String::new() } else { format!(": {}", names_of(tenants.iter())) };
    match (crate::audit::render::words::missing(rollout), rollout.because.first()) {
        (Some(missing), _) => for_markdown(&format!("{missing}{}", who(&rollout.missing))),
        (None, Some(because)) => {
            for_markdown(&format!("{}: {}{}", because.code, because.message, who(&because.tenants)))
        }
        (None, None) => "nothing is wrong with its evidence".to_owned(),
    }
}
