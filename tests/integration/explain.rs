//! `rollproof explain`: what it tells of a verdict, a tenant and a code, and that what it says would turn them does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{
    Case, Ran, expectation, fixture_args, fixtures, golden, is_exhaustive, is_updating, read_json, rollproof, root,
    run, sample, snapshot,
};

/// Explains a fixture; `more` may name a tenant or a code.
fn explain(fixture: &str, more: &[&str]) -> Ran {
    let folder = root().join("fixtures").join(fixture);
    let args = fixture_args(&folder, &expectation(&folder));
    run(rollproof().arg("explain").args(&args[1..]).args(more).current_dir(folder))
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).expect("an explanation")
}

/// The changes that are found, each with the verdict that would follow.
fn turns(story: &Value) -> Vec<(Vec<String>, String)> {
    let found = story["turns"]["found"].as_array().expect("a list").iter();
    found
        .map(|turn| {
            let changes = serde_json::from_value(turn["changes"].clone()).expect("words");
            (changes, turn["decision"].as_str().expect("a decision").to_owned())
        })
        .collect()
}

#[test]
fn a_person_reads_how_it_came_about() {
    for (name, fixture, more) in [
        ("verdict", "calls/live-failed-batch", &[][..]),
        ("tenant-of-a-failed-call", "calls/live-failed-batch", &["cobalt"]),
        ("tenant-never-called", "calls/live-failed-batch", &["ember"]),
        ("tenant-that-passes", "calls/live-one-502", &["dune"]),
        ("code", "calls/live-failed-batch", &["calls.failed"]),
        ("code-that-is-not-said", "calls/live-one-502", &["health.unhealthy"]),
        ("code-of-an-example", "calls/live-one-502", &["gates.ci_failed"]),
        ("code-of-a-team", "examples/freeze/in-a-window", &["freeze.frozen"]),
        ("tenant-not-enumerated", "evidence/live-not-enumerated", &["agents-team"]),
    ] {
        let ran = explain(fixture, more);
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{name}");
        snapshot(&format!("explain-{name}.txt"), &ran.stdout);
    }
}

#[test]
fn an_explanation_is_valid_and_has_the_verdict_of_verify() {
    let validator = jsonschema::validator_for(&rollproof::internal::Name::Explanation.schema()).expect("it compiles");
    let mut seen = 0;
    for folder in sample(fixtures(), 27) {
        let case = expectation(&folder);
        let fixture = folder.strip_prefix(root().join("fixtures")).expect("a fixture").display().to_string();
        let ran = explain(&fixture, &["--format", "json"]);
        if case["exit"] == 4 {
            let error: Value = serde_json::from_str(&ran.stdout).expect("JSON");
            assert_eq!((ran.code, &error["format"]), (4, &"rollproof.error/v1".into()), "{fixture}");
            continue;
        }
        seen += 1;
        let explanation = json(&ran);
        let errors: Vec<String> = validator.iter_errors(&explanation).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{fixture}: {errors:?}");
        assert_eq!(explanation["decision"], case["decision"], "{fixture}");
    }
    assert!(seen > 5, "{seen}");
    for more in ["cobalt", "calls.failed"] {
        let explanation = json(&explain("calls/live-failed-batch", &[more, "--format", "json"]));
        let errors: Vec<String> = validator.iter_errors(&explanation).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{more}: {errors:?}");
    }
}

