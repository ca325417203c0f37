//! The command line of `history`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::audit::timestamps::{Until, until};
use crate::cli::audit::ArchiveArgs;
use crate::cli::shared::EXIT_CODES;
use crate::render::Format;

/// Show one tenant's life, rollout by rollout. Exits with 0 whatever became of it.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct History {
    /// The tenant's whole name
    #[arg(value_name = "TENANT")]
    pub tenant: String,

    /// Folders of archives, as `audit` reads them
    #[arg(value_name = "FOLDER", required = true)]
    pub folders: Vec<PathBuf>,

    /// Only rollouts up to the end of this day, or up to this moment [default: now]
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub until: Option<Until>,

    /// How archives are found and judged.
    #[command(flatten)]
    pub archives: ArchiveArgs,

    /// The form of the answer on standard output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
}

/// A form of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a person at a terminal
    Text,
    /// For machines, as `rollproof schema history` describes it
    Json,
}

impl Form {
    /// The form in which an error is printed, where that is for machines.
    pub fn of_errors(self) -> Option<Format> {
        (self == Self::Json).then_some(Format::Json)
    }
}
