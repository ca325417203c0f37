//! `index` of a mapping: made once of the whole input, and looked up by its filters as `$index`.

use serde_json::{Value, json};

use crate::support::{Case, Ran};

const MAPPING: &str = r#"format = "rollproof.mapping/v1"
title = "Joined"
input = "json"
index = '[.runs[] | {(.app): .image}] | add'
items = ".apps[]"

[row]
slug = ".name"
verified_on_target = '$index[.name] == "p:" + $target.tag'

[fleet]
items = ".apps[]"
slug = ".name"
labels = "{image: $index[.name]}"
"#;

const PLAN: &str = r#"{"enabled": true, "sha": "0123abc000000000000000000000000000000000", "image": "p:v2@sha256:aa",
  "body": {"target_tag": "v2", "canary_slug": "", "max_stragglers": 0}}"#;

const INPUT: &str = r#"{"apps": [{"name": "acme"}, {"name": "bolt"}, {"name": "cove"}],
  "runs": [{"app": "acme", "image": "p:v2"}, {"app": "bolt", "image": "p:v1"}]}"#;

fn case(mapping: &str) -> Case {
    let case = Case::new();
    case.file("apps.json", INPUT);
    case.file("own.toml", mapping);
    case.file("plan.json", PLAN);
    case
}

fn tried(mapping: &str, more: &[&str]) -> Ran {
    let args = ["mapping", "try", "own.toml", "apps.json", "--plan", "plan.json", "--format", "json"];
    case(mapping).run(args.iter().chain(more).copied())
}

fn with(from: &str, to: &str) -> String {
    assert!(MAPPING.contains(from), "{from}");
    MAPPING.replacen(from, to, 1)
}

#[test]
fn filters_look_up_what_the_index_has() {
    let ran = tried(MAPPING, &[]);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    let rows = said["rows"].as_array().expect("rows").iter();
    let rows: Vec<(&Value, &Value)> =
        rows.map(|row| (&row["row"]["slug"], &row["row"]["verified_on_target"])).collect();
    let expected = [(json!("acme"), json!(true)), (json!("bolt"), json!(false)), (json!("cove"), json!(false))];
    assert_eq!(rows, expected.iter().map(|(slug, proven)| (slug, proven)).collect::<Vec<_>>());
    assert_eq!(said["filters"]["index"], "[.runs[] | {(.app): .image}] | add");
    // A fleet has it as well, and what looks nothing up does not say that it does.
    let fleet: Value = serde_json::from_str(&tried(MAPPING, &["--fleet"]).stdout).expect("JSON");
    assert_eq!(fleet["fleet"][1]["labels"], json!({"image": "p:v1"}));
    let plain = with("labels = \"{image: $index[.name]}\"\n", "");
    let fleet: Value = serde_json::from_str(&tried(&plain, &["--fleet"]).stdout).expect("JSON");
    assert_eq!(fleet["filters"].get("index"), None);
    // It sees the target.
    let of_target = with("{(.app): .image}] | add", "select(.image == \"p:\" + $target.tag) | {(.app): .image}] | add");
    let fleet: Value = serde_json::from_str(&tried(&of_target, &["--fleet"]).stdout).expect("JSON");
    assert_eq!(fleet["fleet"][1]["labels"], json!({}));
}

