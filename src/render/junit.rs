//! JUnit XML: a test case per policy and per straggler, so that a CI's test tab names tenants.
//!
//! A standing deny is a failure, evidence that cannot decide an error, and what somebody has agreed to live with is
//! skipped, with the reason. The limits are GitLab's: a file of at most 30 MB that is not too complex, and no text node
//! of more than 10 MB.

use std::collections::HashMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::error::report::ErrorReport;
use crate::io::config::ModeName;
use crate::model::decision::Decision;
use crate::model::finding::{Finding, Severity};
use crate::render::view::View;
use crate::render::words::{
    MAX_PROBLEMS, NO_VERDICT, headline, mode_note, more_problems, problem_lines, sentence, verdict, waiver_note,
};
use crate::report::stragglers::Straggler;
use crate::report::{Policy, Report};
use crate::text::escape::{clipped, for_junit, place};
use crate::text::plural::plural;

/// How many stragglers have a test case.
const MAX_STRAGGLERS: usize = 10_000;

/// How many bytes all the stragglers' test cases may have.
const MAX_BYTES: usize = 20_000_000;

/// How many characters a finding may have.
const MAX_TEXT: usize = 2_000;

/// How many findings of a policy are written out.
const MAX_FINDINGS: usize = 100;

/// Writes a suite of policies and, where there are any, one of stragglers.
pub fn render(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut policies = TestSuite::new("rollproof.policies");
    policies.add_test_cases(report.policies.iter().map(|policy| of_policy(report, policy, view)));
    if report.decision == Decision::NotAsserted {
        // Green alone would look like a pass.
        let text = for_junit(&format!("{}: {}", verdict(report.decision), headline(report)));
        policies.add_test_case(case("rollproof.policies", "verdict", skipped("not_asserted", &text)));
    }
    let mut junit = Junit::new("rollproof");
    junit.add_test_suite(policies);
    if !report.stragglers.is_empty() {
        junit.add_test_suite(stragglers(report, view));
    }
    write(&junit, out)
}

/// Writes the suite of policies with one test case, which ends with an error: there is no verdict.
pub fn error(report: &ErrorReport, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let report = &report.in_repository(|name| view.repository.name_from_root(name));
    let mut texts = Vec::new();
    for problem in report.problems.iter().take(MAX_PROBLEMS) {
        let mut lines = problem_lines(problem, for_junit);
        lines.extend(problem.help.as_ref().map(|help| format!("next: {}", for_junit(help))));
        texts.push(lines.join("\n"));
    }
    texts.extend(more_problems(report));
    texts.extend(report.more_help().map(|help| format!("next: {}", for_junit(help))));
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status
        .set_type(report.kind.name())
        .set_message(format!("{NO_VERDICT}: {}", report.meaning))
        .set_description(texts.join("\n\n"));
    let mut suite = TestSuite::new("rollproof.policies");
    suite.add_test_case(case("rollproof.policies", "verdict", status));
    let mut junit = Junit::new("rollproof");
    junit.add_test_suite(suite);
    write(&junit, out)
}

/// Writes the suites as XML.
pub(crate) fn write(junit: &Junit, out: &mut dyn Write) -> io::Result<()> {
    let text = junit.to_string().map_err(io::Error::other)?;
    // The schema that Jenkins publishes, and that its xUnit plugin insists on, knows this count of a suite alone.
    let skipped = format!(" skipped=\"{}\"", junit.skipped);
    out.write_all(text.replacen(&skipped, "", 1).as_bytes())
}

/// A test case of a class.
pub(crate) fn case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

/// What somebody lives with, and why.
pub(crate) fn skipped(why: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    // GitLab shows the text, Jenkins the message.
    status.set_type(why).set_message(text.lines().next().unwrap_or_default()).set_description(text);
    status
}

fn of_policy(report: &Report, policy: &Policy, view: &View) -> TestCase {
    let stragglers_by_name = report.stragglers_by_name();
    let findings: Vec<&Finding> = report.findings.iter().filter(|finding| finding.policy == policy.package).collect();
    let stands = |finding: &Finding, severity| finding.severity == severity && finding.waived.is_none();
    let heaviest = [Severity::Deny, Severity::Inconclusive]
        .into_iter()
        .find(|severity| findings.iter().any(|finding| stands(finding, *severity)));
    let note = mode_note(policy).map(|text| for_junit(&text));
    let off = note.as_ref().filter(|_| policy.mode == Some(ModeName::Off));
    let not_applicable = policy.not_applicable.as_ref().filter(|_| findings.is_empty());
    let (decides, others): (Vec<&Finding>, Vec<&Finding>) = findings.into_iter().partition(|finding| match heaviest {
        Some(severity) => stands(finding, severity),
        None => off.is_none() && finding.waived.is_some(),
    });

    let text = texts(&decides, &stragglers_by_name, view);
    let status = match (heaviest, decides.first()) {
        (Some(Severity::Deny), Some(first)) => non_success(NonSuccessKind::Failure, first, &text),
        (Some(_), Some(first)) => non_success(NonSuccessKind::Error, first, &text),
        (None, Some(_)) => skipped("waived", &text),
        (_, None) => match (off, not_applicable) {
            (Some(note), _) => skipped("off", note),
            (None, Some(why)) => skipped("nothing_to_judge", &for_junit(why)),
            (None, None) => TestCaseStatus::success(),
        },
    };
    let others =
        Some(others).filter(|others| !others.is_empty()).map(|others| texts(&others, &stragglers_by_name, view));
    let output: Vec<String> = note.into_iter().chain(others).collect();
    let mut case = case("rollproof.policies", &for_junit(&policy.package), status);
    if !output.is_empty() {
        case.set_system_out(output.join("\n\n"));
    }
    case
}

