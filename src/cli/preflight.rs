//! Arguments of `preflight`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::evaluation::{EvaluationArgs, OutputArgs, PolicyArgs, PreviousArgs};
use crate::render::Format;

/// What the exit codes of `preflight` mean, as its help shows it.
const PREFLIGHT_EXIT_CODES: &str = "\
Exit codes:
  0    go; of `latest`: superseded, and the newer head is on standard output
  1    a policy says no
  2    usage: a variable is missing or has a wrong value
  5    a policy could not be loaded or evaluated
  6    nobody answered
  7    the verdict stands but could not be written
  10   of `latest`: this job is the latest, or nobody knows";

/// Ask a gate that has to be open before anything is rolled out, of the Gitea that GITEA_HOST names.
#[derive(Debug, Args)]
#[command(after_help = PREFLIGHT_EXIT_CODES)]
pub struct Preflight {
    /// The gate
    #[arg(value_enum)]
    pub gate: Gate,

    /// The configuration [default: rollproof.toml in the working folder, or above it in its repository]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where the verdict goes.
    #[command(flatten)]
    pub outputs: OutputArgs,

    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// A gate that has to be open before anything is rolled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Gate {
    /// The kill switch is not armed
    Enabled,
    /// Every required CI context of the commit is green; waits for them
    Ci,
    /// No newer commit has taken the branch's head; only that newer head is printed
    Latest,
}

impl Preflight {
    /// The form of the verdict on standard output; none where that is for the newer head alone.
    pub fn printed(&self) -> Option<Format> {
        (self.gate != Gate::Latest).then_some(self.outputs.format)
    }

    /// How to evaluate: only the gates' own policy counts, and nothing is read from files.
    pub fn evaluation(&self) -> EvaluationArgs {
        EvaluationArgs {
            policies: PolicyArgs { config: self.config.clone(), ..PolicyArgs::default() },
            previous: PreviousArgs::default(),
            outputs: self.outputs.clone(),
            expect_policies: None,
            require_verdict: false,
            show_errors: false,
            max_input_bytes: 0,
        }
    }
}
