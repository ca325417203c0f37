//! The command line of probing. Types only: their comments are the help text.

use std::path::PathBuf;

use clap::Args;

use crate::cli::evaluation::EvaluationArgs;
use crate::cli::shared::EXIT_CODES;

/// Ask the tenants of a document for their build, and verify it again.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Probe {
    /// A document, or the journal of a rollout; its proven tenants are asked
    #[arg(value_name = "DOCUMENT")]
    pub evidence: PathBuf,

    /// Where the document is written; this or --in-place is needed
    #[arg(long, value_name = "PATH", conflicts_with = "in_place")]
    pub document: Option<PathBuf>,

    /// Replace DOCUMENT itself, as a whole or not at all: what it said before is lost
    #[arg(long)]
    pub in_place: bool,

    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,

    /// Whom, how and how long
    #[command(flatten)]
    pub probing: Probing,

    /// How to judge, and where the verdict goes
    #[command(flatten)]
    pub evaluation: EvaluationArgs,
}

/// How tenants are asked for their build. What is not given comes from `[probe]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(next_help_heading = "Probing")]
#[allow(clippy::struct_field_names, reason = "the names of the options")]
pub struct Probing {
    /// Each tenant is asked at https://SLUG.DOMAIN/buildinfo
    #[arg(long, value_name = "DOMAIN", conflicts_with = "probe_url_template")]
    pub probe_domain: Option<String>,

    /// Each tenant is asked at this URL, in which {slug} stands for it; https, unless loopback
    #[arg(long, value_name = "URL")]
    pub probe_url_template: Option<String>,

    /// Where the commit stands in a tenant's answer: a JSON pointer such as /data/sha [default: /git_sha]
    #[arg(long, value_name = "POINTER", conflicts_with = "probe_commit_header")]
    pub probe_commit_pointer: Option<String>,

    /// The header of a tenant's answer that holds the commit, in place of its body
    #[arg(long, value_name = "NAME")]
    pub probe_commit_header: Option<String>,

    /// The time from one round to the next; a round asks each tenant that has not answered with the target build yet
    /// [default: 20 seconds]
    #[arg(long, value_name = "SECONDS")]
    pub probe_interval: Option<f64>,

    /// For how long they are asked [default: 240 seconds]
    #[arg(long, value_name = "SECONDS")]
    pub probe_timeout: Option<f64>,

    /// The time limit of one request [default: 10 seconds]
    #[arg(long, value_name = "SECONDS")]
    pub probe_request_timeout: Option<f64>,

    /// How many tenants are asked at a time, at most [default: 16]
    #[arg(long, value_name = "N")]
    pub probe_concurrency: Option<usize>,
}
