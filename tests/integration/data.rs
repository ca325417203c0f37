//! Data beside policies: `data.json` and `data.yaml` in a team's folder.

use serde_json::{Value, json};

use crate::support::{Case, Ran};

const POLICY: &str = r#"# METADATA
# title: Limits
# description: No more tenants of a tier are unhealthy than its limit allows.
package team.limits

import data.tiers

deny contains finding if {
	some tier, limit in tiers.unhealthy
	unhealthy := {tenant |
		some cohort in input.cohorts
		cohort.labels.tier == tier
		some row in cohort.rows
		row.healthz_ok == false
		some tenant in cohort.tenants
	}
	count(unhealthy) > limit
	finding := {
		"code": "limits.unhealthy",
		"message": sprintf("%d tenants of the tier %s are unhealthy, for %s", [count(unhealthy), tier, data.contact.team]),
		"tenants": unhealthy,
	}
}
"#;

const TEST: &str = r#"package team.limits_test

import data.team.limits

test_limit_is_of_the_data if {
	data.tiers.unhealthy.gold == 0
	count(limits.deny) == 0 with input as {"cohorts": []}
}

test_limit_may_be_another if {
	document := {"cohorts": [{"labels": {"tier": "gold"}, "rows": [{"healthz_ok": false}], "tenants": ["acme"]}]}
	count(limits.deny) == 1 with input as document
	count(limits.deny) == 0 with input as document with data.tiers.unhealthy.gold as 1
}
"#;

fn team() -> Case {
    let case = Case::new();
    for folder in ["policies/limits", "policies/tiers"] {
        std::fs::create_dir_all(case.path(folder)).expect("a folder");
    }
    case.file("policies/limits/limits.rego", POLICY);
    case.file("policies/limits/limits_test.rego", TEST);
    case.file("policies/tiers/data.yaml", "unhealthy:\n  gold: 0 # nobody\n  tin: 1\n");
    case.file("policies/data.json", r#"{"contact": {"team": "platform"}}"#);
    case.file(
        "fleet.json",
        r#"[{"slug": "acme", "labels": {"tier": "gold"}}, {"slug": "bolt", "labels": {"tier": "tin"}}]"#,
    );
    case.file(
        "response.json",
        r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true, "healthz_ok": false},
            {"slug": "bolt", "verified_on_target": true, "healthz_ok": false}]}"#,
    );
    case
}

const VERIFY: [&str; 5] = ["verify", "response.json", "--fleet", "fleet.json", "--policy"];

fn refused(ran: &Ran, expected: &[&str]) {
    assert_eq!((ran.code, &*ran.stdout), (5, ""), "{}", ran.stderr);
    for part in expected {
        assert!(ran.stderr.contains(part), "{part:?} is not in\n{}", ran.stderr);
    }
}

#[test]
fn a_policy_reads_the_data_of_its_folder() {
    let case = team();
    let ran = case.run([&VERIFY[..], &["policies", "--format=json"]].concat());
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    let own =
        report["findings"].as_array().expect("a list").iter().find(|finding| finding["code"] == "limits.unhealthy");
    let own = own.unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(own["tenants"], json!(["acme"]));
    assert_eq!(own["message"], "1 tenants of the tier gold are unhealthy, for platform");
    let said =
        case.run(["policy", "eval", "team.limits", "response.json", "--fleet", "fleet.json", "--policy", "policies"]);
    assert!(said.stdout.contains("limits.unhealthy"), "{}\n{}", said.stdout, said.stderr);
    let said =
        case.run(["policy", "eval", "team.limits", "response.json", "--policy", "policies", "--query", "data.tiers"]);
    assert_eq!(
        serde_json::from_str::<Value>(&said.stdout).expect("JSON"),
        json!([{"unhealthy": {"gold": 0, "tin": 1}}])
    );
    assert_eq!(case.run(["policy", "check", "policies"]).stdout, "ok: team.limits\n");
}

