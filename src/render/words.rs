//! Sentences that more than one format shares. Not escaped: that is each format's own.

use std::collections::HashMap;

use crate::error::report::{ErrorReport, Problem as ReportedProblem};
use crate::io::config::ModeName;
use crate::model::decision::Decision;
use crate::model::document::FleetSource;
use crate::model::finding::{Finding, Severity};
use crate::report::stragglers::Straggler;
use crate::report::{Policy, Report};
use crate::text::escape::{clipped, names_of};
use crate::text::plural::plural;

/// What the digest of a report is of.
pub const DECIDED: &str = "policies, parameters, modes, waivers and facts";

/// What stands in the place of a verdict where there is none.
pub const NO_VERDICT: &str = "NO VERDICT";

/// How many problems of an error are shown, but for JSON.
pub const MAX_PROBLEMS: usize = 100;

/// How many findings a headline repeats.
const MAX_CAUSES: usize = 2;

/// How many characters a line of a problem may have, but for JSON.
const MAX_LINE: usize = 1_000;

/// The verdict in one word or two.
pub const fn verdict(decision: Decision) -> &'static str {
    match decision {
        Decision::Pass => "PASS",
        Decision::Fail => "FAIL",
        Decision::Inconclusive => "INCONCLUSIVE",
        Decision::NotAsserted => "NOT ASSERTED",
    }
}

/// The verdict in one sentence, after its target.
pub fn headline(report: &Report) -> String {
    subject(report) + &claim(report)
}

/// The same with the counts of the fleet before it.
pub fn counted_headline(report: &Report) -> String {
    match report.summary.fleet_source {
        FleetSource::None => headline(report),
        _ => format!("{}{}; {}", subject(report), counts(report).join(", "), claim(report)),
    }
}

/// What was to be rolled out, before a sentence about it.
fn subject(report: &Report) -> String {
    match (report.summary.target.as_deref(), report.summary.fleet_source) {
        (Some(target), _) => format!("{target}: "),
        // Nothing was to be rolled out, or gates alone were asked.
        (None, FleetSource::None) => String::new(),
        (None, _) => "unknown target: ".to_owned(),
    }
}

fn claim(report: &Report) -> String {
    let summary = &report.summary;
    match report.decision {
        Decision::NotAsserted => match &summary.superseded_by {
            Some(newer) => format!("superseded by {newer} before the first call, so nothing was called"),
            None => format!("a dry run asserts nothing of {}", tenants(summary.fleet)),
        },
        Decision::Pass if summary.fleet_source == FleetSource::None => "every gate that was asked is open".to_owned(),
        Decision::Pass => passed(report),
        Decision::Fail => causes(report, Severity::Deny),
        Decision::Inconclusive => causes(report, Severity::Inconclusive),
    }
}

/// How many tenants are proven, how many of them with a reservation, and which stragglers are tolerated or waived.
fn passed(report: &Report) -> String {
    let summary = &report.summary;
    let mut claim = match (summary.stragglers, summary.fleet) {
        (0, 1) => "its only tenant".to_owned(),
        (0, many) => format!("all {many} tenants"),
        _ => format!("{} of {}", summary.proven, tenants(summary.fleet)),
    };
    let is_one = summary.proven == 1;
    claim.push_str(match (summary.reservations.is_empty(), is_one) {
        (true, true) => " is proven on the target",
        (true, false) => " are proven on the target",
        (false, true) => " passes",
        (false, false) => " pass",
    });
    for (state, why) in &summary.reservations {
        let many = summary.states.get(state).copied().unwrap_or_default();
        let which = if is_one { "but is only".to_owned() } else { format!("{many} of them only") };
        claim.push_str(&format!(", {which} {state} ({why})"));
    }
    for (waived, many, word) in [(false, summary.quarantined, "quarantined"), (true, summary.waived, "waived")] {
        let names = report.stragglers.iter().filter(|straggler| straggler.waived == waived);
        if many > 0 {
            let names: Vec<&str> = names.map(|straggler| &*straggler.tenant).collect();
            claim.push_str(&format!(", {many} {word}: {}", names_of(names.into_iter())));
        }
    }
    claim
}

