//! For a person at a terminal: the verdict, what the policies say, who is behind, and what was not what it was called.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::audit::against::Flip;
use crate::audit::render::words::{
    called, duration, flips, group_name, headline, is_miscalled, is_of, judged, missing, several, turned_by,
};
use crate::audit::report::{AuditReport, Lag};
use crate::model::audit::{Group, Rollout};
use crate::model::decision::Decision;
use crate::model::document::text::Text;
use crate::render::text::{findings, verdict_line};
use crate::render::view::View;
use crate::render::words::verdict;
use crate::text::escape::for_terminal;
use crate::text::table::lines;
use crate::text::wrap::wrap;

/// How many lines a table has before it is shortened.
const MAX_LINES: usize = 30;

/// How far a table is indented.
const INDENT: usize = 4;

/// Writes the verdict for a person.
pub fn render(report: &AuditReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let audit = &report.audit;
    verdict_line(report.decision, &headline(report), view, out)?;
    paragraph(&judged(report), 6, view, out)?;
    findings(&report.findings, view, out)?;

    for group in &audit.groups {
        let name = several(report).then(|| group_name(group.group.as_ref(), group.control_plane.as_ref()));
        of_group(report, group, name.as_deref(), view, out)?;
    }
    if let Some(comparison) = &report.comparison {
        let flip = |flip: &Flip| {
            let when = flip.at.as_ref().map_or_else(|| "undated".to_owned(), minute);
            let decision = |decision| verdict(decision).to_lowercase();
            [when, decision(flip.was), decision(flip.now), for_terminal(&flip.archive), for_terminal(&turned_by(flip))]
        };
        let rows: Vec<[String; 5]> = comparison.flips.iter().map(flip).collect();
        writeln!(out)?;
        paragraph(&for_terminal(&flips(comparison)), 2, view, out)?;
        section("verdicts that flip", &["when", "before", "now", "archive", "why"], &rows, view, out)?;
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
    writeln!(out)?;
    paragraph(&format!("rollouts {}{counts}{span}", audit.rollouts.len()), 2, view, out)?;
    for group in audit.groups.iter().filter(|_| several(report)) {
        paragraph(&group_line(group), 2, view, out)?;
    }
    writeln!(out, "  tenants {}   lag counted up to {}", audit.tenants.len(), minute(&audit.until))?;
    if let Some(newest) = &audit.newest {
        let since =
            between(newest, &audit.until).map_or_else(String::new, |since| format!(", the {} since", duration(since)));
        let line = format!("evidence ends {}: nothing is known of the time after it{since}", minute(newest));
        paragraph(&line, 2, view, out)?;
    }
    match &audit.gap {
        Some(gap) => {
            let line = format!("longest time without a rollout {}, from {}", duration(gap.seconds), minute(&gap.since));
            paragraph(&line, 2, view, out)
        }
        None => Ok(()),
    }
}

/// Writes escaped text that is no wider than the reader's terminal, indented.
fn paragraph(text: &str, indent: usize, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let (first, rest) = (" ".repeat(indent), " ".repeat(indent + 2));
    wrap(text, view.line_width, &first, &rest).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// The tables of a group, and if there are several, under its name.
fn of_group(
    report: &AuditReport,
    group: &Group,
    name: Option<&str>,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let of = name.map_or_else(String::new, |name| format!("{}: ", for_terminal(name)));
    let is_here = |lag: &&Lag| is_of(group, lag.group.as_ref(), lag.control_plane.as_ref());
    let lag: Vec<[String; 7]> = report.lag.iter().filter(is_here).map(behind).collect();
    section(
        &format!("{of}tenants that were behind"),
        &["tenant", "since", "until", "how long", "rollouts", "state", "why"],
        &lag,
        view,
        out,
    )?;
    let is_here = |rollout: &&Rollout| {
        is_miscalled(rollout) && is_of(group, rollout.group.as_ref(), rollout.control_plane.as_ref())
    };
    let rollouts: Vec<&Rollout> = report.audit.rollouts.iter().filter(is_here).collect();
    let rows: Vec<[String; 6]> = rollouts.iter().map(|rollout| miscalled(rollout)).collect();
    section(
        &format!("{of}rollouts that are not what they were called"),
        &["when", "target", "then", "now", "archive", "why"],
        &rows,
        view,
        out,
    )?;
    for (i, command) in rollouts.iter().filter_map(|rollout| rollout.explain.as_ref()).take(MAX_LINES).enumerate() {
        let title = if i == 0 { format!("\n  {of}commands that explain them\n") } else { String::new() };
        writeln!(out, "{title}    {}", for_terminal(command))?;
    }
    Ok(())
}

/// What a group is made of, where there are several.
fn group_line(group: &Group) -> String {
    let name = for_terminal(&group_name(group.group.as_ref(), group.control_plane.as_ref()));
    let (rollouts, tenants) = (group.rollouts, group.tenants);
    let newest = group.newest.as_ref().map_or_else(String::new, |newest| format!(", evidence ends {}", minute(newest)));
    format!("group {name}: {rollouts} rollouts, {tenants} tenants{newest}")
}

fn behind(lag: &Lag) -> [String; 7] {
    let behind = &lag.behind;
    let waived = if behind.waived { ", waived" } else { "" };
    [
        for_terminal(&lag.tenant),
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
pub(crate) fn minute(at: &Text) -> String {
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
