//! Every policy on every fixture: the expectation written by hand, and what is kept of the reports.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::html::markup;
use crate::judged::{self, FORMATS, Judged, from_folder, name_of, without_digests};
use crate::markup::shapes;
use crate::support::{
    example_fixtures, expectation, fixture_args, fixtures, golden, is_updating, read, rollproof, root, run,
};

/// The fixtures whose reports are kept in every format, and what each shows. Of all others the report and its text are
/// kept, and `renderers.rs` and `formats.rs` say what holds for their other formats.
const SHOWN: [(&str, &str); 16] = [
    ("coverage/every-state", "each proof state, stragglers above the tolerance, all columns of the rows"),
    ("coverage/at-tolerance", "a pass with stragglers that are quarantined"),
    ("coverage/hostile-slugs", "evidence that would be commands and markup, were it not escaped"),
    ("coverage/dry-run-rows-no-plan", "a target that nobody knows"),
    ("healthy/plain", "a pass of which no policy has anything to say"),
    ("canary/dry-run", "a dry run, which asserts nothing"),
    ("evidence/no-fleet", "evidence that cannot decide"),
    ("evidence/contradiction-failure", "more changes that would turn the verdict than are shown"),
    ("evidence/unplanned-tenant", "a tenant with rows that is in no fleet"),
    ("calls/live-one-502", "a rollout that was driven: calls, a repetition, waiting and a soak"),
    ("calls/live-killed", "a call that never ended"),
    ("build/stale", "a deny that names a tenant that is proven"),
    ("gates/ci-missing", "a gate that is closed, before anybody was enumerated"),
    ("waivers/straggler-waived", "a pass because everything is waived"),
    ("waivers/glob-does-not-reach-calls", "a failure beside what is waived"),
    ("waivers/report-mode", "a policy that only reports"),
];

/// The formats that are kept of these alone, and their files.
const KEPT: [(&str, &str); 7] = [
    ("summary", "report.summary.txt"),
    ("markdown", "report.md"),
    ("github", "report.github.txt"),
    ("junit", "report.junit.xml"),
    ("sarif", "report.sarif"),
    ("outputs", "report.outputs.txt"),
    ("html", "report.html.txt"),
];

fn is_shown(judged: &Judged) -> bool {
    SHOWN.iter().any(|(name, _)| *name == judged.name)
}

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
    for judged in judged::all() {
        let Judged { name, case, report, ran, .. } = judged;
        if report.is_null() {
            wrong.push(format!("{name}: no report: {}", ran.stderr));
            continue;
        }
        let (expected, found) = (expected(case), found(ran.code, report));
        if expected != found {
            wrong.push(format!("{name}: {}\n  expected {expected}\n  found    {found}", case["about"]));
        }
    }
    assert!(wrong.is_empty(), "{} fixtures:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_report_is_as_it_is_kept() {
    for judged in judged::all() {
        golden(&judged.folder.join("report.json"), &without_digests(judged.text("json")));
        golden(&judged.folder.join("report.txt"), &without_digests(judged.text("text")));
    }
    for (name, _) in SHOWN {
        let judged = judged::one(name);
        for (format, file) in KEPT {
            let text = judged.text(format);
            // Without style and script, which are the same in every page.
            let text = if format == "html" { markup(text) } else { text.to_owned() };
            golden(&judged.folder.join(file), &without_digests(&text));
        }
    }
}

/// Every element, attribute, key, kind of line and level that a renderer writes of any fixture is in a report that is
/// kept, so that somebody reads it.
#[test]
fn the_reports_that_are_kept_show_every_part_of_every_format() {
    for (format, _) in KEPT {
        let mut kept = BTreeSet::new();
        for judged in judged::all().iter().filter(|judged| is_shown(judged)) {
            kept.extend(shapes(format, &without_digests(judged.text(format))));
        }
        assert!(kept.len() > 2, "{format}: {kept:?}");
        for judged in judged::all().iter().filter(|judged| judged.formats().any(|read| read == format)) {
            let missing: Vec<_> =
                shapes(format, &without_digests(judged.text(format))).difference(&kept).cloned().collect();
            assert!(missing.is_empty(), "{format}: only {} shows {missing:?}; put it into SHOWN", judged.name);
        }
    }
}

/// A report that is no longer compared would be read as one that is.
#[test]
fn no_report_is_left_over() {
    let mut left = Vec::new();
    for folder in fixtures().into_iter().chain(example_fixtures()) {
        let name = name_of(&folder);
        let refused = is_refused(&expectation(&folder));
        let kept = |file: &str| match file {
            "report.json" | "report.txt" => !refused,
            "error.txt" => refused,
            _ if file.starts_with("report.") => {
                SHOWN.iter().any(|(shown, _)| *shown == name) && KEPT.iter().any(|(_, kept)| *kept == file)
            }
            _ if file.starts_with("no-verdict.") => name == SEVERAL,
            _ => true,
        };
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if kept(&path.file_name().expect("a name").to_string_lossy()) {
                continue;
            }
            if is_updating() {
                std::fs::remove_file(&path).expect("the file can be removed");
            } else {
                left.push(path.display().to_string());
            }
        }
    }
    assert!(left.is_empty(), "nothing compares these; `.ci/refresh` removes them: {left:#?}");
}

#[test]
fn every_invalid_fixture_names_each_place() {
    let mut seen = 0;
    for folder in fixtures() {
        let case = expectation(&folder);
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

/// The invalid fixture with most to say.
const SEVERAL: &str = "invalid/several-errors";

/// What each format says where there is no verdict. `.ci/run` has them read.
#[test]
fn an_invalid_fixture_is_an_error_in_every_format() {
    let folder = root().join("fixtures").join(SEVERAL);
    let written = TempDir::new().expect("a temporary folder");
    let mut command = rollproof();
    command.args(fixture_args(&folder, &expectation(&folder)));
    for (format, file) in FORMATS {
        command.arg("--report").arg(format!("{format}={}", written.path().join(file).display()));
    }
    assert_eq!(run(command.current_dir(&folder)).code, 4);
    for (format, file) in FORMATS.into_iter().filter(|(format, _)| *format != "jsonl") {
        let text = from_folder(SEVERAL, &read(&written.path().join(file)));
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
    let healthy: Vec<_> = judged::all().iter().filter(|judged| judged.name.starts_with("healthy/")).collect();
    assert!(!healthy.is_empty());
    for Judged { name, report, .. } in healthy {
        assert_eq!(report["findings"], json!([]), "{name}");
        assert_eq!(report["decision"], "pass", "{name}");
    }
}

/// A released code must not be forgotten: each that a policy declares is in a fixture, and each in a fixture is declared.
#[test]
fn every_code_is_declared_and_shown() {
    let mut shown = BTreeSet::new();
    for folder in fixtures() {
        for finding in expectation(&folder)["findings"].as_array().into_iter().flatten() {
            shown.insert((
                finding["severity"].as_str().expect("a word").to_owned(),
                finding["code"].as_str().expect("a code").to_owned(),
            ));
        }
    }
    let mut declared = BTreeSet::new();
    for package in rollproof::internal::Policies::bundled().expect("they load").packages() {
        for (severity, codes) in package.codes() {
            declared.extend(codes.iter().map(|code| (severity.name().to_owned(), code.clone())));
        }
    }
    assert_eq!(shown, declared);
}
