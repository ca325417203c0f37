//! Where there is no verdict, every report and standard output say so: no report of an earlier run may be taken for one.

use std::process::Command;

use quick_junit::{NonSuccessKind, Report as Junit, TestCaseStatus};
use rollproof::internal::Name;
use serde_json::{Value, json};

use crate::drive::plane::{Plane, healthy};
use crate::drive::{self, FLEET};
use crate::support::{Case, Ran, read, read_json, rollproof, run, sarif_schema};

/// Every format of a report.
const FORMATS: [&str; 10] =
    ["text", "summary", "json", "markdown", "github", "junit", "sarif", "jsonl", "outputs", "html"];

/// Those of an audit.
const OF_AUDITS: [&str; 4] = ["text", "json", "jsonl", "html"];

/// What a report says in any format; a page, what it shows.
fn reads(format: &str, text: &str) -> &'static str {
    let json = |text: &str| match serde_json::from_str::<Value>(text).expect(format)["decision"].as_str() {
        Some("error") => "error",
        Some("pass") => "pass",
        _ => "something else",
    };
    let words = |text: &str, error: &str, pass: &str| match (text.contains(error), text.contains(pass)) {
        (true, false) => "error",
        (false, true) => "pass",
        _ => "something else",
    };
    match format {
        "json" | "jsonl" => json(text),
        "text" | "summary" => words(text, "NO VERDICT  ", "PASS  "),
        "markdown" => words(text, "## ❌ NO VERDICT: ", "## ✅ PASS: "),
        "github" => words(text, "::error title=rollproof::NO VERDICT  ", "::notice title=rollproof::PASS  "),
        "outputs" => words(text, "decision=error\n", "decision=pass\n"),
        "html" => words(text, "<h1>NO VERDICT</h1>", "<h1>PASS</h1>"),
        "junit" => {
            let junit = Junit::deserialize_from_str(text).expect("JUnit XML");
            if (junit.errors, junit.failures) == (0, 0) { "pass" } else { "error" }
        }
        "sarif" => {
            let run = &serde_json::from_str::<Value>(text).expect("SARIF")["runs"][0];
            match run["invocations"][0]["executionSuccessful"].as_bool() {
                Some(true) => json(&run["properties"].to_string()),
                _ => "error",
            }
        }
        _ => unreachable!("{format}"),
    }
}

/// Checks that an error is whole, and valid where there is a schema.
fn is_whole(format: &str, text: &str, code: i32) {
    let valid = |schema: &Value, value: &Value| {
        let validator = jsonschema::validator_for(schema).expect("it compiles");
        let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{format}: {errors:?}\n{value:#}");
    };
    match format {
        "json" | "jsonl" => {
            let error: Value = serde_json::from_str(text).expect("JSON");
            valid(&Name::Error.schema(), &error);
            assert_eq!((&error["format"], &error["exit_code"]), (&json!("rollproof.error/v1"), &json!(code)));
            assert!(error["problems"][0]["problem"].as_str().is_some_and(|problem| !problem.is_empty()), "{error:#}");
            assert_eq!(text.lines().count() == 1, format == "jsonl");
        }
        "outputs" => {
            assert_eq!(text, "decision=error\nstraggler_count=\nstragglers=\ndenied_tenants=\ndenied_count=\n");
        }
        "summary" => assert_eq!(text.lines().count(), 1, "{text}"),
        "github" => assert!(text.lines().all(|line| line.starts_with("::error ")), "{text}"),
        "junit" => {
            let junit = Junit::deserialize_from_str(text).expect("JUnit XML");
            let case = &junit.test_suites[0].test_cases[0];
            assert_eq!((junit.tests, junit.errors, junit.failures, case.name.as_str()), (1, 1, 0, "verdict"));
            let TestCaseStatus::NonSuccess { kind, message, description, .. } = &case.status else {
                panic!("{text}");
            };
            assert_eq!(*kind, NonSuccessKind::Error);
            assert!(message.as_ref().expect("a message").as_str().starts_with("NO VERDICT: "), "{text}");
            assert!(description.as_ref().is_some_and(|description| !description.as_str().is_empty()), "{text}");
        }
        "sarif" => {
            let sarif: Value = serde_json::from_str(text).expect("SARIF");
            valid(&sarif_schema(), &sarif);
            let run = &sarif["runs"][0];
            assert_eq!((&run["results"], &run["properties"]["decision"]), (&json!([]), &json!("error")));
            let invocation = &run["invocations"][0];
            assert_eq!(invocation["exitCode"], code);
            assert!(invocation["toolExecutionNotifications"].as_array().is_some_and(|told| told.len() > 1), "{run:#}");
        }
        _ => {}
    }
}

/// Runs a command with every report.
struct Stage<'a> {
    formats: &'a [&'a str],
    /// What a form of standard output says in the place of a verdict; none where it is for something else.
    prints: bool,
    command: &'a dyn Fn(&str) -> Command,
}

