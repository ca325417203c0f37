//! The command line of `audit`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use crate::audit::render::Format;
use crate::audit::timestamps::{Until, hours, moment, until};
use crate::cli::evaluation::{EvaluationArgs, OutputArgs, PolicyArgs, PreviousArgs};
use crate::cli::shared::{EXIT_CODES, format_and_path};
use crate::model::document::text::Text;
use crate::render;

/// How archives are found, as the help of `audit` shows it: paragraphs, which clap breaks into lines.
const NAMES: &str = "\
The names of files tell which belong together. One of the words plan, fleet (or inventory), response, document, journal \
and report says what a file is; files of one folder whose names are otherwise the same are one rollout. So are plan.json, \
fleet.json and response.json of a folder, and 2026-07-01T10.plan.json and 2026-07-01T10.response.json.gz. A plan or a \
fleet whose name says nothing else is used for every response of its folder that has none of its own. Files may be packed \
(.gz, .zst), and lie in ZIP and tar archives (.zip, .tar, .tar.gz, .tar.zst), which are read in place.

The time of a rollout is the one in its document, else the date in its path below the named folder, such as \
2026/05/01/response.json, 2026-05-01T10:22:33+0200.json or run-1777630953.json (seconds since 1970). A rollout without a \
date is judged, and has no part in lag.

--since, --until and --tenant choose what is listed and judged; everything is read.";

/// Verify every archived rollout of some folders, and what they say together.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{NAMES}\n\n{EXIT_CODES}"))]
pub struct Audit {
    /// Folders of archives: responses, documents and journals, with the plans and fleets that responses need
    #[arg(value_name = "FOLDER", required = true)]
    pub folders: Vec<PathBuf>,

    /// List only rollouts made at or after this day or time (2026-07-01, 2026-07-01T10:30:00Z), UTC. Older ones are still
    /// read, so that lag that began earlier is counted in full
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,

    /// List only rollouts made up to the end of this day, or up to this time; lag that still lasts is counted up to then
    /// [default: now]
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub until: Option<Until>,

    /// Only what became of this tenant; may be repeated
    #[arg(long = "tenant", value_name = "TENANT")]
    pub tenants: Vec<String>,

    /// For how long a tenant may be behind, such as 24h, 90m or 2d [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = hours)]
    pub behind_for: Option<f64>,

    /// How archives are found and judged.
    #[command(flatten)]
    pub archives: ArchiveArgs,

    /// Judge every archive by other policies as well, and list the verdicts that flip: a folder or file of policies in the
    /// place of those of --policy, a configuration (.toml) in the place of --config, or an earlier report (.json), whose
    /// digest of policies they must have; may be repeated
    #[arg(long, value_name = "PATH")]
    pub against: Vec<Against>,

    /// Exit with 1 where a verdict flips
    #[arg(long, requires = "against")]
    pub deny_flips: bool,

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

    /// Write metrics to a file, as a whole or not at all: OpenMetrics text, for the textfile collector of Prometheus' node
    /// exporter (docs/audit.md)
    #[arg(long, value_name = "PATH")]
    pub metrics: Option<PathBuf>,
}

/// How archives are found and judged.
#[derive(Debug, Clone, Args)]
pub struct ArchiveArgs {
    /// Do not read rollouts made before this day or time; lag that began earlier is counted from the first rollout that
    /// was read
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub read_since: Option<Timestamp>,

    /// When archives were made, and if there are such columns, the environment of each and what it was called (green or red):
    /// CSV with a header (path, time, environment, called) or JSON Lines. A path is that of a rollout's evidence, or of a
    /// folder, ZIP or tar archive that it is in
    #[arg(long, value_name = "FILE")]
    pub times: Option<PathBuf>,

