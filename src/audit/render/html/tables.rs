//! Who was behind; what was not what it was called; and what could not be read. As tables.

use maud::{Markup, html};

use crate::audit::render::html::components::{labelled, time};
use crate::audit::render::html::data::Data;
use crate::audit::render::words::{
    MAX_REASONS, called, duration, group_name, is_false_green, is_miscalled, missing, more_reasons, several,
};
use crate::audit::report::{AuditReport, Lag};
use crate::model::audit::{Because, Called, Rollout};
use crate::model::decision::Decision;
use crate::model::document::text::{Map, Text};
use crate::render::html::components::{count, labels, prose, scroll, shown, symbol, tenants};
use crate::render::html::table::{PAGE, Table};
use crate::render::words::verdict;
use crate::text::escape::names_of;

/// How many rows a table without pages has.
pub const MAX_ROWS: usize = 500;

/// Who was behind, since when and for how long.
pub fn behind(report: &AuditReport, data: &Data) -> Markup {
    let mut names: Vec<_> = report.lag.iter().map(|lag| (&lag.group, &lag.control_plane, &lag.tenant)).collect();
    names.sort_unstable();
    names.dedup();
    let many = report.lag.len() - data.left_out;
    let several = several(report);
    let labelled = labelled(report);
    let labels_of = |lag: &Lag| labelled.get(&(lag.group.as_ref(), lag.control_plane.as_ref(), &lag.tenant)).copied();
    let rows = html! { @for lag in report.lag.iter().take(PAGE) { (row(lag, several, labels_of(lag))) } };
    let table = Table {
        label: "Table of who was behind",
        placeholder: if labelled.is_empty() {
            "tenant, date, state, reason"
        } else {
            "tenant, label, date, state, reason"
        },
        columns: &["Tenant", "Since", "Until", "How long", "Rollouts", "State", "Why"],
        sorted: None,
        many,
    };
    html! {
        section #behind aria-labelledby="behind-title" {
            h2 #behind-title { "Who was behind" }
            div.content {
                @if report.audit.rollouts.is_empty() { p.lede { "No rollout could be read." } } @else if report.lag.is_empty() { p.lede { "Nobody ever was." } } @else {
                    p.lede {
                        (tenants(names.len() as u64)) ", " (count(report.lag.len() as u64))
                        @if report.lag.len() == 1 { " time" } @else { " times" }
                        ". Those that still last come first, then the longest."
                    }
                    (table.around(&rows))
                    @if data.left_out > 0 {
                        p.note { (count(data.left_out as u64)) " more have no room on this page; the JSON report has them." }
                    }
                }
            }
        }
    }
}

fn row(lag: &Lag, several: bool, of: Option<&Map<Text>>) -> Markup {
    let behind = &lag.behind;
    html! {
        tr {
            th scope="row" {
                code { (shown(&lag.tenant)) }
                @if several { " " span.quiet { (shown(&group_name(lag.group.as_ref(), lag.control_plane.as_ref()))) } }
                @if let Some(of) = of { " " span.labels { (prose(&labels(of))) } }
            }
            td { (time(&behind.since)) }
            td { @if let Some(until) = &behind.until { (time(until)) } @else { "now" } }
            td { (duration(behind.seconds)) }
            td { (count(behind.rollouts)) }
            td { (symbol(&behind.state)) (shown(&behind.state)) @if behind.waived { " " span.lift { "waived" } } }
            td { (prose(&behind.reason)) }
        }
    }
}

/// How many rollouts were called green and are proven not to be.
pub fn false_greens(report: &AuditReport) -> u64 {
    report.audit.rollouts.iter().filter(|rollout| is_false_green(rollout)).count() as u64
}

/// How many rollouts were called so, and are that.
fn of(report: &AuditReport, called: Called, decision: Decision) -> u64 {
    let rollouts = report.audit.rollouts.iter();
    rollouts.filter(|rollout| rollout.called == called && rollout.decision == decision).count() as u64
}

