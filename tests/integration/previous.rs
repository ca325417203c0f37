//! `--previous` and `--retired`: what policies know of the rollout before.

use serde_json::{Value, json};

use crate::drive::plane::{Plane, healthy};
use crate::drive::{self, FLEET};
use crate::support::{Case, Ran, read_json, run};

/// A policy that reads the previous rollout.
fn policy(need: &str, path: &str) -> String {
    format!(
        "# METADATA\n# title: Twice\n# description: A tenant was a straggler before.\n{need}package team.twice\n\n\
         import data.rollproof.lib.fleet\n\nnote contains finding if {{\n\tsome straggler in {path}\n\t\
         straggler.tenant in fleet.stragglers\n\tfinding := {{\"code\": \"twice.again\", \"message\": straggler.tenant}}\n}}\n"
    )
}

const REQUIRED: &str = "# custom:\n#   previous: required\n";

/// The response of a rollout, and its fleet. The named tenants are skipped.
fn rollout(case: &Case, name: &str, fleet: &[&str], skipped: &[&str]) {
    let row = |slug: &str| json!({"slug": slug, "verified_on_target": true, "ssm_status": "Success"});
    let rows: Vec<Value> = fleet.iter().filter(|slug| !skipped.contains(*slug)).map(|slug| row(slug)).collect();
    case.file(&format!("{name}.json"), json!({"ok": true, "results": rows}).to_string());
    case.file(&format!("{name}-fleet.json"), json!(fleet).to_string());
    let args = ["verify", &format!("{name}.json"), "--fleet", &format!("{name}-fleet.json"), "--format=json"];
    let document = ["--document", &format!("{name}-document.json"), "--param=max_stragglers=9"];
    let ran = case.run([&args[..], &document].concat());
    case.file(&format!("{name}-report.json"), ran.stdout);
}

fn two_rollouts() -> Case {
    let case = Case::new();
    rollout(&case, "before", &["acme", "bolt", "cove"], &["bolt"]);
    rollout(&case, "now", &["acme", "bolt", "cove"], &["bolt"]);
    case.file("twice.rego", policy(REQUIRED, "data.previous.stragglers"));
    case
}

const NOW: [&str; 4] = ["verify", "now.json", "--fleet", "now-fleet.json"];

fn judged(case: &Case, more: &[&str]) -> (Ran, Value) {
    let ran = case.run([&NOW[..], &["--format=json"], more].concat());
    let report = serde_json::from_str(&ran.stdout).unwrap_or_default();
    (ran, report)
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().filter_map(|finding| finding["code"].as_str()).collect()
}

#[test]
fn a_report_and_a_document_are_the_previous_rollout() {
    let case = two_rollouts();
    for previous in ["before-report.json", "before-document.json"] {
        let (ran, report) = judged(&case, &["--policy", "twice.rego", "--previous", previous]);
        assert!(codes(&report).contains(&"twice.again"), "{previous}: {report:#} {}", ran.stderr);
        let input = report["inputs"].as_array().and_then(|inputs| inputs.last().cloned()).expect("an input");
        assert_eq!((&input["role"], &input["name"]), (&json!("previous"), &json!(previous)));
        assert_eq!(report.get("rollout"), None, "a report is no longer than before");
        let said = ["policy", "eval", "team.twice", "now.json", "--fleet", "now-fleet.json", "--policy", "twice.rego"];
        let said = case.run([&said[..], &["--previous", previous]].concat());
        assert!(said.stdout.contains("twice.again"), "{}{}", said.stdout, said.stderr);
        let why =
            [&["explain"], &NOW[1..], &["twice.again", "--policy", "twice.rego", "--previous", previous]].concat();
        assert_eq!(case.run(why).code, 0);
    }
    let names =
        ["policy", "eval", "team.twice", "now.json", "--policy", "twice.rego", "--query", "data.previous.rollout"];
    let said = case.run([&names[..], &["--previous", "before-document.json"]].concat());
    assert_eq!(
        serde_json::from_str::<Value>(&said.stdout).expect("JSON"),
        json!([{"tenants": ["acme", "bolt", "cove"]}])
    );
}