    /// What tells groups of archives apart, which never judge each other: folder (the named one, or where that is the only
    /// one, the first below it), folder:2 (the second below it), environment (of --times), or a regular expression whose
    /// first capture in the path is the group [default: environment, where --times names any; control planes always do]
    #[arg(long, value_name = "BY")]
    pub group_by: Option<String>,

    /// The fleet of every response that has none of its own: an answer to a plan call, or a list of slugs
    #[arg(long, value_name = "FILE")]
    pub fleet: Option<PathBuf>,

    /// What of a path below its folder is the same for all files of a rollout, where it is not the convention: a regular
    /// expression. Its groups (?<response>), (?<fleet>), (?<plan>) and so on say what a file is, its other groups to which
    /// rollout it belongs
    #[arg(long, value_name = "REGEX")]
    pub pair: Option<String>,

    /// A regular expression that finds the time in a path below its folder, with the groups (?<year>), (?<month>), (?<day>),
    /// and if there are such, (?<hour>), (?<minute>), (?<second>), (?<offset>); or with the group (?<epoch>). May be repeated:
    /// the first that matches counts [default: a date, with a time of day or without, or the seconds since 1970]
    #[arg(long, value_name = "REGEX")]
    pub when: Vec<String>,

    /// An archive that cannot be read is a warning, and no error
    #[arg(long)]
    pub keep_going: bool,

    /// Read archives of another system by a mapping: a bundled one's name (see `rollproof mapping list`), or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub map: Option<PathBuf>,

    /// Read fleets by a mapping, too: the same or another one
    #[arg(long, value_name = "NAME|FILE")]
    pub fleet_map: Option<PathBuf>,

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

    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,

    /// The size limit of each file, unpacked, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, env = "ROLLPROOF_MAX_INPUT_BYTES", hide_env_values = true)]
    pub max_input_bytes: u64,
}

/// What verdicts are compared with.
#[derive(Debug, Clone)]
pub enum Against {
    /// A folder or file of policies.
    Policies(PathBuf),
    /// A configuration.
    Configuration(PathBuf),
    /// An earlier report.
    Report(PathBuf),
}

impl Against {
    pub fn path(&self) -> &Path {
        let (Self::Policies(path) | Self::Configuration(path) | Self::Report(path)) = self;
        path
    }
}

impl From<OsString> for Against {
    fn from(path: OsString) -> Self {
        let path = PathBuf::from(path);
        match path.extension().and_then(OsStr::to_str) {
            Some("toml") => Self::Configuration(path),
            Some("json") => Self::Report(path),
            _ => Self::Policies(path),
        }
    }
}

impl ArchiveArgs {
    /// The policies and the configuration, as they were named.
    pub fn named(&self) -> Vec<Text> {
        let paths = self.policies.paths.iter().chain(&self.policies.config);
        paths.map(|path| Text::from(path.display().to_string())).collect()
    }

    /// The same with other policies, or another configuration. Where that is all that is named, the policies stay.
    pub fn with_policies_of(&self, against: &[Against]) -> Self {
        let mut other = self.clone();
        let has_policies = against.iter().any(|against| matches!(against, Against::Policies(_)));
        if has_policies || !against.iter().any(|against| matches!(against, Against::Configuration(_))) {
            other.policies.paths.clear();
        }
        for against in against {
            match against {
                Against::Policies(path) => other.policies.paths.push(path.clone()),
                Against::Configuration(path) => other.policies.config = Some(path.clone()),
                Against::Report(_) => {}
            }
        }
        other
    }

    /// How each rollout is evaluated, with these parameters.
    pub fn evaluation(&self, params: Vec<(String, String)>) -> EvaluationArgs {
        EvaluationArgs {
            policies: PolicyArgs { params, ..self.policies.clone() },
            previous: PreviousArgs::default(),
            outputs: OutputArgs { format: render::Format::Text, reports: Vec::new() },
            expect_policies: None,
            require_verdict: false,
            show_errors: false,
            max_input_bytes: self.max_input_bytes,
        }
    }
}
