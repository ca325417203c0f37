//! The command line. Types only: their comments are the help text.

mod audit;
mod policy;
mod probe;

use std::path::PathBuf;

use clap::error::ContextValue;
use clap::{Args, Parser, Subcommand};

pub use audit::Audit;
pub use probe::{Probe, Probing};

use crate::render::Format;
use crate::render::escape::visible;
use crate::schema;

pub use policy::{Listing, Own, PolicyBundle, PolicyEval, PolicyList, PolicyNew, PolicyShow, PolicyTest, TestFormat};

/// What the exit codes mean, as `--help` shows it.
const EXIT_CODES: &str = "\
Exit codes:
  0    pass, or a dry run or superseded job, which asserts nothing
  1    fail: a policy denied
  2    usage
  3    inconclusive: the evidence cannot decide
  4    invalid evidence: unreadable, malformed, or against the schema
  5    a policy could not be loaded or evaluated
  6    a service never answered, and no verdict is possible
  7    the verdict stands but could not be written
  130  interrupted (143: by SIGTERM, 129: by SIGHUP); what was collected is written";

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
    /// Judge a rollout by its archived evidence
    Verify(Verify),
    /// Write the rollout plan that a CI job's environment asks for
    Plan(Plan),
    /// Ask a gate that has to be open before anything is rolled out
    Preflight(Preflight),
    /// Drive a rollout through the control plane, then judge it
    Run(Run),
    /// Ask the tenants of a document for their build, and judge it anew
    Probe(Probe),
    /// Rehearse: a rollout against a control plane on loopback, with faults
    Drill(Drill),
    /// Look after policies of your own
    Policy(Policy),
    /// Explain how a verdict came about, and what would turn it
    Explain(Explain),
    /// Judge every archived rollout of some folders: which were called green and were not, and who is behind since when
    Audit(Audit),
    /// Print the JSON Schema of a format, or the names of all
    Schema {
        /// The format
        #[arg(value_enum)]
        name: Option<schema::Name>,
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

impl PolicyCommand {
    /// The form in which an error is printed, where that is for machines.
    pub fn format(&self) -> Option<TestFormat> {
        let format = match self {
            Self::Test(options) => return Some(options.format),
            Self::List(options) => options.format,
            Self::Show(options) => options.format,
            Self::Eval(options) => options.format,
            Self::Check(_) | Self::New(_) | Self::Bundle(_) => Listing::Text,
        };
        (format == Listing::Json).then_some(TestFormat::Json)
    }
}

/// Look after policies of your own.
#[derive(Debug, Args)]
pub struct Policy {
    /// What to do
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What to do about policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check policies without evidence: everything that would make a rule silent, or fail only when it is reached
    Check(PolicyCheck),
    /// Name every policy, bundled or your own
    List(PolicyList),
    /// Show a policy: what it says, its parameters, its source, and an example of a finding
    Show(PolicyShow),
    /// Begin a policy of your own: a folder with a policy, its tests and a README
    New(PolicyNew),
    /// Run the unit tests and the fixtures of policies
    Test(PolicyTest),
    /// Show what a policy says of some evidence, or what any Rego expression is on it; nothing is decided
    Eval(PolicyEval),
    /// Write all policies into a bundle that the real `opa` and `conftest` run
    Bundle(PolicyBundle),
}

/// Check policies without evidence.
#[derive(Debug, Args)]
#[command(after_help = policy::check_help())]
pub struct PolicyCheck {
    /// Files and folders of policies, beside those of the configuration
    #[arg(value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,

    /// The configuration [default: rollproof.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Write the rollout plan that a CI job's environment asks for.
#[derive(Debug, Args)]
pub struct Plan {
    /// Where the plan is written [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// The configuration [default: rollproof.toml in the working folder, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What the exit codes of `preflight` mean, as its help shows it.
const PREFLIGHT_EXIT_CODES: &str = "\
Exit codes:
  0    go; of `latest`: superseded, and the newer head is on standard output
  1    a policy says no
  2    usage: a variable is missing or has a wrong value
  5    a policy could not be loaded or evaluated
  6    nobody answered
  7    the verdict stands but could not be written
  10   of `latest`: this job is the latest, or nobody knows";

/// Ask a gate that has to be open before anything is rolled out, of the Gitea that GITEA_HOST names.
#[derive(Debug, Args)]
#[command(after_help = PREFLIGHT_EXIT_CODES)]
pub struct Preflight {
    /// The gate
    #[arg(value_enum)]
    pub gate: Gate,

    /// The configuration [default: rollproof.toml in the working folder, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The form of the verdict on standard output, where `latest` prints no more than the newer head
    #[arg(long, value_enum, default_value = "text", env = "ROLLPROOF_FORMAT", hide_env_values = true)]
    pub format: Format,

    /// Write the verdict to a file as well; may be repeated. $GITHUB_STEP_SUMMARY and $GITHUB_OUTPUT are
    /// appended to, all else is replaced
    #[arg(long = "report", value_name = "FORMAT=PATH", value_parser = format_and_path)]
    pub reports: Vec<(Format, PathBuf)>,

    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// A gate that has to be open before anything is rolled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Gate {
    /// The kill switch is not armed
    Enabled,
    /// Every required CI context of the commit is green; waits for them
    Ci,
    /// No newer commit has taken the branch's head
    Latest,
}

impl Preflight {
    /// The form of the verdict on standard output; none where that is for the newer head alone.
    pub fn printed(&self) -> Option<Format> {
        (self.gate != Gate::Latest).then_some(self.format)
    }

    /// How to judge: only the gates' own policy has a say, and nothing is read from files.
    pub fn judge(&self) -> Judge {
        Judge {
            policies: Vec::new(),
            params: Vec::new(),
            waivers: Vec::new(),
            policy_timeout: None,
            facts: Vec::new(),
            config: self.config.clone(),
            format: self.format,
            reports: self.reports.clone(),
            require_verdict: false,
            show_errors: false,
            max_input_bytes: 0,
        }
    }
}

/// Judge a rollout by its archived evidence.
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

    /// The rollout plan
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    /// An extra field of the rows that is evidence too: a string, a number or a boolean; may be repeated
    #[arg(long = "evidence-field", value_name = "NAME")]
    pub evidence_fields: Vec<String>,

    /// Write the normalized evidence to a file, from which the verdict can be repeated
    #[arg(long, value_name = "PATH")]
    pub document: Option<PathBuf>,

    /// How to judge, and where the verdict goes
    #[command(flatten)]
    pub judge: Judge,
}

/// Explain how a verdict came about, and what would turn it. Exits with 0 whatever the verdict is.
#[derive(Debug, Args)]
pub struct Explain {
    /// The evidence, and how it is judged
    #[command(flatten)]
    pub verify: Verify,

    /// A tenant, or the code of a finding [default: the verdict as a whole]
    #[arg(value_name = "TENANT|CODE")]
    pub subject: Option<String>,
}

impl Explain {
    /// The form in which an error is printed, where that is for machines.
    pub fn format(&self) -> Option<Format> {
        Some(self.verify.judge.format).filter(|format| *format == Format::Json)
    }
}

/// Drive a rollout through the control plane, then judge it.
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
    pub judge: Judge,
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

/// Rehearse: a rollout against a control plane that rollproof itself serves on loopback, with faults.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Drill {
    /// Something else than to play a scenario
    #[command(subcommand)]
    pub command: Option<DrillCommand>,

    /// The scenario, or `all` [default: a tenant that every call skips]
    pub scenario: Option<String>,

    /// Name the scenarios
    #[arg(long)]
    pub list: bool,

    /// Play it with a fleet of so many tenants
    #[arg(long, value_name = "N")]
    pub tenants: Option<usize>,

    /// A folder or file of policies that have their say; may be repeated
    #[arg(long = "policy", value_name = "PATH")]
    pub policies: Vec<PathBuf>,

    /// Keep journal, response, document and reports (JSON, and a page for a browser) in this folder
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,

    /// Multiply soak and retry delays with this
    #[arg(long, value_name = "FACTOR", default_value_t = 0.01)]
    pub time_scale: f64,
}

/// Something else than to play a scenario.
#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// Only serve the control plane, and print its URL and its token
    Serve {
        /// A scenario file (see `rollproof schema scenario`)
        scenario: Option<PathBuf>,
    },
}

