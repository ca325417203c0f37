//! Arguments of every command that evaluates policies.

use std::path::PathBuf;

use clap::Args;

use crate::cli::shared::{digest, format_and_path, name_and_path, name_and_value};
use crate::evaluation::Options;
use crate::render::Format;

/// How to evaluate, and where the verdict goes.
#[derive(Debug, Args)]
pub struct EvaluationArgs {
    /// The policies.
    #[command(flatten)]
    pub policies: PolicyArgs,

    /// The previous rollout.
    #[command(flatten)]
    pub previous: PreviousArgs,

    /// Where the verdict goes.
    #[command(flatten)]
    pub outputs: OutputArgs,

    /// Exit with 5 where other policies, parameters, modes, waivers or facts would decide than those of this SHA-256, which
    /// `policy list` and every report show
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub expect_policies: Option<String>,

    /// Exit with 3 where a dry run or a superseded job asserts nothing
    #[arg(long)]
    pub require_verdict: bool,

    /// Show the control plane's raw error texts, which may be sensitive, in every format (JSON always has them)
    #[arg(long)]
    pub show_errors: bool,

    /// The size limit of each input, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, env = "ROLLPROOF_MAX_INPUT_BYTES", hide_env_values = true)]
    pub max_input_bytes: u64,
}

/// Which policies are evaluated, and with what.
#[derive(Debug, Clone, Default, Args)]
pub struct PolicyArgs {
    /// A folder or file of policies that are evaluated beside the bundled ones; may be repeated
    #[arg(long = "policy", value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// A parameter of a policy, such as max_stragglers=2; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub params: Vec<(String, String)>,

    /// A file of waivers, TOML or JSON (see `rollproof schema waivers`); may be repeated. A rollout's own day counts
    #[arg(long = "waivers", value_name = "FILE")]
    pub waivers: Vec<PathBuf>,

    /// How long all policies together may take for an answer [default: 10, and 1 more for each 10,000 cohorts]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub policy_timeout: Option<u64>,

    /// A JSON file that a policy of your own reads as data.facts.NAME; may be repeated. A document that is verified again
    /// needs the same facts
    #[arg(long = "facts", value_name = "NAME=FILE", value_parser = name_and_path)]
    pub facts: Vec<(String, PathBuf)>,

    /// The configuration [default: rollproof.toml in the working folder, or above it in its repository]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The rollout before this one.
#[derive(Debug, Clone, Default, Args)]
pub struct PreviousArgs {
    /// The previous rollout: its report (JSON), its document or its journal. Policies read its report as data.previous
    #[arg(long, value_name = "FILE")]
    pub previous: Option<PathBuf>,

    /// Tenants that were taken out of the fleet since the previous rollout: a list as --fleet takes it
    #[arg(long, value_name = "FILE", requires = "previous")]
    pub retired: Option<PathBuf>,
}

/// Where a verdict goes.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// The form of the verdict on standard output
    #[arg(long, value_enum, default_value = "text", env = "ROLLPROOF_FORMAT", hide_env_values = true)]
    pub format: Format,

    /// Write the verdict to a file as well; may be repeated. $GITHUB_STEP_SUMMARY and $GITHUB_OUTPUT are
    /// appended to, all else is replaced
    #[arg(long = "report", value_name = "FORMAT=PATH", value_parser = format_and_path::<Format>)]
    pub reports: Vec<(Format, PathBuf)>,
}

impl EvaluationArgs {
    /// The same without clap's types.
    pub fn options(&self) -> Options {
        Options {
            format: self.outputs.format,
            reports: self.outputs.reports.clone(),
            expect_policies: self.expect_policies.clone(),
            show_errors: self.show_errors,
            previous: self.previous.previous.clone(),
            retired: self.previous.retired.clone(),
            ..self.policies.options(self.max_input_bytes)
        }
    }
}

impl PolicyArgs {
    /// The same without clap's types, for a verdict that goes nowhere.
    pub fn options(&self, max_input_bytes: u64) -> Options {
        let policies = self.clone();
        Options {
            policies: policies.paths,
            params: policies.params,
            waivers: policies.waivers,
            policy_timeout: policies.policy_timeout,
            facts: policies.facts,
            previous: None,
            retired: None,
            config: policies.config,
            format: Format::Text,
            reports: Vec::new(),
            expect_policies: None,
            show_prints: false,
            show_errors: false,
            max_input_bytes,
        }
    }
}