#[test]
fn an_index_that_cannot_be_used_is_refused_with_its_place() {
    let index = "index = '[.runs[] | {(.app): .image}] | add'\n";
    let bad = [
        (with(index, ""), "line 13, column 19", "say in index"),
        (with("index =", "idnex ="), "line 4, column 1", "did you mean \"index\"?"),
        (MAPPING.replace("$index[.name]", ".name"), "line 4, column 9", "look something up"),
        (with("$index[.name] ==", "$idnex[.name] =="), "line 9, column 23", "did you mean \"$index\"?"),
        (with(".runs[] |", "$path.runs[] |"), "line 4, column 11", "the variables are $input, $target"),
        (with(".runs[] |", "now |"), "line 4, column 11", "no clock"),
    ];
    for (mapping, place, remedy) in bad {
        let ran = tried(&mapping, &[]);
        assert_eq!(ran.code, 2, "{place}: {}{}", ran.stdout, ran.stderr);
        let (line, column) = place.split_once(", ").expect("both");
        for says in [line, column, remedy] {
            assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
        }
    }
    // A variable of a filter's own may have the name.
    let own =
        with(index, "").replace("$index[.name] ==", ". as $index | $index.image ==").replace("$index[.name]}", "null}");
    assert_eq!(tried(&own, &[]).code, 0);
    // What it compares with has to be known.
    let of_target = case(&with(".runs[] |", ".runs[] | select($target.tag) |"));
    let ran = of_target.run(["mapping", "try", "own.toml", "apps.json", "--fleet"]);
    assert!(ran.code == 2 && ran.stderr.contains("$target"), "{}", ran.stderr);
}

#[test]
fn an_index_gives_exactly_one_value() {
    let index = "[.runs[] | {(.app): .image}] | add";
    for (filter, says) in [("empty", "it gives no value"), (".runs[]", "exactly one value"), ("error(\"so\")", "so")] {
        let ran = tried(&with(index, filter), &[]);
        assert_eq!(ran.code, 4, "{filter}: {}", ran.stderr);
        let stderr = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(stderr.contains("the filter index of the mapping own.toml") && stderr.contains(says), "{stderr}");
    }
}

/// Deployments of some namespaces, each with a replica set and two pods; every seventh runs the old image.
fn cluster(deployments: usize) -> Value {
    let pod_of = |i: usize, pod: usize| {
        let image = if i.is_multiple_of(7) { "p:v1" } else { "p:v2" };
        json!({
            "kind": "Pod",
            "metadata": {"namespace": format!("ns-{}", i % 5), "name": format!("app-{i}-{pod}"), "ownerReferences": [{"uid": format!("set-{i}")}]},
            "spec": {"containers": [{"name": "app", "image": image}]},
            "status": {
                "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "app", "ready": true, "imageID": "p@sha256:aa"}],
            },
        })
    };
    let items = (0..deployments).flat_map(|i| {
        let metadata = |name: &str| json!({"namespace": format!("ns-{}", i % 5), "name": format!("{name}-{i}"), "uid": format!("{name}-{i}"), "generation": 1});
        let mut set = metadata("set");
        set["ownerReferences"] = json!([{"uid": format!("app-{i}")}]);
        let deployment = json!({
            "kind": "Deployment",
            "metadata": metadata("app"),
            "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "app", "image": "p:v2"}]}}},
            "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2},
        });
        [deployment, json!({"kind": "ReplicaSet", "metadata": set}), pod_of(i, 0), pod_of(i, 1)]
    });
    json!({"items": items.collect::<Vec<_>>()})
}

/// Where each deployment is compared with every other item, so many take longer than filters may.
#[test]
fn a_large_cluster_is_read_in_time() {
    const DEPLOYMENTS: usize = 800;
    let case = Case::new();
    case.file("cluster.json", cluster(DEPLOYMENTS).to_string());
    case.file("plan.json", PLAN.replace("\"image\": \"p:v2@sha256:aa\",", ""));
    let ran = case.run(["mapping", "try", "kubernetes", "cluster.json", "--plan", "plan.json", "--format", "json"]);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    let rows = said["rows"].as_array().expect("rows");
    assert_eq!((rows.len(), said["skips"].as_array().expect("skips").len()), (DEPLOYMENTS, 3 * DEPLOYMENTS));
    for (i, row) in rows.iter().enumerate() {
        let (proven, image) = if i.is_multiple_of(7) { (false, "p:v1") } else { (true, "p:v2") };
        let expected = json!({"slug": format!("ns-{}/app-{i}", i % 5), "verified_on_target": proven, "healthz_ok": true, "running_image": image});
        assert_eq!(row["row"], expected, "{i}");
    }
}