/// What a finding says, and is no success.
pub(crate) fn non_success(kind: NonSuccessKind, first: &Finding, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status
        .set_type(for_junit(&first.code))
        .set_message(clipped(&for_junit(&first.message), MAX_TEXT))
        .set_description(text);
    status
}

/// Findings one below the other, with what there is to know of each.
pub(crate) fn texts(findings: &[&Finding], stragglers_by_name: &HashMap<&str, &Straggler>, view: &View) -> String {
    let text = |finding: &&Finding| {
        let Finding { severity, code, at, rule, remedy, .. } = finding;
        let text =
            for_junit(&format!("{} {code}: {}", severity.name(), sentence(finding, stragglers_by_name, view.errors)));
        let mut lines = vec![clipped(&text, MAX_TEXT).into_owned()];
        lines.extend(at.as_ref().map(|at| {
            let at = match at.split_once('#').filter(|(input, _)| !input.is_empty()) {
                Some((input, pointer)) => format!("{}#{pointer}", view.repository.name_from_root(input)),
                None => at.clone(),
            };
            format!("at: {}", clipped(&for_junit(&place(&at)), MAX_TEXT))
        }));
        lines.push(for_junit(&format!("rule: {}:{}", rule.file, rule.line)));
        lines.extend(remedy.as_ref().map(|remedy| format!("next: {}", for_junit(remedy.trim()))));
        lines.join("\n")
    };
    let mut texts: Vec<String> = findings.iter().take(MAX_FINDINGS).map(text).collect();
    match findings.len() - texts.len() {
        0 => {}
        1 => texts.push("1 more is not shown; the JSON report has all.".to_owned()),
        more => texts.push(format!("{more} more are not shown; the JSON report has all.")),
    }
    texts.join("\n\n")
}

fn stragglers(report: &Report, view: &View) -> TestSuite {
    let mut suite = TestSuite::new("rollproof.stragglers");
    let mut objections: HashMap<&str, &Finding> = HashMap::new();
    let mut agreed: HashMap<&str, &Finding> = HashMap::new();
    // They are sorted, the heaviest first.
    for finding in &report.findings {
        let kind = match finding.severity {
            _ if waiver_note(finding).is_some() => &mut agreed,
            Severity::Deny | Severity::Inconclusive => &mut objections,
            Severity::Warn | Severity::Note => continue,
        };
        for tenant in &finding.tenants {
            kind.entry(tenant).or_insert(finding);
        }
    }
    let mut bytes = 0;
    for straggler in report.stragglers.iter().take(MAX_STRAGGLERS) {
        let name = for_junit(&straggler.tenant);
        let tenant = &*straggler.tenant;
        let status = if let Some(finding) = objections.get(tenant) {
            objected(straggler, finding.severity, view)
        } else {
            let agreed = agreed.get(tenant).and_then(|finding| waiver_note(finding));
            not_objected(report, straggler, agreed, view)
        };
        let case = case("rollproof.stragglers", &name, status);
        bytes += xml_length(&name) + 2 * xml_length(&straggler.reason);
        if bytes > MAX_BYTES {
            break;
        }
        suite.add_test_case(case);
    }
    match report.stragglers.len() - suite.test_cases.len() {
        0 => {}
        more => {
            let have = if more == 1 { "has" } else { "have" };
            let text = format!("{} {have} no test case; the JSON report names all.", plural(more, "more straggler"));
            suite.set_system_out(text);
        }
    }
    suite
}

/// How many bytes a text takes in XML.
fn xml_length(text: &str) -> usize {
    text.len() + 5 * text.bytes().filter(|byte| matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'')).count()
}

/// A straggler that a policy objects to.
fn objected(straggler: &Straggler, severity: Severity, view: &View) -> TestCaseStatus {
    let is_open = severity == Severity::Inconclusive;
    let mut status = TestCaseStatus::non_success(if is_open { NonSuccessKind::Error } else { NonSuccessKind::Failure });
    status
        .set_type(for_junit(&straggler.state))
        .set_message(clipped(&for_junit(&straggler.reason), MAX_TEXT))
        .set_description(why(straggler, view));
    status
}

/// A straggler that no policy objects to: it is no failure, and no success either.
fn not_objected(report: &Report, straggler: &Straggler, agreed: Option<String>, view: &View) -> TestCaseStatus {
    let kind = match (straggler.waived, straggler.quarantined) {
        (true, _) => "waived",
        (false, true) => "quarantined",
        (false, false) => &straggler.state,
    };
    let because = match agreed {
        Some(agreed) => agreed,
        None if straggler.quarantined => format!("quarantined, {} tolerated", report.summary.tolerated),
        None => "no policy objects".to_owned(),
    };
    skipped(&for_junit(kind), &format!("{}; {}", for_junit(&because), why(straggler, view)))
}

fn why(straggler: &Straggler, view: &View) -> String {
    let Straggler { state, reason, source, .. } = straggler;
    let mut text = clipped(&for_junit(&format!("{state}: {reason}")), MAX_TEXT).into_owned();
    if let Some(source) = source {
        let input = view.repository.name_from_root(&source.input);
        text.push_str(&format!("\nat: {}", for_junit(&place(&format!("{input}#{}", source.pointer)))));
    }
    text
}
