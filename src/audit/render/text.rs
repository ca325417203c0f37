//! For a person at a terminal: the verdict, what the policies say, who is behind, and what was not what it was called.

use std::io::{self, Write};

use crate::audit::render::words::{called, duration, headline, is_miscalled, several};
use crate::audit::report::{AuditReport, Lag};
use crate::model::audit::Rollout;
use crate::model::decision::Decision;
use crate::model::document::text::Text;
use crate::render::text::{findings, verdict_line};
use crate::render::view::View;
use crate::render::words::verdict;
use crate::text::escape::for_terminal;
use crate::text::table::lines;

/// How many lines a table has before it is shortened.
const MAX_LINES: usize = 30;

/// How far a table is indented.
const INDENT: usize = 4;

/// Writes the verdict for a person.
pub fn render(report: &AuditReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let audit = &report.audit;
    verdict_line(report.decision, &headline(report), view, out)?;
    findings(&report.findings, view, out)?;

    let lag: Vec<[String; 7]> = report.lag.iter().map(|lag| behind(lag, several(report))).collect();
    section(
        "tenants that were behind",
        &["tenant", "since", "until", "how long", "rollouts", "state", "why"],
        &lag,
        view,
        out,
    )?;
    let miscalled_rows: Vec<[String; 5]> =
        audit.rollouts.iter().filter(|rollout| is_miscalled(rollout)).map(miscalled).collect();
    section(
        "rollouts that are not what they were called",
        &["when", "target", "then", "now", "why"],
        &miscalled_rows,
        view,
        out,
    )?;
    let unreadable: Vec<[String; 2]> = audit
        .unreadable
        .iter()
        .map(|unreadable| [for_terminal(&unreadable.archive), for_terminal(&unreadable.problem)])
        .collect();
    section("archives that could not be read", &["archive", "why"], &unreadable, view, out)?;

    let counts = Decision::ALL.into_iter().filter_map(|decision| {
        let many = audit.rollouts.iter().filter(|rollout| rollout.decision == decision).count();
        (many > 0).then(|| format!("{many} {}", verdict(decision).to_lowercase()))
    });
    let counts: Vec<String> = counts.collect();
    let span = match (audit.rollouts.first(), audit.rollouts.last()) {
        (Some(first), Some(last)) => format!(", {} to {}", minute(&first.at), minute(&last.at)),
        _ => String::new(),
    };
    let counts = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    writeln!(out, "\n  rollouts {}{counts}{span}", audit.rollouts.len())?;
    writeln!(out, "  tenants {}   lag counted up to {}", audit.tenants.len(), minute(&audit.until))
}

fn behind(lag: &Lag, several: bool) -> [String; 7] {
    let behind = &lag.behind;
    let plane = lag.control_plane.as_ref().filter(|_| several).map_or_else(String::new, |plane| format!(" ({plane})"));
    let waived = if behind.waived { ", waived" } else { "" };
    [
        for_terminal(&format!("{}{plane}", lag.tenant)),
        minute(&behind.since),
        behind.until.as_ref().map_or_else(|| "now".into(), minute),
        duration(behind.seconds),
        behind.rollouts.to_string(),
        for_terminal(&format!("{}{waived}", behind.state)),
        for_terminal(&behind.reason),
    ]
}

fn miscalled(rollout: &Rollout) -> [String; 5] {
    let target = rollout.target.as_ref().map_or_else(|| "unknown".into(), |target| for_terminal(target));
    let why = rollout.because.first().map_or_else(
        || "nothing is wrong with its evidence".to_owned(),
        |because| {
            let names: Vec<String> = because.tenants.iter().map(|tenant| for_terminal(tenant)).collect();
            let who = if names.is_empty() {
                String::new()
            } else {
                format!(": {}", crate::text::escape::names_of(names.iter()))
            };
            format!("{}  {}{who}", for_terminal(&because.code), for_terminal(&because.message))
        },
    );
    [minute(&rollout.at), target, called(rollout.called).into(), verdict(rollout.decision).to_lowercase(), why]
}

/// A time without what is less than a minute.
fn minute(at: &Text) -> String {
    match at.get(..16) {
        Some(minute) if at.ends_with('Z') => for_terminal(&format!("{}Z", minute.replace('T', " "))),
        _ => for_terminal(at),
    }
}

fn section<const N: usize>(
    title: &str,
    header: &[&str; N],
    rows: &[[String; N]],
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {title}")?;
    let width = view.line_width.saturating_sub(INDENT);
    for line in lines(header, &rows[..rows.len().min(MAX_LINES)], width) {
        writeln!(out, "{:INDENT$}{line}", "")?;
    }
    match rows.len().saturating_sub(MAX_LINES) {
        0 => Ok(()),
        more => writeln!(out, "    and {more} more; --format json names all"),
    }
}
