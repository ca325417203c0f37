//! The command line of `rollproof policy`. Types only: their comments are the help text.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::evaluation::PreviousArgs;
use crate::cli::shared::{EXIT_CODES, format_and_path, name_and_path, name_and_value};

impl PolicyCommand {
    /// The form in which an error is printed, where that is for machines.
    pub fn format(&self) -> Option<TestFormat> {
        let format = match self {
            Self::Test(options) => return Some(options.format),
            Self::List(options) => options.format,
            Self::Show(options) => options.format,
            Self::Eval(options) => options.format,
            // Checks say it themselves.
            Self::Check(_) => return None,
            Self::New(_) | Self::Bundle(_) => ListFormat::Text,
        };
        (format == ListFormat::Json).then_some(TestFormat::Json)
    }
}

/// Create, check, test and show policies of your own.
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
    /// List every policy, bundled or your own
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
#[command(after_help = check_help())]
pub struct PolicyCheck {
    /// Files and folders of policies, beside those of the configuration
    #[arg(value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,

    /// Exit with 5 where there is advice, too: on what is allowed and probably not meant
    #[arg(long)]
    pub deny_advice: bool,

    /// The form of what is found
    #[arg(long, value_enum, default_value = "text")]
    pub format: CheckFormat,

    /// Write what is found to a file as well; may be repeated
    #[arg(long = "report", value_name = "FORMAT=PATH", value_parser = format_and_path::<CheckFormat>)]
    pub reports: Vec<(CheckFormat, PathBuf)>,

    /// The configuration [default: rollproof.toml in the working folder, or above it in its repository]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What the exit codes of `policy test` mean.
const TEST_EXIT_CODES: &str = "\
Exit codes:
  0    every test passed
  1    a test failed
  2    usage
  5    a policy or a test could not be loaded, a fact is missing, or there was no test to run
  7    the result could not be written";

/// What stands below the help of `policy check`.
pub(crate) fn check_help() -> String {
    let names = crate::lint::builtins::names().collect::<Vec<_>>().join(", ");
    format!("{EXIT_CODES}\n\nFunctions of Rego that a policy may call, beside its own and the libraries':\n  {names}")
}

/// Which policies there are beside the bundled ones.
#[derive(Debug, Args)]
pub struct PolicyPaths {
    /// A folder or file of policies beside the bundled ones and those of the configuration; may be repeated
    #[arg(long = "policy", value_name = "PATH")]
    pub policies: Vec<PathBuf>,

    /// The configuration [default: rollproof.toml in the working folder, or above it in its repository]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The form of what is listed or shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For a person
    Text,
    /// For machines
    Json,
}

/// The form of what checks found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For a person
    Text,
    /// For machines (see `rollproof schema check`)
    Json,
    /// Workflow commands that annotate a CI run, GitHub's and Gitea's
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// The form of what tests gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For a person
    Text,
    /// For machines (see `rollproof schema tests`)
    Json,
    /// JUnit XML, as CI servers read it
    Junit,
}

/// List every policy.
#[derive(Debug, Args)]
pub struct PolicyList {
    /// The form of the list
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,

    /// A parameter of a policy, such as max_stragglers=2, for the digest; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub params: Vec<(String, String)>,

    /// A file of waivers, for the digest; may be repeated
    #[arg(long = "waivers", value_name = "FILE")]
    pub waivers: Vec<PathBuf>,

    /// A JSON file that a policy of your own reads as data.facts.NAME, for the digest; may be repeated
    #[arg(long = "facts", value_name = "NAME=FILE", value_parser = name_and_path)]
    pub facts: Vec<(String, PathBuf)>,

    /// Which policies
    #[command(flatten)]
    pub own: PolicyPaths,
}

/// Show a policy.
#[derive(Debug, Args)]
pub struct PolicyShow {
    /// Its package, such as team.gold; `rollproof.` may be left out
    pub name: String,

    /// The form of what is shown
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,

    /// Print the source as the engine is given it: forms that it would answer otherwise than OPA are rewritten
    #[arg(long)]
    pub lowered: bool,

