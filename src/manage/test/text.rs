//! Tests for a person: what failed and why, how many there were, and which lines no test reached.

use std::io::{self, Write};

use super::Results;
use crate::policy::test_runner::{Failure, Outcome, Test};
use crate::render::escape::for_terminal;

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
        writeln!(out, "{word}  {}  {}", for_terminal(&test.name), place(&test.file, test.line))?;
        if let Some(failure) = &test.failure {
            write_failure(test, failure, out)?;
        }
    }
    if results.tests.iter().any(|test| verbose || test.outcome != Outcome::Passed) {
        writeln!(out)?;
    }
    write!(out, "{} passed, {} failed", results.passed, results.failed)?;
    if results.todo > 0 {
        write!(out, ", {} to do", results.todo)?;
    }
    writeln!(out)?;
    write_coverage(results, out)
}

fn write_failure(test: &Test, failure: &Failure, out: &mut dyn Write) -> io::Result<()> {
    let place = place(&failure.file, failure.line);
    if let Some(message) = &failure.message {
        writeln!(out, "      {place}: {}", for_terminal(message))?;
    }
    if let Some(expression) = &failure.expression {
        writeln!(out, "      {place} does not hold: {}", one_line(expression))?;
    }
    for shown in &failure.values {
        writeln!(out, "        {} = {}", one_line(&shown.expression), for_terminal(&shown.value))?;
    }
    for print in &test.prints {
        writeln!(out, "      printed: {}", for_terminal(print))?;
    }
    Ok(())
}

fn write_coverage(results: &Results, out: &mut dyn Write) -> io::Result<()> {
    for coverage in results.coverage.iter().flatten() {
        let all = coverage.covered + coverage.uncovered.len();
        if all == 0 {
            continue;
        }
        writeln!(out, "{}: {} of {all} lines reached", for_terminal(&coverage.file), coverage.covered)?;
        let text = results.texts.get(&coverage.file).map_or("", String::as_str);
        for (number, line) in (1..).zip(text.lines()) {
            if coverage.uncovered.contains(&number) {
                writeln!(out, "  {number:>4}  {}", for_terminal(&line.replace('\t', "    ")))?;
            }
        }
    }
    Ok(())
}

fn place(file: &str, line: Option<u32>) -> String {
    let file = for_terminal(file);
    line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))
}

/// An expression as it would stand on one line.
fn one_line(expression: &str) -> String {
    for_terminal(&expression.split_whitespace().collect::<Vec<_>>().join(" "))
}