#[test]
fn a_policy_that_needs_it_is_never_silent_without() {
    let case = two_rollouts();
    let (ran, _) = judged(&case, &["--policy", "twice.rego"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    let expected = "twice.rego: the policy team.twice needs the previous rollout, which was not given";
    assert!(ran.stderr.contains(expected) && ran.stderr.contains("add --previous FILE"), "{}", ran.stderr);
    // One that is off, or that can do without, asks for nothing.
    case.file("rollproof.toml", "[policies.\"team.twice\"]\nmode = \"off\"\n");
    assert_ne!(judged(&case, &["--policy", "twice.rego"]).0.code, 5);
    case.file("rollproof.toml", "");
    case.file("twice.rego", policy("# custom:\n#   previous: optional\n", "data.previous.stragglers"));
    let (ran, report) = judged(&case, &["--policy", "twice.rego"]);
    assert!(ran.code != 5 && !codes(&report).contains(&"twice.again"), "{}", ran.stderr);
}

#[test]
fn what_a_policy_reads_of_it_is_checked() {
    let case = two_rollouts();
    let wrong = [
        ("", "data.previous.stragglers", "the METADATA does not say that the package reads the previous rollout"),
        (REQUIRED, "data.previous.straglers", "did you mean \"stragglers\"?"),
        ("# custom:\n#   previous: always\n", "data.previous.stragglers", "METADATA: "),
        ("# custom:\n#   previos: required\n", "data.previous.stragglers", "did you mean \"previous\"?"),
    ];
    for (need, path, expected) in wrong {
        case.file("twice.rego", policy(need, path));
        let ran = case.run(["policy", "check", "twice.rego"]);
        assert!(ran.code == 5 && ran.stderr.contains(expected), "{need}{path}: {}", ran.stderr);
    }
    case.file("twice.rego", policy(REQUIRED, "data.previous.stragglers"));
    assert_eq!(case.run(["policy", "check", "twice.rego"]).code, 0);
    case.file("twice.rego", "package previous\n\ndeny contains \"x\" if input.rollout.dry_run\n");
    assert!(case.run(["policy", "check", "twice.rego"]).stderr.contains("lies where facts, the previous rollout"));
}

#[test]
fn what_is_no_previous_rollout_is_refused() {
    let case = two_rollouts();
    let report = std::fs::read_to_string(case.path("before-report.json")).expect("a report");
    let refused = [
        ("[1]", 4, "neither a report nor a document"),
        ("", 4, "the file is empty"),
        (&report[..report.len() / 2], 4, "the file ends in the middle"),
        ("{\"format\": rollproof}", 4, "previous.json, line 1, column 12: no valid JSON"),
        (r#"{"ok": true, "results": []}"#, 4, "neither a report nor a document"),
        (r#"{"format": "rollproof.error/v1", "error": {}}"#, 4, "there was no verdict on that rollout"),
        (&report.replace("\"stragglers\": 1", "\"stragglers\": \"1\""), 4, "#/summary/stragglers, line"),
        (&report.replace("\"decision\"", "\"decisions\""), 4, "decision"),
        (r#"{"format": "rollproof.document/v1"}"#, 4, "previous.json"),
    ];
    for (text, code, expected) in refused {
        case.file("previous.json", text);
        let (ran, _) = judged(&case, &["--previous", "previous.json"]);
        assert!(ran.code == code && ran.stderr.contains(expected), "{text}: {} {}", ran.code, ran.stderr);
    }
    let (ran, _) = judged(&case, &["--previous", "before-document.json", "--max-input-bytes=300"]);
    assert!(ran.code == 4 && ran.stderr.contains("larger than the limit"), "{}", ran.stderr);
    assert_eq!(judged(&case, &["--retired", "before-fleet.json"]).0.code, 2, "it is of no use alone");
}

#[test]
fn nobody_vanishes_unless_retired() {
    let case = two_rollouts();
    rollout(&case, "before", &["acme", "bolt", "cove", "dune", "eden"], &[]);
    let (ran, report) = judged(&case, &["--previous", "before-document.json"]);
    let shrank = |report: &Value| -> Value {
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        findings.into_iter().find(|finding| finding["code"] == "evidence.fleet_shrank").unwrap_or_default()
    };
    assert_eq!((ran.code, &shrank(&report)["tenants"]), (1, &json!(["dune", "eden"])), "{}", ran.stderr);
    case.file("retired.txt", "eden\nsomebody-else\n");
    let (_, report) = judged(&case, &["--previous", "before-document.json", "--retired", "retired.txt"]);
    assert_eq!(shrank(&report)["tenants"], json!(["dune"]));
    assert_eq!(report["inputs"].as_array().expect("a list").last().expect("an input")["role"], "retired");
    let (_, report) = judged(&case, &["--previous", "before-report.json"]);
    assert_eq!(
        shrank(&report)["message"],
        "2 tenants fewer are enumerated than in the previous rollout, whose report does not name them"
    );
    assert_eq!(shrank(&judged(&case, &["--previous", "now-document.json"]).1), Value::Null);
}

#[test]
fn a_driven_rollout_halts_before_anybody_is_called() {
    let case = Case::new();
    let mut fleet = FLEET.to_vec();
    rollout(&case, "same", &fleet, &[]);
    fleet.push("vanished");
    rollout(&case, "before", &fleet, &[]);
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    case.file("plan.json", drive::plan(&plane.url).to_string());
    case.file("rollproof.toml", "[http]\nretry_delays_seconds = [0.01]\n");
    let args = ["--previous", "before-document.json", "--report", "json=report.json"];
    let ended = run(&mut drive::command(&case, &args));
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(plane.calls(), [Vec::<String>::new()], "only the plan call was made");
    let report = read_json(&case.path("report.json"));
    assert!(codes(&report).contains(&"evidence.fleet_shrank"), "{report:#}");
    let ended = run(&mut drive::command(&case, &["--check", "--previous", "before-document.json"]));
    assert!(ended.code == 1 && ended.stderr.contains("1 tenant of the previous fleet"), "{}", ended.stderr);
    let ended = run(&mut drive::command(&case, &["--previous", "same-document.json"]));
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}