impl Stage<'_> {
    fn path(case: &Case, format: &str) -> std::path::PathBuf {
        case.path(&format!("report.{format}"))
    }

    /// Runs it.
    fn run(&self, case: &Case, args: &str, format: &str) -> Ran {
        let mut command = (self.command)(args);
        for report in self.formats {
            command.arg("--report").arg(format!("{report}={}", Self::path(case, report).display()));
        }
        run(command.args(["--format", format]).current_dir(case.path("")))
    }

    /// A first run, which passes.
    fn passes(&self, case: &Case, args: &str) {
        let ran = self.run(case, args, "json");
        assert!(ran.code == 0 || ran.code == 10, "{args}: {}", ran.stderr);
        for format in self.formats {
            // In the lines of an audit the first has the verdict.
            let text = read(&Self::path(case, format));
            let first = if *format == "jsonl" { text.lines().next().expect("a line") } else { &text };
            assert_eq!(reads(format, first), "pass", "{format}: {text}");
        }
    }

    /// A run without a verdict, in every form of standard output.
    fn errs_in_every_form(&self, case: &Case, args: &str, code: i32) {
        self.formats.iter().for_each(|format| self.errs_in(case, args, code, format));
    }

    /// The same in one form: that of standard output hangs on nothing but the format.
    fn errs(&self, case: &Case, args: &str, code: i32) {
        self.errs_in(case, args, code, self.formats[args.len() % self.formats.len()]);
    }

    /// A run without a verdict, after which nothing says that there was one.
    fn errs_in(&self, case: &Case, args: &str, code: i32, format: &str) {
        for report in self.formats {
            std::fs::write(Self::path(case, report), "of an earlier run\n").expect("a file");
        }
        let ran = self.run(case, args, format);
        let name = format!("{args} --format {format}");
        assert_eq!(ran.code, code, "{name}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.starts_with("error: "), "{name}: {}", ran.stderr);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{name}: {}", ran.stderr);
        // Text is for a person, who reads standard error.
        if self.prints && format != "text" {
            assert_eq!(reads(format, &ran.stdout), "error", "{name}: {}", ran.stdout);
            is_whole(format, &ran.stdout, code);
        } else {
            assert_eq!(ran.stdout, "", "{name}");
        }
        for report in self.formats {
            let text = read(&Self::path(case, report));
            assert_eq!(reads(report, &text), "error", "{name}: {report}: {text}");
            is_whole(report, &text, code);
        }
    }
}

fn evidence() -> Case {
    let case = Case::new();
    let row = |slug: &str| json!({"slug": slug, "ssm_status": "Success", "verified_on_target": true});
    let rows: Vec<Value> = FLEET.iter().map(|slug| row(slug)).collect();
    let response = json!({"ok": true, "results": rows}).to_string();
    case.file("truncated.json", &response[..response.len() - 20]);
    case.file("response.json", response);
    case.file("fleet.txt", FLEET.join("\n"));
    case.file("plan.json", drive::plan("http://127.0.0.1:1").to_string());
    case.file("plan-cut.json", "{\"enabled\": tru");
    case.file("config.toml", "[params]\nmax_stragglers = = 1\n");
    case.file("waivers.toml", "[[waiver]]\ncode = \"coverage.incomplete\"\n");
    case.file("broken.rego", "package team.broken\n\ndeny contains \"x\" if {\n");
    case.file("fails.rego", "package team.fails\n\ndeny contains \"x\" if to_number(\"many\") > 0\n");
    let facts = "# METADATA\n# custom:\n#   facts:\n#     calendar: when nobody deploys\npackage team.facts\n\n\
                 deny contains \"frozen\" if data.facts.calendar.frozen\n";
    case.file("facts.rego", facts);
    case
}

