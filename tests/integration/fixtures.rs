//! Every policy on every fixture: the expectation written by hand, and the whole report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::html::markup;
use crate::support::{example_fixtures, fixture_args, fixtures, golden, read, read_json, rollproof, root, run};

/// Every format beside JSON, and the file that shows it in each fixture's folder.
const FORMATS: [(&str, &str); 8] = [
    ("text", "report.txt"),
    ("markdown", "report.md"),
    ("github", "report.github.txt"),
    ("junit", "report.junit.xml"),
    ("sarif", "report.sarif"),
    ("outputs", "report.outputs.txt"),
    ("jsonl", "report.jsonl"),
    ("html", "report.html"),
];

/// What a case says by hand, as far as a report can show it.
fn expected(case: &Value) -> Value {
    json!({
        "exit": case["exit"],
        "decision": case["decision"],
        "findings": case["findings"],
        "stragglers": case["stragglers"],
        "quarantined": case["quarantined"],
    })
}

fn found(code: i32, report: &Value) -> Value {
    let list = |key: &str| report[key].as_array().cloned().unwrap_or_default();
    let findings = list("findings").into_iter().map(|finding| {
        let mut said = json!({"code": finding["code"], "severity": finding["severity"], "tenants": finding["tenants"]});
        if !finding["waived"].is_null() {
            said["waived"] = true.into();
        }
        said
    });
    let stragglers = list("stragglers")
        .into_iter()
        .map(|straggler| (straggler["tenant"].as_str().expect("a name").to_owned(), straggler["state"].clone()));
    json!({
        "exit": code,
        "decision": report["decision"],
        "findings": findings.collect::<Vec<_>>(),
        "stragglers": stragglers.collect::<BTreeMap<_, _>>(),
        "quarantined": report["summary"]["quarantined"] != 0,
    })
}

fn is_refused(case: &Value) -> bool {
    case["exit"] == 4
}

#[test]
fn every_fixture_gives_the_expected_report() {
    let mut wrong = Vec::new();
    for folder in fixtures().into_iter().chain(example_fixtures()) {
        let case = read_json(&folder.join("case.json"));
        if is_refused(&case) {
            continue;
        }
        let args = fixture_args(&folder, &case);
        let written = TempDir::new().expect("a temporary folder");
        let mut command = rollproof();
        command.args(&args).args(["--format", "json"]);
        for (format, file) in FORMATS {
            command.arg("--report").arg(format!("{format}={}", written.path().join(file).display()));
        }
        let ran = run(command.current_dir(&folder));
        let name = name_of(&folder);
        let Ok(report) = serde_json::from_str::<Value>(&ran.stdout) else {
            wrong.push(format!("{name}: no report: {}", ran.stderr));
            continue;
        };
        let (expected, found) = (expected(&case), found(ran.code, &report));
        if expected == found {
            golden(&folder.join("report.json"), &ran.stdout);
            // Without style and script, which are the same in every page.
            golden(&folder.join("report.html.txt"), &markup(&read(&written.path().join("report.html"))));
            for (_, file) in FORMATS.iter().filter(|(format, _)| !["jsonl", "html"].contains(format)) {
                golden(&folder.join(file), &read(&written.path().join(file)));
            }
            // The same report in one line: to keep it twice would show nobody anything.
            let line = read(&written.path().join("report.jsonl"));
            assert_eq!(line.find('\n'), Some(line.len() - 1), "{name}: it is one line");
            assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON"), report, "{name}");
        } else {
            wrong.push(format!("{name}: {}\n  expected {expected}\n  found    {found}", case["about"]));
        }
    }
    assert!(wrong.is_empty(), "{} fixtures:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_invalid_fixture_names_each_place() {
    let mut seen = 0;
    for folder in fixtures() {
        let case = read_json(&folder.join("case.json"));
        if !is_refused(&case) {
            continue;
        }
        seen += 1;
        let ran = run(rollproof().args(fixture_args(&folder, &case)).current_dir(&folder));
        let name = name_of(&folder);
        assert_eq!((ran.code, &*ran.stdout), (4, ""), "{name}: {}", ran.stderr);
        for place in case["errors"].as_array().expect("a list") {
            let place = place.as_str().expect("a string");
            assert!(ran.stderr.contains(&format!("{place}, line ")), "{name}: {place} is not in\n{}", ran.stderr);
        }
        golden(&folder.join("error.txt"), &ran.stderr);
    }
    assert!(seen > 5, "there are invalid fixtures");
}

/// What each format says where there is no verdict, of the one with most to say. `.ci/run` has them read.
#[test]
fn an_invalid_fixture_is_an_error_in_every_format() {
    let folder = root().join("fixtures/invalid/several-errors");
    let written = TempDir::new().expect("a temporary folder");
    let formats = || FORMATS.into_iter().chain([("json", "report.json")]);
    let mut command = rollproof();
    command.args(fixture_args(&folder, &read_json(&folder.join("case.json"))));
    for (format, file) in formats() {
        command.arg("--report").arg(format!("{format}={}", written.path().join(file).display()));
    }
    assert_eq!(run(command.current_dir(&folder)).code, 4);
    for (format, file) in formats().filter(|(format, _)| *format != "jsonl") {
        let text = read(&written.path().join(file));
        let file = file.replace("report.", "no-verdict.");
        match format {
            // Without the style, which is the same in every page.
            "html" => golden(&folder.join(file + ".txt"), text.split_once("</style>").expect("a style").1),
            _ => golden(&folder.join(file), &text),
        }
    }
}

#[test]
fn no_policy_speaks_on_the_healthy_ones() {
    let healthy: Vec<_> =
        fixtures().into_iter().filter(|folder| folder.starts_with(root().join("fixtures/healthy"))).collect();
    assert!(!healthy.is_empty());
    for folder in healthy {
        let args = fixture_args(&folder, &read_json(&folder.join("case.json")));
        let ran = run(rollproof().args(args).args(["--format", "json"]).current_dir(&folder));
        let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
        assert_eq!(report["findings"], json!([]), "{}", name_of(&folder));
        assert_eq!(report["decision"], "pass");
    }
}

/// A released code must not be forgotten: each that a policy declares is in a fixture, and each in a fixture is declared.
#[test]
fn every_code_is_declared_and_shown() {
    let mut shown = BTreeSet::new();
    for folder in fixtures() {
        for finding in read_json(&folder.join("case.json"))["findings"].as_array().into_iter().flatten() {
            shown.insert((
                finding["severity"].as_str().expect("a word").to_owned(),
                finding["code"].as_str().expect("a code").to_owned(),
            ));
        }
    }
    let mut declared = BTreeSet::new();
    for package in rollproof::policy::Policies::bundled().expect("they load").packages() {
        for (severity, codes) in package.codes() {
            declared.extend(codes.iter().map(|code| (severity.name().to_owned(), code.clone())));
        }
    }
    assert_eq!(shown, declared);
}

fn name_of(folder: &Path) -> String {
    folder.strip_prefix(root().join("fixtures")).expect("a fixture").display().to_string()
}
