//! Arguments of `preflight`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::evaluation::EvaluationArgs;
use crate::cli::shared::format_and_path;
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

    /// The configuration [default: rollproof.toml in the working folder, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The form of the verdict on standard output, where `latest` prints no more than the newer head
    #[arg(long, value_enum, default_value = "text", env = "ROLLPROOF_FORMAT", hide_env_values = true)]
    pub format: Format,

    /// Write the verdict to a file as well; may be repeated. $GITHUB_STEP_SUMMARY and $GITHUB_OUTPUT are
    /// appended to, all else is replaced
    #[arg(long = "report", value_name = "FORMAT=PATH", value_parser = format_and_path)]
    pub reports: Vec<(Format, PathBuf)>,

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
    /// No newer commit has taken the branch's head
    Latest,
}

impl Preflight {
    /// The form of the verdict on standard output; none where that is for the newer head alone.
    pub fn printed(&self) -> Option<Format> {
        (self.gate != Gate::Latest).then_some(self.format)
    }

    /// How to judge: only the gates' own policy has a say, and nothing is read from files.
    pub fn evaluation(&self) -> EvaluationArgs {
        EvaluationArgs {
            policies: Vec::new(),
            params: Vec::new(),
            waivers: Vec::new(),
            policy_timeout: None,
            facts: Vec::new(),
            config: self.config.clone(),
            format: self.format,
            reports: self.reports.clone(),
            require_verdict: false,
            show_errors: false,
            max_input_bytes: 0,
        }
    }
}
