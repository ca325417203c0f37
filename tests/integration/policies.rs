//! Policies of a team's own: what is refused before anything is evaluated, and with which words.

use std::path::{Path, PathBuf};

use rollproof::Error;
use rollproof::internal::Policies;
use serde_json::{Value, json};

use crate::support::{Case, is_exhaustive, is_updating, read, root, sample, snapshot};

/// What a case gets that does not begin with a package of its own.
const HEADER: &str =
    "# METADATA\n# title: Typo\n# schemas:\n#   - input: schema[\"document.schema\"]\npackage team.typo\n\n";

/// The cases of a table in `tests/interop`: name, and text.
pub fn cases(file: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("tests/interop").join(file)).expect("text");
    let mut cases = Vec::new();
    for case in text.split("\n=== ").skip(1) {
        let (head, body) = case.split_once('\n').expect("a body");
        let own = body.lines().any(|line| line.split(' ').next() == Some("package"));
        let name = head.split(' ').next().expect("a name").to_owned();
        cases.push((name, if own { body.to_owned() } else { format!("{HEADER}{body}") }));
    }
    cases
}

/// What loading a policy says, without the folder that it lies in.
fn refusal(case: &Case, name: &str, text: &str) -> Option<String> {
    let path: PathBuf = case.file(&format!("{name}.rego"), text);
    let folder = format!("{}/", path.parent().map_or(Path::new(""), |folder| folder).display());
    match Policies::with(&[path]) {
        Ok(_) => None,
        Err(Error::Policies(problems)) => {
            let shown = problems.iter().map(|problem| problem.to_string().replace(&folder, ""));
            Some(shown.collect::<Vec<_>>().join("\n"))
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

#[test]
fn every_typo_is_refused_with_its_place_and_a_remedy() {
    let case = Case::new();
    let mut shown = Vec::new();
    let mut passed = Vec::new();
    let step = if is_updating() { 1 } else { 8 };
    for (name, text) in sample(cases("typos.txt"), step) {
        match refusal(&case, &name, &text) {
            Some(problems) => shown.push(format!("{problems}\n\n")),
            None => passed.push(name),
        }
    }
    assert!(passed.is_empty(), "not refused: {passed:?}");
    if is_updating() || is_exhaustive() {
        return snapshot("typos.txt", &shown.concat());
    }
    let kept = read(&root().join("tests/integration/snapshots/typos.txt"));
    for problems in shown {
        assert!(kept.contains(&problems), "snapshots/typos.txt does not hold\n{problems}");
    }
}

#[test]
fn sound_policies_are_accepted() {
    let case = Case::new();
    for (name, text) in sample(cases("sound.txt"), 8) {
        assert_eq!(refusal(&case, &name, &text), None, "{name}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_in_one_run() {
    let case = Case::new();
    case.file("one.rego", "package team.one\n\ndeny contains \"x\" if input.rolout.dry_run\n");
    case.file("two.rego", "package team.two\n\ndeny contains \"x\" if startwith(\"a\", \"b\")\n");
    case.file("three.rego", "package team.three\n\ndeny contains {\n");
    let ran = case.run(["policy", "check", "."]);
    assert_eq!(ran.code, 5);
    snapshot("in-one-run.txt", &ran.stderr);
    let one = case.run(["verify", "-", "--policy", "one.rego"]);
    assert_eq!(one.code, 5, "{}", one.stderr);
}

#[test]
fn two_files_do_not_share_a_rule() {
    let case = Case::new();
    case.file("one.rego", "package team.one\n\ndeny contains \"x\" if input.rollout.dry_run\n");
    case.file("two.rego", "package team.one\n\ndeny contains \"y\" if not input.rollout.dry_run\n");
    let ran = case.run(["policy", "check", "one.rego", "two.rego"]);
    assert_eq!(ran.code, 5);
    snapshot("two-files.txt", &ran.stderr);
    let twice = case.run(["policy", "check", "one.rego", "./one.rego"]);
    assert_eq!((twice.code, &*twice.stdout), (0, "ok: team.one\n"), "{}", twice.stderr);
}

#[test]
fn a_finding_names_the_rule_that_gave_it() {
    let case = Case::new();
    let rule = |title: &str, remedy: &str, body: &str, message: &str| {
        format!(
            "# METADATA\n# title: {title}\n# custom:\n#   codes: [team.same]\n#   remedy: {remedy}\ndeny contains finding if \
             {{\n\t{body}\n\tfinding := {{\"code\": \"team.same\", \"message\": \"{message}\", \"tenants\": [\"north\"]}}\n}}\n\n"
        )
    };
    let policy = [
        "# METADATA\n# title: Team\n# schemas:\n#   - input: schema[\"document.schema\"]\npackage team.rules\n\n",
        &rule("First", "Do one.", "count(input.cohorts) == 7", "seven"),
        &rule("Second", "Do two.", "count(input.cohorts) == 1", "one"),
        &rule("Third", "Do three.", "input.fleet.tenants == 1", "alone"),
    ];
    case.file("team.rego", policy.concat());
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "north", "verified_on_target": true}]}"#);
    case.file("fleet.txt", "north\n");
    let line = |title: &str| policy.concat()[..policy.concat().find(title).expect("a rule")].lines().count() + 4;
    let ran =
        case.run(["verify", "response.json", "--fleet", "fleet.txt", "--policy", "team.rego", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("findings").iter();
    let given: Vec<_> = findings
        .filter(|finding| finding["code"] == "team.same")
        .map(|finding| json!([finding["message"], finding["title"], finding["remedy"], finding["rule"]["line"]]))
        .collect();
    let expected =
        [json!(["one", "Second", "Do two.", line("Second")]), json!(["alone", "Third", "Do three.", line("Third")])];
    assert_eq!(given, expected);
}

#[test]
fn what_is_rewritten_is_shown_where_that_is_asked_for() {
    let case = Case::new();
    let text = "package team.forms\n\nby[c.labels.tier] contains t if {\n\tsome c in input.cohorts\n\tsome t in c.tenants\n}\n\ndeny contains $\"{tier}: {ts}\" if some tier, ts in by\n";
    case.file("forms.rego", text);
    let written = case.run(["policy", "show", "team.forms", "--policy", "forms.rego"]);
    assert!(written.stdout.contains("by[c.labels.tier] contains t if {"), "{}", written.stdout);
    assert!(!written.stdout.contains("rollproof__"), "{}", written.stdout);
    let lowered = case.run(["policy", "show", "team.forms", "--policy", "forms.rego", "--lowered"]);
    assert!(lowered.stdout.contains("some c in input.cohorts"), "{}", lowered.stdout);
    assert!(lowered.stdout.contains("rollproof__nest_sets("), "{}", lowered.stdout);
}
