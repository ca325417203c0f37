//! `policy check` in every format: each thing that is wrong with its place, its remedy and, where one name was meant for
//! another, the corrected line.

use rollproof::internal::Name;
use serde_json::{Value, json};

use crate::policies::cases;
use crate::support::{Case, is_exhaustive, read, sample, sarif_schema};

const WRONG: &str = "package team.wrong

deny contains \"x\" if input.rolout.dry_run

deny contains \"y\" if {
	\"ä\" == startwith(\"a\", \"b\")
}
";

/// What `policy check --format json` says, which is valid against its schema.
fn checked(case: &Case, args: &[&str]) -> (i32, Value) {
    let ran = case.run(["policy", "check", "--format", "json"].iter().chain(args));
    let found: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    let validator = jsonschema::validator_for(&Name::Check.schema()).expect("it compiles");
    let errors: Vec<String> = validator.iter_errors(&found).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new(), "{found:#}");
    (ran.code, found)
}

#[test]
fn each_problem_has_its_place_its_end_its_remedy_and_the_corrected_line() {
    let case = Case::new();
    case.file("wrong.rego", WRONG);
    let (code, found) = checked(&case, &["wrong.rego"]);
    assert_eq!((code, &found["sound"], &found["policies"]), (5, &json!(false), &json!([])));
    let problems = found["problems"].as_array().expect("a list");
    assert_eq!(problems.len(), 2, "{found:#}");
    assert_eq!(
        problems[0],
        json!({
            "file": "wrong.rego", "line": 3, "column": 28, "end": {"line": 3, "column": 34},
            "problem": "input has no \"rolout\", so this is never defined", "remedy": "did you mean \"rollout\"?",
            "corrected": "deny contains \"x\" if input.rollout.dry_run",
        })
    );
    let place = |key: &str| problems[1][key].clone();
    assert_eq!((place("line"), place("column"), place("end")), (json!(6), json!(9), json!({"line": 6, "column": 18})));
    assert_eq!(place("corrected"), "\t\"ä\" == startswith(\"a\", \"b\")", "columns count characters");
}

/// The corrected line of every typo that has one corrects it, and a name that was meant for another has one.
#[test]
fn a_corrected_line_corrects() {
    let case = Case::new();
    let (mut corrected, mut without) = (0, Vec::new());
    let step = if is_exhaustive() { 1 } else { 8 };
    for (name, text) in sample(cases("typos.txt"), step) {
        case.file("typo.rego", &text);
        let (code, found) = checked(&case, &["typo.rego"]);
        assert_eq!(code, 5, "{name}");
        let problems = found["problems"].as_array().expect("a list");
        let meant = |problem: &&Value| problem["remedy"].as_str().expect("a remedy").starts_with("did you mean \"");
        let Some(problem) = problems.iter().find(meant) else { continue };
        let Some(line) = problem["corrected"].as_str() else {
            without.push(name);
            continue;
        };
        let mut lines: Vec<&str> = text.lines().collect();
        let at = problem["line"].as_u64().expect("a line");
        lines[usize::try_from(at).expect("a number") - 1] = line;
        case.file("typo.rego", lines.join("\n"));
        let (_, again) = checked(&case, &["typo.rego"]);
        let left = again["problems"].as_array().expect("a list");
        let same = |other: &&Value| other["problem"] == problem["problem"] && other["line"] == problem["line"];
        let before = problems.iter().filter(same).count();
        assert_eq!(left.iter().filter(same).count() + 1, before, "{name}: {line}");
        corrected += 1;
    }
    assert!(corrected * step > 20, "{corrected} are corrected, these are not: {without:?}");
    assert!(without.len() <= 6, "{without:?}");
}

#[test]
fn what_is_found_is_annotated_and_scanned() {
    let case = Case::new();
    case.file("wrong.rego", WRONG);
    let reports =
        ["json=found.json", "sarif=found.sarif", "github=found.txt", "text=text.txt"].map(|file| ["--report", file]);
    let ran = case.run(["policy", "check", "wrong.rego", "--format", "github"].iter().chain(reports.as_flattened()));
    assert_eq!(ran.code, 5);
    assert!(ran.stderr.starts_with("error: wrong.rego:3:28: input has no \"rolout\""), "{}", ran.stderr);
    let first = ran.stdout.lines().next().expect("an annotation");
    assert_eq!(
        first,
        "::error file=wrong.rego,line=3,col=28,endColumn=33,title=rollproof policy check::input has no \"rolout\", so \
         this is never defined. Next: did you mean \"rollout\"?"
    );
    assert_eq!(ran.stdout, read(&case.path("found.txt")));
    assert!(read(&case.path("text.txt")).starts_with("wrong.rego:3:28: input has no"));
    assert_eq!(
        serde_json::from_str::<Value>(&read(&case.path("found.json"))).expect("JSON"),
        checked(&case, &["wrong.rego"]).1
    );

    let sarif: Value = serde_json::from_str(&read(&case.path("found.sarif"))).expect("JSON");
    let validator = jsonschema::validator_for(&sarif_schema()).expect("it compiles");
    let errors: Vec<String> = validator.iter_errors(&sarif).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 2);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "wrong.rego");
    assert_eq!(place["region"], json!({"startLine": 3, "startColumn": 28, "endColumn": 34}));
    let change = &results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(change["insertedContent"]["text"], "deny contains \"x\" if input.rollout.dry_run");
    assert_eq!(change["deletedRegion"], json!({"startLine": 3}));
}

