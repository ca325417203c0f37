//! Arguments of `run`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::evaluation::EvaluationArgs;
use crate::cli::probe::Probing;
use crate::cli::shared::EXIT_CODES;

/// Drive a rollout through the control plane, then verify it.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Run {
    /// The rollout plan; it alone says which control plane is called
    #[arg(long, value_name = "FILE")]
    pub plan: PathBuf,

    /// Where the response of the rollout is written, also where it fails
    #[arg(long, value_name = "PATH")]
    pub response: PathBuf,

    /// Where the normalized evidence is written
    #[arg(long, value_name = "PATH")]
    pub document: PathBuf,

    /// Where every request and answer is kept as it happens [default: the document's path with `.journal`]
    #[arg(long, value_name = "PATH")]
    pub journal: Option<PathBuf>,

    /// Check everything up to the first call that changes something, and make no such call: the plan call, a dry run, is the
    /// only one. Everything that is wrong is named, nothing is written, and 0 means that the rollout could begin
    #[arg(long, conflicts_with = "resume")]
    pub check: bool,

    /// Go on where an interrupted rollout stopped, by its journal
    #[arg(long)]
    pub resume: bool,

    /// An inventory that is independent of the control plane: a tenant in it that the plan call does not enumerate
    /// stops the rollout before anything is rolled
    #[arg(long, value_name = "FILE")]
    pub fleet: Option<PathBuf>,

    /// An extra field of the rows that is evidence too: a string, a number or a boolean; may be repeated
    #[arg(long = "evidence-field", value_name = "NAME")]
    pub evidence_fields: Vec<String>,

    /// An extra field of the plan or of its body that is evidence too, as rollout.extra.NAME: a string, a number or a
    /// boolean; may be repeated
    #[arg(long = "plan-field", value_name = "NAME")]
    pub plan_fields: Vec<String>,

    /// Ask every gate first: superseded, the kill switch, CI. Where this or GITEA_HOST is given, the kill switch is read
    /// again before every call that changes anything
    #[arg(long)]
    pub preflight: bool,

    /// A file that holds the control plane's token, instead of the variable CP_ADMIN_API_TOKEN
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Once every call was made, ask every proven tenant for its build
    #[arg(long)]
    pub probe: bool,

    /// How tenants are asked for their build
    #[command(flatten)]
    pub probing: Probing,

    /// Multiply soak, retry delays and the pace of probing with this, in a rehearsal on loopback
    #[arg(long, value_name = "FACTOR")]
    pub time_scale: Option<f64>,

    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,

    /// Show more of what is done; may be repeated
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// How to judge, and where the verdict goes
    #[command(flatten)]
    pub evaluation: EvaluationArgs,
}

impl Run {
    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.journal.clone().unwrap_or_else(|| {
            let mut path = self.document.clone().into_os_string();
            path.push(".journal");
            path.into()
        })
    }
}
