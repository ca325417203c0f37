//! Arguments of `drill`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Rehearse: a rollout against a control plane that rollproof itself serves on loopback, with faults.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Drill {
    /// What to do instead of playing a scenario
    #[command(subcommand)]
    pub command: Option<DrillCommand>,

    /// The scenario, or `all` [default: a tenant that every call skips]
    pub scenario: Option<String>,

    /// List the scenarios
    #[arg(long)]
    pub list: bool,

    /// Play it with a fleet of this many tenants
    #[arg(long, value_name = "N")]
    pub tenants: Option<usize>,

    /// A folder or file of policies that are evaluated beside the bundled ones; may be repeated
    #[arg(long = "policy", value_name = "PATH")]
    pub policies: Vec<PathBuf>,

    /// Keep journal, response, document and reports (JSON, and a page for a browser) in this folder
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,

    /// Multiply soak and retry delays by this
    #[arg(long, value_name = "FACTOR", default_value_t = 0.01, value_parser = factor)]
    pub time_scale: f64,
}

/// What waiting is multiplied by.
fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok().filter(|factor| factor.is_finite() && *factor >= 0.0);
    factor.ok_or_else(|| "a number of at least 0 is expected".to_owned())
}

/// What to do instead of playing a scenario.
#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// Only serve the control plane, and print its URL and its token
    Serve {
        /// A bundled scenario, or a file (see `rollproof schema scenario`) [default: a tenant that every call skips]
        scenario: Option<PathBuf>,
    },
}
