//! Arguments of `verify`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::evaluation::EvaluationArgs;
use crate::cli::shared::EXIT_CODES;
use crate::render::Format;

/// What `verify` takes: what it shares with `explain`, and what is its own.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct VerifyCommand {
    /// The evidence, and how it is judged
    #[command(flatten)]
    pub verify: Verify,

    /// Say what has changed since an earlier report, which is JSON: what the verdict follows from, and the findings
    #[arg(long, value_name = "REPORT")]
    pub compare: Option<PathBuf>,

    /// Show on standard error what policies print
    #[arg(short, long)]
    pub verbose: bool,

    /// Print the first line of the verdict alone, in place of what --format says
    #[arg(short, long)]
    pub quiet: bool,
}

impl VerifyCommand {
    /// The form of what is printed.
    pub const fn printed(&self) -> Format {
        if self.quiet { Format::Text } else { self.verify.evaluation.outputs.format }
    }
}

/// Verify a rollout by its archived evidence.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Verify {
    /// An archived response, a document, or the journal of a rollout; `-` is standard input
    #[arg(value_name = "RESPONSE")]
    pub evidence: PathBuf,

    /// The tenants that the rollout had to cover: a plan call's answer, a JSON array of slugs or of
    /// {"slug", "labels"} objects, or one slug a line
    #[arg(long, value_name = "FILE")]
    pub fleet: Option<PathBuf>,

    /// Labels for evidence that has none: a JSON array of {"slug", "labels"} objects. It enumerates nobody
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,

    /// The rollout plan
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    /// Read the evidence of another system by a mapping: a bundled one's name (see `rollproof mapping list`), or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub map: Option<PathBuf>,

    /// Read --fleet by a mapping, too: the same or another one
    #[arg(long, value_name = "NAME|FILE")]
    pub fleet_map: Option<PathBuf>,

    /// An extra field of the rows that is evidence too: a string, a number or a boolean; may be repeated
    #[arg(long = "evidence-field", value_name = "NAME")]
    pub evidence_fields: Vec<String>,

    /// An extra field of the plan or of its body that is evidence too, as rollout.extra.NAME: a string, a number or a
    /// boolean; may be repeated
    #[arg(long = "plan-field", value_name = "NAME")]
    pub plan_fields: Vec<String>,

    /// Write the normalized evidence to a file, from which the verdict can be repeated
    #[arg(long, value_name = "PATH")]
    pub document: Option<PathBuf>,

    /// How to judge, and where the verdict goes
    #[command(flatten)]
    pub evaluation: EvaluationArgs,
}
