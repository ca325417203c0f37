//! Tests as JUnit XML: a suite for each package, and one for the fixtures.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::commands::policy::test::results::Results;
use crate::policy::test_runner::{Failure, Outcome, Test};
use crate::text::escape::for_junit;

/// Writes it. It has no times: the same tests give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write(results: &Results, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new("rollproof policy test");
    let mut suites: Vec<TestSuite> = Vec::new();
    for test in &results.tests {
        let (suite, case) = case(test);
        let known = suites.iter().position(|known| known.name.as_str() == suite).unwrap_or_else(|| {
            suites.push(TestSuite::new(suite.as_str()));
            suites.len() - 1
        });
        suites[known].add_test_case(case);
    }
    report.add_test_suites(suites);
    report.serialize(&mut *out).map_err(io::Error::other)?;
    Ok(())
}

/// A test and the name of its suite.
fn case(test: &Test) -> (String, TestCase) {
    // A sub-test's name may have dots of its own.
    let path = test.name.split('/').next().unwrap_or_default();
    let (suite, name) = match test.line {
        Some(_) => test.name.split_at(path.rfind('.').unwrap_or_default()),
        None => test.name.split_at(path.len()),
    };
    let suite = for_junit(suite);
    let status = match (&test.outcome, &test.failure) {
        (Outcome::Todo, _) => TestCaseStatus::skipped(),
        (_, None) => TestCaseStatus::success(),
        (_, Some(failure)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(for_junit(&message(failure))).set_description(description(failure));
            status
        }
    };
    let mut case = TestCase::new(for_junit(name.trim_start_matches(['.', '/'])), status);
    case.set_classname(suite.as_str());
    case.extra.insert("file".into(), for_junit(&test.file).into());
    if let Some(line) = test.line {
        case.extra.insert("line".into(), line.to_string().into());
    }
    if !test.prints.is_empty() {
        case.set_system_out(lines(test.prints.iter().map(String::as_str)));
    }
    (suite, case)
}

fn message(failure: &Failure) -> String {
    let held = failure.expression.as_ref().map(|expression| format!("does not hold: {expression}"));
    failure.message.clone().or(held).unwrap_or_default()
}

fn description(failure: &Failure) -> String {
    let line = failure.line.map_or_else(String::new, |line| format!(":{line}"));
    let first = format!("{}{line}: {}", failure.file, message(failure));
    let values = failure.values.iter().map(|shown| format!("{} = {}", shown.expression, shown.value));
    let all: Vec<String> = [first].into_iter().chain(values).collect();
    lines(all.iter().map(String::as_str))
}

fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(for_junit).collect::<Vec<_>>().join("\n")
}