#[test]
fn what_would_turn_a_verdict_turns_it() {
    let fixture = root().join("fixtures/coverage/skipped-tenant-46h");
    let case = Case::new();
    for name in ["response.json", "fleet.json", "plan.json"] {
        std::fs::copy(fixture.join(name), case.path(name)).expect("it is copied");
    }
    let evidence = ["response.json", "--fleet", "fleet.json", "--plan", "plan.json"];
    let explained = json(&case.run(["explain"].iter().chain(&evidence).chain(&["agents-team", "--format", "json"])));
    let tenant = &explained["tenant"];
    assert_eq!(tenant["rows"], json!([]));
    assert_eq!(tenant["state"]["name"], "unreached");
    let line = tenant["state"]["line"].as_u64().expect("a line");
    let proof = std::fs::read_to_string(root().join("policies/rollproof/lib/proof/proof.rego")).expect("text");
    let line = proof.lines().nth(usize::try_from(line).expect("it is small") - 1).expect("it is there");
    assert_eq!(line, "} else := \"unreached\"");

    let found = turns(tenant);
    let words: Vec<&str> = found.iter().flat_map(|(changes, _)| changes).map(String::as_str).collect();
    let [row, tolerance, waiver] = words.as_slice() else { panic!("{words:?}") };
    assert_eq!(*row, "a row of its own existed and said \"verified_on_target\": true");
    assert_eq!(*tolerance, "1 straggler was tolerated, not 0");
    assert!(waiver.contains("covered coverage.incomplete for agents-team"), "{waiver}");
    assert!(found.iter().all(|(_, decision)| decision == "pass"), "{found:?}");

    // Each of them, done.
    let verify = |more: &[&str]| case.run(["verify"].iter().chain(&evidence).chain(more)).code;
    assert_eq!(verify(&[]), 1);
    assert_eq!(verify(&["--param", "max_stragglers=1"]), 0);
    assert!(waiver.contains("in force when the evidence was collected"), "{waiver}");
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let tomorrow = today.tomorrow().expect("a day");
    case.file(
        "waivers.toml",
        format!(
            "[[waiver]]\ncode = \"coverage.incomplete\"\ntenants = [\"agents-team\"]\nreason = \"x\"\nowner = \"x\"\n\
             granted = {today}\nexpires = {tomorrow}\n"
        ),
    );
    assert_eq!(verify(&["--waivers", "waivers.toml"]), 0);
    let mut response = read_json(&case.path("response.json"));
    let rows = response["results"].as_array_mut().expect("rows");
    rows.push(json!({"slug": "agents-team", "verified_on_target": true}));
    case.file("response.json", response.to_string());
    assert_eq!(verify(&[]), 0);
}

#[test]
fn where_no_single_change_is_enough_pairs_are_tried() {
    let case = Case::new();
    case.file("fleet.json", r#"["acme", "bolt"]"#);
    case.file(
        "response.json",
        r#"{"ok": true, "results": [
            {"slug": "acme", "verified_on_target": true, "healthz_ok": true},
            {"slug": "bolt", "ssm_status": "Failed", "ssm_exit_code": 2}
        ]}"#,
    );
    // Nothing but the row itself helps: neither a tolerance nor a waiver covers who was asked for.
    case.file(
        "own.rego",
        "# METADATA\n# title: Own\n# description: x\npackage team.own\n\nimport data.rollproof.lib.proof\n\n\
         # METADATA\n# title: Own\n# custom:\n#   codes: [own.bad]\n#   waivable: false\n\
         deny contains finding if {\n\tsome i, cohort in input.cohorts\n\tnot i in proof.proven\n\
         \tfinding := {\"code\": \"own.bad\", \"message\": \"bad\", \"tenants\": cohort.tenants}\n}\n\n\
         # METADATA\n# title: Own\n# custom:\n#   codes: [own.bad]\n#   waivable: false\n\
         deny contains finding if {\n\tsome cohort in input.cohorts\n\tsome row in cohort.rows\n\
         \tnot row.healthz_ok == true\n\
         \tfinding := {\"code\": \"own.bad\", \"message\": \"ill\", \"tenants\": cohort.tenants}\n}\n",
    );
    let args =
        ["explain", "response.json", "bolt", "--fleet", "fleet.json", "--policy", "own.rego", "--format", "json"];
    let explained = json(&case.run(args));
    let found = turns(&explained["tenant"]);
    let pair = ["\"verified_on_target\": true", "\"healthz_ok\": true"];
    let pair = pair.map(|said| format!("its row /results/1 said {said}")).to_vec();
    assert_eq!(found, [(pair, "pass".to_owned())]);
}

