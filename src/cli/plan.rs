//! Arguments of `plan`.

use std::path::PathBuf;

use clap::Args;

/// Write the rollout plan that a CI job's environment asks for.
#[derive(Debug, Args)]
pub struct Plan {
    /// Where the plan is written [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// The configuration [default: rollproof.toml in the working folder, or above it in its repository]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
