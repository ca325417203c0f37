//! Unit tests of policies, by OPA's conventions: which there are, which of them are run, and what came of each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regex::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use crate::declared::bundled;
use crate::declared::names::READY;
use crate::declared::subject::Subject;
use crate::diagnostic::problem::{Place, Problem};
use crate::error::Error;
use crate::lint::test_references;
use crate::policy::files;
use crate::policy::prepared::Prepared;
use crate::rego::engine::coverage::Lines;
use crate::rego::engine::places;
use crate::rego::engine::test_failure::TestFailure;
use crate::rego::engine::unit_test::UnitTest;
use crate::rego::guard::{Failure as Stopped, Limits};

/// What came of tests.
#[derive(Debug, Default)]
pub struct Tested {
    /// Each test and sub-test, by file and line.
    pub tests: Vec<Test>,
    /// How many there are, whether or not they were run.
    pub declared: usize,
    /// The lines of each policy that were evaluated, and those that were not.
    pub lines: BTreeMap<String, Lines>,
}

/// A test, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Test {
    /// Its package and its name, and after a slash that of a sub-test; or `fixtures/` and the name of a fixture.
    pub name: String,
    /// Its file; a fixture's folder.
    pub file: String,
    /// The line on which it starts, from 1. Absent for a fixture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What it printed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub prints: Vec<String>,
}

/// What came of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not, or it could not be evaluated.
    Failed,
    /// It is not to be run yet (`todo_test_`).
    Todo,
}

/// Why a test failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Failure {
    /// What is wrong, where no condition is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The file in which that stands.
    pub file: String,
    /// The line, from 1. Absent for a fixture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The condition that does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The expressions in it with their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub values: Vec<Shown>,
}

/// An expression with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Shown {
    /// The expression.
    pub expression: String,
    /// Its value as JSON, cut off where it is long; several are joined by `or`.
    pub value: String,
}

/// Runs the tests in the test files of these folders and files, and in the policies there. Only those are run whose
/// name is `wanted`, each for at most `time`. Where `coverage` is set, the lines that they reach are recorded.
///
/// # Errors
/// [`Error::Policies`] with everything that is wrong with the tests, [`Error::Policy`] where they cannot be read.
pub fn run(
    policies: &Prepared,
    paths: &files::TestFiles,
    wanted: Option<&Regex>,
    time: Duration,
    coverage: bool,
) -> Result<Tested, Error> {
    let limits = Limits::for_cohorts(0).within(Some(time));
    let known = bundled::modules(Subject::Rollout).into_iter().chain(paths.policies.iter().cloned()).collect();
    let problems = test_references::check_tests(known, paths.tests.clone(), &policies.beside)?;
    if !problems.is_empty() {
        return Err(Error::Policies(problems));
    }
    let own: BTreeSet<String> = paths.policies.iter().map(|module| module.file.clone()).collect();
    let trial = policies.engine.trial(own.clone(), paths.tests.clone(), READY, coverage).map_err(invalid)?;
    let mut tested = Tested::default();
    for unit in trial.units() {
        tested.declared += 1;
        let name = format!("{}.{}", unit.package, unit.name);
        if wanted.is_some_and(|wanted| !wanted.is_match(&name)) && unit.has_no_cases() {
            continue;
        }
        let test = |name: String, failure: Option<Failure>| Test {
            outcome: if failure.is_some() { Outcome::Failed } else { Outcome::Passed },
            name,
            file: unit.file.clone(),
            line: Some(unit.line),
            failure,
            prints: Vec::new(),
        };
        if unit.todo {
            tested.tests.push(Test { outcome: Outcome::Todo, ..test(name, None) });
            continue;
        }
        if let Some(broken) = unit.broken {
            tested.tests.push(test(name, Some(failure(unit, TestFailure::new(unit.line, broken)))));
            continue;
        }
        tested.add(trial.lines(unit, limits));
        match trial.run(unit, limits) {
            Err(Stopped::Policy(problem)) => tested.tests.push(test(name, Some(error(unit, &problem)))),
            Err(other) => return Err(other.into()),
            Ok(ran) => {
                for ended in ran.ended {
                    let name = std::iter::once(&name).chain(&ended.names).map(String::as_str).collect::<Vec<_>>();
                    let case = test(name.join("/"), ended.failure.map(|why| failure(unit, why)));
                    tested.tests.push(Test { prints: ran.prints.clone(), ..case });
                }
            }
        }
    }
    tested.tests.retain(|test| wanted.is_none_or(|wanted| wanted.is_match(&test.name)));
    tested.lines.retain(|file, _| own.contains(file));
    Ok(tested)
}

impl Tested {
    /// Adds what another test reached.
    fn add(&mut self, lines: BTreeMap<String, Lines>) {
        for (file, Lines { covered, uncovered }) in lines {
            let all = self.lines.entry(file).or_default();
            all.covered.extend(covered);
            all.uncovered.extend(uncovered);
            let Lines { covered, uncovered } = all;
            uncovered.retain(|line| !covered.contains(line));
        }
    }
}

fn failure(unit: &UnitTest, why: TestFailure) -> Failure {
    let shown = |(expression, value)| Shown { expression, value };
    Failure {
        message: why.message,
        file: unit.file.clone(),
        line: Some(why.line),
        expression: why.expression,
        values: why.values.into_iter().map(shown).collect(),
    }
}

/// Tests that the engine does not take.
fn invalid(failure: Stopped) -> Error {
    let Stopped::Policy(problem) = failure else { return failure.into() };
    match places::located(&problem) {
        Some((file, line, column, problem)) => Error::Policies(vec![Problem::new(
            &file.into(),
            Place { line, column },
            problem,
            "`opa check` may say more",
        )]),
        None => Error::Policy(problem),
    }
}

/// A test that could not be evaluated.
fn error(unit: &UnitTest, problem: &str) -> Failure {
    match places::located(problem) {
        Some((file, line, _, problem)) => {
            Failure { message: Some(problem), file, line: Some(line), ..Failure::default() }
        }
        None => failure(unit, TestFailure::new(unit.line, problem.trim())),
    }
}
