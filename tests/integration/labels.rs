//! `--labels`: labels for evidence that was collected without.

use serde_json::{Value, json};

use crate::support::{Case, Ran, read_json, root};

const RESPONSE: &str = r#"{"ok": true, "results": [
  {"slug": "acme", "verified_on_target": true, "healthz_ok": false},
  {"slug": "bolt", "verified_on_target": true, "healthz_ok": false},
  {"slug": "cove", "verified_on_target": true, "healthz_ok": true}
]}"#;

const LABELS: &str = r#"[
  {"slug": "cove", "labels": {"tier": "tin"}},
  {"slug": "acme", "labels": {"tier": "gold"}},
  {"slug": "bolt", "labels": {"tier": "tin"}}
]"#;

/// Evidence without labels as a response and as a document, and the labels.
fn case() -> Case {
    let case = Case::new();
    case.file("response.json", RESPONSE);
    case.file("fleet.json", r#"["acme", "bolt", "cove"]"#);
    case.file(
        "fleet-with-labels.json",
        r#"[{"slug": "acme", "labels": {"tier": "gold"}}, {"slug": "bolt", "labels": {"tier": "tin"}},
            {"slug": "cove", "labels": {"tier": "tin"}}]"#,
    );
    case.file("labels.json", LABELS);
    let ran = case.run(["verify", "response.json", "--fleet", "fleet.json", "--document", "document.json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    case
}

fn gold() -> String {
    root().join("policies/examples/gold").display().to_string()
}

fn findings(ran: &Ran) -> Value {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    report["findings"].clone()
}

#[test]
fn a_document_with_labels_beside_it_says_what_one_that_was_collected_with_them_says() {
    let case = case();
    let policy = gold();
    let with = ["--format=json", "--policy", &policy];
    let collected =
        [&["verify", "response.json", "--fleet", "fleet-with-labels.json", "--document", "with.json"], &with[..]]
            .concat();
    let expected = findings(&case.run(collected));
    assert!(expected.to_string().contains("gold.unhealthy"), "{expected:#}");
    let given = ["verify", "document.json", "--labels", "labels.json", "--document", "given.json"];
    let ran = case.run([&given, &with[..]].concat());
    assert_eq!(findings(&ran), expected);

    let (with_labels, given) = (read_json(&case.path("with.json")), read_json(&case.path("given.json")));
    for part in ["cohorts", "order", "fleet", "rollout"] {
        assert_eq!(given[part], with_labels[part], "{part}");
    }
    let role = |file: &Value| file["role"] == json!("labels");
    let inputs = given["provenance"]["inputs"].as_array().expect("a list").clone();
    let file = inputs.iter().find(|file| role(file)).expect("the labels are an input");
    assert_eq!((&file["name"], &file["bytes"]), (&json!("labels.json"), &json!(LABELS.len())));
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    assert!(report["inputs"].as_array().expect("a list").iter().any(role), "{:#}", report["inputs"]);

    // The labels are evidence from now on.
    let again = case.run([&["verify", "given.json"], &with[..]].concat());
    assert_eq!(findings(&again), expected);
}

#[test]
fn a_response_and_an_explanation_and_a_policy_alone_take_labels_too() {
    let case = case();
    let policy = gold();
    let with = ["--labels", "labels.json", "--policy", &policy];
    for evidence in [&["response.json", "--fleet", "fleet.json"][..], &["document.json"]] {
        let ran = case.run([&["verify"], evidence, &with].concat());
        assert!(ran.stdout.contains("gold.unhealthy"), "{}\n{}", ran.stdout, ran.stderr);
        let ran = case.run([&["policy", "eval", "examples.gold"], evidence, &with].concat());
        assert!(ran.stdout.contains("gold.unhealthy") && ran.stdout.contains("acme"), "{}\n{}", ran.stdout, ran.stderr);
    }
    let ran = case.run([&["explain", "document.json", "acme"], &with[..]].concat());
    assert!(ran.stdout.contains("gold.unhealthy"), "{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn the_file_may_know_other_tenants_and_repeat_what_is_known() {
    let case = case();
    let more = r#"[{"slug": "acme", "labels": {"tier": "gold", "region": "eu"}}, {"slug": "newcomer", "labels": {"tier": "tin"}}]"#;
    case.file("more.json", more);
    let ran = case.run([
        "verify",
        "response.json",
        "--fleet",
        "fleet-with-labels.json",
        "--labels",
        "more.json",
        "--document",
        "document.json",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let document = read_json(&case.path("document.json"));
    assert_eq!(document["fleet"]["tenants"], 3, "labels enumerate nobody");
    assert_eq!(document["cohorts"][0]["labels"], json!({"tier": "gold", "region": "eu"}));
    assert_eq!(document["cohorts"][1]["labels"], json!({"tier": "tin"}), "what the evidence has stays");
}

#[test]
fn labels_that_nobody_would_get_are_refused() {
    let refused = [
        (r#"["acme"]"#, &["it gives no tenant a label", "{\"slug\", \"labels\"}"][..]),
        ("acme\nbolt\n", &["it gives no tenant a label"]),
        (
            r#"[{"slug": "other", "labels": {"tier": "gold"}}, {"slug": "more", "labels": {}}]"#,
            &["none of its 2 names is a tenant of the evidence"],
        ),
        (
            r#"[{"slug": "bolt", "labels": {"tier": "tin"}}, {"slug": "Acme", "labels": {"tier": "gold"}}]"#,
            &["labels.json#/1/slug, line 1, column 56: found \"Acme\", which is no tenant", "did you mean \"acme\"?"],
        ),
        (r#"[{"slug": "acme", "label": {"tier": "gold"}}]"#, &["label"]),
        ("", &["the file is empty"]),
    ];
    for (labels, expected) in refused {
        let case = case();
        case.file("labels.json", labels);
        let ran = case.run(["verify", "document.json", "--labels", "labels.json"]);
        assert_eq!((ran.code, &*ran.stdout), (4, ""), "{labels}: {}", ran.stderr);
        for part in expected {
            assert!(ran.stderr.contains(part), "{part:?} is not in\n{}", ran.stderr);
        }
    }
}

#[test]
fn labels_of_the_evidence_are_not_replaced() {
    let case = case();
    case.file("labels.json", r#"[{"slug": "cove"}, {"slug": "bolt", "labels": {"tier": "gold"}}]"#);
    let args = ["verify", "response.json", "--fleet", "fleet-with-labels.json", "--labels", "labels.json"];
    let ran = case.run(args);
    assert_eq!((ran.code, &*ran.stdout), (4, ""), "{}", ran.stderr);
    let expected = "labels.json#/1/labels, line 1, column 47: found tier \"gold\" for bolt, which has tier \"tin\" in the evidence";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
}