#[test]
fn tests_and_fixtures_read_it_too() {
    let case = team();
    let ran = case.run(["policy", "test", "policies"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    case.file("rollproof.toml", "[policies]\npaths = [\"policies\"]\n");
    let ran = case.run(["policy", "test"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);

    std::fs::create_dir_all(case.path("cases/gold")).expect("a folder");
    case.file("cases/gold/response.json", std::fs::read(case.path("response.json")).expect("it is there"));
    case.file("cases/gold/fleet.json", std::fs::read(case.path("fleet.json")).expect("it is there"));
    case.file("cases/gold/case.json", r#"{"findings": [{"code": "limits.unhealthy", "tenants": ["acme"]}]}"#);
    std::fs::remove_file(case.path("rollproof.toml")).expect("it is there");
    let ran = case.run(["policy", "test", "policies", "--fixtures", "cases"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn the_path_is_that_of_the_folder_below_the_one_that_is_named() {
    let case = team();
    let ran = case.run([&VERIFY[..], &["policies/limits", "--policy", "policies/tiers"]].concat());
    refused(&ran, &["policies/tiers: there is no policy here"]);
    // Named alone, the folder of the policy has no data.
    refused(&case.run(["policy", "check", "policies/limits"]), &["limits.rego:6:8: nothing provides data.tiers"]);
    // A file that is found twice lies where it was found first.
    case.file(
        "policies/tiers/more.rego",
        "package team.more\n\nwarn contains \"gold\" if data.tiers.unhealthy.gold > 7\n",
    );
    let ran = case.run(["policy", "check", "policies", "policies/tiers"]);
    assert_eq!(ran.stdout, "ok: team.limits, team.more\n", "{}", ran.stderr);
}

#[test]
fn a_key_that_no_file_has_is_found() {
    let case = team();
    let policy = POLICY.replace("data.contact.team", "data.contact.taem").replace("tiers.unhealthy", "tiers.unheathy");
    case.file("policies/limits/limits.rego", policy);
    let expected = [
        "limits.rego:9:28: tiers has no \"unheathy\"",
        "did you mean \"unhealthy\"?",
        "data.contact has no \"taem\"",
        "did you mean \"team\"?",
    ];
    refused(&case.run(["policy", "check", "policies"]), &expected);
    case.file("policies/limits/limits.rego", POLICY);
    case.file("policies/limits/limits_test.rego", TEST.replace("data.tiers.unhealthy.gold == 0", "not data.tierz.x"));
    refused(&case.run(["policy", "test", "policies"]), &["nothing provides data.tierz"]);
}

/// A file of data, and what is said of it.
type Refused = (&'static str, &'static str, &'static [&'static str]);

#[test]
fn data_that_would_hide_something_or_be_hidden_is_refused() {
    let refused_files: [Refused; 11] = [
        (
            "policies/team/limits/data.json",
            r#"{"x": 1}"#,
            &["the package team.limits and data of policies/team/limits/data.json"],
        ),
        (
            "policies/team/data.json",
            r#"{"limits": 1}"#,
            &["the package team.limits and data of policies/team/data.json"],
        ),
        ("policies/team/limits/below/data.yml", "x: 1", &["the package team.limits and data of"]),
        ("policies/team/data.json", "7", &["the package team.limits and data of"]),
        ("policies/rollproof/params/data.json", "{}", &["data.json: data.rollproof is rollproof's own"]),
        ("policies/more/data.json", "[1, 2", &["policies/more/data.json:1:"]),
        ("policies/more/data.yaml", "a: [", &["policies/more/data.yaml:"]),
        ("policies/more/data.json", r#"{"a": 1, "a": 2}"#, &["policies/more/data.json:1:", "twice"]),
        ("policies/more/data.yaml", "a: 1\na: 2\n", &["policies/more/data.yaml:2:1: "]),
        (
            "policies/data.yaml",
            "contact: {team: other}",
            &["policies/data.yaml: it gives data.contact.team, and so does policies/data.json"],
        ),
        (
            "policies/tiers/data.json",
            r#"{"unhealthy": {"gold": 0}}"#,
            &["data.tiers.unhealthy.gold, and so does policies/tiers/data.json"],
        ),
    ];
    for (file, text, expected) in refused_files {
        let case = team();
        std::fs::create_dir_all(case.path(file).parent().expect("a folder")).expect("a folder");
        case.file(file, text);
        refused(&case.run(["policy", "check", "policies"]), expected);
    }
    let case = team();
    case.file("policies/data.json", "[1]");
    refused(&case.run(["policy", "check", "policies"]), &["policies/data.json: it lies in the folder that is named"]);
    case.file("policies/data.json", r#"{"facts": {}, "contact": {"team": "x"}}"#);
    refused(&case.run(["policy", "check", "policies"]), &["data.facts is rollproof's own"]);
}

#[test]
fn objects_of_several_files_become_one() {
    let case = team();
    case.file("policies/data.yml", "tiers:\n  unhealthy:\n    copper: 3\n");
    let said =
        case.run(["policy", "eval", "team.limits", "response.json", "--policy", "policies", "--query", "data.tiers"]);
    let expected = json!([{"unhealthy": {"copper": 3, "gold": 0, "tin": 1}}]);
    assert_eq!(serde_json::from_str::<Value>(&said.stdout).expect("JSON"), expected, "{}", said.stderr);
    // A package beside data is in nobody's way.
    std::fs::create_dir_all(case.path("policies/team/names")).expect("a folder");
    case.file("policies/team/names/data.json", r#"["a"]"#);
    assert_eq!(case.run(["policy", "check", "policies"]).code, 0);
}

#[test]
fn a_bundle_holds_it() {
    let case = team();
    let ran = case.run(["policy", "bundle", "--policy", "policies", "--out", "bundle.tar.gz"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let bytes = std::fs::read(case.path("bundle.tar.gz")).expect("the bundle");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*bytes));
    let mut files = std::collections::BTreeMap::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").display().to_string();
        files.insert(path, std::io::read_to_string(&mut entry).expect("text"));
    }
    let data: Value = serde_json::from_str(&files["data.json"]).expect("JSON");
    assert_eq!((&data["tiers"]["unhealthy"]["tin"], &data["contact"]["team"]), (&json!(1), &json!("platform")));
    let manifest: Value = serde_json::from_str(&files[".manifest"]).expect("JSON");
    assert_eq!(manifest["roots"], json!(["contact", "main", "rollproof", "team/limits", "tiers"]));

    case.file("policies/data.json", r#"{"contact": {"team": "x"}, "main": 1}"#);
    let ran = case.run(["policy", "bundle", "--policy", "policies", "--out", "bundle.tar.gz"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("policies/data.json: data.main is where conftest"), "{}", ran.stderr);
}