/// The messages of the first findings that decide, with their tenants. A message that repeats another is left out.
fn causes(report: &Report, severity: Severity) -> String {
    let mut shown: Vec<&Finding> = Vec::new();
    let mut more = 0;
    for finding in report.findings.iter().filter(|finding| finding.severity == severity && finding.waived.is_none()) {
        let repeats =
            |other: &&Finding| other.message.contains(&finding.message) || finding.message.contains(&other.message);
        if shown.len() < MAX_CAUSES && !shown.iter().any(repeats) {
            shown.push(finding);
        } else {
            more += 1;
        }
    }
    let cause = |finding: &&Finding| match finding.tenants.as_slice() {
        [] => finding.message.clone(),
        [tenant] if finding.message.contains(&**tenant) => finding.message.clone(),
        tenants => format!("{} ({})", finding.message, names_of(tenants.iter())),
    };
    let mut causes: Vec<String> = shown.iter().map(cause).collect();
    if more > 0 {
        causes.push(format!("and {}", plural(more, "more finding")));
    }
    causes.join("; ")
}

/// Why a finding weighs less than it says.
pub fn waiver_note(finding: &Finding) -> Option<String> {
    if let Some(waived) = &finding.waived {
        return Some(format!("waived until {} by {}: {}", waived.expires, waived.owner.trim(), waived.reason.trim()));
    }
    let softened = finding.softened.as_ref()?;
    Some(match (&softened.effective_from, &softened.reason) {
        (Some(day), _) => format!("only reported: it denies rollouts from {day} on"),
        (None, Some(reason)) => format!("only reported, and no deny: {}", reason.trim()),
        (None, None) => "only reported, and no deny".to_owned(),
    })
}

/// A finding in one line: what it says, of whom, and what takes its weight away.
pub fn sentence(finding: &Finding, stragglers_by_name: &HashMap<&str, &Straggler>, show_errors: bool) -> String {
    let mut text = finding.message.clone();
    if !finding.tenants.is_empty() {
        let named = finding.tenants.iter().map(|tenant| match stragglers_by_name.get(&**tenant) {
            Some(straggler) => format!("{tenant} ({})", straggler.state),
            None => tenant.to_string(),
        });
        text.push_str(&format!(": {}", names_of(named)));
    }
    if let Some(note) = waiver_note(finding) {
        text.push_str(&format!("; {note}"));
    }
    if let (true, Some(observed)) = (show_errors, &finding.observed) {
        text.push_str(&format!("; seen: {observed}"));
    }
    text
}

/// The policies that weigh less than all, a sentence each.
pub fn downgrades(report: &Report) -> Vec<String> {
    report.policies.iter().filter_map(mode_note).collect()
}

/// How much less a policy weighs, if it does.
pub fn mode_note(policy: &Policy) -> Option<String> {
    let what = match (policy.mode?, &policy.effective_from) {
        (ModeName::Off, _) => "is off".to_owned(),
        (ModeName::Report, None) => "only reports".to_owned(),
        (ModeName::Report, Some(day)) => format!("only reports, until it denies from {day} on"),
    };
    let why = policy.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", reason.trim()));
    Some(format!("policy {} {what}{why}", policy.package))
}

/// How many tenants, in words.
pub(crate) fn tenants(many: u64) -> String {
    plural(many, "tenant")
}

/// `proven 39 (36 verified, 3 assumed)`, what is not, and how many tenants a deny names.
pub fn counts(report: &Report) -> Vec<String> {
    let summary = &report.summary;
    let states = |proven: bool| {
        let states = summary.states.iter().filter(|(state, _)| summary.proving.contains(*state) == proven);
        states.map(|(state, many)| format!("{many} {state}")).collect::<Vec<_>>().join(", ")
    };
    let group = |word: &str, many: u64, states: String| match many {
        0 => format!("{word} 0"),
        _ => format!("{word} {many} ({states})"),
    };
    let mut counts = vec![
        group("proven", summary.proven, states(true)),
        group("not proven", summary.fleet - summary.proven.min(summary.fleet), states(false)),
    ];
    if summary.stragglers > 0 {
        counts.push(format!("tolerated {}", summary.tolerated));
    }
    let denied = report.denied.len() as u64;
    for (word, many) in [("waived", summary.waived), ("denied", denied), ("outside the fleet", summary.unplanned)] {
        if many > 0 {
            counts.push(format!("{word} {many}"));
        }
    }
    counts
}

/// A problem line by line, each made harmless by `escape`. One that stands in an input is one line.
pub fn problem_lines(problem: &ReportedProblem, escape: impl Fn(&str) -> String) -> Vec<String> {
    let text = problem.sentence();
    let line = |line: &str| escape(&clipped(line, MAX_LINE));
    if problem.input.is_some() { vec![line(&text)] } else { text.lines().map(line).collect() }
}

/// How many problems are not shown, if there are any.
pub fn more_problems(report: &ErrorReport) -> Option<String> {
    let more = report.problems.len().saturating_sub(MAX_PROBLEMS);
    let are = if more == 1 { "is" } else { "are" };
    (more > 0).then(|| format!("{} {are} not shown; the JSON report has all.", plural(more, "more problem")))
}
