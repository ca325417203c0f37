//! `policy check` in every format: each thing that is wrong with its place, its remedy and, where one name was meant for
//! another, the corrected line.

use rollproof::internal::Name;
use serde_json::{Value, json};

use crate::policies::cases;
use crate::support::{Case, read, sarif_schema};

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
    for (name, text) in cases("typos.txt") {
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
    assert!(corrected > 20, "{corrected} are corrected, these are not: {without:?}");
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
