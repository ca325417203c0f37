//! The binary, the project's folders, and files that live as long as a test.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Set to write what a test would compare.
const UPDATE: &str = "ROLLPROOF_UPDATE";

/// Set to try everything, and not a sample: `.ci/run` does.
pub const EXHAUSTIVE: &str = "ROLLPROOF_EXHAUSTIVE";

/// Whether everything is tried, and not a sample.
pub fn is_exhaustive() -> bool {
    std::env::var_os(EXHAUSTIVE).is_some()
}

/// How often a test repeats something: a sixteenth of `all`, and `all` where [`EXHAUSTIVE`] is set.
pub fn repetitions(all: usize) -> usize {
    if is_exhaustive() { all } else { all / 16 }
}

/// How many random cases a law is tried on: an eighth of `all`, and `all` where [`EXHAUSTIVE`] is set.
pub fn random_cases(all: u32) -> u32 {
    if is_exhaustive() { all } else { all / 8 }
}

/// Every `step`th of the items, and all of them where [`EXHAUSTIVE`] is set.
pub fn sample<T>(all: impl IntoIterator<Item = T>, step: usize) -> impl Iterator<Item = T> {
    all.into_iter().step_by(if is_exhaustive() { 1 } else { step })
}

/// Checks cases that mostly wait, all at once.
pub fn each_at_once<T: Send>(cases: impl IntoIterator<Item = T>, check: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| check(case));
        }
    });
}

/// Variables that the binary reads, and that a CI job which runs the tests may have set.
const OURS: [&str; 24] = [
    "CI_STATUS_POLL_INTERVAL_SECONDS",
    "CI_STATUS_TIMEOUT_SECONDS",
    "CLICOLOR_FORCE",
    "CP_ADMIN_API_TOKEN",
    "CP_URL",
    "FORCE_COLOR",
    "GITEA_HOST",
    "GITEA_TOKEN",
    "GITHUB_REF_NAME",
    "GITHUB_REPOSITORY",
    "GITHUB_SHA",
    "GITHUB_STEP_SUMMARY",
    "PROD_ALLOW_NON_PROD_CP_URL",
    "PROD_AUTO_DEPLOY_BATCH_SIZE",
    "PROD_AUTO_DEPLOY_CANARY_SLUG",
    "PROD_AUTO_DEPLOY_DISABLED",
    "PROD_AUTO_DEPLOY_DRY_RUN",
    "PROD_AUTO_DEPLOY_MAX_STRAGGLERS",
    "PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS",
    "PROD_AUTO_DEPLOY_ROLLOUT_HTTP_TIMEOUT_SECONDS",
    "PROD_AUTO_DEPLOY_SOAK_SECONDS",
    "PROD_AUTO_DEPLOY_TARGET_TAG",
    "ROLLPROOF_FORMAT",
    "ROLLPROOF_MAX_INPUT_BYTES",
];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The binary, with nothing of ours in its environment.
pub fn rollproof() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollproof"));
    for name in OURS {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// What a run of the binary gave.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

pub fn run(command: &mut Command) -> Ran {
    command.output().expect("the binary starts").into()
}

/// A folder with the files of one case.
pub struct Case {
    folder: TempDir,
}

impl Case {
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, contents).expect("a temporary file");
        path
    }

    /// Runs the binary in the folder.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        run(rollproof().args(args).current_dir(self.folder.path()))
    }

    /// Runs the binary in the folder, with something on standard input.
    pub fn run_with_input<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>, input: &[u8]) -> Ran {
        let mut child = rollproof()
            .args(args)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        child.stdin.take().expect("a pipe").write_all(input).expect("it reads its input");
        child.wait_with_output().expect("it ends").into()
    }
}

/// Whether generated files are written, and not compared.
pub fn is_updating() -> bool {
    std::env::var_os(UPDATE).is_some()
}

/// Compares a file with what it should hold, or writes it where [`UPDATE`] is set.
#[track_caller]
pub fn golden(path: &Path, expected: &str) {
    if is_updating() {
        std::fs::write(path, expected).expect("the file can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    if found != expected {
        let (mut old, mut new) = (found.lines(), expected.lines());
        let (mut line, mut pair) = (1, (old.next(), new.next()));
        while pair.0.is_some() && pair.0 == pair.1 {
            (line, pair) = (line + 1, (old.next(), new.next()));
        }
        let (old, new) = pair;
        panic!(
            "{} is not as generated: its line {line} is\n  {}\nand would be\n  {}\nlook at the difference after `.ci/refresh`",
            path.strip_prefix(root()).unwrap_or(path).display(),
            old.unwrap_or("(missing)"),
            new.unwrap_or("(missing)"),
        );
    }
}

/// Compares a file in `snapshots/` with what it should hold, as [`golden`] does.
#[track_caller]
pub fn snapshot(name: &str, expected: &str) {
    golden(&root().join("tests/integration/snapshots").join(name), expected);
}

/// Every folder below `fixtures/<policy>/` that holds a case.
pub fn fixtures() -> Vec<PathBuf> {
    let mut cases = Vec::new();
    for policy in folders(&root().join("fixtures")) {
        cases.extend(folders(&policy).into_iter().filter(|case| case.join("case.json").is_file()));
    }
    assert!(cases.len() > 50, "the fixtures are there");
    cases
}

/// Every folder below `fixtures/examples/<policy>/` that holds a case of an example policy.
pub fn example_fixtures() -> Vec<PathBuf> {
    let policies = folders(&root().join("fixtures/examples"));
    policies.iter().flat_map(|policy| folders(policy)).collect()
}

/// What is expected of a fixture; of an example policy's, what all policies together say (its `case.json` is for
/// `policy test`).
pub fn expectation(folder: &Path) -> Value {
    let whole = folder.join("verify.json");
    read_json(&if whole.is_file() { whole } else { folder.join("case.json") })
}

pub fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// The arguments of `rollproof` that verify a fixture.
pub fn fixture_args(folder: &Path, case: &Value) -> Vec<String> {
    let is_there = |name: &&str| folder.join(name).is_file();
    let evidence = ["run.journal", "document.json"].into_iter().find(is_there).unwrap_or("response.json");
    let mut args = vec!["verify".to_owned(), evidence.to_owned()];
    for name in ["fleet.json", "fleet.txt"] {
        if folder.join(name).is_file() {
            args.extend(["--fleet".to_owned(), name.to_owned()]);
        }
    }
    if folder.join("plan.json").is_file() {
        args.extend(["--plan".to_owned(), "plan.json".to_owned()]);
    }
    args.extend(case["args"].as_array().into_iter().flatten().map(|arg| arg.as_str().expect("a string").to_owned()));
    args
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The published schema of SARIF 2.1.0. One of its patterns has a bracket that is not escaped, which ECMAScript refuses
/// in the mode that JSON Schema asks for.
pub fn sarif_schema() -> Value {
    let text = read(&root().join("tests/formats/sarif-2.1.0.schema.json"));
    serde_json::from_str(&text.replace("[a-zA-Z]{2}]?$", r"[a-zA-Z]{2}\\]?$")).expect("JSON")
}

pub fn read_json(path: &Path) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
