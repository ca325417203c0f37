//! Why there is no verdict, as every output says it in the place of a report.
//!
//! Its JSON is a published format, `rollproof.error/v1`, which may grow by optional keys and no more.

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::fault::{Fault, STDIN};
use crate::diagnostic::problem;
use crate::error::Error;
use crate::text::escape::place;

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorReport {
    /// The format's name and version.
    pub format: Format,
    /// Where a report has its verdict: always `error`.
    pub decision: NoDecision,
    /// Whose fault it is.
    pub kind: Kind,
    /// The exit code of the process.
    pub exit_code: u8,
    /// What is wrong, at least one thing.
    pub problems: Vec<Problem>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What the error means, in a sentence without its full stop. A heading, and no part of the format.
    #[serde(skip)]
    pub meaning: &'static str,
}

/// The name and version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub enum Format {
    /// Version 1.
    #[serde(rename = "rollproof.error/v1")]
    V1,
}

/// The decision of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum NoDecision {
    /// Nothing was decided.
    Error,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Kind {
    /// The command line, the configuration, a file of waivers or the environment.
    Usage,
    /// The evidence, the plan, the fleet or a fact; or a rollout that may not begin.
    Evidence,
    /// A policy, or facts that it needs.
    Policy,
    /// rollproof itself, or the machine.
    Internal,
    /// A file that could not be written.
    Output,
}

impl Kind {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Evidence => "evidence",
            Self::Policy => "policy",
            Self::Internal => "internal",
            Self::Output => "output",
        }
    }

    /// What it means, in a sentence without its full stop.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Usage => "the command line, the configuration or the environment is wrong",
            Self::Evidence => "the evidence cannot be used",
            Self::Policy => "a policy could not be loaded or evaluated",
            Self::Internal => "rollproof or the machine failed",
            Self::Output => "what has to be kept could not be written",
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(clippy::struct_field_names, reason = "the keys of a published format")]
pub struct Problem {
    /// What is wrong, in words.
    pub problem: String,
    /// The name of the input that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// A JSON pointer into that input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The line in that input, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub line: Option<u64>,
    /// The column in that line, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub column: Option<u64>,
    /// What to do about this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Problem {
    /// The file that it stands in.
    pub fn file(&self) -> Option<&str> {
        self.input.as_deref().filter(|input| *input != STDIN)
    }

    /// Where and what, as standard error says it.
    pub fn sentence(&self) -> String {
        let mut text = self.input.clone().unwrap_or_default();
        if let Some(pointer) = self.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
            text = place(&format!("{text}#{pointer}")).into_owned();
        }
        for (word, number) in [("line", self.line), ("column", self.column)] {
            if let Some(number) = number {
                text.push_str(&format!(", {word} {number}"));
            }
        }
        if text.is_empty() { self.problem.clone() } else { format!("{text}: {}", self.problem) }
    }
}

impl ErrorReport {
    /// What there is to say of an error with which the process ends.
    pub fn new(error: &Error, exit_code: u8) -> Self {
        // Of several errors each has a help of its own.
        let help = error.help().filter(|_| error.each().len() == 1).map(str::to_owned);
        Self {
            format: Format::V1,
            decision: NoDecision::Error,
            kind: kind(error),
            exit_code,
            problems: problems(error),
            help,
            meaning: meaning(error),
        }
    }

    /// The same with the names of files as they are called from the root of their repository.
    pub fn in_repository(&self, name: impl Fn(&str) -> String) -> Self {
        let mut report = self.clone();
        for problem in &mut report.problems {
            let input = problem.file().map(&name);
            problem.input = input.or(problem.input.take());
        }
        report
    }

    /// What to do next, but for what a problem says already.
    pub fn more_help(&self) -> Option<&str> {
        let said = |help: &&str| self.problems.iter().any(|problem| problem.help.as_deref() == Some(help));
        self.help.as_deref().filter(|help| !said(help))
    }
}

fn kind(error: &Error) -> Kind {
    match error {
        Error::Usage { .. } | Error::Environment { .. } | Error::Conflict { .. } => Kind::Usage,
        Error::Evidence { .. } | Error::NotReady { .. } => Kind::Evidence,
        Error::Several(errors) => errors.first().map_or(Kind::Internal, kind),
        Error::Policy(_)
        | Error::Policies(_)
        | Error::NoPolicy { .. }
        | Error::Facts { .. }
        | Error::OtherPolicies { .. } => Kind::Policy,
        Error::Internal { .. } => Kind::Internal,
        Error::Output { .. } => Kind::Output,
    }
}

/// What an error means; of several, what the first one does.
fn meaning(error: &Error) -> &'static str {
    match error.each().first() {
        Some(Error::NotReady { .. }) => "the rollout cannot begin",
        _ => kind(error).meaning(),
    }
}

fn problems(error: &Error) -> Vec<Problem> {
    match error {
        Error::Evidence { input, faults } => faults.iter().map(|fault| of_input(input, fault)).collect(),
        Error::Environment { faults, .. } => faults.iter().map(of_environment).collect(),
        Error::Policies(problems) => problems.iter().map(of_policy).collect(),
        Error::Several(errors) => errors.iter().flat_map(with_help).collect(),
        _ => vec![Problem { problem: error.to_string(), ..Problem::default() }],
    }
}

/// The problems of one of several errors; what to do about it stands with the last of them.
fn with_help(error: &Error) -> Vec<Problem> {
    let mut problems = problems(error);
    if let Some(last) = problems.last_mut() {
        last.help = last.help.take().or_else(|| error.help().map(str::to_owned));
    }
    problems
}

fn of_input(input: &str, fault: &Fault) -> Problem {
    let place = fault.place.map(|(line, column)| (line as u64, column as u64));
    Problem {
        problem: fault.problem.clone(),
        input: Some(input.to_owned()),
        pointer: fault.pointer.clone(),
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
        help: fault.help.clone(),
    }
}

fn of_environment(fault: &Fault) -> Problem {
    Problem { problem: fault.problem.clone(), help: fault.help.clone(), ..Problem::default() }
}

fn of_policy(problem: &problem::Problem) -> Problem {
    let number = |number: u32| Some(u64::from(number)).filter(|number| *number > 0);
    Problem {
        problem: problem.what.clone(),
        input: Some(problem.file.to_string()),
        pointer: None,
        line: number(problem.place.line),
        column: number(problem.place.column),
        help: Some(problem.remedy.clone()).filter(|remedy| !remedy.is_empty()),
    }
}
