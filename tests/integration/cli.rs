//! The command line: exit codes, options, and where output goes.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Case, Ran, read, rollproof};

const HEALTHY: &str = r#"{"ok": true, "results": [
  {"slug": "acme", "phase": "canary", "ssm_status": "Success", "verified_on_target": true},
  {"slug": "bolt", "phase": "batch-1", "ssm_status": "Success", "verified_on_target": true}]}"#;

const PLAN: &str = r#"{"enabled": true, "sha": "abc", "body": {"target_tag": "staging-abcdef1", "dry_run": false}}"#;

/// Two tenants, both verified.
fn healthy() -> Case {
    let case = Case::new();
    case.file("response.json", HEALTHY);
    case.file("fleet.txt", "acme\nbolt\n");
    case.file("plan.json", PLAN);
    case
}

/// The same, with a third that was skipped.
fn skipped() -> Case {
    let case = healthy();
    case.file("fleet.txt", "acme\nbolt\nagents-team\n");
    case
}

const ARGS: [&str; 6] = ["verify", "response.json", "--fleet", "fleet.txt", "--plan", "plan.json"];

fn verify(case: &Case, more: &[&str]) -> Ran {
    case.run(ARGS.iter().chain(more))
}

#[test]
fn exit_codes_mean_one_thing() {
    assert_eq!(verify(&healthy(), &[]).code, 0);
    assert_eq!(verify(&skipped(), &[]).code, 1);
    assert_eq!(verify(&healthy(), &["--no-such-option"]).code, 2);
    assert_eq!(healthy().run(["verify", "response.json", "--plan", "plan.json"]).code, 3);
    assert_eq!(healthy().run(["verify", "plan.json"]).code, 4);
    let dry = healthy();
    dry.file("plan.json", PLAN.replace("false", "true"));
    dry.file("response.json", HEALTHY.replace("Success", "DryRun").replace(r#", "verified_on_target": true"#, ""));
    let ran = verify(&dry, &[]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.starts_with("NOT ASSERTED"), "{}", ran.stdout);
    assert_eq!(verify(&dry, &["--require-verdict"]).code, 3);
}

#[test]
fn the_exit_code_does_not_depend_on_the_format() {
    for format in ["text", "json", "markdown", "github"] {
        assert_eq!(verify(&healthy(), &["--format", format]).code, 0);
        assert_eq!(verify(&skipped(), &["--format", format]).code, 1);
    }
}

#[test]
fn the_verdict_is_on_standard_output_and_nothing_else() {
    let ran = verify(&skipped(), &[]);
    assert!(
        ran.stdout.starts_with("FAIL  staging-abcdef1: 1 tenant is not proven on staging-abcdef1 (agents-team)\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_quarantine_is_in_the_first_line() {
    let ran = verify(&skipped(), &["--param", "max_stragglers=1"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let first = ran.stdout.lines().next().expect("a line");
    assert!(first.starts_with("PASS  ") && first.ends_with(", 1 quarantined: agents-team"), "{first}");
}

/// Only `verify` has it; whatever the format is, and nothing where standard error says that there is no verdict.
#[test]
fn quiet_prints_the_first_line_alone() {
    for (case, code) in [(healthy(), 0), (skipped(), 1)] {
        let first = verify(&case, &[]).stdout.lines().next().expect("a line").to_owned() + "\n";
        for more in [&["-q"][..], &["--quiet", "--format", "json"]] {
            let ran = verify(&case, more);
            assert_eq!((ran.code, ran.stdout, &*ran.stderr), (code, first.clone(), ""));
        }
        let ran = verify(&case, &["-q", "--report", "json=report.json"]);
        assert_eq!((ran.code, ran.stdout), (code, first));
        assert!(read(&case.path("report.json")).contains("\"findings\""), "reports are whole");
    }
    let ran = healthy().run(["verify", "-q", "plan.json"]);
    assert_eq!((ran.code, &*ran.stdout), (4, ""));
    assert!(!ran.stderr.is_empty());
}

#[test]
fn the_headline_of_a_failure_is_the_deny_and_not_a_tolerated_straggler() {
    let case = skipped();
    case.file("response.json", HEALTHY.replacen(r#""verified_on_target": true"#, r#""healthz_ok": false"#, 1));
    let ran = verify(&case, &["--param", "max_stragglers=1", "--format", "summary"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("not healthy (acme)") && ran.stdout.contains(", denied 1; "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("agents-team"), "{}", ran.stdout);
}

#[test]
fn a_wrong_parameter_is_a_usage_error() {
    for (param, expected) in [
        ("max_straglers=1", "did you mean \"max_stragglers\"?"),
        ("max_stragglers=many", "a whole number of at least 0 is allowed"),
        ("max_stragglers=-1", "a whole number of at least 0 is allowed"),
        ("max_stragglers=1.5", "a whole number of at least 0 is allowed"),
        ("require_proof=yes", "true or false is allowed"),
        ("max_stragglers", "NAME=VALUE is expected"),
        ("zzz=1", "the parameter zzz: no policy has a parameter of this name"),
    ] {
        let ran = verify(&healthy(), &["--param", param]);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{param}");
        assert!(ran.stderr.contains(expected), "{param}: {}", ran.stderr);
    }
    let twice = verify(&healthy(), &["--param", "max_stragglers=1", "--param", "max_stragglers=2"]);
    assert_eq!(twice.code, 2);
    assert!(twice.stderr.contains("given twice"), "{}", twice.stderr);
}

#[test]
fn parameters_are_in_the_report() {
    let ran = verify(&skipped(), &["--param", "max_stragglers=1", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    let param = |name: &str| {
        let params = report["params"].as_array().expect("a list");
        params.iter().find(|param| param["name"] == name).expect("it is there").clone()
    };
    assert_eq!(
        param("max_stragglers"),
        serde_json::json!({"name": "max_stragglers", "value": 1, "from": "command_line"})
    );
    assert_eq!(param("require_proof"), serde_json::json!({"name": "require_proof", "value": false, "from": "default"}));
}

#[test]
fn a_document_is_complete() {
    let case = skipped();
    let first = verify(&case, &["--document", "document.json", "--format", "json"]);
    assert_eq!(first.code, 1, "{}", first.stderr);
    let again = case.run(["verify", "document.json", "--format", "json"]);
    assert_eq!(again.code, 1, "{}", again.stderr);
    let without_inputs = |text: &str| {
        let mut report: Value = serde_json::from_str(text).expect("it is JSON");
        report["inputs"].take();
        report.to_string()
    };
    assert_eq!(without_inputs(&first.stdout), without_inputs(&again.stdout));
    for extra in [["--plan", "plan.json"], ["--fleet", "fleet.txt"]] {
        let ran = case.run(["verify", "document.json"].iter().chain(&extra));
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("a document, which is complete"), "{}", ran.stderr);
    }
}

#[test]
fn content_tells_what_standard_input_is() {
    let case = skipped();
    assert_eq!(verify(&case, &["--document", "document.json"]).code, 1);
    let document = std::fs::read(case.path("document.json")).expect("it was written");
    assert_eq!(case.run_with_input(["verify", "-"], &document).code, 1);
    let sorted: Value = serde_json::from_slice(&document).expect("it is JSON");
    let mut keys: Vec<_> = sorted.as_object().expect("an object").clone().into_iter().collect();
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    let sorted = Value::Object(keys.into_iter().collect()).to_string();
    assert_eq!(case.run_with_input(["verify", "-"], sorted.as_bytes()).code, 1);
    let ran = case.run_with_input(["verify", "-", "--fleet", "fleet.txt", "--plan", "plan.json"], HEALTHY.as_bytes());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
}

#[test]
fn reports_are_written_beside_the_verdict() {
    let case = skipped();
    case.file("report.json", "old");
    let ran =
        verify(&case, &["--report", "json=report.json", "--report", "markdown=summary.md", "--report", "github=a.txt"]);
    assert_eq!(ran.code, 1);
    let read = |name: &str| std::fs::read_to_string(case.path(name)).expect("it was written");
    assert_eq!(read("report.json"), verify(&case, &["--format", "json"]).stdout);
    assert_eq!(read("summary.md"), verify(&case, &["--format", "markdown"]).stdout);
    assert_eq!(read("a.txt"), verify(&case, &["--format", "github"]).stdout);
    for (option, expected) in
        [("yaml=x", "there is no format \"yaml\""), ("json", "FORMAT=PATH is expected"), ("json=", "empty")]
    {
        let ran = verify(&case, &["--report", option]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
}

/// A format that is none, and a path that a variable was to hold.
#[test]
fn a_report_that_cannot_be_meant_is_refused_with_what_may_be() {
    let case = skipped();
    std::fs::create_dir(case.path("archives")).expect("a folder");
    for args in [&["verify", "response.json"][..], &["audit", "archives"]] {
        let refused = |report: &str| {
            let ran = case.run(args.iter().chain(&["--report", report]));
            assert_eq!(ran.code, 2, "{report}: {}", ran.stderr);
            ran.stderr
        };
        for report in ["foo=x", "foo"] {
            let said = refused(report);
            assert!(said.contains("the formats are text, ") && said.contains("html"), "{said}");
        }
        assert!(refused("jsno=x").contains("did you mean \"json\"?"));
        assert!(refused("json=").contains("GITHUB_STEP_SUMMARY"), "{}", refused("json="));
    }
    let help = case.run(["plan", "--help"]).stdout;
    for variable in ["GITHUB_SHA", "CP_URL", "PROD_AUTO_DEPLOY_BATCH_SIZE", "PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS"] {
        assert!(help.contains(variable), "{variable} is not in {help}");
    }
}

#[test]
fn only_the_steps_summary_is_appended_to() {
    let case = skipped();
    let summary = case.file("summary.md", "before\n");
    let other = case.file("other.md", "before\n");
    let markdown = |path: &std::path::Path| format!("markdown={}", path.display());
    let status = rollproof()
        .args(ARGS)
        .args(["--report", &markdown(&summary), "--report", &markdown(&other)])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .current_dir(case.path(""))
        .stdout(Stdio::null())
        .status()
        .expect("it starts");
    assert_eq!(status.code(), Some(1));
    let read = |path| std::fs::read_to_string(path).expect("it is there");
    assert!(read(&summary).starts_with("before\n## "));
    assert!(read(&other).starts_with("## "));
}

#[test]
fn what_cannot_be_written_keeps_the_verdicts_code() {
    for option in ["--document=/dev/full", "--report=text=/dev/full"] {
        let passed = verify(&healthy(), &[option]);
        assert_eq!(passed.code, 7, "{option}: {}", passed.stderr);
        assert!(passed.stderr.starts_with("error: cannot write "), "{}", passed.stderr);
        assert!(passed.stdout.starts_with("PASS"), "the verdict is there all the same");
        let failed = verify(&skipped(), &[option]);
        assert_eq!(failed.code, 1);
        assert!(failed.stderr.starts_with("error: cannot write "), "{}", failed.stderr);
    }
}

/// What can be known before is: nothing is read or written then.
#[test]
fn a_missing_folder_is_said_before_anything_else() {
    for option in ["--report=json=gone/report.json", "--document=gone/document.json"] {
        for case in [healthy(), skipped()] {
            let ran = verify(&case, &[option]);
            assert_eq!((ran.code, &*ran.stdout), (2, ""), "{option}: {}", ran.stderr);
            assert!(ran.stderr.contains("there is no folder "), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_said() {
    for (case, code) in [(healthy(), 7), (skipped(), 1)] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
        let output = rollproof()
            .args(ARGS)
            .current_dir(case.path(""))
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .expect("it starts");
        let ran = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(code), "{ran}");
        assert!(ran.contains("cannot write (standard output)"), "{ran}");
    }
}

#[test]
fn a_pipe_closed_early_is_no_crash() {
    let case = Case::new();
    let slugs = (0..50_000).map(|i| format!("tenant-{i}\n")).collect::<String>();
    case.file("fleet.txt", slugs);
    case.file("response.json", HEALTHY);
    let mut child = rollproof()
        .args(["verify", "response.json", "--fleet", "fleet.txt", "--format", "json"])
        .current_dir(case.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), &*output.stderr), (Some(1), &b""[..]));
}

#[test]
fn colour_is_only_for_a_terminal_or_on_demand() {
    assert!(!verify(&skipped(), &[]).stdout.contains('\u{1b}'));
    for name in ["CLICOLOR_FORCE", "FORCE_COLOR"] {
        let is_coloured = |value: &str, more: &[(&str, &str)]| {
            let case = skipped();
            let mut command = rollproof();
            command.args(ARGS).current_dir(case.path("")).env(name, value).envs(more.iter().copied());
            crate::support::run(&mut command).stdout.contains("\u{1b}[")
        };
        assert!(is_coloured("1", &[]), "{name}");
        assert!(!is_coloured("1", &[("NO_COLOR", "1")]), "{name}");
    }
    let off = skipped();
    for value in ["", "0"] {
        let mut command = rollproof();
        command.args(ARGS).current_dir(off.path("")).env("FORCE_COLOR", value);
        assert!(!crate::support::run(&mut command).stdout.contains('\u{1b}'), "FORCE_COLOR={value}");
    }
}

/// Whoever restricts a report that is written again and again does so once.
#[test]
fn a_report_that_is_replaced_keeps_its_mode_and_its_owner() {
    let case = skipped();
    let report = case.file("report.json", "old");
    let is_root = std::os::unix::fs::chown(&report, Some(1234), Some(2345)).is_ok();
    for mode in [0o600, 0o640, 0o664] {
        std::fs::set_permissions(&report, std::fs::Permissions::from_mode(mode)).expect("a mode");
        let before = std::fs::metadata(&report).expect("the report");
        assert_eq!(verify(&case, &["--report", "json=report.json"]).code, 1);
        let after = std::fs::metadata(&report).expect("the report");
        assert_eq!(after.mode() & 0o7777, mode);
        assert_ne!(after.ino(), before.ino(), "a new file took its place");
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()), "root: {is_root}");
        assert!(std::fs::read_to_string(&report).expect("a report").starts_with('{'));
    }
    assert_eq!(verify(&case, &["--report", "json=new.json"]).code, 1);
    let fresh = case.file("fresh", "");
    let mode = |path: &Path| std::fs::metadata(path).expect("a file").mode();
    assert_eq!(mode(&case.path("new.json")), mode(&fresh), "a new one is as the umask says");
}

/// A container gets a single file in this way.
#[test]
fn a_report_that_is_a_mount_is_written_in_place() {
    let case = skipped();
    let (report, mounted) = (case.file("report.json", "x".repeat(1 << 20)), case.file("mounted.json", "old"));
    let mount = Command::new("mount").arg("--bind").arg(&mounted).arg(&report).output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        return;
    }
    let written = [1, 2].map(|_| {
        let ran = verify(&case, &["--report", "json=report.json"]);
        (ran.code, ran.stderr, std::fs::read_to_string(&report))
    });
    let unmounted = Command::new("umount").arg(&report).status().expect("umount");
    assert!(unmounted.success());
    for (code, stderr, text) in written {
        assert_eq!((code, &*stderr), (1, ""));
        serde_json::from_str::<serde_json::Value>(&text.expect("text")).expect("a whole report");
    }
    let names = std::fs::read_dir(case.path("")).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with(".rollproof")), "nothing is left");
}

#[test]
fn schemas_are_printed() {
    let case = Case::new();
    let names = case.run(["schema"]).stdout;
    assert_eq!(
        names,
        "document\nreport\nerror\nresponse\nfleet\nplan\njournal\nconfig\nscenario\nwaivers\nexplanation\ntests\ncase\npolicies\npolicy\ncheck\nevaluation\naudit\naudit-report\nhistory\nmapping\nmapped\n"
    );
    for name in names.lines() {
        let schema: Value = serde_json::from_str(&case.run(["schema", name]).stdout).expect("it is JSON");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
    assert_eq!(case.run(["schema", "documnt"]).code, 2);
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let case = skipped();
    for format in ["text", "json", "markdown", "github"] {
        assert_eq!(verify(&case, &["--format", format]).stdout, verify(&case, &["--format", format]).stdout);
    }
}

#[test]
fn raw_error_texts_are_shown_on_demand_only() {
    let case = healthy();
    case.file("response.json", HEALTHY.replace(r#""ok": true"#, r#""ok": false, "error": "token=hunter2""#));
    for format in ["text", "markdown", "github"] {
        assert!(!verify(&case, &["--format", format]).stdout.contains("hunter2"), "{format}");
        assert!(verify(&case, &["--format", format, "--show-errors"]).stdout.contains("hunter2"), "{format}");
    }
    assert!(verify(&case, &["--format", "json"]).stdout.contains("hunter2"));
}
