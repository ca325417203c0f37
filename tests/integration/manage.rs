//! `rollproof policy`: what a team does with policies of its own, with real files and the real binary.

use std::fs;

use rollproof::internal::Name;
use serde_json::{Value, json};

use crate::support::{Case, Ran, snapshot};

/// A policy with a parameter, a condition that no test below reaches, and one rule of each kind that matters.
const POLICY: &str = r#"# METADATA
# title: Tiers
# custom:
#   params:
#     tiers_wanted:
#       type: string
#       default: gold
#       description: The tier.
package tiers

# METADATA
# title: Unhealthy
# custom:
#   codes: [tiers.unhealthy]
deny contains finding if {
	some i, cohort in input.cohorts
	cohort.labels.tier == data.rollproof.params.tiers_wanted
	some row in cohort.rows
	row.healthz_ok == false
	finding := {"code": "tiers.unhealthy", "message": "not healthy", "tenants": cohort.tenants, "at": sprintf("/cohorts/%d", [i])}
}

warn contains "a dry run" if {
	input.rollout.dry_run
}
"#;

/// Tests that fail, each in a way of its own.
const FAILING: &str = r#"package tiers_test

import data.tiers

sick := {"cohorts": [{"tenants": ["acme"], "labels": {"tier": "gold"}, "rows": [{"healthz_ok": false}]}]}

test_holds if count(tiers.deny) == 1 with input as sick

test_operands if {
	findings := tiers.deny with input as sick
	count(findings) == 2
}

test_with if count(tiers.deny) == 1 with input as sick with data.rollproof.params.tiers_wanted as "silver"

test_undefined if {
	input.nothing == 1
}

is_sick(cohort) if cohort.rows[0].healthz_ok == false

test_not if {
	cohort := sick.cohorts[0]
	not is_sick(cohort)
}

test_every if {
	every cohort in sick.cohorts {
		cohort.rows[0].healthz_ok
	}
}

test_in if {
	some cohort in sick.cohorts
	"bolt" in cohort.tenants
}

test_operators if (count(sick.cohorts) + 1) * 2 == 3 - count(sick["cohorts"])

test_strings if {
	some cohort in sick.cohorts
	"bolt (b" == sprintf("%s", cohort.tenants)
}

test_cases[name] if {
	some name, case in {"one": {"tier": "gold", "many": 1}, "two": {"tier": "silver", "many": 1}}
	found := tiers.deny with input as sick with data.rollproof.params.tiers_wanted as case.tier
	count(found) == case.many
}

test_nested[tier][name] if {
	some tier, cases in {"gold": {"a": 1, "b": 2}}
	some name, many in cases
	count(tiers.deny) == many with input as sick
}

test_no_cases[name] if {
	some name, _ in {}
}

test_value := "yes"

test_twice if count(tiers.deny) == 3 with input as sick

test_twice if count(tiers.deny) == 1 with input as sick

test_error if to_number("x") == 1

test_function(x) if x

test_set contains "a"

test_prints if {
	print("the cohorts are", sick.cohorts[0].tenants)
	sick.cohorts == []
}

todo_test_later if false
"#;

