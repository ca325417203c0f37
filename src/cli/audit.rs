//! The command line of `audit`.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use crate::audit::render::Format;
use crate::audit::timestamps::{hours, moment};
use crate::cli::evaluation::{EvaluationArgs, OutputArgs, PolicyArgs, PreviousArgs};
use crate::cli::shared::{EXIT_CODES, format_and_path};
use crate::render;

/// How archives are found, as the help of `audit` shows it.
const NAMES: &str = "\
Which files belong together, their names tell: one of the words plan, fleet (or inventory), response, document, journal
and report says what a file is, and files of one folder whose names have the same rest are one rollout. So are plan.json,
fleet.json and response.json of a folder, and 2026-07-01T10.plan.json and 2026-07-01T10.response.json.gz. A plan or a
fleet whose name has no rest is meant for every response of its folder that has none of its own. Files may be packed
(.gz, .zst). When a rollout was made, its document says, else a date in its path below the folder that is named, such as
2026/05/01/response.json, 2026-05-01T10:22:33+0200.json or run-1777630953.json (seconds since 1970). A rollout without a
date is judged, and has no part in lag. --since, --until and --tenant choose what is listed and judged; everything is read.";

/// Verify every archived rollout of some folders, and what they say together.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{NAMES}\n\n{EXIT_CODES}"))]
pub struct Audit {
    /// Folders of archives: responses, documents and journals, with the plans and fleets that responses need
    #[arg(value_name = "FOLDER", required = true)]
    pub folders: Vec<PathBuf>,

    /// Only rollouts from this day or moment on (2026-07-01, 2026-07-01T10:30:00Z), UTC. Older ones are read all the same, so
    /// who was behind before is so for the whole time
    #[arg(long, value_name = "TIME", value_parser = |text: &str| moment(text, false))]
    pub since: Option<Timestamp>,

    /// Only rollouts up to the end of this day, or up to this moment; who is still behind is so up to then [default: now]
    #[arg(long, value_name = "TIME", value_parser = |text: &str| moment(text, true))]
    pub until: Option<Timestamp>,

    /// Read nothing that was made before this day or moment: what was so before it is not known then
    #[arg(long, value_name = "TIME", value_parser = |text: &str| moment(text, false))]
    pub read_since: Option<Timestamp>,

    /// Only what became of this tenant; may be repeated
    #[arg(long = "tenant", value_name = "TENANT")]
    pub tenants: Vec<String>,

    /// For how long a tenant may be behind, such as 24h, 90m or 2d [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = hours)]
    pub behind_for: Option<f64>,

    /// Where the time stands in a path below its folder: a regular expression with the groups (?<year>), (?<month>), (?<day>),
    /// and if there are such, (?<hour>), (?<minute>), (?<second>), (?<offset>); or with the group (?<epoch>). May be repeated:
    /// the first that matches counts [default: a date, with a time of day or without, or the seconds since 1970]
    #[arg(long, value_name = "REGEX")]
    pub when: Vec<String>,

    /// An archive that cannot be read is a warning, and no error
    #[arg(long)]
    pub keep_going: bool,

    /// An extra field of the rows that is evidence too: a string, a number or a boolean; may be repeated
    #[arg(long = "evidence-field", value_name = "NAME")]
    pub evidence_fields: Vec<String>,

    /// An extra field of the plan or of its body that is evidence too, as rollout.extra.NAME: a string, a number or a
    /// boolean; may be repeated
    #[arg(long = "plan-field", value_name = "NAME")]
    pub plan_fields: Vec<String>,

    /// The policies that each rollout is verified with.
    #[command(flatten)]
    pub policies: PolicyArgs,

    /// The form of the verdict on standard output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,

    /// Write the verdict to a file as well; may be repeated
    #[arg(long = "report", value_name = "FORMAT=PATH", value_parser = format_and_path::<Format>)]
    pub reports: Vec<(Format, PathBuf)>,

    /// Write the document of the audit to a file: what was judged, as `rollproof schema audit` describes it
    #[arg(long, value_name = "PATH")]
    pub document: Option<PathBuf>,

    /// Write what became of each tenant in each rollout to this folder, which must be new or empty: Parquet, partitioned by
    /// day (docs/at-scale.md). Only in builds with `--features parquet`
    #[arg(long, value_name = "FOLDER")]
    pub parquet: Option<PathBuf>,

    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,

    /// The size limit of each file, unpacked, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, env = "ROLLPROOF_MAX_INPUT_BYTES", hide_env_values = true)]
    pub max_input_bytes: u64,
}

impl Audit {
    /// How each rollout is evaluated, with these parameters.
    pub fn evaluation(&self, params: Vec<(String, String)>) -> EvaluationArgs {
        EvaluationArgs {
            policies: PolicyArgs { params, ..self.policies.clone() },
            previous: PreviousArgs::default(),
            outputs: OutputArgs { format: render::Format::Text, reports: Vec::new() },
            require_verdict: false,
            show_errors: false,
            max_input_bytes: self.max_input_bytes,
        }
    }
}
