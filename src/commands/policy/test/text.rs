//! Tests for a person: what failed and why, how many there were, and which lines no test reached.

use std::io::{self, Write};

use crate::commands::policy::test::results::Results;
use crate::policy::test_runner::{Failure, Outcome, Test};
use crate::text::escape::line;

/// Writes it.
///
/// # Errors
/// Those of `out`.
pub fn write(results: &Results, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    for test in &results.tests {
        let word = match test.outcome {
            Outcome::Passed => "pass",
            Outcome::Failed => "FAIL",
            Outcome::Todo => "todo",
        };
        if test.outcome == Outcome::Passed && !verbose {
            continue;
        }
        line!(out, "{word}  {}  {}", test.name, place(&test.file, test.line))?;
        if let Some(failure) = &test.failure {
            write_failure(test, failure, out)?;
        }
    }
    if results.tests.iter().any(|test| verbose || test.outcome != Outcome::Passed) {
        line!(out)?;
    }
    let todo = if results.todo > 0 { format!(", {} to do", results.todo) } else { String::new() };
    line!(out, "{} passed, {} failed{todo}", results.passed, results.failed)?;
    write_coverage(results, out)
}

fn write_failure(test: &Test, failure: &Failure, out: &mut dyn Write) -> io::Result<()> {
    let place = place(&failure.file, failure.line);
    if let Some(message) = &failure.message {
        line!(out, "      {place}: {message}")?;
    }
    if let Some(expression) = &failure.expression {
        line!(out, "      {place} does not hold: {}", one_line(expression))?;
    }
    for shown in &failure.values {
        line!(out, "        {} = {}", one_line(&shown.expression), shown.value)?;
    }
    for print in &test.prints {
        line!(out, "      printed: {print}")?;
    }
    Ok(())
}

fn write_coverage(results: &Results, out: &mut dyn Write) -> io::Result<()> {
    for coverage in results.coverage.iter().flatten() {
        let all = coverage.covered + coverage.uncovered.len();
        if all == 0 {
            continue;
        }
        line!(out, "{}: {} of {all} lines reached", coverage.file, coverage.covered)?;
        let text = results.texts.get(&coverage.file).map_or("", String::as_str);
        for (number, line) in (1..).zip(text.lines()) {
            if coverage.uncovered.contains(&number) {
                line!(out, "  {number:>4}  {}", line.replace('\t', "    "))?;
            }
        }
    }
    Ok(())
}

fn place(file: &str, line: Option<u32>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
}

/// An expression as it would stand on one line.
fn one_line(expression: &str) -> String {
    expression.split_whitespace().collect::<Vec<_>>().join(" ")
}