    /// Which policies
    #[command(flatten)]
    pub own: PolicyPaths,
}

/// Begin a policy of your own.
#[derive(Debug, Args)]
pub struct PolicyNew {
    /// Its package, such as gold_health or team.gold_health (the folder team/gold_health)
    pub name: String,

    /// Where the folder is made
    #[arg(long = "in", value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
}

/// Run the unit tests and the fixtures of policies.
#[derive(Debug, Args)]
#[command(after_help = TEST_EXIT_CODES)]
pub struct PolicyTest {
    /// Folders and files of policies with their tests (`*_test.rego`), which are rules named `test_...`, as OPA has
    /// them; those named `todo_test_...` are counted and not run [default: the policies of the configuration, or else the
    /// working folder]
    #[arg(value_name = "DIR|FILE")]
    pub paths: Vec<PathBuf>,

    /// Run only the tests whose name (`package.test_name/sub-test`, `fixtures/case`) this regular expression is found in
    #[arg(long, value_name = "REGEX")]
    pub run: Option<String>,

    /// Evaluate fixtures too: each folder in DIR holds document.json, or response.json with fleet.json and plan.json, or
    /// run.journal; and, in case.json, the findings of your own policies that are expected
    #[arg(long, value_name = "DIR")]
    pub fixtures: Option<PathBuf>,

    /// Write what was found into the fixtures' case.json
    #[arg(long, requires = "fixtures")]
    pub update: bool,

    /// Say which lines of the policies no unit test reached
    #[arg(long)]
    pub coverage: bool,

    /// How long a test may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,

    /// List the tests that passed, too
    #[arg(short, long)]
    pub verbose: bool,

    /// The form of the result
    #[arg(long, value_enum, default_value = "text")]
    pub format: TestFormat,

    /// The configuration [default: rollproof.toml in the working folder, or above it in its repository]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Show what a policy says of some evidence.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct PolicyEval {
    /// The policy's package, such as team.gold; `rollproof.` may be left out
    pub package: String,

    /// An archived response, a document, or the journal of a rollout; `-` is standard input
    #[arg(value_name = "EVIDENCE")]
    pub evidence: PathBuf,

    /// Say instead what this Rego expression is, in the package: a JSON array of its values, empty where it is undefined
    #[arg(long, value_name = "EXPR")]
    pub query: Option<String>,

    /// The tenants that the rollout had to cover
    #[arg(long, value_name = "FILE")]
    pub fleet: Option<PathBuf>,

    /// Labels for evidence that has none: a JSON array of {"slug", "labels"} objects. It enumerates nobody
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,

    /// The rollout plan
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    /// A parameter of a policy, such as max_stragglers=2; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub params: Vec<(String, String)>,

    /// A JSON file that a policy of your own reads as data.facts.NAME; may be repeated
    #[arg(long = "facts", value_name = "NAME=FILE", value_parser = name_and_path)]
    pub facts: Vec<(String, PathBuf)>,

    /// The previous rollout.
    #[command(flatten)]
    pub previous: PreviousArgs,

    /// The form of the findings
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,

    /// Which policies
    #[command(flatten)]
    pub own: PolicyPaths,

    /// The size limit of each input, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, env = "ROLLPROOF_MAX_INPUT_BYTES", hide_env_values = true)]
    pub max_input_bytes: u64,
}

/// Write all policies into a bundle.
#[derive(Debug, Args)]
pub struct PolicyBundle {
    /// Where the bundle is written; the same policies and parameters give the same bytes
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,

    /// A parameter of a policy, such as max_stragglers=2; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub params: Vec<(String, String)>,

    /// A JSON file that a policy of your own reads as data.facts.NAME; may be repeated
    #[arg(long = "facts", value_name = "NAME=FILE", value_parser = name_and_path)]
    pub facts: Vec<(String, PathBuf)>,

    /// The previous rollout; else `opa eval --data` gives it, as {"previous": REPORT}
    #[command(flatten)]
    pub previous: PreviousArgs,

    /// Which policies
    #[command(flatten)]
    pub own: PolicyPaths,
}
