//! Every fixture with a verdict, judged once for all tests that read what came of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::thread;

use regex::Regex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::support::{
    Ran, example_fixtures, expectation, fixture_args, fixtures, is_exhaustive, read, rollproof, root, run, sample,
};

/// Every format of a report, and the file that shows it in a fixture's folder.
pub const FORMATS: [(&str, &str); 10] = [
    ("json", "report.json"),
    ("jsonl", "report.jsonl"),
    ("text", "report.txt"),
    ("summary", "report.summary.txt"),
    ("markdown", "report.md"),
    ("github", "report.github.txt"),
    ("junit", "report.junit.xml"),
    ("sarif", "report.sarif"),
    ("outputs", "report.outputs.txt"),
    ("html", "report.html"),
];

/// What came of one fixture.
pub struct Judged {
    pub folder: PathBuf,
    /// The folder below `fixtures/`.
    pub name: String,
    /// What `case.json` expects.
    pub case: Value,
    pub ran: Ran,
    /// The report as JSON; null where there is none.
    pub report: Value,
    /// The document that was judged; null where there is none.
    pub document: Value,
    /// The report in each format but the page's.
    texts: BTreeMap<&'static str, String>,
    page: OnceLock<String>,
    again: bool,
    /// Where the reports were written, which no report may say.
    pub written: PathBuf,
}

impl Judged {
    /// The report in one format.
    pub fn text(&self, format: &str) -> &str {
        if format == "html" {
            return self.page.get_or_init(|| self.page());
        }
        self.texts.get(format).unwrap_or_else(|| panic!("{}: no {format}: {}", self.name, self.ran.stderr))
    }

    /// Every format in which tests that read all fixtures read this one. A page costs four times as much as all other
    /// formats, for it tries out what would turn the verdict, so only those that are kept and one in sixteen of the others.
    pub fn formats(&self) -> impl Iterator<Item = &'static str> {
        let is_kept = self.folder.join("report.html.txt").is_file();
        let is_drawn = || Sha256::digest(&self.name)[0].is_multiple_of(16) || is_exhaustive();
        let has_page = is_kept || (!self.again && is_drawn());
        FORMATS.into_iter().map(|(format, _)| format).filter(move |format| *format != "html" || has_page)
    }

    /// Whether its page is read by tests that read all fixtures.
    pub fn has_page(&self) -> bool {
        self.formats().any(|format| format == "html")
    }

    fn page(&self) -> String {
        let written = TempDir::new().expect("a temporary folder");
        let page = written.path().join("report.html");
        let mut command = command(&self.folder, &self.case, self.again);
        run(command.arg("--report").arg(format!("html={}", page.display())));
        from_folder(&self.name, &read(&page))
    }

    fn of(folder: PathBuf, case: Value, again: bool) -> Self {
        let name = name_of(&folder);
        let written = TempDir::new().expect("a temporary folder");
        let mut command = command(&folder, &case, again);
        let formats = || FORMATS.into_iter().filter(|(format, _)| *format != "html");
        for (format, file) in formats() {
            command.arg("--report").arg(format!("{format}={}", written.path().join(file).display()));
        }
        command.arg("--document").arg(written.path().join("document.json"));
        let ran = run(&mut command);
        let texts = formats().filter_map(|(format, file)| {
            let text = std::fs::read_to_string(written.path().join(file)).ok()?;
            Some((format, from_folder(&name, &text)))
        });
        let texts: BTreeMap<_, _> = texts.collect();
        let json = |text: Option<&String>| text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let document = std::fs::read_to_string(written.path().join("document.json")).ok();
        Self {
            name,
            report: json(texts.get("json")),
            document: json(document.as_ref()),
            folder,
            case,
            ran,
            texts,
            page: OnceLock::new(),
            again,
            written: written.path().to_owned(),
        }
    }
}

