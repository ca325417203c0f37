//! Sentences that more than one format shares. Not escaped: that is each format's own.

use crate::audit::against::{Comparison, Flip};
use crate::audit::report::AuditReport;
use crate::model::audit::{Because, Called, Group, Rollout};
use crate::model::decision::Decision;
use crate::model::document::text::Text;
use crate::text::escape::names_of;
use crate::text::plural::plural;

/// The verdict in one sentence.
pub fn headline(report: &AuditReport) -> String {
    let heaviest = report.findings.iter().map(|finding| finding.severity).min();
    let heaviest_findings = report.findings.iter().filter(|finding| Some(finding.severity) == heaviest);
    match report.decision {
        Decision::Fail | Decision::Inconclusive => {
            heaviest_findings.map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
        }
        Decision::Pass | Decision::NotAsserted => {
            "no rollout was called green that is not, and nobody is behind for too long".to_owned()
        }
    }
}

/// Whether groups have to be told apart.
pub fn several(report: &AuditReport) -> bool {
    report.audit.groups.len() > 1
}

/// A group in words; not escaped.
pub fn group_name(group: Option<&Text>, control_plane: Option<&Text>) -> String {
    match (group, control_plane) {
        (Some(group), Some(plane)) => format!("{group}, {plane}"),
        (Some(name), None) | (None, Some(name)) => name.to_string(),
        (None, None) => "of no group".to_owned(),
    }
}

/// Whether a rollout, a tenant or a time is of a group.
pub fn is_of(group: &Group, name: Option<&Text>, control_plane: Option<&Text>) -> bool {
    group.group.as_ref() == name && group.control_plane.as_ref() == control_plane
}

/// Whether a rollout was called green, and is proven not to be.
pub fn is_false_green(rollout: &Rollout) -> bool {
    rollout.called == Called::Green && (rollout.decision == Decision::Fail || !rollout.missing.is_empty())
}

/// Whether a rollout was called something else than it is.
pub fn is_miscalled(rollout: &Rollout) -> bool {
    match rollout.called {
        Called::Green => is_false_green(rollout) || rollout.decision == Decision::Inconclusive,
        Called::Red => rollout.decision == Decision::Pass,
        Called::Unknown => false,
    }
}

/// What a rollout was called, in a word.
pub const fn called(called: Called) -> &'static str {
    match called {
        Called::Green => "green",
        Called::Red => "red",
        Called::Unknown => "unknown",
    }
}

/// Which tenants have no row, in one sentence: nothing where there are none.
pub fn missing(rollout: &Rollout) -> Option<&'static str> {
    match rollout.missing.len() {
        0 => None,
        1 => Some("no row answers for a tenant that earlier and later rollouts have"),
        _ => Some("no row answers for tenants that earlier and later rollouts have"),
    }
}

/// What could be judged of what was found, in one sentence.
pub fn judged(report: &AuditReport) -> String {
    let audit = &report.audit;
    let Some(found) = &audit.found else { return String::new() };
    let undated = audit.rollouts.iter().filter(|rollout| rollout.at.is_none()).count();
    let parts = [
        (audit.unreadable.len() as u64, "unreadable"),
        (undated as u64, "undated"),
        (found.not_listed, "judged and not listed"),
        (found.not_read, "not read"),
        (
            found.ignored.len() as u64,
            if found.ignored.len() == 1 { "other file ignored" } else { "other files ignored" },
        ),
    ];
    let parts = parts.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!("{many} {what}"));
    let parts: Vec<String> = parts.collect();
    let others = if parts.is_empty() { String::new() } else { format!("; {}", parts.join(", ")) };
    let judged = audit.rollouts.len() as u64 + found.not_listed;
    let (rollouts, files) = (plural(found.rollouts, "rollout"), plural(found.files, "file"));
    format!("judged {judged} of {rollouts} in {files}{others}")
}

/// How many verdicts flip, in one sentence.
pub fn flips(comparison: &Comparison) -> String {
    let (flips, compared) = (comparison.flips.len(), plural(comparison.compared, "verdict"));
    let verb = if flips == 1 { "flips" } else { "flip" };
    let against: Vec<&str> = comparison.against.iter().map(|path| &**path).collect();
    format!("{flips} of {compared} {verb} against {}", against.join(", "))
}

/// How many reasons of a rollout, or of a side, are told.
pub const MAX_REASONS: usize = 3;

/// How many reasons are not told, in words: nothing where all are.
pub fn more_reasons(many: usize) -> Option<String> {
    let more = many.saturating_sub(MAX_REASONS);
    (more > 0).then(|| format!("and {}", plural(more, "more reason")))
}

/// What turned a verdict: what only one side says against a pass.
pub fn turned_by(flip: &Flip) -> String {
    let told = |side: &str, all: &[Because]| -> Vec<String> {
        let sentence = |because: &Because| {
            let who = &because.tenants;
            let who = if who.is_empty() { String::new() } else { format!(": {}", names_of(who.iter())) };
            format!("{side} {}  {}{who}", because.code, because.message)
        };
        all.iter().take(MAX_REASONS).map(sentence).chain(more_reasons(all.len())).collect()
    };
    let all = [told("only now:", &flip.only_now), told("only before:", &flip.only_before)].concat();
    all.join("; ")
}

/// Seconds as a person would say them.
pub fn duration(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours / 24, hours % 24) {
        (2.., 0) => return format!("{} d", hours / 24),
        (2.., rest) => return format!("{} d {rest} h", hours / 24),
        _ => {}
    }
    match (hours, minutes) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