/// Rollouts that are not what they were called.
pub fn miscalled(report: &AuditReport) -> Markup {
    let rollouts: Vec<&Rollout> = report.audit.rollouts.iter().filter(|rollout| is_miscalled(rollout)).collect();
    let is_unproven = |rollout: &&&Rollout| rollout.called == Called::Green && !is_false_green(rollout);
    let unproven = rollouts.iter().filter(is_unproven).count() as u64;
    let counts = [
        (false_greens(report), "called green and not"),
        (unproven, "called green, which nothing proves"),
        (of(report, Called::Red, Decision::Pass), "called red with nothing wrong"),
    ];
    let counts: Vec<String> =
        counts.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!("{} {what}", count(*many))).collect();
    let more = rollouts.len().saturating_sub(MAX_ROWS) as u64;
    html! {
        section #called aria-labelledby="called-title" {
            h2 #called-title { "Not as called" }
            div.content {
                @if report.audit.rollouts.is_empty() { p.lede { "No rollout could be read." } } @else if rollouts.is_empty() { p.lede { "Every rollout that was called something is that." } } @else {
                    p.lede {
                        (count(rollouts.len() as u64)) " of " (count(report.audit.rollouts.len() as u64))
                        " rollouts are not what they were called: " (counts.join(", ")) "."
                    }
                    (scroll("Rollouts that are not what they were called", &html! {
                        table.doubted {
                            thead { tr { @for name in ["When", "Target", "Called", "Is", "Why"] { th scope="col" { (name) } } } }
                            tbody { @for rollout in rollouts.iter().take(MAX_ROWS) { (miscalled_row(rollout, several(report))) } }
                        }
                    }))
                    @if more > 0 { p.note { "and " (count(more)) " more; the JSON report has them." } }
                }
            }
        }
    }
}

fn miscalled_row(rollout: &Rollout, several: bool) -> Markup {
    html! {
        tr.false-green[is_false_green(rollout)] {
            th scope="row" { @if let Some(at) = &rollout.at { (time(at)) } @else { "undated" } @if several { " " span.quiet { (shown(&group_name(rollout.group.as_ref(), rollout.control_plane.as_ref()))) } } }
            td { code { (rollout.target.as_deref().map_or_else(|| "unknown".into(), shown)) } }
            td { (called(rollout.called)) }
            td { strong { (verdict(rollout.decision).to_lowercase()) } }
            td {
                @for because in rollout.because.iter().take(MAX_REASONS) { (reason(because)) }
                @if let Some(missing) = missing(rollout) {
                    p { (missing) ": " (names_of(rollout.missing.iter().map(|tenant| shown(tenant)).collect::<Vec<_>>().iter())) }
                }
                @if rollout.because.is_empty() && rollout.missing.is_empty() { p { "nothing is wrong with its evidence" } }
                @if let Some(more) = more_reasons(rollout.because.len()) { p { (more) } }
                p.archive { code { (rollout.explain.as_deref().map_or_else(|| shown(&rollout.archive), shown)) } }
            }
        }
    }
}

/// What is said against a rollout, and of whom.
pub fn reason(because: &Because) -> Markup {
    let names = &because.tenants;
    html! {
        p {
            code { (shown(&because.code)) } "  " (prose(&because.message))
            @if !names.is_empty() { ": " (prose(&names_of(because.tenants.iter()))) }
        }
    }
}

/// Whether there is something that could not be read, or that belongs to nothing.
pub fn is_unread(report: &AuditReport) -> bool {
    !report.audit.unreadable.is_empty() || !report.audit.unpaired.is_empty()
}

/// What could not be read, and what belongs to nothing.
pub fn unread(report: &AuditReport) -> Markup {
    let (unreadable, unpaired) = (&report.audit.unreadable, &report.audit.unpaired);
    let more = |many: usize| many.saturating_sub(MAX_ROWS) as u64;
    html! {
        @if is_unread(report) {
            section #unread aria-labelledby="unread-title" {
                h2 #unread-title { "Not read" }
                div.content {
                    @if !unreadable.is_empty() {
                        h3 { "Archives that could not be read" }
                        (scroll("Archives that could not be read", &html! {
                            table.unread {
                                thead { tr { th scope="col" { "Archive" } th scope="col" { "Why" } } }
                                tbody { @for entry in unreadable.iter().take(MAX_ROWS) {
                                    tr { th scope="row" { code { (shown(&entry.archive)) } } td { (prose(&entry.problem)) } }
                                } }
                            }
                        }))
                        @if more(unreadable.len()) > 0 { p.note { "and " (count(more(unreadable.len()))) " more; the JSON report has them." } }
                    }
                    @if !unpaired.is_empty() {
                        h3 { "Plans and fleets that belong to no archive" }
                        ul { @for path in unpaired.iter().take(MAX_ROWS) { li { code { (shown(path)) } } } }
                        @if more(unpaired.len()) > 0 { p.note { "and " (count(more(unpaired.len()))) " more; the JSON report has them." } }
                    }
                }
            }
        }
    }
}
