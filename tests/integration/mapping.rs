//! Mappings: another system's output is read as rows, item by item, and nothing is lost, coerced or believed.

use std::fmt::Write as _;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Case, Ran, read_json, root};

const PLAN: &str = r#"{"enabled": true, "sha": "0123abc000000000000000000000000000000000", "image": "p:v2@sha256:aa",
  "body": {"target_tag": "v2", "canary_slug": "", "max_stragglers": 0}}"#;

/// Applications of a made-up system.
const APPS: &str = r#"{"apps": [
  {"meta": {"name": "acme", "tier": "gold"}, "image": "p:v2", "health": {"ok": true}, "phase": "Success", "code": 0},
  {"meta": {"name": "proxy", "tier": "infra"}, "image": "p:v1", "health": {"ok": true}, "phase": "Success", "code": 0},
  {"meta": {"name": "bolt", "tier": "tin"}, "image": "p:v1", "health": {"ok": true}, "phase": "Success", "code": 0}
]}"#;

const MAPPING: &str = r#"format = "rollproof.mapping/v1"
title = "Applications"
input = "json"
items = ".apps[]"
skip = '.meta.tier == "infra"'
skip_reason = "not a tenant"

[row]
slug = ".meta.name"
verified_on_target = 'any(.image | strings; endswith(":" + $target.tag))'
healthz_ok = ".health.ok"
running_image = ".image"
status = ".phase"
exit_code = ".code"

[row.extra]
index = "$path[-1]"

[fleet]
items = ".apps[]"
slug = ".meta.name"
labels = "{tier: .meta.tier, gone: .gone}"
"#;

/// The same where the status is the only proof.
fn by_status() -> String {
    let target = r#"verified_on_target = 'any(.image | strings; endswith(":" + $target.tag))'"#;
    MAPPING.replace(target, "").replace("input =", "proof = \"status\"\ninput =")
}

fn case(mapping: &str) -> Case {
    let case = Case::new();
    case.file("apps.json", APPS);
    case.file("own.toml", mapping);
    case.file("plan.json", PLAN);
    case.file("fleet.json", r#"["acme", "bolt"]"#);
    case
}

const VERIFY: [&str; 9] =
    ["verify", "apps.json", "--map", "own.toml", "--plan", "plan.json", "--fleet", "fleet.json", "--format=json"];

fn report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", ran.stdout, ran.stderr))
}

fn codes(report: &Value) -> Vec<(String, String)> {
    let text = |finding: &Value, key: &str| finding[key].as_str().expect("text").to_owned();
    let findings = report["findings"].as_array().expect("a list");
    findings.iter().map(|finding| (text(finding, "severity"), text(finding, "code"))).collect()
}

fn has(report: &Value, severity: &str, code: &str) -> bool {
    codes(report).contains(&(severity.to_owned(), code.to_owned()))
}

