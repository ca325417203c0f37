//! Everything that can go wrong, one variant for each kind of cause; the variant gives the help and the exit code (design
//! section 5).

pub(crate) mod report;

use std::fmt;
use std::path::PathBuf;

use crate::diagnostic::fault::Fault;
use crate::diagnostic::problem::{Problem, Problems};
use crate::text::escape::{for_line, for_terminal, place};

/// Why there is no verdict, or why it could not be written. What a policy found is not an error but a finding. Its text may
/// quote input, so it is printed only through [`crate::text::escape`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for something that does not exist or does not fit together.
    #[error("{problem}")]
    Usage {
        /// What is wrong.
        problem: String,
        /// What to do.
        help: String,
    },
    /// Variables of the environment cannot be used.
    #[error("{}", Lines(faults))]
    Environment {
        /// What is wrong with each, at least one.
        faults: Vec<Fault>,
        /// What to do about each.
        help: String,
    },
    /// Nothing may be written: outputs are in each other's way, or another process writes them. No report is written
    /// either, since the outputs belong to that process.
    #[error("{problem}")]
    Conflict {
        /// What is in the way.
        problem: String,
        /// What to do.
        help: String,
    },
    /// An input cannot be used.
    #[error("{}", Faults { input, faults })]
    Evidence {
        /// The input's name.
        input: String,
        /// Everything that is wrong with it, at least one.
        faults: Vec<Fault>,
    },
    /// A policy could not be loaded or evaluated.
    #[error("{0}")]
    Policy(String),
    /// rollproof itself or the machine failed: neither the evidence nor a policy is at fault.
    #[error("{problem}")]
    Internal {
        /// What failed.
        problem: String,
        /// What to do.
        help: &'static str,
    },
    /// Policies that could not be loaded, or evidence that lacks what they need.
    #[error("{}", Problems(.0))]
    Policies(Vec<Problem>),
    /// Policies, tests or fixtures are not where they were said to be, or cannot be read.
    #[error("{problem}")]
    NoPolicy {
        /// What is not there.
        problem: String,
        /// What to do.
        help: String,
    },
    /// A policy needs facts that were not given.
    #[error("{problem}")]
    Facts {
        /// Which policy needs which fact.
        problem: String,
        /// What to do.
        help: String,
    },
    /// Others would decide than the command line expects.
    #[error(
        "others would decide than expected: their policies, parameters, modes, waivers and facts have the digest {found}, and --expect-policies names {expected}"
    )]
    OtherPolicies {
        /// The digest that is expected.
        expected: String,
        /// The digest that was found.
        found: String,
    },
    /// A rollout would not come to its first call: a policy halts it, or nobody answers.
    #[error("{problem}")]
    NotReady {
        /// Why.
        problem: String,
        /// What to do.
        help: &'static str,
        /// The exit code that `run` would end with.
        exit_code: u8,
    },
    /// Several things are wrong at once, at least two. The first one has the exit code.
    #[error("{}", Several(.0))]
    Several(Vec<Error>),
    /// The verdict stands but could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Output {
        /// What was to be written.
        path: PathBuf,
        /// Why it could not be.
        source: std::io::Error,
    },
}

impl Error {
    /// A usage error.
    pub fn usage(problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { problem: problem.into(), help: help.into() }
    }

    /// The same error; a usage error says that it lies in `file`.
    #[must_use]
    pub fn in_file(self, file: &str) -> Self {
        match self {
            Self::Usage { problem, help } if !file.is_empty() => {
                Self::Usage { problem: format!("{file}: {problem}"), help }
            }
            other => other,
        }
    }

    /// What is wrong with variables of the environment, at least one of them.
    pub fn environment(faults: Vec<Fault>) -> Self {
        let mut help: Vec<&str> = Vec::new();
        for remedy in faults.iter().filter_map(|fault| fault.help.as_deref()) {
            if !help.contains(&remedy) {
                help.push(remedy);
            }
        }
        Self::Environment { help: help.join("\n"), faults }
    }

    /// A conflict, after which nothing is touched.
    pub fn conflict(problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Conflict { problem: problem.into(), help: help.into() }
    }