fn command_of(args: &str) -> Command {
    let mut command = rollproof();
    command.args(args.split(' '));
    command
}

const VERIFY: &str = "verify response.json --fleet fleet.txt --plan plan.json";

#[test]
fn verify() {
    let case = evidence();
    let stage = Stage { formats: &FORMATS, prints: true, command: &command_of };
    stage.passes(&case, VERIFY);
    stage.errs_in_every_form(&case, "verify truncated.json --fleet fleet.txt --plan plan.json", 4);
    for (code, args) in [
        (4, "verify nowhere.json --fleet fleet.txt --plan plan.json".to_owned()),
        (4, "verify response.json --fleet truncated.json --plan plan.json".to_owned()),
        (4, "verify response.json --fleet fleet.txt --plan plan-cut.json".to_owned()),
        (4, format!("{VERIFY} --max-input-bytes 20")),
        (5, format!("{VERIFY} --policy broken.rego")),
        (5, format!("{VERIFY} --policy fails.rego")),
        (5, format!("{VERIFY} --policy facts.rego")),
        (5, format!("{VERIFY} --policy nowhere")),
        (2, format!("{VERIFY} --param max_straglers=1")),
        (2, format!("{VERIFY} --param max_stragglers=many")),
        (2, format!("{VERIFY} --config config.toml")),
        (2, format!("{VERIFY} --config nowhere.toml")),
        (2, format!("{VERIFY} --waivers waivers.toml")),
        (2, format!("{VERIFY} --facts calendar=plan.json")),
        (2, format!("{VERIFY} --evidence-field slug")),
        // What is wrong with a policy comes before what is wrong with the evidence.
        (5, "verify truncated.json --policy broken.rego".to_owned()),
    ] {
        stage.errs(&case, &args, code);
    }
}

#[test]
fn run_of_a_rollout() {
    let case = evidence();
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    case.file("plan.json", drive::plan(&plane.url).to_string());
    // What was foreseen before the first call has images, what comes has none.
    let late = "package team.late\n\ndeny contains \"x\" if {\n\tinput.rollout.outcome == \"completed\"\n\t\
                some cohort in input.cohorts\n\tsome row in cohort.rows\n\t\
                object.get(row, \"running_image\", null) == null\n\tto_number(\"many\") > 0\n}\n";
    case.file("late.rego", late);
    let begin = "run --plan plan.json --response r.json --document d.json --quiet";
    let with_token = |args: &str| {
        let _ = std::fs::remove_file(case.path("d.json.journal"));
        let mut command = command_of(args);
        command.env("CP_ADMIN_API_TOKEN", "s3cret-t0ken");
        command
    };
    let stage = Stage { formats: &FORMATS, prints: true, command: &with_token };
    stage.passes(&case, begin);
    let calls = plane.calls().len();
    for (code, more) in [
        (5, "--policy broken.rego"),
        (2, "--param max_straglers=1"),
        (2, "--token-file nowhere"),
        (4, "--fleet truncated.json"),
        (2, "--probe"),
        (2, "--time-scale=nan"),
    ] {
        stage.errs(&case, &format!("{begin} {more}"), code);
    }
    stage.errs(&case, "run --plan plan-cut.json --response r.json --document d.json", 4);
    let without = Stage { command: &command_of, ..stage };
    without.errs_in_every_form(&case, begin, 2);
    assert_eq!(plane.calls().len(), calls, "nothing was called");
    // It was rolled out, and could not be judged.
    stage.errs(&case, &format!("{begin} --policy late.rego"), 5);
    assert!(plane.calls().len() > calls);
}

/// Nobody answers, which is a verdict of its own: the report stays.
#[test]
fn a_run_with_a_report_keeps_it() {
    let case = evidence();
    case.file("rollproof.toml", "[http]\nretry_delays_seconds = []\nplan_timeout_seconds = 1\n");
    let args = "--report json=report.json --format json --quiet".split(' ').collect::<Vec<_>>();
    let ran = run(&mut drive::command(&case, &args));
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    for text in [ran.stdout, read(&case.path("report.json"))] {
        let report: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&report["format"], &report["decision"]), (&json!("rollproof.report/v1"), &json!("fail")));
    }
}