/// A report in which names of files are those from the fixture's own folder, as they are outside of a repository.
pub fn from_folder(fixture: &str, report: &str) -> String {
    report.replace(&format!("fixtures/{fixture}/"), "")
}

/// A report without the digests of what decided, which change with every word of a policy, so that reports that are kept
/// do not. `basis.rs` says what they are.
pub fn without_digests(report: &str) -> String {
    static DIGESTS: LazyLock<[Regex; 5]> = LazyLock::new(|| {
        let patterns = [
            // JSON: of each policy, and the basis of the verdict.
            r#"(?<kept>"package": ?"[^"]*",)(?:\n *)?"sha256": ?"[0-9a-f]{64}","#,
            r#"(?:\n *)?"basis": ?\{[^{}]*\{[^{}]*\}[^{}]*\},"#,
            r"(?:␛\[2m)?  sha256 [0-9a-f]{12}  (?:␛\[0m)?policies, parameters, modes, waivers\s+and\s+facts\n",
            r"\nSHA-256 of policies, [^\n]*\n",
            r#"(?s)<p class="decided">.*?</p>\n?"#,
        ];
        patterns.map(|pattern| Regex::new(pattern).expect("a pattern"))
    });
    DIGESTS.iter().fold(report.to_owned(), |report, digest| digest.replace_all(&report, "$kept").into_owned())
}

/// A fixture's folder below `fixtures/`.
pub fn name_of(folder: &Path) -> String {
    folder.strip_prefix(root().join("fixtures")).expect("a fixture").display().to_string()
}

/// Every fixture with a verdict, those of the example policies among them.
pub fn all() -> &'static [Judged] {
    static JUDGED: OnceLock<Vec<Judged>> = OnceLock::new();
    JUDGED.get_or_init(|| each(false))
}

/// Another time zone, locale, home and terminal.
const ELSEWHERE: [(&str, &str); 4] =
    [("TZ", "Pacific/Auckland"), ("LC_ALL", "tr_TR.UTF-8"), ("HOME", "/nowhere"), ("COLUMNS", "40")];

/// What judges a fixture.
fn command(folder: &Path, case: &Value, again: bool) -> Command {
    let mut command = rollproof();
    command.args(fixture_args(folder, case)).current_dir(folder);
    if again {
        command.envs(ELSEWHERE);
    }
    command
}

/// One in four of them once more, when all have been judged, and with another environment.
pub fn again() -> &'static [Judged] {
    static JUDGED: OnceLock<Vec<Judged>> = OnceLock::new();
    JUDGED.get_or_init(|| {
        all();
        each(true)
    })
}

/// Those whose page is read by tests that read all fixtures.
pub fn pages() -> impl Iterator<Item = &'static Judged> {
    all().iter().filter(|judged| judged.has_page())
}

/// One of them.
pub fn one(name: &str) -> &'static Judged {
    all().iter().find(|judged| judged.name == name).unwrap_or_else(|| panic!("no fixture {name}"))
}

fn each(again: bool) -> Vec<Judged> {
    let folders = fixtures().into_iter().chain(example_fixtures());
    let cases = folders.map(|folder| (expectation(&folder), folder));
    let cases = cases.filter(|(case, _)| case["exit"] != 4);
    let cases: Vec<_> = if again { sample(cases, 4).collect() } else { cases.collect() };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut judged = Vec::new();
        while let Some((case, folder)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            judged.push(Judged::of(folder.clone(), case.clone(), again));
        }
        judged
    };
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let mut judged: Vec<Judged> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("it does not panic")).collect()
    });
    judged.sort_by(|a, b| a.folder.cmp(&b.folder));
    judged
}

/// Everything that a fixture consists of, as text.
pub fn inputs(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let generated = |path: &Path| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        name.starts_with("report.") || name == "case.json" || name == "verify.json"
    };
    files.filter(|path| path.is_file() && !generated(path)).map(|path| read(&path)).collect()
}