#[test]
fn a_smallest_document_is_one_on_which_the_code_is_said() {
    let case = Case::new();
    for (fixture, code, exit) in [
        ("coverage/every-state", "coverage.assumed", 0),
        ("coverage/every-state", "coverage.incomplete", 1),
        ("evidence/true-then-false", "evidence.conflicting_rows", 1),
        ("calls/live-failed-batch", "calls.failed", 1),
        // Not said there; found by making something worse.
        ("calls/live-one-502", "canary.unproven", 1),
    ] {
        let explained = json(&explain(fixture, &[code, "--format", "json"]));
        let minimal = &explained["code"]["minimal"];
        let document = case.file("document.json", minimal["document"].to_string());
        let ran = run(rollproof().arg("verify").arg(document).args(["--format", "json"]));
        let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{code}: {}", ran.stderr));
        let said: Vec<&Value> =
            report["findings"].as_array().expect("a list").iter().map(|finding| &finding["code"]).collect();
        assert!(said.contains(&&json!(code)), "{code}: {said:?}");
        assert_eq!(ran.code, exit, "{code}: {said:?}");
        let cohorts = minimal["document"]["cohorts"].as_array().expect("a list");
        let tenants: usize = cohorts.iter().map(|cohort| cohort["tenants"].as_array().map_or(0, Vec::len)).sum();
        // A batch that failed has the canary before it: a document agrees with itself.
        let most = if code == "calls.failed" { 2 } else { 1 };
        assert!(tenants <= most, "{code} needs {most} tenants at the most: {minimal:#}");
    }
}

#[test]
fn a_code_shows_the_values_with_which_its_rule_held() {
    let explained = json(&explain("calls/live-failed-batch", &["calls.failed", "--format", "json"]));
    let held = explained["code"]["held"].as_array().expect("a list");
    let failures = held.iter().find(|held| held["rule"] == "failed_calls").expect("the rule behind the rule");
    assert_eq!((&failures["times"], &failures["values"][0]["i"]), (&json!(1), &json!(2)));
    assert_eq!(failures["values"][0]["attempts"], "1 attempt");
}