#[test]
fn sound_policies_are_said_to_be_so_in_every_format() {
    let case = Case::new();
    case.file("sound.rego", "package team.sound\n\ndeny contains \"x\" if input.rollout.dry_run\n");
    let (code, found) = checked(&case, &["sound.rego"]);
    assert_eq!((code, &found["sound"], &found["policies"]), (0, &json!(true), &json!(["team.sound"])));
    for format in ["text", "github", "sarif"] {
        assert_eq!(case.run(["policy", "check", "sound.rego", "--format", format]).code, 0, "{format}");
    }
    // What keeps the files from being read is said in the format too.
    for (code, args) in [(5, "policy check nowhere --format json"), (2, "policy check --format json")] {
        let ran = case.run(args.split(' '));
        let error: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!((ran.code, &error["format"]), (code, &json!("rollproof.error/v1")), "{args}");
    }
    let ran = case.run(["policy", "check", "sound.rego", "--report", "json=sound.rego"]);
    assert_eq!(ran.code, 2, "an output is no input: {}", ran.stderr);
}

const ADVISED: &str = "# METADATA
# title: Advised
# custom:
#   needs: [rollout.started_at]
package team.advised

# METADATA
# title: Unhealthy
# custom:
#   codes: [advised.unhealthy]
deny contains finding if {
	some cohort in input.cohorts
	some row in cohort.rows
	row.healthz_ok != true
	cohort.labels.tier != \"free\"
	finding := {\"code\": \"advised.unhealthy\", \"message\": \"x\"}
}

# METADATA
# custom:
#   codes: [advised.spoken]
#   remedy: Do it.
warn contains finding if {
	some cohort in input.cohorts
	some row in cohort.rows
	healthy := row.healthz_ok
	healthy != true
	row.ssm_status
	row.ssm_status != \"Success\"
	input.rollout.started_at != \"never\"
	not row.running_image == \"x\"
	row.extra.digest != input.rollout.target_tag
	finding := {\"code\": \"advised.spoken\", \"message\": \"x\"}
}
";

/// Place and problem of each piece of advice.
fn advice(found: &Value) -> Vec<(u64, u64, String)> {
    let advice = found["advice"].as_array().expect("a list").iter();
    let place = |one: &Value, key: &str| one[key].as_u64().expect("a number");
    advice
        .map(|one| (place(one, "line"), place(one, "column"), one["problem"].as_str().expect("text").to_owned()))
        .collect()
}

#[test]
fn advice_names_what_is_allowed_and_probably_not_meant() {
    let case = Case::new();
    case.file("advised.rego", ADVISED);
    let (code, found) = checked(&case, &["advised.rego"]);
    assert_eq!((code, &found["sound"]), (0, &json!(true)), "{found:#}");
    let absent = |path: &str| format!("where {path} is absent, this comparison does not hold, and the rule is silent");
    assert_eq!(
        advice(&found),
        [
            (11, 1, "advised.unhealthy has no remedy, so a report does not say what to do about it".to_owned()),
            (14, 2, absent("row.healthz_ok")),
            (15, 2, absent("cohort.labels.tier")),
            (32, 2, absent("row.extra.digest")),
            (32, 22, absent("input.rollout.target_tag")),
        ]
    );
    let remedy = found["advice"][1]["remedy"].as_str().expect("a remedy");
    assert!(remedy.starts_with("write `not row.healthz_ok == ...` if what is absent is meant too"), "{remedy}");
    let (code, _) = checked(&case, &["advised.rego", "--deny-advice"]);
    assert_eq!(code, 5);
    let ran = case.run(["policy", "check", "advised.rego"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert!(ran.stdout.starts_with("ok: team.advised\nadvice: advised.rego:11:1: "), "{}", ran.stdout);
    let ran = case.run(["policy", "check", "advised.rego", "--format", "github"]);
    assert!(ran.stdout.starts_with("::notice file=advised.rego,line=11,col=1"), "{}", ran.stdout);
    let sarif: Value =
        serde_json::from_str(&case.run(["policy", "check", "advised.rego", "--format", "sarif"]).stdout).expect("JSON");
    assert!(jsonschema::validator_for(&sarif_schema()).expect("it compiles").is_valid(&sarif));
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "policy.advice");
}

#[test]
fn a_rule_that_no_test_makes_speak_is_named_where_there_are_tests() {
    let case = Case::new();
    std::fs::create_dir(case.path("tested")).expect("a folder");
    let policy = ADVISED.replace("row.healthz_ok != true", "not row.healthz_ok == true");
    case.file("tested/advised.rego", &policy);
    let silent =
        |found: &Value| advice(found).into_iter().filter(|(.., what)| what.contains("speak")).collect::<Vec<_>>();
    assert_eq!(silent(&checked(&case, &["tested"]).1), [], "there is no test");
    let test = "package team.advised_test

import data.team.advised

test_it if {
	document := {\"cohorts\": [{\"labels\": {\"tier\": \"gold\"}, \"rows\": [{\"healthz_ok\": false}]}]}
	count(advised.deny) == 1 with input as document
}
";
    case.file("tested/advised_test.rego", test);
    let (code, found) = checked(&case, &["tested"]);
    assert_eq!((code, silent(&found)), (0, vec![(23, 1, "no test makes this warn speak".to_owned())]));
}

/// The worked examples, what `policy new` makes, and every policy of `sound.txt`: advice refuses none, and is not given on
/// what is written as it is advised.
#[test]
fn worked_examples_need_no_advice() {
    let case = Case::new();
    assert_eq!(case.run(["policy", "new", "team.fresh"]).code, 0);
    let mut folders = crate::support::folders(&crate::support::root().join("policies/examples"));
    folders.push(case.path("team/fresh"));
    for folder in folders {
        let folder = folder.display().to_string();
        let (code, found) = checked(&case, &[&folder, "--deny-advice"]);
        assert_eq!((code, advice(&found)), (0, Vec::new()), "{folder}");
    }
}
