//! What policies know besides the contract: facts from files, extra fields of rows, and labels.

use serde_json::{Value, json};

use crate::drive::plane::{Plane, Reply, healthy};
use crate::drive::{self, FLEET};
use crate::support::{Case, Ran, read_json, root, run, snapshot};

const POLICY: &str = r#"# METADATA
# title: Ring
# description: Nobody is rolled out of a ring that is closed.
# custom:
#   facts:
#     rings:
#       description: the rings that are open
package team.ring

deny contains finding if {
	some cohort in input.cohorts
	some row in cohort.rows
	ring := row.extra.ring
	not ring in data.facts.rings
	finding := {"code": "team.closed", "message": sprintf("ring %v is closed", [ring]), "tenants": cohort.tenants}
}
"#;

const RESPONSE: &str = r#"{"ok": true, "results": [
  {"slug": "acme", "verified_on_target": true, "ring": "inner", "weight": 1.5},
  {"slug": "bolt", "verified_on_target": true, "ring": "outer", "weight": 1.5}
]}"#;

/// A team's folder: its policy, its evidence, and the facts.
fn team() -> Case {
    let case = Case::new();
    case.file("ring.rego", POLICY);
    case.file("response.json", RESPONSE);
    case.file("fleet.json", r#"["acme", "bolt"]"#);
    case.file("rings.json", r#"["inner"]"#);
    case
}

const EVIDENCE: [&str; 5] = ["verify", "response.json", "--fleet", "fleet.json", "--format=json"];
const RING: [&str; 4] = ["--policy", "ring.rego", "--evidence-field", "ring"];

fn verify(case: &Case, more: &[&str]) -> Ran {
    case.run(EVIDENCE.iter().chain(&RING).chain(more))
}

fn report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
}

fn codes(report: &Value) -> Vec<(String, Value)> {
    let findings = report["findings"].as_array().expect("a list").iter();
    findings.map(|finding| (finding["code"].as_str().expect("a code").to_owned(), finding["tenants"].clone())).collect()
}

#[test]
fn a_policy_reads_facts_and_named_fields_and_the_report_has_their_hash() {
    let case = team();
    let ran = verify(&case, &["--facts", "rings=rings.json", "--document", "document.json"]);
    let found = report(&ran);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(codes(&found).contains(&("team.closed".into(), json!(["bolt"]))), "{found:#}");
    let input = found["inputs"].as_array().expect("a list").last().expect("an input");
    assert_eq!(
        *input,
        json!({
            "role": "facts", "name": "rings=rings.json", "bytes": 9,
            "sha256": "90398112785f1152bbe4146769f3d86c8a01cd427b124801dbb7d9393d514100",
        })
    );
    // Only what is named is evidence: the weight stays unknown.
    assert!(codes(&found).iter().any(|(code, _)| code == "evidence.unknown_field"), "{found:#}");
    let document = read_json(&case.path("document.json"));
    assert_eq!(document["cohorts"][1]["rows"][0]["extra"], json!({"ring": "outer"}));
    assert_eq!(document["cohorts"].as_array().map(Vec::len), Some(2), "the field splits the cohort");

    // The document holds the fields, and not the facts.
    let again = ["verify", "document.json", "--policy", "ring.rego", "--format=json"];
    let silent = case.run(again);
    assert_eq!(silent.code, 5);
    snapshot("missing-fact.txt", &silent.stderr);
    let again = report(&case.run(again.iter().chain(&["--facts", "rings=rings.json"])));
    assert_eq!(again["findings"], found["findings"]);
}

/// Whoever asks a policy that needs a fact gets an answer only with it.
#[test]
fn no_command_is_silent_for_want_of_a_fact() {
    let case = team();
    std::fs::create_dir_all(case.path("cases/one")).expect("a folder");
    for name in ["response.json", "fleet.json"] {
        std::fs::copy(case.path(name), case.path("cases/one").join(name)).expect("it is copied");
    }
    let facts = ["--facts", "rings=rings.json"];
    let eval = ["policy", "eval", "team.ring", "response.json", "--policy", "ring.rego"];
    let bundle = ["policy", "bundle", "--policy", "ring.rego", "--out", "bundle.tar.gz"];
    let test = ["policy", "test", "ring.rego", "--fixtures", "cases", "--update"];
    for silent in [&eval[..], &bundle, &test] {
        let ran = case.run(silent);
        assert_eq!(ran.code, 5, "{silent:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("needs the fact \"rings\""), "{}", ran.stderr);
    }
    assert!(!case.path("cases/one/case.json").exists(), "no empty expectation is written");
    assert!(!case.path("bundle.tar.gz").exists());
    for told in [&eval[..], &bundle] {
        let ran = case.run(told.iter().chain(&facts));
        assert_eq!(ran.code, 0, "{told:?}: {}{}", ran.stdout, ran.stderr);
    }
    // In the case: a file beside it, or the value itself.
    std::fs::copy(case.path("rings.json"), case.path("cases/one/open.json")).expect("it is copied");
    for fact in [json!("open.json"), json!(["inner"])] {
        case.file("cases/one/case.json", json!({"facts": {"rings": fact}, "findings": []}).to_string());
        let ran = case.run(test);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        let written = read_json(&case.path("cases/one/case.json"));
        assert_eq!(written["facts"]["rings"], fact);
    }
    // In the configuration, for every command; the command line's own comes first.
    std::fs::remove_file(case.path("cases/one/case.json")).expect("it was written");
    std::fs::create_dir(case.path("team")).expect("a folder");
    case.file("team/rings.json", r#"["inner", "outer"]"#);
    case.file("rollproof.toml", "[policies]\npaths = [\"ring.rego\"]\n\n[facts]\nrings = \"team/rings.json\"\n");
    for told in [&eval[..4], &bundle, &test] {
        let ran = case.run(told);
        assert_eq!(ran.code, 0, "{told:?}: {}{}", ran.stdout, ran.stderr);
    }
    let verify = |more: &[&str]| report(&case.run(EVIDENCE.iter().chain(&RING[2..]).chain(more)));
    let is_closed = |report: &Value| codes(report).iter().any(|(code, _)| code == "team.closed");
    assert!(!is_closed(&verify(&[])));
    assert!(is_closed(&verify(&facts)));
}

#[test]
fn an_unnamed_field_is_no_evidence() {
    let case = team();
    let ran = case.run(EVIDENCE.iter().chain(&["--policy", "ring.rego", "--facts", "rings=rings.json"]));
    let found = report(&ran);
    assert_eq!(ran.code, 0, "{found:#}");
    let mut findings = found["findings"].as_array().expect("a list").iter();
    let unknown = findings.find(|finding| finding["code"] == "evidence.unknown_field").expect("it is noted");
    assert_eq!(unknown["observed"], json!(["ring", "weight"]));
}

#[test]
fn facts_that_cannot_be_used_are_refused() {
    let case = team();
    case.file("twice.json", r#"{"a": 1, "a": 2}"#);
    case.file("broken.json", "[1,");
    case.file("large.json", format!("[{}1]", "1, ".repeat(500)));
    let cases: [(&str, i32, &[&str]); 7] = [
        ("undeclared", 2, &["--facts", "ring=rings.json"]),
        ("twice", 2, &["--facts", "rings=rings.json", "--facts", "rings=rings.json"]),
        ("no-name", 2, &["--facts", "rings.json"]),
        ("absent", 4, &["--facts", "rings=nowhere.json"]),
        ("key-twice", 4, &["--facts", "rings=twice.json"]),
        ("broken", 4, &["--facts", "rings=broken.json"]),
        ("too-large", 4, &["--facts", "rings=large.json", "--max-input-bytes", "1000"]),
    ];
    let said = cases.map(|(name, code, args)| {
        let ran = verify(&case, args);
        assert_eq!(ran.code, code, "{name}: {}", ran.stderr);
        // What the command line itself cannot say has no report.
        assert!(ran.stdout.contains("rollproof.error/v1") || name == "no-name", "{name}: {}", ran.stdout);
        format!("{name}: {}", ran.stderr)
    });
    snapshot("facts-refused.txt", &said.join("\n"));

    let nobody = case.run(EVIDENCE.iter().chain(&["--facts", "rings=rings.json"]));
    assert_eq!(nobody.code, 2);
    assert!(nobody.stderr.contains("custom.facts"), "{}", nobody.stderr);
}

/// A policy that fails on what a fact holds is no verdict, and the error names the fact's file beside the rule.
#[test]
fn a_rule_that_fails_names_the_facts_that_it_was_given() {
    let case = team();
    let rule = POLICY
        .replace("ring := row.extra.ring", "ring := row.extra.ring\n\ttime.parse_rfc3339_ns(data.facts.rings[0]) > 0");
    case.file("ring.rego", rule);
    case.file("rings.json", r#"["9999-12-31T23:59:59Z"]"#);
    let ran = verify(&case, &["--facts", "rings=rings.json"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("the facts that were given: rings=rings.json"), "{}", ran.stderr);
}

#[test]
fn a_team_cannot_put_its_policy_where_facts_lie() {
    let case = team();
    case.file("facts.rego", "package facts.rings\n\ndeny contains \"x\" if input.rollout.dry_run\n");
    let ran = case.run(EVIDENCE.iter().chain(&["--policy", "facts.rego"]));
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("facts.rings"), "{}", ran.stderr);
}

#[test]
fn evidence_fields_that_cannot_be_used_are_refused() {
    let case = team();
    case.file(
        "nested.json",
        r#"{"ok": true, "results": [{"slug": "acme", "ring": ["inner"]}, {"slug": "bolt", "ring": {}}]}"#,
    );
    let cases: [(&str, i32, &[&str]); 3] = [
        ("known", 2, &["verify", "response.json", "--evidence-field", "slug"]),
        ("blank", 2, &["verify", "response.json", "--evidence-field", " "]),
        ("nested", 4, &["verify", "nested.json", "--evidence-field", "ring"]),
    ];
    let said = cases.map(|(name, code, args)| {
        let ran = case.run(args);
        assert_eq!(ran.code, code, "{name}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{name}: {}", ran.stdout);
        format!("{name}: {}", ran.stderr)
    });
    snapshot("fields-refused.txt", &said.join("\n"));
    assert_eq!(case.run(["verify", "response.json", "--document", "document.json"]).code, 3);
    let ran = case.run(["verify", "document.json", "--evidence-field", "ring"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[test]
fn a_journal_is_read_with_the_fields_that_are_named() {
    let case = Case::new();
    let journal = std::fs::read_to_string(root().join("fixtures/calls/live-one-502/run.journal")).expect("text");
    let journal = journal.replace(r#"{\"slug\":\"dune\",\"phase\""#, r#"{\"slug\":\"dune\",\"ring\":7,\"phase\""#);
    case.file("run.journal", &journal);
    let extra = |args: &[&str]| {
        case.run(["verify", "run.journal", "--document", "document.json"].iter().chain(args));
        let document = read_json(&case.path("document.json"));
        let cohorts = document["cohorts"].as_array().expect("a list").clone();
        let dune =
            cohorts.into_iter().find(|cohort| cohort["tenants"].as_array().expect("a list").contains(&json!("dune")));
        dune.expect("it is there")["rows"][0]["extra"].clone()
    };
    assert_eq!(extra(&[]), Value::Null);
    assert_eq!(extra(&["--evidence-field", "ring"]), json!({"ring": 7}));
    // A rollout that was told of the field has it in its journal.
    case.file(
        "run.journal",
        journal.replacen(r#""time_scale":"0""#, r#""time_scale":"0","evidence_fields":["ring"]"#, 1),
    );
    assert_eq!(extra(&[]), json!({"ring": 7}));
}

const DIGEST: &str = "# METADATA\n# title: Digest\n# description: Each tenant runs the image that the plan names.\n# custom:\n#   needs: [rollout.extra.digest]\npackage digest\n\ndeny contains finding if {\n\tsome cohort in input.cohorts\n\tsome row in cohort.rows\n\tnot endswith(row.running_image, input.rollout.extra.digest)\n\tfinding := {\"code\": \"digest.other\", \"message\": \"another image\", \"tenants\": cohort.tenants}\n}\n";

#[test]
fn a_field_of_the_plan_is_evidence_where_it_is_named() {
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let plane = Plane::new(move |_, request| match healthy(request, &FLEET) {
        Reply::Json(status, mut body) => {
            for row in body["results"].as_array_mut().expect("a list") {
                row["running_image"] = json!(format!("tenant@{}", digest("a")));
            }
            Reply::Json(status, body)
        }
        other => other,
    });
    let case = Case::new();
    case.file("digest.rego", DIGEST);
    for (place, letter, code) in [("/digest", "a", 0), ("/body/digest", "b", 1)] {
        let mut plan = drive::plan(&plane.url);
        plan["digest"] = json!(digest(letter));
        if place == "/body/digest" {
            plan["body"]["digest"] = plan["digest"].take();
            plan.as_object_mut().expect("a plan").remove("digest");
        }
        case.file("plan.json", plan.to_string());
        let named = ["--policy", "digest.rego", "--plan-field", "digest"];
        let journal = format!("{letter}.journal");
        let more = [&named[..], &["--journal", &journal]].concat();
        let ran = run(&mut drive::command(&case, &more));
        assert_eq!(ran.code, code, "{place}: {}{}", ran.stdout, ran.stderr);
        let document = read_json(&case.path("document.json"));
        assert_eq!(document["rollout"]["extra"], json!({"digest": digest(letter)}));
        assert!(!document["anomalies"].to_string().contains("digest"), "{}", document["anomalies"]);
        // The journal says which fields were named; an archived response is told of them.
        let again = case.run(["verify", &journal, "--policy", "digest.rego"]);
        assert_eq!(again.code, code, "{}{}", again.stdout, again.stderr);
        let fleet = FLEET.join("\n");
        case.file("fleet.txt", fleet);
        let archived = ["verify", "response.json", "--fleet", "fleet.txt", "--plan", "plan.json"];
        assert_eq!(case.run(archived.iter().chain(&named)).code, code);
        // Where nobody names it, the policy does not get what it needs.
        assert_eq!(case.run(archived.iter().chain(&named[..2])).code, 5);
    }
    for (name, code) in [("sha", 2), ("batch_size", 2), (" ", 2), ("list", 4)] {
        let mut plan = drive::plan("https://cp.example");
        plan["list"] = json!(["a"]);
        case.file("plan.json", plan.to_string());
        let archived = ["verify", "response.json", "--plan", "plan.json", "--plan-field", name];
        let ran = case.run(archived);
        assert_eq!(ran.code, code, "{name}: {}", ran.stderr);
    }
}