#[test]
fn evidence_of_another_system_is_judged_and_again_from_its_document() {
    let case = case(MAPPING);
    let ran = case.run([&VERIFY[..], &["--document", "document.json"]].concat());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let first = report(&ran);
    assert!(has(&first, "deny", "coverage.incomplete") && has(&first, "note", "evidence.skipped_item"), "{first:#}");
    assert_eq!(first["stragglers"][0]["source"], json!({"input": "apps.json", "pointer": "/apps/2"}));
    let skipped = first["findings"].as_array().expect("a list");
    let skipped = skipped.iter().find(|finding| finding["code"] == "evidence.skipped_item").expect("it is there");
    assert_eq!(skipped["message"], "1 item is skipped by the mapping: not a tenant");
    assert_eq!(skipped["at"], "apps.json#/apps/1");

    let document = read_json(&case.path("document.json"));
    let fields = json!(["healthz_ok", "running_image", "ssm_exit_code", "ssm_status", "verified_on_target"]);
    assert_eq!((&document["mapping"]["fields"], &document["mapping"]["proof"]), (&fields, &json!("target")));
    assert_eq!(document["items"], json!([{"at": "/apps", "elements": 3}]));
    let row = json!({"ssm_status": "Success", "ssm_exit_code": 0, "healthz_ok": true, "verified_on_target": false,
        "running_image": "p:v1", "extra": {"index": 2}});
    assert_eq!(document["cohorts"][1]["rows"], json!([row]));
    let inputs = document["provenance"]["inputs"].as_array().expect("a list");
    let file = inputs.iter().find(|input| input["role"] == "mapping").expect("it is an input");
    assert_eq!(file["sha256"], document["mapping"]["sha256"]);

    let again = case.run(["verify", "document.json", "--format=json"]);
    assert_eq!((report(&again)["findings"].clone(), again.code), (first["findings"].clone(), 1));
    let explained =
        case.run(["explain", "apps.json", "bolt", "--map", "own.toml", "--plan", "plan.json", "--fleet", "fleet.json"]);
    assert!(explained.stdout.contains("apps.json#/apps/2"), "{} {}", explained.stdout, explained.stderr);
    // A document and a journal are no other system's evidence.
    let ran = case.run(["verify", "document.json", "--map", "own.toml", "--plan", "plan.json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[test]
fn a_document_whose_mapping_was_changed_contradicts_itself() {
    let case = case(&by_status());
    case.file("apps.json", APPS.replace("p:v1", "p:v2"));
    let ran = case.run([&VERIFY[..], &["--document", "document.json"]].concat());
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
    let document = read_json(&case.path("document.json"));
    let forgeries: [(&str, Value); 6] = [
        ("/mapping", Value::Null),
        ("/mapping/proof", json!("target")),
        ("/mapping/fields", json!(["ssm_status"])),
        ("/mapping/fields/0", json!("verified_on_target")),
        ("/mapping/sha256", json!("0".repeat(64))),
        ("/items", json!([])),
    ];
    for (at, value) in forgeries {
        let mut changed = document.clone();
        *changed.pointer_mut(at).expect(at) = value;
        case.file("changed.json", changed.to_string());
        let ran = case.run(["verify", "changed.json"]);
        assert_eq!(ran.code, 4, "{at}: {}", ran.stderr);
    }
}

/// A path, the input that holds items there, and the pointer of each.
type Shape = (&'static str, fn(&[Value]) -> Value, fn(usize) -> String);

/// The law: as many rows and skips as items, for paths of every shape.
#[test]
fn items_in_are_rows_and_skips_out() {
    let case = Case::new();
    let shapes: [Shape; 6] = [
        (".[]", |items| json!(items), |i| format!("/{i}")),
        (".a[]", |items| json!({"a": items, "b": [1]}), |i| format!("/a/{i}")),
        (".a[][]", |items| json!({"a": [[], items, []]}), |i| format!("/a/1/{i}")),
        (
            ".\"a/b\"[].x",
            |items| json!({"a/b": items.iter().map(|item| json!({"x": item})).collect::<Vec<_>>()}),
            |i| format!("/a~1b/{i}/x"),
        ),
        (
            ".one[], .two[]",
            |items| json!({"one": items[..1], "two": items[1..]}),
            |i| if i == 0 { "/one/0".into() } else { format!("/two/{}", i - 1) },
        ),
        (
            ".m[]",
            |items| json!({"m": items.iter().enumerate().map(|(i, item)| (format!("k{i}"), item.clone())).collect::<serde_json::Map<_, _>>()}),
            |i| format!("/m/k{i}"),
        ),
    ];
    let mut runner = TestRunner::new(Config { cases: 4, failure_persistence: None, ..Config::default() });
    let found = runner.run(&vec((any::<bool>(), "[a-z]{1,3}"), 1..12), |given| {
        let items: Vec<Value> =
            given.iter().enumerate().map(|(i, (skipped, name))| json!({"slug": format!("{name}-{i}"), "skip": skipped})).collect();
        for (path, input, pointer) in shapes {
            case.file("input.json", input(&items).to_string());
            let mapping = format!(
                "format = \"rollproof.mapping/v1\"\ntitle = \"t\"\ninput = \"json\"\nitems = '{path}'\nskip = '.skip'\nskip_reason = \"r\"\n\
                 [row]\nslug = '.slug'\nverified_on_target = 'false'\n"
            );
            case.file("own.toml", mapping);
            let ran = case.run(["mapping", "try", "own.toml", "input.json", "--format=json"]);
            let read = report(&ran);
            let list = |key: &str| read[key].as_array().expect(key).clone();
            let mut places = Vec::new();
            for row in list("rows") {
                places.push((row["pointer"].clone(), row["row"]["slug"].clone()));
            }
            let skips = list("skips").into_iter().map(|skip| (skip["pointer"].clone(), Value::Null));
            let mut expected = Vec::new();
            for (i, item) in items.iter().enumerate() {
                let slug = if given[i].0 { Value::Null } else { item["slug"].clone() };
                expected.push((json!(pointer(i)), slug));
            }
            let mut all: Vec<_> = places.into_iter().chain(skips).collect();
            let order = |(pointer, slug): &(Value, Value)| (pointer.to_string(), slug.to_string());
            all.sort_by_key(order);
            expected.sort_by_key(order);
            prop_assert_eq!(all, expected, "{}", path);
        }
        Ok(())
    });
    found.expect("nothing is lost");
}

/// The law: types are those of a row, nothing is coerced, and exactly one value is given.
#[test]
fn what_does_not_fit_is_refused_with_its_place_and_its_filter() {
    let case = case(MAPPING);
    let plain = |key: &str, filter: &str| {
        let row = format!("slug = '.meta.name'\nverified_on_target = 'true'\n{key} = '''{filter}'''\n");
        let row = if ["slug", "verified_on_target"].contains(&key) {
            row.replace(&format!("{key} = '"), "#") + &format!("\n{key} = '''{filter}'''\n")
        } else {
            row
        };
        format!("format = \"rollproof.mapping/v1\"\ntitle = \"t\"\ninput = \"json\"\nitems = '.apps[]'\n[row]\n{row}")
    };
    let bad = [
        ("slug", ".code", "0"),
        ("slug", ".gone", "null"),
        ("slug", "\"\\(.gone // \"\") \"", "\" \""),
        ("verified_on_target", ".phase", "\"Success\""),
        ("verified_on_target", ".code", "0"),
        ("healthz_ok", "\"\\(.health.ok)\" | fromjson | tostring | .", "\"true\""),
        ("running_image", ".code", "0"),
        ("error", ".health", "{\"ok\":true}"),
        ("status", ".health.ok", "true"),
        ("exit_code", ".phase", "\"Success\""),
        ("exit_code", ".code + 0.5", "0.5"),
        ("exit_code", ".code + 9223372036854775808", "9223372036854775808"),
        ("exit_code", ".code + 98765432109876543210", "98765432109876543210"),
        ("error", "empty, .gone, .phase", "null and \"Success\""),
        ("error", ".meta.name | select(. == \"x\")", "no value"),
        ("error", "if .code == 0 then error(\"it is \" + .phase) else null end", "it is Success"),
        ("error", ".phase.x", "cannot index"),
    ];
    for (key, filter, found) in bad {
        case.file("own.toml", plain(key, filter));
        let ran = case.run(VERIFY);
        let error = ran.stdout;
        assert_eq!(ran.code, 4, "{key} = {filter}: {error} {}", ran.stderr);
        assert!(
            ran.stderr.contains("/apps/0") && ran.stderr.contains(&format!("the filter {key} of")),
            "{}",
            ran.stderr
        );
        let found = found.replace('"', "\\\"");
        assert!(error.contains(&found), "{key} = {filter}: {error}");
    }
    // Null leaves a field out, but for the proof.
    let fields = ["healthz_ok", "running_image", "error", "status", "exit_code"];
    let row = fields.map(|field| format!("{field} = '.gone'\n")).concat();
    case.file("own.toml", plain("verified_on_target", ".gone") + &row);
    let read = report(&case.run(["mapping", "try", "own.toml", "apps.json", "--format=json"]));
    assert_eq!(read["rows"][0]["row"], json!({"slug": "acme", "verified_on_target": null}));
    let labels = report(&{
        case.file("own.toml", MAPPING);
        case.run(["mapping", "try", "own.toml", "apps.json", "--fleet", "--format=json"])
    });
    assert_eq!(labels["fleet"][0], json!({"pointer": "/apps/0", "slug": "acme", "labels": {"tier": "gold"}}));
}

/// The law: a status alone is at most assumed, a warning, and a deny with `require_proof`.
#[test]
fn a_status_alone_is_assumed_with_a_warning() {
    let case = case(&by_status());
    case.file("apps.json", APPS.replace("p:v1", "p:v2"));
    let ran = case.run(VERIFY);
    let warned = report(&ran);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(has(&warned, "warn", "coverage.assumed"), "{warned:#}");
    let ran = case.run([&VERIFY[..], &["--param", "require_proof=true"]].concat());
    assert!(ran.code == 1 && has(&report(&ran), "deny", "coverage.assumed"), "{}", ran.stdout);
}

/// Every way to take one key out of an item.
fn without_a_key(value: &Value) -> Vec<Value> {
    let Value::Object(entries) = value else { return Vec::new() };
    let mut all = Vec::new();
    for (key, inner) in entries {
        let mut without = entries.clone();
        without.remove(key);
        all.push(Value::Object(without));
        for changed in without_a_key(inner) {
            let mut with = entries.clone();
            with.insert(key.clone(), changed);
            all.push(Value::Object(with));
        }
    }
    all
}

/// The law: to take a key out of an item never makes a pass of anything else.
#[test]
fn no_missing_key_makes_a_pass() {
    // Each of these fails by one thing.
    let ways: [(&str, Value); 5] = [
        (MAPPING, json!({"image": "p:v1"})),
        (MAPPING, json!({"health": {"ok": false}})),
        ("status", json!({"phase": "Failed"})),
        ("status", json!({"code": 2})),
        ("status", json!({"image": "p:v1"})),
    ];
    for (mapping, change) in ways {
        let mapping = if mapping == "status" { by_status() } else { mapping.to_owned() };
        let case = case(&mapping);
        case.file("fleet.json", r#"["acme"]"#);
        let mut item = json!({"meta": {"name": "acme", "tier": "gold"}, "image": "p:v2", "health": {"ok": true}, "phase": "Success", "code": 0});
        case.file("apps.json", json!({"apps": [item]}).to_string());
        assert_eq!(case.run(VERIFY).code, 0);
        for (key, value) in change.as_object().expect("an object") {
            item[key] = value.clone();
        }
        case.file("apps.json", json!({"apps": [item]}).to_string());
        assert_eq!(case.run(VERIFY).code, 1, "{change}");
        for changed in without_a_key(&item) {
            case.file("apps.json", json!({"apps": [changed]}).to_string());
            let ran = case.run(VERIFY);
            assert!([1, 4].contains(&ran.code), "{change}: {changed}: {}", ran.stdout);
        }
    }
}

#[test]
fn rows_of_one_tenant_that_contradict_each_other_prove_nothing() {
    let case = case(MAPPING);
    let item = |image: &str| json!({"meta": {"name": "acme"}, "image": image, "health": {"ok": true}, "phase": "Success", "code": 0});
    case.file("fleet.json", r#"["acme"]"#);
    for (images, code) in [(["p:v1", "p:v2"], 1), (["p:v2", "p:v1"], 1), (["p:v2", "p:v2"], 0)] {
        case.file("apps.json", json!({"apps": images.map(item)}).to_string());
        let ran = case.run(VERIFY);
        assert_eq!(ran.code, code, "{images:?}: {}", ran.stdout);
    }
}

/// The law: what is compared with has to be known, before anything is read.
#[test]
fn a_target_without_a_plan_is_refused() {
    let case = case(MAPPING);
    let ran = case.run(["verify", "gone.json", "--map", "own.toml"]);
    assert!(ran.code == 2 && ran.stderr.contains("--plan"), "{}", ran.stderr);
    case.file("own.toml", MAPPING.replace("$target.tag", "$target.sha"));
    case.file("plan.json", r#"{"enabled": true, "body": {"target_tag": "v2"}}"#);
    let ran = case.run(VERIFY);
    assert!(ran.code == 2 && ran.stderr.contains("no sha"), "{}", ran.stderr);
    // What is absent in an item, too, would be equal to what is absent in the plan.
    for (absent, code) in [
        (".image == $target.image", 2),
        (".digest == $target.extra.digest", 2),
        (".digest == $target.extra[\"digest\"]", 2),
        (".image == $target.tga", 2),
        ("$target as $t | .image == $t.image", 2),
        (".image == ($target | .image)", 2),
        (".digest == $target.extra[.name]", 2),
        ("($target.image != null) and .image == $target.image", 1),
    ] {
        case.file("own.toml", MAPPING.replace(r#"any(.image | strings; endswith(":" + $target.tag))"#, absent));
        let ran = case.run(VERIFY);
        assert_eq!(ran.code, code, "{absent}: {}{}", ran.stdout, ran.stderr);
        assert!(code != 2 || ran.stderr.contains("$target"), "{}", ran.stderr);
    }
    // The image of the plan is there for whoever compares with it, and is no unknown field then.
    case.file("plan.json", PLAN);
    case.file("own.toml", MAPPING.replace("index = \"$path[-1]\"", "digest = '$target.image | split(\"@\")[1]'"));
    let read = report(&case.run(["mapping", "try", "own.toml", "apps.json", "--plan", "plan.json", "--format=json"]));
    assert_eq!(read["rows"][0]["row"]["extra"], json!({"digest": "sha256:aa"}));
    assert!(!has(&report(&case.run(VERIFY)), "note", "evidence.unknown_field"));
}

/// Bad mappings: one error with file, line, column and remedy, before any evidence is read.
#[test]
fn a_bad_mapping_is_refused_with_its_place_and_a_remedy() {
    let case = Case::new();
    case.file("plan.json", PLAN);
    let with = |from: &str, to: &str| {
        assert!(MAPPING.contains(from), "{from}");
        MAPPING.replacen(from, to, 1)
    };
    let verified = r#"verified_on_target = 'any(.image | strings; endswith(":" + $target.tag))'"#;
    let bad = [
        (with("healthz_ok", "healtz_ok"), "line 11, column 1", "did you mean \"healthz_ok\"?"),
        (with("[fleet]", "[flet]"), "line 19, column 2", "did you mean \"fleet\"?"),
        (with("mapping/v1", "mapping/v2"), "line 1, column 10", "rollproof schema mapping"),
        (with("input = \"json\"", "input = \"jsn\""), "line 3, column 9", "did you mean \"json\"?"),
        (with("\".phase\"", "\".phase | \""), "line 13, column 20", "correct the filter"),
        (
            with("\".phase\"", "\"\"\"\n.phase |\n  ascii_downcas\"\"\""),
            "line 15, column 3",
            "did you mean \"ascii_downcase\"?",
        ),
        (with("\".phase\"", "\"\\u002Ephase | now\""), "line 13, column 10", "no clock"),
        (with("$target.tag", "$tagret.tag"), "line 10, column 60", "did you mean \"$target\"?"),
        (with("\".health.ok\"", "'\"yes\"'"), "line 11, column 15", "gives a string"),
        (with("\".code\"", "\".code == 0\""), "line 14, column 14", "gives a boolean"),
        (with("\".apps[]\"", "\".apps[] | select(.meta)\""), "line 4, column 10", "names and [] alone"),
        (with("\".apps[]\"", "\".apps[]?\""), "line 4, column 10", "names and [] alone"),
        (with("skip_reason = \"not a tenant\"\n", ""), "line 5, column 8", "add skip_reason"),
        (with("skip = '.meta.tier == \"infra\"'\n", ""), "line 5, column 15", "leave it out"),
        (with(verified, ""), "line 8, column 1", "proof = \"status\""),
        (with("input =", "proof = \"status\"\ninput ="), "line 3, column 9", "leave proof out"),
        (with("items = \".apps[]\"\n", ""), "line 7, column 1", "add items"),
        (with("slug = \".meta.name\"\n", ""), "line 8, column 1", "slug"),
        (with("index =", "ssm_status ="), "line 17, column 14", "use another name"),
        (with("status = \".phase\"", "status = \"env.PATH\""), "line 13, column 11", "no clock"),
    ];
    for (mapping, place, remedy) in bad {
        case.file("own.toml", &mapping);
        for command in [
            &["verify", "gone.json", "--map", "own.toml", "--plan", "plan.json"][..],
            &["mapping", "show", "own.toml"],
            &["audit", "gone", "--map", "own.toml"],
        ] {
            let ran = case.run(command);
            assert_eq!(ran.code, 2, "{place}: {}", ran.stderr);
            let says = |text: &str| ran.stderr.contains(text);
            assert!(says("own.toml") && says(remedy), "{place}: {}", ran.stderr);
            let (line, column) = place.split_once(", ").expect("both");
            assert!(says(line) && says(column), "{place}: {}", ran.stderr);
        }
    }
}

#[test]
fn every_form_of_input_is_read_and_what_is_none_is_refused_with_its_line() {
    let case = Case::new();
    let mapping = |form: &str| {
        format!(
            "format = \"rollproof.mapping/v1\"\ntitle = \"t\"\ninput = \"{form}\"\nitems = \".[]\"\n[row]\nslug = \".slug\"\n\
             verified_on_target = '.ok == true or .ok == \"true\"'\nexit_code = '.n | if type == \"number\" then . else null end'\n"
        )
    };
    let good = [
        ("json", "[{\"slug\": \"a\", \"ok\": true, \"n\": 9007199254740993}]"),
        ("jsonl", "{\"slug\": \"a\", \"ok\": true, \"n\": 9007199254740993}\n\n"),
        ("csv", "\u{feff}slug,ok\r\n\"a\",true\r\n"),
        ("yaml", "# a list\n- slug: a\n  ok: true\n  n: 9007199254740993\n"),
    ];
    for (form, text) in good {
        case.file("own.toml", mapping(form));
        case.file("input", text);
        let read = report(&case.run(["mapping", "try", "own.toml", "input", "--format=json"]));
        let row = &read["rows"][0];
        assert_eq!(
            (&row["pointer"], &row["row"]["verified_on_target"]),
            (&json!("/0"), &json!(true)),
            "{form}: {read:#}"
        );
        assert!(form == "csv" || row["row"]["ssm_exit_code"] == json!(9_007_199_254_740_993_i64), "{form}: {read:#}");
    }
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let bad = [
        ("json", "[{\"slug\": \"a\"},", "line 1"),
        ("json", "{\"slug\": 1}\n{}", "line 2"),
        ("json", "{\"a\": {}, \"a\": {}}", "twice"),
        ("json", "7", "an array or the values of an object"),
        ("json", &format!("[{deep}]"), "inside each other"),
        ("json", "[\"\\ud800\"]", "/0"),
        ("jsonl", "{}\n{} {}\n", "line 2"),
        ("csv", "slug,ok\na\n", "line 2"),
        ("csv", "slug,slug\na,b\n", "twice"),
        ("csv", "slug, ok\na,b\n", "white space"),
        ("yaml", "- slug: a\n  slug: b\n", "line 2"),
        ("yaml", "- slug: a\n---\n- slug: b\n", "one YAML document"),
        ("yaml", "no: yes", "cannot index \"yes\""),
    ];
    for (form, text, says) in bad {
        case.file("own.toml", mapping(form));
        case.file("input", text);
        let ran = case.run(["mapping", "try", "own.toml", "input"]);
        assert_eq!(ran.code, 4, "{form} {text:.60}: {} {}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(says), "{form} {text:.60}: {}", ran.stderr);
    }
}

#[test]
fn a_filter_that_would_take_all_memory_ends_in_an_error() {
    let case = case(&MAPPING.replace("\".phase\"", "\"[repeat(1)] | tostring\""));
    let ran = case.run(VERIFY);
    let says = |text| ran.stderr.contains(text);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(says("apps.json: the mapping own.toml: the filters need more than"), "{}", ran.stderr);
    assert!(says("the last one that ran is status"), "{}", ran.stderr);
}

#[test]
fn archives_of_another_system_are_audited() {
    let case = case(MAPPING);
    for (day, image) in [("2026-01-01", "p:v2"), ("2026-01-02", "p:v1")] {
        std::fs::create_dir_all(case.path(&format!("archive/{day}"))).expect("a folder");
        case.file(
            &format!("archive/{day}/response.json"),
            APPS.replace("\"image\": \"p:v1\"", &format!("\"image\": \"{image}\"")),
        );
        case.file(&format!("archive/{day}/plan.json"), PLAN);
        case.file(&format!("archive/{day}/fleet.json"), r#"["acme", "bolt"]"#);
    }
    let ran = case.run(["audit", "archive", "--map", "own.toml", "--format=json"]);
    let audited = report(&ran);
    let decisions: Vec<&Value> = audited["audit"]["rollouts"]
        .as_array()
        .unwrap_or_else(|| panic!("{audited:#} {}", ran.stderr))
        .iter()
        .map(|rollout| &rollout["decision"])
        .collect();
    assert_eq!(decisions, [&json!("pass"), &json!("fail")], "{audited:#}");
    let explain = audited["audit"]["rollouts"][1]["explain"].as_str().expect("a command");
    assert!(explain.contains(" --map own.toml"), "{explain}");
    let args: Vec<&str> = explain.split(' ').skip(1).collect();
    let explained = case.run(args).stdout;
    assert!(explained.contains("FAIL"), "{explained}");
}

#[test]
fn a_fleet_of_another_system_is_read_by_a_mapping() {
    let case = case(MAPPING);
    case.file("hosts.json", APPS.replace("\"infra\"", "\"tin\"").replace("proxy", "cove"));
    let ran = case.run([
        "verify",
        "apps.json",
        "--map",
        "own.toml",
        "--plan",
        "plan.json",
        "--fleet",
        "hosts.json",
        "--fleet-map",
        "own.toml",
        "--format=json",
        "--document",
        "d.json",
    ]);
    let stragglers: Vec<Value> =
        report(&ran)["stragglers"].as_array().expect("a list").iter().map(|one| one["tenant"].clone()).collect();
    assert_eq!(stragglers, [json!("bolt"), json!("cove")]);
    let document = read_json(&case.path("d.json"));
    assert!(
        document["cohorts"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|cohort| cohort["labels"] == json!({"tier": "gold"}))
    );
    assert_eq!(case.run(["verify", "d.json"]).code, 1);
    let ran = case.run(["verify", "apps.json", "--map", "own.toml", "--plan", "plan.json", "--fleet-map", "own.toml"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

/// Nothing registers a bundled mapping but its folder.
#[test]
fn every_folder_of_mappings_is_a_bundled_mapping() {
    let case = Case::new();
    let listed = case.run(["mapping", "list"]).stdout;
    let mut folders = std::fs::read_dir(root().join("mappings"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect::<Vec<_>>();
    folders.sort();
    let mut expected = String::new();
    for folder in &folders {
        let text = std::fs::read_to_string(folder.join("mapping.toml")).expect("its mapping");
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a name");
        let shown = case.run([Path::new("mapping"), Path::new("show"), Path::new(name)]);
        assert_eq!((shown.code, &shown.stdout), (0, &text), "{name}: {}", shown.stderr);
        writeln!(expected, "{name}").expect("a string takes every write");
    }
    let names: String =
        listed.lines().map(|line| line.split("  ").next().unwrap_or_default().to_owned() + "\n").collect();
    assert_eq!(names, expected);
    let ran = case.run(["mapping", "show", &expected.lines().next().expect("one").to_uppercase()]);
    assert!(ran.code == 2 && ran.stderr.contains("did you mean"), "{}", ran.stderr);
}
