//! The command line. Types only: their comments are the help text.

pub(crate) mod audit;
pub(crate) mod drill;
pub(crate) mod evaluation;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod mapping;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod preflight;
pub(crate) mod probe;
pub(crate) mod run;
pub(crate) mod shared;
pub(crate) mod verify;

use std::path::PathBuf;

use clap::error::ContextValue;
use clap::{Parser, Subcommand};

use crate::cli::audit::Audit;
use crate::cli::drill::Drill;
use crate::cli::explain::Explain;
use crate::cli::history::History;
use crate::cli::mapping::Mapping;
use crate::cli::plan::Plan;
use crate::cli::policy::Policy;
use crate::cli::preflight::Preflight;
use crate::cli::probe::Probe;
use crate::cli::run::Run;
use crate::cli::shared::EXIT_CODES;
use crate::cli::verify::VerifyCommand;
use crate::schema::published;
use crate::text::escape::visible;

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
    /// Verify a rollout by its archived evidence
    Verify(VerifyCommand),
    /// Write the rollout plan that a CI job's environment asks for
    Plan(Plan),
    /// Ask a gate that has to be open before anything is rolled out
    Preflight(Preflight),
    /// Drive a rollout through the control plane, then verify it
    Run(Run),
    /// Ask the tenants of a document for their build, and verify it again
    Probe(Probe),
    /// Rehearse: a rollout against a control plane on loopback, with faults
    Drill(Drill),
    /// Create, check, test and show policies of your own
    Policy(Policy),
    /// Explain how a verdict came about, and what would turn it
    Explain(Explain),
    /// Verify every archived rollout of some folders: which were called green and were not, and who is behind since when
    Audit(Audit),
    /// Show one tenant's life in archived rollouts, rollout by rollout
    History(History),
    /// List, show and try the mappings by which other systems' output is read as rows
    Mapping(Mapping),
    /// Print the JSON Schema of a format, or the names of all
    Schema {
        /// The format
        #[arg(value_enum)]
        name: Option<published::Name>,
    },
    /// Print the completions of a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual's main page, or write a page a command into a folder
    Man {
        /// The folder; it is made where there is none
        folder: Option<PathBuf>,
    },
}

/// What is wrong with a command line, in words. What it quotes stays on its line.
pub fn refusal(mut error: clap::Error) -> String {
    let quoted = error.context().map(|(kind, value)| (kind, value.clone())).collect::<Vec<_>>();
    for (kind, value) in quoted {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(visible(&text)),
            ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(|text| visible(text)).collect()),
            other => other,
        };
        error.insert(kind, value);
    }
    error.render().to_string().trim_end().to_owned()
}