#[test]
fn preflight() {
    let case = evidence();
    let switch = Plane::new(|_, _| crate::preflight::ok(&json!({"data": "false"})));
    let job = |args: &str| {
        let mut command = command_of(args);
        crate::preflight::job(&mut command, &switch.url);
        command
    };
    let stage = Stage { formats: &FORMATS, prints: true, command: &job };
    stage.passes(&case, "preflight enabled");
    stage.errs(&case, "preflight enabled --config config.toml", 2);
    let nowhere = Stage { command: &command_of, ..stage };
    nowhere.errs_in_every_form(&case, "preflight ci", 2);
    // Its standard output is for the newer head alone, and an empty one says that there is none.
    let latest = Stage { prints: false, ..nowhere };
    latest.errs(&case, "preflight latest", 2);
}

#[test]
fn probe() {
    let case = evidence();
    let stage = Stage { formats: &FORMATS, prints: true, command: &command_of };
    let ran = case.run(format!("{VERIFY} --document document.json").split(' '));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let document = read(&case.path("document.json"));
    case.file("document-cut.json", &document[..document.len() / 2]);
    let at = "--probe-url-template http://127.0.0.1:1/{slug} --document probed.json --quiet";
    stage.errs_in_every_form(&case, "probe document.json --document probed.json --quiet", 2);
    stage.errs(&case, &format!("probe document-cut.json {at}"), 4);
    stage.errs(&case, &format!("probe document.json {at} --policy broken.rego"), 5);
    stage.errs(&case, &format!("probe document.json {at} --probe-timeout 0 --policy fails.rego"), 5);
}

#[test]
fn audit() {
    let case = evidence();
    std::fs::create_dir(case.path("archives")).expect("a folder");
    for (from, to) in [("response.json", "response"), ("fleet.txt", "fleet"), ("plan.json", "plan")] {
        std::fs::copy(case.path(from), case.path(&format!("archives/2026-07-01.{to}.json"))).expect("a copy");
    }
    let stage = Stage { formats: &OF_AUDITS, prints: true, command: &command_of };
    stage.passes(&case, "audit archives");
    stage.errs_in_every_form(&case, "audit nowhere", 2);
    for (code, args) in [
        (2, "audit archives --tenant nobody"),
        (2, "audit archives --param max_straglers=1"),
        (2, "audit archives --config config.toml"),
        (2, "audit archives --evidence-field slug"),
        (5, "audit archives --policy broken.rego"),
        // What is wrong with a policy comes first.
        (5, "audit nowhere --policy broken.rego"),
    ] {
        stage.errs(&case, args, code);
    }
    let ran = case.run(["audit", "nowhere", "--format", "jsonl"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).expect("a line")["record"], "error");
    // A policy that fails on every archive leaves no tenant, which is no mistake in the tenant's name.
    let ran = case.run(["audit", "archives", "--policy", "fails.rego", "--tenant", "acme", "--format", "json"]);
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
}

/// They write no report. What they print for machines says it, and text is for a person, who reads standard error.
#[test]
fn commands_that_print_for_machines() {
    let case = evidence();
    for (code, args) in [
        (4, "explain truncated.json"),
        (2, "explain response.json --fleet fleet.txt nobody"),
        (5, "explain response.json --policy broken.rego"),
        (5, "policy list --policy broken.rego"),
        (2, "policy show nobody"),
        (4, "policy eval coverage truncated.json"),
        (2, "policy eval nobody response.json"),
        (5, "policy test broken.rego"),
        (5, "policy test nowhere"),
    ] {
        let ran = case.run(args.split(' ').chain(["--format", "json"]));
        assert_eq!((ran.code, reads("json", &ran.stdout)), (code, "error"), "{args}: {}", ran.stderr);
        is_whole("json", &ran.stdout, code);
        let ran = case.run(args.split(' '));
        assert_eq!((ran.code, &*ran.stdout), (code, ""), "{args}");
    }
    let ran = case.run("policy test broken.rego --format junit".split(' '));
    assert_eq!(ran.code, 5);
    is_whole("junit", &ran.stdout, 5);
}