fn tiers(tests: &str) -> Case {
    let case = Case::new();
    fs::create_dir(case.path("tiers")).expect("a folder");
    case.file("tiers/tiers.rego", POLICY);
    case.file("tiers/tiers_test.rego", tests);
    case
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

fn is_valid(name: Name, value: &Value) {
    let validator = jsonschema::validator_for(&name.schema()).expect("it compiles");
    let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// Evidence of tenants of two tiers, of which bolt is not healthy.
fn evidence(case: &Case) {
    let row = |slug: &str, healthy: bool| json!({"slug": slug, "ssm_status": "Success", "ssm_exit_code": 0, "healthz_ok": healthy, "verified_on_target": true});
    case.file("response.json", json!({"ok": true, "results": [row("acme", true), row("bolt", false)]}).to_string());
    let tenant = |slug: &str, tier: &str| json!({"slug": slug, "labels": {"tier": tier}});
    case.file("fleet.json", json!([tenant("acme", "free"), tenant("bolt", "gold")]).to_string());
}

#[test]
fn a_new_policy_is_checked_tested_and_decides() {
    let case = Case::new();
    evidence(&case);
    for (name, folder) in [("gold_health", "gold_health"), ("team.gold", "team/gold")] {
        let leaf = name.rsplit('.').next().expect("a name");
        let made = case.run(["policy", "new", name]);
        assert_eq!((made.code, &*made.stderr), (0, ""));
        let checked = case.run(["policy", "check", folder]);
        assert_eq!((checked.code, &*checked.stdout, &*checked.stderr), (0, &*format!("ok: {name}\n"), ""));
        let tested = case.run(["policy", "test", folder, "--coverage"]);
        assert_eq!((tested.code, &*tested.stderr), (0, ""), "{}", tested.stdout);
        let covered = format!("8 passed, 0 failed\n{folder}/{leaf}.rego: 14 of 14 lines reached\n");
        assert_eq!(tested.stdout, covered);
        let verify =
            ["verify", "response.json", "--fleet", "fleet.json", "--policy", folder, "--format", "json", "--param"];
        let gold = case.run(verify.iter().copied().chain([&*format!("{leaf}_tier=gold")]));
        let report = json(&gold);
        let code = format!("{leaf}.unhealthy");
        let own = report["findings"].as_array().expect("findings").iter().find(|finding| finding["code"] == code);
        let own = own.unwrap_or_else(|| panic!("{code} is not among {}", report["findings"]));
        assert_eq!((gold.code, &own["tenants"], &own["at"]), (1, &json!(["bolt"]), &json!("/cohorts/1")));
        let free = json(&case.run(verify.iter().copied().chain([&*format!("{leaf}_tier=free")])));
        assert!(!free["findings"].to_string().contains(&code), "{free}");
    }
    // Without labels the policy has nothing to look at, and says so.
    let bare = case.run(["verify", "response.json", "--policy", "gold_health"]);
    assert_eq!(bare.code, 5);
    assert!(bare.stderr.contains("the policy gold_health needs labels.tier"), "{}", bare.stderr);
}

#[test]
fn a_new_policy_never_replaces_anything_and_has_a_name_that_can_be_loaded() {
    let case = Case::new();
    assert_eq!(case.run(["policy", "new", "mine"]).code, 0);
    let mut said = String::new();
    let names = [
        "mine",
        "Gold-Health",
        "rollproof",
        "rollproof.mine",
        "x_test",
        "team.coverage",
        "team.if",
        "a..b",
        "../x",
        "",
    ];
    for name in names {
        let ran = case.run(["policy", "new", name]);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{name}");
        said += &format!("$ rollproof policy new {name}\n{}", ran.stderr);
    }
    let ran = case.run(["policy", "new", "other", "--in", "nowhere"]);
    assert_eq!(ran.code, 2);
    said += &ran.stderr;
    snapshot("policy-new.txt", &said);
    let left: Vec<_> =
        fs::read_dir(case.path("")).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(left, ["mine"]);
}

#[test]
fn a_failed_test_says_what_does_not_hold_and_with_which_values() {
    let case = tiers(FAILING);
    let ran = case.run(["policy", "test", "tiers", "--verbose"]);
    assert_eq!((ran.code, &*ran.stderr), (1, ""));
    snapshot("policy-failed-test.txt", &ran.stdout);
    let one = case.run(["policy", "test", "tiers", "--run", "holds|cases/one"]);
    assert_eq!((one.code, &*one.stdout), (0, "2 passed, 0 failed\n"));
}

#[test]
fn tests_are_published_as_json_and_junit() {
    let case = tiers(FAILING);
    let ran = case.run(["policy", "test", "tiers", "--coverage", "--format", "json"]);
    let found = json(&ran);
    is_valid(Name::Tests, &found);
    assert_eq!(ran.code, 1);
    assert_eq!((&found["passed"], &found["failed"], &found["todo"]), (&json!(4), &json!(17), &json!(1)));
    let operands =
        found["tests"].as_array().expect("tests").iter().find(|test| test["name"] == "tiers_test.test_operands");
    assert_eq!(
        operands.expect("it is there")["failure"],
        json!({
            "file": "tiers/tiers_test.rego", "line": 11, "expression": "count(findings) == 2",
            "values": [
                {"expression": "count(findings)", "value": "1"},
                {"expression": "findings", "value": r#"[{"at":"/cohorts/0","code":"tiers.unhealthy","message":"not healthy","tenants":["acme"]}]"#},
            ],
        })
    );
    assert_eq!(found["coverage"], json!([{"file": "tiers/tiers.rego", "covered": 6, "uncovered": [23, 24]}]));

    let ran = case.run(["policy", "test", "tiers", "--format", "junit"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.starts_with(r#"<?xml version="1.0" encoding="UTF-8"?>"#), "{}", ran.stdout);
    for part in [
        r#"<testsuite name="tiers_test" tests="22" skipped="1" errors="0" failures="17">"#,
        r#"<testcase name="test_cases/two" classname="tiers_test" file="tiers/tiers_test.rego" line="45">"#,
        "count(found) = 0\n",
    ] {
        assert!(ran.stdout.contains(part), "{part} is not in {}", ran.stdout);
    }
}

#[test]
fn lines_that_no_test_reached_are_listed() {
    let case =
        tiers("package tiers_test\n\nimport data.tiers\n\ntest_silent if tiers.deny == set() with input as {}\n");
    let ran = case.run(["policy", "test", "tiers", "--coverage"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    snapshot("policy-coverage.txt", &ran.stdout);
}

#[test]
fn tests_that_run_no_test_do_not_pass() {
    let case = tiers("package tiers_test\n\ntodo_test_later if false\n");
    case.file("tiers/other_test.rego", "package other_test\n\ntest_x if true\n");
    let mut said = String::new();
    for args in [&["tiers", "--run", "nothing"][..], &["tiers/tiers_test.rego"], &["tiers/tiers.rego"], &["nowhere"]] {
        let ran = case.run(["policy", "test"].iter().chain(args));
        assert_eq!((ran.code, &*ran.stdout), (5, ""), "{args:?}");
        said += &ran.stderr;
    }
    let ran = case.run(["policy", "test", "tiers", "--run", "("]);
    assert_eq!(ran.code, 2);
    snapshot("policy-unknown-tests.txt", &said);
}

/// A test that asks for what nobody has would pass where it says `not`.
#[test]
fn tests_that_name_what_nothing_has_are_refused() {
    let case = tiers(
        "package tiers_test\n\nimport data.tier\nimport data.tiers\n\ntest_x if not tiers.denied\n\ntest_y if not data.tiers.warm\n\ntest_z if not data.rollproof.lib.proof.stat\n",
    );
    let ran = case.run(["policy", "test", "tiers"]);
    assert_eq!((ran.code, &*ran.stdout), (5, ""));
    snapshot("policy-no-tests.txt", &ran.stderr);
}

#[test]
fn a_test_that_does_not_end_fails_and_the_others_are_run() {
    let case = tiers(
        "package tiers_test\n\nmany := numbers.range(1, 3000)\n\ntest_endless if {\n\tcount([1 | some a in many; some b in many; some c in many; a + b == c]) == 1\n}\n\ntest_other if count(many) == 3000\n",
    );
    let ran = case.run(["policy", "test", "tiers", "--timeout", "1"]);
    assert_eq!((ran.code, &*ran.stderr), (1, ""));
    assert!(ran.stdout.contains("the policies need more than 1 s"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("1 passed, 1 failed\n"), "{}", ran.stdout);
}

#[test]
fn libraries_are_there_for_the_tests_and_policies_have_their_parameters() {
    let case = tiers(
        "package tiers_test\n\nimport data.rollproof.lib.proof\nimport data.tiers\n\ntest_library if proof.proven == {0} with input as {\"rollout\": {\"dry_run\": false}, \"cohorts\": [{\"planned\": true, \"tenants\": [\"acme\"], \"rows\": [{\"verified_on_target\": true}]}]}\n\ntest_default if count(tiers.deny) == 1 with input as {\"cohorts\": [{\"tenants\": [\"acme\"], \"labels\": {\"tier\": \"gold\"}, \"rows\": [{\"healthz_ok\": false}]}]}\n",
    );
    let ran = case.run(["policy", "test", "tiers"]);
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (0, "2 passed, 0 failed\n", ""));
}

#[test]
fn fixtures_are_judged_and_their_expectation_is_written() {
    let case = tiers("package tiers_test\n");
    evidence(&case);
    for name in ["fixtures", "fixtures/sick", "fixtures/well"] {
        fs::create_dir(case.path(name)).expect("a folder");
    }
    for name in ["response.json", "fleet.json"] {
        fs::copy(case.path(name), case.path("fixtures/sick").join(name)).expect("it is copied");
    }
    let args = ["verify", "response.json", "--fleet", "fleet.json", "--document", "fixtures/well/document.json"];
    assert_eq!(case.run(args).code, 1);
    case.file(
        "fixtures/well/case.json",
        r#"{"about": "No tenant is bronze.", "params": {"tiers_wanted": "bronze"}, "findings": []}"#,
    );
    let test = ["policy", "test", "tiers", "--fixtures", "fixtures"];

    let missing = case.run(test);
    assert_eq!(missing.code, 1);
    assert!(missing.stdout.contains("fixtures/sick: it has no case.json; --update writes"), "{}", missing.stdout);

    let before = fs::read_to_string(case.path("fixtures/well/case.json")).expect("text");
    let updated = case.run(test.iter().copied().chain(["--update"]));
    assert_eq!((updated.code, &*updated.stdout), (0, "2 passed, 0 failed\n"));
    let written = fs::read_to_string(case.path("fixtures/sick/case.json")).expect("text");
    let written: Value = serde_json::from_str(&written).expect("JSON");
    is_valid(Name::Case, &written);
    assert_eq!(
        written,
        json!({"findings": [{
            "policy": "tiers", "severity": "deny", "code": "tiers.unhealthy", "message": "not healthy",
            "tenants": ["bolt"], "at": "/cohorts/1",
        }]})
    );
    assert_eq!(fs::read_to_string(case.path("fixtures/well/case.json")).expect("text"), before);
    assert_eq!(case.run(test).code, 0);

    // A key that is absent may have any value, and one that is there may not.
    case.file("fixtures/sick/case.json", r#"{"findings": [{"code": "tiers.unhealthy"}]}"#);
    assert_eq!(case.run(test).code, 0);
    let mut said = String::new();
    for expected in [
        r#"{"findings": [{"code": "tiers.unhealthy", "tenants": ["acme"]}]}"#,
        r#"{"findings": []}"#,
        r#"{"findings": [{"kode": "tiers.unhealthy"}]}"#,
        r#"{"findings": [], "parms": {}}"#,
        r#"{"findings": [], "params": {"tiers_wantd": "gold"}}"#,
    ] {
        case.file("fixtures/sick/case.json", expected);
        let ran = case.run(test);
        assert_eq!(ran.code, 1, "{expected}");
        said += &format!("{expected}\n{}", ran.stdout);
    }
    snapshot("policy-fixtures.txt", &said);
    fs::remove_dir_all(case.path("fixtures")).expect("it is removed");
    assert_eq!(case.run(test).code, 2);
    fs::create_dir(case.path("fixtures")).expect("a folder");
    assert_eq!(case.run(test).code, 5);
}

#[test]
fn policies_are_listed_and_shown() {
    let case = tiers("package tiers_test\n");
    let ran = case.run(["policy", "list", "--policy", "tiers"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    let own = ran.stdout.lines().find(|line| line.starts_with("tiers ")).expect("it is listed");
    let words: Vec<&str> = own.split_whitespace().collect();
    assert_eq!(words[..7], ["tiers", "Tiers", "deny", "warn", "tiers_wanted", "enforce", "tiers/tiers.rego"]);
    let listed = json(&case.run(["policy", "list", "--policy", "tiers", "--format", "json"]));
    is_valid(Name::Policies, &listed);

    for policy in listed["policies"].as_array().expect("policies") {
        let name = policy["name"].as_str().expect("a name");
        let shown = json(&case.run(["policy", "show", name, "--policy", "tiers", "--format", "json"]));
        is_valid(Name::Policy, &shown);
        // Every policy has something to say of the troubled rollouts, but the one about waivers, which are no evidence.
        let example = if name == "rollproof.waivers" { &Value::Null } else { &policy["name"] };
        assert_eq!(&shown["example"]["policy"], example, "{name} shows no example");
        assert!(!shown["sources"].as_array().expect("files").is_empty());
    }
    let shown = case.run(["policy", "show", "tiers", "--policy", "tiers"]);
    assert_eq!(shown.code, 0);
    snapshot("policy-show.txt", &shown.stdout);
    let unknown = case.run(["policy", "show", "helth"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean \"health\"?"), "{}", unknown.stderr);
}

#[test]
fn how_much_a_policy_weighs_is_listed_as_the_configuration_and_the_policy_say() {
    let case = tiers("package tiers_test\n");
    let later = POLICY.replace("# custom:\n#   params:", "# custom:\n#   effective_from: 2099-01-01\n#   params:");
    case.file("later.rego", later.replace("package tiers", "package later"));
    case.file("quiet.rego", POLICY.replace("package tiers", "package quiet"));
    case.file(
        "rollproof.toml",
        "[policies]\npaths = [\"tiers\", \"later.rego\", \"quiet.rego\"]\n\
         [policies.tiers]\nmode = \"report\"\nreason = \"it is new\"\n\
         [policies.quiet]\nmode = \"off\"\n\
         [policies.health]\nmode = \"report\"\nreason = \"new checks\"\n",
    );
    let listed = json(&case.run(["policy", "list", "--format", "json"]));
    is_valid(Name::Policies, &listed);
    let weighs = |name: &str| {
        let policies = listed["policies"].as_array().expect("policies");
        let policy = policies.iter().find(|policy| policy["name"] == name).expect("it is listed");
        json!([policy["mode"], policy["reason"], policy["effective_from"]])
    };
    assert_eq!(weighs("tiers"), json!(["report", "it is new", null]));
    assert_eq!(weighs("quiet"), json!(["off", null, null]));
    assert_eq!(weighs("later"), json!(["enforce", null, "2099-01-01"]));
    assert_eq!(weighs("rollproof.health"), json!(["report", "new checks", null]));
    assert_eq!(weighs("rollproof.coverage"), json!(["enforce", null, null]));
    let text = case.run(["policy", "list"]).stdout;
    let words = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).expect("it is listed");
        line.split_whitespace().rev().skip(1).take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(words("tiers ")[1], "report");
    assert_eq!(words("quiet ")[1], "off");
    assert_eq!(words("later ")[1..], ["2099-01-01", "from"]);
    assert_eq!(words("rollproof.health ")[1], "report");
    assert_eq!(words("rollproof.coverage ")[1], "enforce");
    let shown = case.run(["policy", "show", "health"]);
    assert!(shown.stdout.contains("\nmode    report: new checks\nsource  bundled\n"), "{}", shown.stdout);
    let shown = json(&case.run(["policy", "show", "later", "--format", "json"]));
    is_valid(Name::Policy, &shown);
    assert_eq!((&shown["mode"], &shown["effective_from"]), (&json!("enforce"), &json!("2099-01-01")));

    // What verify would refuse is not listed as if it held.
    case.file("rollproof.toml", "[policies.calls]\nmode = \"off\"\nreason = \"r\"\n");
    let refused = case.run(["policy", "list"]);
    assert_eq!((refused.code, &*refused.stdout), (2, ""));
    assert!(refused.stderr.contains("never waivable"), "{}", refused.stderr);
}

#[test]
fn what_a_policy_says_is_shown_without_a_decision() {
    let case = tiers("package tiers_test\n");
    evidence(&case);
    let eval = |args: &[&str]| {
        let common = ["policy", "eval", args[0], "response.json", "--fleet", "fleet.json", "--policy", "tiers"];
        case.run(common.iter().chain(&args[1..]))
    };
    let text = eval(&["tiers"]);
    let said = "deny  tiers.unhealthy  not healthy\n      tenants   bolt\n      at        /cohorts/1\nsilent: warn\n";
    assert_eq!((text.code, &*text.stdout, &*text.stderr), (0, said, ""));
    let answer = json(&eval(&["tiers", "--format", "json", "--param", "tiers_wanted=free"]));
    is_valid(Name::Evaluation, &answer);
    assert_eq!((&answer["rules"], &answer["findings"]), (&json!(["deny", "warn"]), &json!([])));

    for (package, query, expected) in [
        ("health", "fleet.size(unhealthy)", json!([1])),
        ("tiers", "input.cohorts[_].tenants", json!([["acme"], ["bolt"]])),
        ("tiers", "input.nothing", json!([])),
        ("tiers", "some cohort in input.cohorts; not cohort.planned", json!([])),
        ("tiers", "count(deny) with input as {}", json!([0])),
        ("rollproof.lib.proof", "proven", json!([[0, 1]])),
    ] {
        let ran = eval(&[package, "--query", query]);
        assert_eq!(ran.code, 0, "{query}: {}", ran.stderr);
        assert_eq!(json(&ran), expected, "{query}");
    }
    for (args, code) in
        [(&["tier"][..], 2), (&["tiers", "--query", "deny["], 5), (&["tiers", "--query", "nobody(1)"], 5)]
    {
        let ran = eval(args);
        assert_eq!((ran.code, &*ran.stdout), (code, ""), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("rollproof__"), "{}", ran.stderr);
    }
}

#[test]
fn the_same_policies_and_parameters_make_the_same_bundle() {
    let case = tiers("package tiers_test\n");
    let bundle = |out: &str, tier: &str| {
        let ran = case.run([
            "policy",
            "bundle",
            "--out",
            out,
            "--policy",
            "tiers",
            "--param",
            &format!("tiers_wanted={tier}"),
        ]);
        assert_eq!((ran.code, &*ran.stderr), (0, ""));
        fs::read(case.path(out)).expect("a bundle")
    };
    assert_eq!(bundle("one.tar.gz", "gold"), bundle("two.tar.gz", "gold"));
    assert_ne!(bundle("one.tar.gz", "gold"), bundle("two.tar.gz", "free"));
    let ran = case.run(["policy", "bundle", "--out", "nowhere/one.tar.gz"]);
    assert_eq!(ran.code, 2);
    fs::create_dir(case.path("main")).expect("a folder");
    case.file("main/main.rego", POLICY.replace("package tiers", "package main"));
    let ran = case.run(["policy", "bundle", "--out", "one.tar.gz", "--policy", "main"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("the package main is written into the bundle for conftest"), "{}", ran.stderr);
}

/// A path or a choice that leads to nothing is no fault of a policy.
#[test]
fn what_is_not_there_is_told_from_what_is_wrong() {
    let case = tiers("package tiers_test\n\ntest_x if true\n");
    fs::create_dir(case.path("empty")).expect("a folder");
    for (args, told) in [
        (&["test", "empty"][..], "no test here"),
        (&["test", "nowhere"], "check the path"),
        (&["test", "tiers", "--run", "nothing"], "rollproof policy test --verbose lists the tests"),
        (&["test", "tiers", "--fixtures", "empty"], "--fixtures takes a folder with a folder for each case"),
        (&["check", "nowhere"], "check the path"),
        (&["check", "empty"], "check the path"),
        (&["list", "--policy", "nowhere"], "check the path"),
    ] {
        let ran = case.run(["policy"].iter().chain(args));
        assert_eq!(ran.code, 5, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{args:?}: {told} is not in {}", ran.stderr);
        assert!(!ran.stderr.contains("the policy is at fault"), "{args:?}: {}", ran.stderr);
    }
}

/// A default is a value like another: nobody may give what is less than the minimum.
#[test]
fn a_default_below_its_own_minimum_is_refused() {
    let case = Case::new();
    let policy = |kind: &str, default: &str, minimum: &str| {
        format!(
            "# METADATA\n# title: T\n# description: T.\n# custom:\n#   params:\n#     things:\n#       type: {kind}\n\
             #       default: {default}\n#       minimum: {minimum}\n#       description: Things.\npackage team.t\n\n\
             import data.rollproof.lib.params\n\ndeny contains \"x\" if input.fleet.tenants < params.value(\"things\")\n"
        )
    };
    let check = |text: String| {
        case.file("t.rego", text);
        case.run(["policy", "check", "t.rego"])
    };
    for (kind, default) in [("integer", "0"), ("integer", "-7"), ("number", "4.5")] {
        let ran = check(policy(kind, default, "5"));
        assert_eq!(ran.code, 5, "{kind} {default}: {}{}", ran.stdout, ran.stderr);
        let told = format!("the default of the parameter \"things\" is {default}, but its minimum is 5");
        assert!(ran.stderr.contains(&told), "{told} is not in {}", ran.stderr);
    }
    for (kind, default) in [("integer", "5"), ("number", "5.5"), ("integer", "6")] {
        let ran = check(policy(kind, default, "5"));
        assert!(!ran.stderr.contains("minimum"), "{kind} {default}: {}", ran.stderr);
    }
}

/// A whole number of any size is written as OPA writes it.
#[test]
fn large_numbers_are_written_in_every_base() {
    let case = tiers("package tiers_test\n");
    evidence(&case);
    let zeros = |digit: &str, many: usize| digit.to_owned() + &"0".repeat(many);
    for (format, number, expected) in [
        ("%x", "340282366920938463463374607431768211456", zeros("1", 32)),
        ("%#X", "-340282366920938463463374607431768211471", "-0X10000000000000000000000000000000F".to_owned()),
        ("%o", "340282366920938463463374607431768211456", zeros("4", 42)),
        ("%O", "340282366920938463463374607431768211456", "0o".to_owned() + &zeros("4", 42)),
        ("%b", "340282366920938463463374607431768211456", zeros("1", 128)),
        ("%x", "18446744073709551616", zeros("1", 16)),
        ("%d", "340282366920938463463374607431768211456", "340282366920938463463374607431768211456".to_owned()),
        ("%U", "-18446744073709551616", "%!U(big.Int=-18446744073709551616)".to_owned()),
        ("%c", "18446744073709551616", "%!c(big.Int=18446744073709551616)".to_owned()),
        ("%q", "18446744073709551616", "%!q(big.Int=18446744073709551616)".to_owned()),
        ("%e", "18446744073709551616", "%!e(big.Int=18446744073709551616)".to_owned()),
        ("%s", "18446744073709551616", "18446744073709551616".to_owned()),
        ("%T", "18446744073709551616", "*big.Int".to_owned()),
    ] {
        let query = format!("sprintf({format:?}, [{number}])");
        let ran = case.run(["policy", "eval", "tiers", "response.json", "--policy", "tiers", "--query", &query]);
        assert_eq!(json(&ran), json!([expected]), "{query}");
    }
}