/// How to judge, and where the verdict goes.
#[derive(Debug, Args)]
pub struct Judge {
    /// A folder or file of policies that are evaluated beside the bundled ones; may be repeated
    #[arg(long = "policy", value_name = "PATH")]
    pub policies: Vec<PathBuf>,

    /// A parameter of a policy, such as max_stragglers=2; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub params: Vec<(String, String)>,

    /// A file of waivers, TOML or JSON (see `rollproof schema waivers`); may be repeated
    #[arg(long = "waivers", value_name = "FILE")]
    pub waivers: Vec<PathBuf>,

    /// How long all policies together may take for an answer [default: 10, and 1 more for each 10,000 cohorts]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub policy_timeout: Option<u64>,

    /// A JSON file that a policy of your own reads as data.facts.NAME; may be repeated. A document that is judged again
    /// needs the same facts
    #[arg(long = "facts", value_name = "NAME=FILE", value_parser = name_and_path)]
    pub facts: Vec<(String, PathBuf)>,

    /// The configuration [default: rollproof.toml in the working folder, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The form of the verdict on standard output
    #[arg(long, value_enum, default_value = "text", env = "ROLLPROOF_FORMAT", hide_env_values = true)]
    pub format: Format,

    /// Write the verdict to a file as well; may be repeated. $GITHUB_STEP_SUMMARY and $GITHUB_OUTPUT are
    /// appended to, all else is replaced
    #[arg(long = "report", value_name = "FORMAT=PATH", value_parser = format_and_path)]
    pub reports: Vec<(Format, PathBuf)>,

    /// Exit with 3 where a dry run or a superseded job asserts nothing
    #[arg(long)]
    pub require_verdict: bool,

    /// Show the control plane's raw error texts, which may be sensitive, in every format (JSON always has them)
    #[arg(long)]
    pub show_errors: bool,

    /// The size limit of each input, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, env = "ROLLPROOF_MAX_INPUT_BYTES", hide_env_values = true)]
    pub max_input_bytes: u64,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn name_and_path(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("NAME=FILE is expected")?;
    if name.trim().is_empty() || path.is_empty() {
        return Err("a name and a file are expected".into());
    }
    Ok((name.trim().to_owned(), path.into()))
}

fn format_and_path(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, path) = text.split_once('=').ok_or("FORMAT=PATH is expected")?;
    if path.is_empty() {
        return Err("the path behind `=` is empty".into());
    }
    Ok((<Format as clap::ValueEnum>::from_str(format, false)?, path.into()))
}