    /// A failure of rollproof itself.
    pub fn bug(problem: impl Into<String>) -> Self {
        let help = "this is a bug of rollproof: report it with the command and its inputs; \
                    `rollproof run --resume` goes on with a journal that was kept";
        Self::Internal { problem: problem.into(), help }
    }

    /// A failure of the machine.
    pub fn machine(problem: impl Into<String>) -> Self {
        let help = "the machine is at fault: free memory, processes or files, or raise their limits, then run again";
        Self::Internal { problem: problem.into(), help }
    }

    /// Whose fault it is and what to do next.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Usage { help, .. }
            | Self::Environment { help, .. }
            | Self::Conflict { help, .. }
            | Self::NoPolicy { help, .. }
            | Self::Facts { help, .. } => Some(help),
            Self::Evidence { faults, .. } => faults
                .iter()
                .find_map(|fault| fault.help.as_deref())
                .or(Some("the evidence is malformed, so there is no verdict; ask for it again where it comes from")),
            Self::Policies(_) => Some("there is no verdict until every policy can be relied on"),
            Self::Policy(_) => Some("the policy is at fault, not the evidence, so there is no verdict"),
            Self::OtherPolicies { .. } => Some(
                "see what changed with --compare and a report made with that digest, or in `rollproof policy list` with \
                 the same options; where the change is meant, expect the new digest",
            ),
            Self::Internal { help, .. } | Self::NotReady { help, .. } => Some(help),
            Self::Several(errors) => errors.first().and_then(Self::help),
            Self::Output { .. } => {
                Some("check that the disk is not full, and that the folder is there and can be written")
            }
        }
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::Environment { .. } | Self::Conflict { .. } => 2,
            Self::Evidence { .. } => 4,
            Self::Policy(_)
            | Self::Policies(_)
            | Self::NoPolicy { .. }
            | Self::Facts { .. }
            | Self::OtherPolicies { .. }
            | Self::Internal { .. } => 5,
            Self::Output { .. } => 7,
            Self::NotReady { exit_code, .. } => *exit_code,
            Self::Several(errors) => errors.first().map_or(5, Self::exit_code),
        }
    }

    /// Each thing that is wrong: the error itself, but where it is several.
    pub fn each(&self) -> &[Self] {
        match self {
            Self::Several(errors) => errors,
            error => std::slice::from_ref(error),
        }
    }
}

/// Collects errors, so that all of them are reported at once.
#[derive(Debug, Default)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// The value of a result; of a failed one nothing, and its error is kept.
    pub fn keep_error<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Error::Several(errors)) => {
                for error in errors {
                    self.push(error);
                }
                None
            }
            Err(error) => {
                self.push(error);
                None
            }
        }
    }

    /// Keeps an error, but not the same twice.
    pub fn push(&mut self, error: Error) {
        let text = error.to_string();
        if self.0.iter().all(|known| known.to_string() != text) {
            self.0.push(error);
        }
    }

    /// Ends the collection.
    ///
    /// # Errors
    /// The errors that were kept.
    pub fn end(mut self) -> Result<(), Error> {
        match self.0.len() {
            0 => Ok(()),
            1 => self.0.pop().map_or(Ok(()), Err),
            _ => Err(Error::Several(self.0)),
        }
    }
}

/// Several errors, one below the other.
struct Several<'a>(&'a [Error]);

impl fmt::Display for Several<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

/// What is wrong with the environment, a line each.
struct Lines<'a>(&'a [Fault]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(|fault| for_line(&fault.problem)).collect();
        f.write_str(&lines.join("\n"))
    }
}

struct Faults<'a> {
    input: &'a str,
    faults: &'a [Fault],
}

impl fmt::Display for Faults<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            let place = match fault.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
                Some(pointer) => place(&format!("{}#{pointer}", self.input)).into_owned(),
                None => self.input.to_owned(),
            };
            f.write_str(&for_terminal(&place))?;
            if let Some((line, column)) = fault.place {
                write!(f, ", line {line}, column {column}")?;
            }
            write!(f, ": {}", for_terminal(&fault.problem))?;
        }
        Ok(())
    }
}
