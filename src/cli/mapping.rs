//! Arguments of `mapping`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::policy::ListFormat;
use crate::cli::shared::EXIT_CODES;
use crate::render::Format;

/// List, show and try the mappings by which other systems' output is read as rows.
#[derive(Debug, Args)]
pub struct Mapping {
    /// What to do
    #[command(subcommand)]
    pub command: MappingCommand,
}

/// What to do with mappings.
#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// List the bundled mappings
    List,
    /// Print the file of a mapping, once it is checked: as a start for one of your own
    Show {
        /// A bundled mapping's name, or a file
        #[arg(value_name = "NAME|FILE")]
        mapping: PathBuf,
    },
    /// Show what a mapping reads in an input: the rows, where each came from, and what is skipped. Nothing is judged
    Try(MappingTry),
}

/// Show what a mapping reads in an input.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct MappingTry {
    /// A bundled mapping's name, or a file
    #[arg(value_name = "NAME|FILE")]
    pub mapping: PathBuf,

    /// The output of the other system; `-` is standard input
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,

    /// The rollout plan, where a filter names $target
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    /// An extra field of the plan or of its body that filters see as $target.extra.NAME; may be repeated
    #[arg(long = "plan-field", value_name = "NAME")]
    pub plan_fields: Vec<String>,

    /// Read the input as a fleet, by [fleet], and not as rows
    #[arg(long)]
    pub fleet: bool,

    /// The form of what is read
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,

    /// The size limit of each input, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, env = "ROLLPROOF_MAX_INPUT_BYTES", hide_env_values = true)]
    pub max_input_bytes: u64,
}

impl Mapping {
    /// The form in which an error is printed, where that is for machines.
    pub fn format(&self) -> Option<Format> {
        match &self.command {
            MappingCommand::Try(options) => (options.format == ListFormat::Json).then_some(Format::Json),
            MappingCommand::List | MappingCommand::Show { .. } => None,
        }
    }
}
