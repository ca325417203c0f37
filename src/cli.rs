//! The command line. Types only: their comments are the help text.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::render::Format;
use crate::schema;

/// What the exit codes mean, as `--help` shows it.
const EXIT_CODES: &str = "\
Exit codes:
  0    pass, or a dry run, which asserts nothing
  1    fail: a policy denied
  2    usage
  3    inconclusive: the evidence cannot decide
  4    invalid evidence: unreadable, malformed, or against the schema
  5    a policy could not be loaded or evaluated
  7    the verdict stands but could not be written";

/// Proves that a rollout reached every tenant it was meant to reach, or names the ones it did not and why.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge a rollout by its archived evidence
    Verify(Verify),
    /// Print the JSON Schema of a format, or the names of all
    Schema {
        /// The format
        #[arg(value_enum)]
        name: Option<schema::Name>,
    },
}

/// Judge a rollout by its archived evidence.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Verify {
    /// An archived response, or a document written by --document; `-` is standard input
    #[arg(value_name = "RESPONSE")]
    pub evidence: PathBuf,

    /// The tenants that the rollout had to cover: a plan call's answer, a JSON array of slugs or of
    /// {"slug", "labels"} objects, or one slug a line
    #[arg(long, value_name = "FILE")]
    pub fleet: Option<PathBuf>,

    /// The rollout plan
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    /// A parameter of a policy, such as max_stragglers=2; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub params: Vec<(String, String)>,

    /// The form of the verdict on standard output
    #[arg(long, value_enum, default_value = "text", env = "ROLLPROOF_FORMAT")]
    pub format: Format,

    /// Write the verdict to a file as well; may be repeated. $GITHUB_STEP_SUMMARY is appended to, all else replaced
    #[arg(long = "report", value_name = "FORMAT=PATH", value_parser = format_and_path)]
    pub reports: Vec<(Format, PathBuf)>,

    /// Write the normalized evidence to a file, from which the verdict can be repeated
    #[arg(long, value_name = "PATH")]
    pub document: Option<PathBuf>,

    /// Exit with 3 where a dry run asserts nothing
    #[arg(long)]
    pub require_verdict: bool,

    /// Show the control plane's raw error texts, which may be sensitive, in every format (JSON always has them)
    #[arg(long)]
    pub show_errors: bool,

    /// The size limit of each input, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, env = "ROLLPROOF_MAX_INPUT_BYTES")]
    pub max_input_bytes: u64,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn format_and_path(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("FORMAT=PATH is expected")?;
    if path.is_empty() {
        return Err("the path behind `=` is empty".into());
    }
    Ok((<Format as clap::ValueEnum>::from_str(format, false)?, path.into()))
}