#[test]
fn a_journal_of_a_drill_tells_when_each_call_was_made() {
    let case = Case::new();
    assert_eq!(case.run(["drill", "--keep", "kept", "--time-scale", "0"]).code, 1);
    let ran = case.run(["explain", "kept/document.json.journal", "agents-team"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    let said = |part: &str| assert!(ran.stdout.contains(part), "{part} is not in\n{}", ran.stdout);
    said("agents-team  unreached: skipped: a call named it, but no row answers for it");
    said("enumerated by the plan call");
    said("attempt 0: at 20");
    said("HTTP 200 after ");
    said("none answers for it");
    said("policies/rollproof/lib/proof/proof.rego:");
    said("said \"verified_on_target\": true (PASS)");
    said("1 straggler was tolerated, not 0 (PASS)");
    let document = case.run(["explain", "kept/document.json", "agents-team"]);
    assert!(!document.stdout.contains("attempt 0: at "), "a document does not tell: {}", document.stdout);
}

#[test]
fn what_cannot_be_explained_is_said() {
    let folder = root().join("fixtures/coverage/skipped-tenant-46h");
    let explain = |more: &[&str]| {
        run(rollproof()
            .args(["explain", "response.json", "--fleet", "fleet.json", "--plan", "plan.json"])
            .args(more)
            .current_dir(&folder))
    };
    for (args, code, expected) in [
        (&["agent-team"][..], 2, "did you mean \"agents-team\"?"),
        (&["coverage.incomplet"], 2, "did you mean \"coverage.incomplete\"?"),
        (&["nobody-has-a-name-like-this"], 2, "neither a tenant of the evidence nor a code"),
        (&["\u{1b}[31m::error::x"], 2, "neither a tenant"),
        (&["--format", "markdown"], 2, "text and json"),
        (&["--report", "json=report.json"], 2, "--report is given"),
        (&["--document", "document.json"], 2, "--document or --report"),
        (&["--param", "max_straglers=1"], 2, "did you mean \"max_stragglers\"?"),
        (&["--policy", "nowhere"], 5, "nowhere"),
    ] {
        let ran = explain(args);
        assert_eq!((ran.code, &*ran.stdout), (code, ""), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains("::error"), "{}", ran.stderr);
    }
    assert!(!folder.join("document.json").exists());
}

#[test]
fn raw_errors_and_hostile_names_are_kept_from_a_log() {
    let ran = explain("calls/hostile-error", &[]);
    let shown = explain("calls/hostile-error", &["--show-errors"]);
    for said in [&ran.stdout, &shown.stdout] {
        assert!(!said.contains('\u{1b}') && !said.contains("\n::"), "{said}");
    }
    let case = Case::new();
    case.file("fleet.json", r#"["a\u001b[31mb", "acme"]"#);
    case.file(
        "response.json",
        r#"{"ok": true, "results": [
            {"slug": "acme", "verified_on_target": true},
            {"slug": "a\u001b[31mb", "error": "pa55word\n::error::", "verified_on_target": false}
        ]}"#,
    );
    for subject in ["a\u{1b}[31mb", "coverage.incomplete"] {
        let args = ["explain", "response.json", "--fleet", "fleet.json", subject];
        let ran = case.run(args);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stdout.contains("pa55word") && !ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
        let shown = case.run(args.iter().chain(&["--show-errors"]));
        assert!(!shown.stdout.contains("\n::error") && !shown.stdout.contains('\u{1b}'), "{}", shown.stdout);
    }
}

/// Every code that some fixture shows is explained by values, so that no form of rule is forgotten; and the smallest
/// documents are the examples for evidence that is nowhere near such a code.
#[test]
fn every_code_that_is_said_is_explained_by_values() {
    let (mut seen, mut examples) = (BTreeSet::new(), BTreeMap::new());
    let (mut silent, is_whole) = (Vec::new(), is_exhaustive() || is_updating());
    let path = root().join("src/explain/minimal.json");
    for folder in fixtures() {
        let case = expectation(&folder);
        let fixture = folder.strip_prefix(root().join("fixtures")).expect("a fixture").display().to_string();
        for finding in case["findings"].as_array().into_iter().flatten() {
            let code = finding["code"].as_str().expect("a code").to_owned();
            // One in five, where not all are tried.
            if seen.insert(code.clone()) && (is_whole || seen.len() % 5 == 0) {
                let explained = json(&explain(&fixture, &[&code, "--format", "json"]));
                if explained["code"]["held"] == json!([]) || explained["code"]["minimal"].is_null() {
                    silent.push(format!("{fixture}: {code}"));
                }
                // What is said about waivers is not said of a document alone.
                if !code.starts_with("waivers.") {
                    let mut document = explained["code"]["minimal"]["document"].clone();
                    document["provenance"]["tool"] = json!("rollproof");
                    if document["archive"].is_object() {
                        document["provenance"]["collected_at"] = json!("2026-01-05T09:20:01Z");
                    }
                    examples.insert(code, document);
                }
            }
        }
    }
    assert!(seen.len() > 20 && silent.is_empty(), "{silent:?} of {}", seen.len());
    if !is_whole {
        let kept = read_json(&path);
        return examples.iter().for_each(|(code, document)| assert_eq!(kept[code], *document, "{code}"));
    }
    let examples: Vec<String> =
        examples.iter().map(|(code, document)| format!("{}: {document}", json!(code))).collect();
    golden(&path, &format!("{{\n{}\n}}\n", examples.join(",\n")));
}

/// Whatever the evidence is, a code of a bundled policy is shown on a document.
#[test]
fn a_code_that_is_far_from_the_evidence_is_shown_on_an_example() {
    let case = Case::new();
    let listed: Value = serde_json::from_str(&case.run(["policy", "list", "--format", "json"]).stdout).expect("a list");
    let policies = listed["policies"].as_array().expect("policies").iter();
    let codes: BTreeSet<&str> = policies
        .flat_map(|policy| policy["codes"].as_array().expect("codes"))
        .map(|code| code["code"].as_str().expect("a code"))
        // What is said of waivers is about no evidence, and what is said of lag about no single rollout.
        .filter(|code| !code.starts_with("waivers.") && !code.starts_with("lag."))
        // Only a previous rollout makes these speak.
        .filter(|code| !["evidence.fleet_shrank", "evidence.proof_lost"].contains(code))
        .collect();
    let mut made_up = 0;
    // One in six, from all of them.
    let step = if is_exhaustive() { 1 } else { 6 };
    for code in sample(&codes, step) {
        let explained = json(&explain("healthy/plain", &[code, "--format", "json"]));
        let minimal = &explained["code"]["minimal"];
        let document = case.file("document.json", minimal["document"].to_string());
        let ran = run(rollproof().arg("verify").arg(document).args(["--format", "json"]));
        let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{code}: {}", ran.stderr));
        let said: Vec<&Value> =
            report["findings"].as_array().expect("a list").iter().map(|finding| &finding["code"]).collect();
        assert!(said.contains(&&json!(code)), "{code}: {said:?}");
        made_up += usize::from(minimal["made_up"] == json!(true));
    }
    assert!(codes.len() > 30 && made_up * step > 10, "{made_up} of {}", codes.len());
}

/// Whether a change is no evidence: somebody agrees to live with what was found.
fn is_agreement(words: &str) -> bool {
    words.starts_with("a waiver in force") || words.starts_with("the parameter ") || words.contains(" tolerated, not ")
}

/// What a bundled policy denies would be another verdict on other evidence, and is told what evidence.
#[test]
fn every_verdict_that_fails_is_turned_by_evidence() {
    /// What no change of the evidence takes away: a fleet is smaller than the previous one, which is no part of it.
    const ONLY_WAIVED: [&str; 1] = ["evidence.fleet_shrank"];
    let (mut seen, mut wanting, mut failing) = (BTreeSet::new(), BTreeMap::new(), 0);
    for folder in fixtures() {
        let fixture = folder.strip_prefix(root().join("fixtures")).expect("a fixture").display().to_string();
        let case = read_json(&folder.join("case.json"));
        let findings = case["findings"].as_array().into_iter().flatten();
        let blocks = |finding: &&Value| {
            ["deny", "inconclusive"].contains(&finding["severity"].as_str().expect("a severity"))
                && finding["waived"].is_null()
        };
        let codes: BTreeSet<String> =
            findings.filter(blocks).map(|finding| finding["code"].as_str().expect("a code").to_owned()).collect();
        let is_failed = ["fail", "inconclusive"].contains(&case["decision"].as_str().unwrap_or_default());
        let is_known = codes.iter().all(|code| seen.contains(code));
        // A team's own policies may ask for anything, such as another day.
        if !is_failed || fixture.starts_with("examples") || (is_known && !is_exhaustive()) {
            continue;
        }
        seen.extend(codes.iter().cloned());
        failing += 1;
        // One in four of those with a code of their own.
        if failing % 4 != 0 && !is_exhaustive() && !ONLY_WAIVED.iter().any(|code| codes.contains(*code)) {
            continue;
        }
        let explained = json(&explain(&fixture, &["--format", "json"]));
        let found = turns(&explained["verdict"]);
        if found.iter().all(|(changes, _)| changes.iter().any(|words| is_agreement(words))) {
            wanting.insert(codes, fixture);
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    let only_waived = BTreeSet::from(ONLY_WAIVED.map(str::to_owned));
    assert!(wanting.keys().eq([&only_waived]), "{wanting:?}");
}

/// The same for what is denied of one tenant, or of the gates, in the words of that evidence.
#[test]
fn every_kind_of_evidence_has_a_change_of_its_own() {
    let all = [
        ("build/stale", "bolt", "its /buildinfo named the commit abcdef100000"),
        ("build/stale", "build.stale", "the /buildinfo of bolt named the commit abcdef100000"),
        ("build/killed-before-probing", "build.nothing_probed", "every tenant had been asked for its build"),
        ("calls/live-failed-batch", "calls.failed", "call 2 (bolt, cobalt) was answered with HTTP 200 and ok"),
        ("calls/live-failed-batch", "cobalt", "call 2 (bolt, cobalt) was answered with HTTP 200 and ok"),
        ("calls/ok-false", "calls.failed", "the archived response said \"ok\": true"),
        ("gates/kill-switch-armed", "gates.disabled", "the kill switch PROD_AUTO_DEPLOY_DISABLED was off"),
        (
            "gates/kill-switch-unreadable",
            "gates.switch_unreadable",
            "the kill switch PROD_AUTO_DEPLOY_DISABLED was off",
        ),
        ("gates/ci-red", "gates.ci_failed", "was a success"),
        ("gates/ci-missing", "gates.ci_missing", "was a success"),
        ("gates/disabled-plan", "gates.disabled", "the plan was enabled"),
        ("canary/stale-slug", "canary.not_in_fleet", "the fleet enumerated the canary"),
        ("evidence/empty-plan-call", "evidence.empty_fleet", "the fleet had a tenant"),
        ("evidence/live-not-enumerated", "agents-team", "the control plane enumerated it"),
        ("evidence/live-enumeration-differs", "evidence.enumeration_differs", "every attempt of the plan call"),
        ("evidence/unknown-fields-several", "evidence.misspelt_field", "no field was misspelt"),
        ("evidence/live-row-in-dry-run", "evidence.live_row_in_dry_run", "every row was one of a dry run"),
    ];
    for (fixture, subject, change) in sample(all, 4) {
        let explained = json(&explain(fixture, &[subject, "--format", "json"]));
        let subject_of = if explained["code"].is_null() { &explained["tenant"] } else { &explained["code"] };
        let found = turns(subject_of);
        assert!(
            found.iter().any(|(changes, _)| matches!(changes.as_slice(), [one] if one.contains(change))),
            "{fixture} {subject}: {found:?}"
        );
    }
}

/// The names of what is generated around a rule are no names that a policy may have.
#[test]
fn a_policy_may_call_its_rules_and_variables_what_it_likes() {
    let case = Case::new();
    case.file("r.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
    case.file(
        "own.rego",
        "package team.own\n\nrollproof_probe contains {\"fake\": \"value\"} if input.fleet\n\n\
         note contains finding if {\n\tcount(rollproof_probe) > 0\n\tsome probed in input.cohorts\n\
         \tbound := count(probed.tenants)\n\tfinding := {\"code\": \"team.own.x\", \"message\": sprintf(\"%d\", [bound])}\n}\n",
    );
    let explained = json(&case.run(["explain", "r.json", "team.own.x", "--policy", "own.rego", "--format", "json"]));
    let held = explained["code"]["held"].as_array().expect("a list");
    assert_eq!(held.len(), 1, "{held:?}");
    let values = &held[0]["values"][0];
    assert_eq!(
        (&held[0]["times"], &values["bound"], &values["probed"]["tenants"]),
        (&json!(1), &json!(1), &json!(["acme"]))
    );
    let text = case.run(["explain", "r.json", "team.own.x", "--policy", "own.rego"]).stdout;
    // It has no METADATA, so there is nothing to say of the rule but its text.
    assert!(!text.lines().any(|line| line.trim() == ":"), "{text}");
}

/// What the evidence says is shown: only raw error texts are left out, and not what is merely spelt like one.
#[test]
fn only_error_texts_are_left_out_of_a_row() {
    let case = Case::new();
    for error in ["Failed", "e", "x y"] {
        let row =
            json!({"slug": "acme", "ssm_status": "Failed", "verified_on_target": false, "error": error, "phase": "e"});
        case.file("r.json", json!({"ok": true, "results": [row]}).to_string());
        let text = case.run(["explain", "r.json", "acme"]).stdout;
        assert!(text.contains("\"ssm_status\": \"Failed\""), "{error}: {text}");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("\"error\": \"(an error text; --show-errors shows it)\""), "{error}: {text}");
        let shown = case.run(["explain", "r.json", "acme", "--show-errors"]).stdout;
        assert!(shown.contains(&format!("\"error\": {error:?}")), "{shown}");
    }
}

#[test]
fn one_is_counted_as_one() {
    let case = Case::new();
    case.file("r.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
    case.file("f.txt", "acme\n");
    let evidence = ["r.json", "--fleet", "f.txt"];
    let text = case.run(["explain"].iter().chain(&evidence)).stdout;
    assert!(text.contains("fleet     1 tenant, enumerated in a file"), "{text}");
    let page = case.run(["verify"].iter().chain(&evidence).chain(&["--format", "markdown"])).stdout;
    assert!(page.contains("- Fleet: 1 tenant, "), "{page}");
}