#[test]
fn every_place_is_named() {
    let case = evidence();
    case.file(
        "response.json",
        "{\"ok\": true, \"results\": [\n  {\"slug\": \"acme\", \"healthz_ok\": \"yes\"},\n  {\"slug\": 7}]}",
    );
    case.run([
        "verify",
        "response.json",
        "--report",
        "json=e.json",
        "--report",
        "github=e.txt",
        "--report",
        "sarif=e.sarif",
    ]);
    let error = read_json(&case.path("e.json"));
    assert_eq!(error["kind"], "evidence");
    let places: Vec<_> = error["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|problem| {
            (problem["input"].clone(), problem["pointer"].clone(), problem["line"].clone(), problem["column"].clone())
        })
        .collect();
    let place =
        |pointer: &str, line: u64, column: u64| (json!("response.json"), json!(pointer), json!(line), json!(column));
    assert_eq!(places, [place("/results/0/healthz_ok", 2, 34), place("/results/1/slug", 3, 12)]);
    let github = read(&case.path("e.txt"));
    assert!(github.starts_with("::error file=response.json,line=2,col=34,title=NO VERDICT::"), "{github}");
    let sarif = read_json(&case.path("e.sarif"));
    let place = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"][2]["locations"][0];
    assert_eq!(place["physicalLocation"]["region"], json!({"startLine": 3, "startColumn": 12}));
    assert_eq!(place["logicalLocations"][0]["fullyQualifiedName"], "/results/1/slug");

    let ran = case.run([VERIFY, "--policy broken.rego --format json"].join(" ").split(' '));
    let error: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&error["kind"], &error["problems"][0]["input"]), (&json!("policy"), &json!("broken.rego")));
    assert!(error["problems"][0]["line"].as_u64().is_some_and(|line| line > 0), "{error:#}");
}

/// A step's summary and outputs are appended to, and what other steps wrote stays.
#[test]
fn a_steps_own_files_are_appended_to() {
    let case = evidence();
    let (summary, outputs) = (case.file("summary.md", "# Before\n"), case.file("outputs", "before=1\n"));
    let mut command = command_of("verify truncated.json --fleet fleet.txt");
    command.env("GITHUB_STEP_SUMMARY", &summary).env("GITHUB_OUTPUT", &outputs).current_dir(case.path(""));
    command.arg("--report").arg(format!("markdown={}", summary.display()));
    command.arg("--report").arg(format!("outputs={}", outputs.display()));
    assert_eq!(run(&mut command).code, 4);
    assert!(read(&summary).starts_with("# Before\n## ❌ NO VERDICT: "), "{}", read(&summary));
    assert_eq!(
        read(&outputs),
        "before=1\ndecision=error\nstraggler_count=\nstragglers=\ndenied_tenants=\ndenied_count=\n"
    );
}

/// The same names, so that no value of a verdict outlives it in a step's outputs.
#[test]
fn outputs_have_the_same_names() {
    let case = evidence();
    let names = |args: &str| {
        let ran = case.run(format!("{args} --format outputs").split(' '));
        ran.stdout.lines().map(|line| line.split('=').next().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(VERIFY), names("verify truncated.json"));
}

#[test]
fn an_error_that_cannot_be_written_keeps_the_first_ones_code() {
    let case = evidence();
    let ran = case.run("verify truncated.json --report json=/dev/full --report text=report.txt".split(' '));
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.starts_with("error: truncated.json"), "{}", ran.stderr);
    assert!(ran.stderr.contains("error: cannot write /dev/full"), "{}", ran.stderr);
    assert!(read(&case.path("report.txt")).starts_with("NO VERDICT  the evidence cannot be used\n"));
}

/// A name from outside starts no command, no line and no markup in any format.
#[test]
fn hostile_names_are_only_text() {
    let case = Case::new();
    let name = "x\n::error::pwned\n##[error]pwned\u{1b}[31m<script>|[[ATTACHMENT|y]]{0}.json";
    case.file(name, format!("{{\"ok\": true, \"results\": [{{{name:?}: 1, \"slug\": 7, \"slug\": 8}}]}}"));
    for format in FORMATS {
        let ran = case.run(["verify", name, "--format", format, "--report", &format!("{format}=report")]);
        assert_eq!(ran.code, 4, "{}", ran.stderr);
        for text in [ran.stdout, read(&case.path("report"))] {
            assert!(!text.contains('\u{1b}') && !text.contains("\n::error::"), "{format}: {text}");
            assert!(!text.contains("##[") || ["json", "jsonl", "html"].contains(&format), "{format}: {text}");
            assert!(!text.contains("[[ATT") || format != "junit", "{text}");
            if format == "html" {
                assert!(!text.contains("<script>"), "{text}");
            }
        }
    }
}
