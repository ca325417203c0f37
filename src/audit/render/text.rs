//! For a person at a terminal: the verdict, what the policies say, who is behind, and what was not what it was called.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::audit::render::words::{called, duration, headline, is_miscalled, judged, missing, several};
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
    writeln!(out, "      {}", judged(report))?;
    findings(&report.findings, view, out)?;

    let lag: Vec<[String; 7]> = report.lag.iter().map(|lag| behind(lag, several(report))).collect();
    section(
        "tenants that were behind",
        &["tenant", "since", "until", "how long", "rollouts", "state", "why"],
        &lag,
        view,
        out,
    )?;
    let miscalled_rows: Vec<[String; 6]> =
        audit.rollouts.iter().filter(|rollout| is_miscalled(rollout)).map(miscalled).collect();
    section(
        "rollouts that are not what they were called",
        &["when", "target", "then", "now", "archive", "why"],
        &miscalled_rows,
        view,
        out,
    )?;
    let commands = audit.rollouts.iter().filter(|rollout| is_miscalled(rollout)).filter_map(|one| one.explain.as_ref());
    for (i, command) in commands.take(MAX_LINES).enumerate() {
        let title = if i == 0 { "\n  commands that explain them\n" } else { "" };
        writeln!(out, "{title}    {}", for_terminal(command))?;
    }
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
    let mut made = audit.rollouts.iter().filter_map(|rollout| rollout.at.as_ref());
    let first = made.next();
    let span = match (first, made.next_back().or(first)) {
        (Some(first), Some(last)) => format!(", {} to {}", minute(first), minute(last)),
        _ => String::new(),
    };
    let counts = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    writeln!(out, "\n  rollouts {}{counts}{span}", audit.rollouts.len())?;
    writeln!(out, "  tenants {}   lag counted up to {}", audit.tenants.len(), minute(&audit.until))?;
    if let Some(newest) = &audit.newest {
        let since =
            between(newest, &audit.until).map_or_else(String::new, |since| format!(", the {} since", duration(since)));
        writeln!(out, "  evidence ends {}: nothing is known of the time after it{since}", minute(newest))?;
    }
    match &audit.gap {
        Some(gap) => {
            writeln!(out, "  longest time without a rollout {}, from {}", duration(gap.seconds), minute(&gap.since))
        }
        None => Ok(()),
    }
}

fn behind(lag: &Lag, several: bool) -> [String; 7] {
    let behind = &lag.behind;
    let plane = lag.control_plane.as_ref().filter(|_| several).map_or_else(String::new, |plane| format!(" ({plane})"));
    let waived = if behind.waived { ", waived" } else { "" };
    [
        for_terminal(&format!("{}{plane}", lag.tenant)),
        minute(&behind.since),
        behind.until.as_ref().map_or_else(|| "now".into(), minute),
        behind.seconds_seen.filter(|seen| *seen != behind.seconds).map_or_else(
            || duration(behind.seconds),
            |seen| format!("{}, {} of it seen", duration(behind.seconds), duration(seen)),
        ),
        behind.rollouts.to_string(),
        for_terminal(&format!("{}{waived}", behind.state)),
        for_terminal(&behind.reason),
    ]
}

fn miscalled(rollout: &Rollout) -> [String; 6] {
    let target = rollout.target.as_ref().map_or_else(|| "unknown".into(), |target| for_terminal(target));
    let who = |tenants: &[Text]| {
        let names: Vec<String> = tenants.iter().map(|tenant| for_terminal(tenant)).collect();
        if names.is_empty() { String::new() } else { format!(": {}", crate::text::escape::names_of(names.iter())) }
    };
    let why = match (missing(rollout), rollout.because.first()) {
        (Some(missing), _) => format!("{missing}{}", who(&rollout.missing)),
        (None, Some(because)) => {
            format!("{}  {}{}", for_terminal(&because.code), for_terminal(&because.message), who(&because.tenants))
        }
        (None, None) => "nothing is wrong with its evidence".to_owned(),
    };
    let when = rollout.at.as_ref().map_or_else(|| "undated".to_owned(), minute);
    let is = if rollout.missing.is_empty() { verdict(rollout.decision).to_lowercase() } else { "incomplete".into() };
    [when, target, called(rollout.called).into(), is, for_terminal(&rollout.archive), why]
}

/// The seconds from one time to another, if both can be read and some lie between.
fn between(since: &Text, until: &Text) -> Option<u64> {
    let (since, until): (Timestamp, Timestamp) = (since.parse().ok()?, until.parse().ok()?);
    u64::try_from(until.duration_since(since).as_secs()).ok().filter(|seconds| *seconds >= 60)
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
