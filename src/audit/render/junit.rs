//! JUnit XML: a test case for each policy of audits, for each tenant that is behind, for each rollout that is not what it was
//! called, and for each verdict that flips, so that a CI's test tab names them.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::audit::against::Flip;
use crate::audit::render::words::{called, duration, group_name, is_false_green, is_miscalled, several, turned_by};
use crate::audit::report::{AuditReport, Lag};
use crate::model::audit::Rollout;
use crate::model::finding::{Finding, Severity};
use crate::render::junit::{case, non_success, skipped, texts, write};
use crate::render::view::View;
use crate::render::words::verdict;
use crate::report::Policy;
use crate::text::escape::for_junit;

/// How many test cases a suite has.
const MAX_CASES: usize = 10_000;

/// Writes the suites.
pub fn render(report: &AuditReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut junit = Junit::new("rollproof");
    junit.add_test_suite(suite("rollproof.policies", report.policies.iter().map(|one| of_policy(report, one, view))));
    let denied: BTreeSet<&str> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Deny)
        .flat_map(|finding| &finding.tenants)
        .map(|tenant| &**tenant)
        .collect();
    let behind = report.lag.iter().filter(|lag| lag.behind.until.is_none()).take(MAX_CASES);
    let behind: Vec<TestCase> = behind.map(|lag| of_tenant(report, lag, denied.contains(&*lag.tenant))).collect();
    let miscalled = report.audit.rollouts.iter().filter(|rollout| is_miscalled(rollout)).take(MAX_CASES);
    let miscalled: Vec<TestCase> = miscalled.map(of_rollout).collect();
    let flips = report
        .comparison
        .iter()
        .flat_map(|comparison| comparison.flips.iter().take(MAX_CASES).map(|flip| of_flip(flip, comparison.denied)));
    let flips: Vec<TestCase> = flips.collect();
    for (name, cases) in [("rollproof.behind", behind), ("rollproof.called", miscalled), ("rollproof.flips", flips)] {
        if !cases.is_empty() {
            junit.add_test_suite(suite(name, cases.into_iter()));
        }
    }
    write(&junit, out)
}

fn suite(name: &str, cases: impl Iterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.add_test_cases(cases);
    suite
}

fn of_policy(report: &AuditReport, policy: &Policy, view: &View) -> TestCase {
    let findings: Vec<&Finding> = report.findings.iter().filter(|finding| finding.policy == policy.package).collect();
    let heaviest = [Severity::Deny, Severity::Inconclusive]
        .into_iter()
        .find(|severity| findings.iter().any(|finding| finding.severity == *severity));
    let (decides, others): (Vec<&Finding>, Vec<&Finding>) =
        findings.into_iter().partition(|finding| Some(finding.severity) == heaviest);
    let text = texts(&decides, &HashMap::new(), view);
    let status = match (heaviest, decides.first()) {
        (Some(Severity::Deny), Some(first)) => non_success(NonSuccessKind::Failure, first, &text),
        (Some(_), Some(first)) => non_success(NonSuccessKind::Error, first, &text),
        _ => TestCaseStatus::success(),
    };
    let mut case = case("rollproof.policies", &for_junit(&policy.package), status);
    if !others.is_empty() {
        case.set_system_out(texts(&others, &HashMap::new(), view));
    }
    case
}

/// A tenant that is behind: a failure where a policy denies it, else one that somebody lives with.
fn of_tenant(report: &AuditReport, lag: &Lag, is_denied: bool) -> TestCase {
    let behind = &lag.behind;
    let text =
        for_junit(&format!("behind for {}, since {}: {}", duration(behind.seconds), behind.since, behind.reason));
    let group = several(report).then(|| group_name(lag.group.as_ref(), lag.control_plane.as_ref()));
    let name = group.map_or_else(|| lag.tenant.to_string(), |group| format!("{} ({group})", lag.tenant));
    case("rollproof.behind", &for_junit(&name), status(is_denied, &for_junit(&behind.state), &text))
}

fn of_rollout(rollout: &Rollout) -> TestCase {
    let is =
        if rollout.missing.is_empty() { verdict(rollout.decision).to_lowercase() } else { "incomplete".to_owned() };
    let explain = rollout.explain.as_ref().map_or_else(String::new, |explain| format!("\n{}", for_junit(explain)));
    let text = format!("it was called {}, and is {is}{explain}", called(rollout.called));
    case("rollproof.called", &for_junit(&rollout.archive), status(is_false_green(rollout), &is, &text))
}

/// A verdict that flips: a failure where flips are denied.
fn of_flip(flip: &Flip, is_denied: bool) -> TestCase {
    let (was, now) = (verdict(flip.was).to_lowercase(), verdict(flip.now).to_lowercase());
    let text = for_junit(&format!("{was} before, {now} now\n{}", turned_by(flip)));
    case("rollproof.flips", &for_junit(&flip.archive), status(is_denied, &now, &text))
}

fn status(is_failure: bool, kind: &str, text: &str) -> TestCaseStatus {
    if !is_failure {
        return skipped(kind, text);
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(kind).set_message(text.lines().next().unwrap_or_default()).set_description(text);
    status
}
