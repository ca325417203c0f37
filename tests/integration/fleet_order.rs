//! The fleet's own order and the phases, as policies see them.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Case, read_json, root};

const POLICY: &str = r#"package team.ordered

import data.rollproof.lib.fleet

note contains {"code": "ordered.fleet", "message": concat(",", fleet.in_order(input))}

note contains {"code": "ordered.phases", "message": json.marshal(fleet.phases(input))}
"#;

/// What a policy of the code `ordered.NAME` says in a report.
fn said(report: &Value, name: &str) -> String {
    let findings = report["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["code"] == *format!("ordered.{name}"));
    found.unwrap_or_else(|| panic!("{name}: {report:#}"))["message"].as_str().expect("a text").to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn policies_see_the_fleet_in_the_order_of_its_enumeration(kinds in proptest::collection::vec(0..4_usize, 1..24)) {
        let case = Case::new();
        // Names whose alphabetical order is not that of the fleet.
        let name = |i: usize| format!("t{}", (i * 7) % 24);
        let fleet: Vec<String> = (0..kinds.len()).map(name).collect();
        let row = |(slug, kind): (&String, &usize)| match kind {
            0 => None,
            kind => Some(json!({"slug": slug, "phase": format!("phase-{kind}"), "verified_on_target": kind % 2 == 1})),
        };
        let rows: Vec<Value> = fleet.iter().zip(&kinds).rev().filter_map(row).collect();
        let phases = (1..4).map(|kind| {
            let of_phase = fleet.iter().zip(&kinds).rev().filter(|(_, of)| **of == kind).map(|(slug, _)| slug.clone());
            (format!("phase-{kind}"), of_phase.collect::<Vec<_>>())
        });
        let phases: serde_json::Map<_, _> = phases.filter(|(_, slugs)| !slugs.is_empty()).map(|(phase, slugs)| (phase, json!(slugs))).collect();
        case.file("fleet.json", json!(fleet).to_string());
        case.file("response.json", json!({"ok": true, "results": rows}).to_string());
        case.file("ordered.rego", POLICY);
        let from = |evidence: &[&str]| {
            let ran = case.run([evidence, &["--policy", "ordered.rego", "--report", "json=report.json", "--document", "document.json"]].concat());
            assert!(ran.code < 2, "{}", ran.stderr);
            read_json(&case.path("report.json"))
        };
        let report = from(&["verify", "response.json", "--fleet", "fleet.json"]);
        prop_assert_eq!(said(&report, "fleet"), fleet.join(","));
        prop_assert_eq!(said(&report, "phases"), json!(phases).to_string());
        std::fs::rename(case.path("document.json"), case.path("kept.json")).expect("it is there");
        let again = from(&["verify", "kept.json"]);
        prop_assert_eq!(&again["findings"], &report["findings"]);
    }
}

#[test]
fn a_policy_that_reads_the_whole_document_sees_all_of_it() {
    let case = Case::new();
    case.file("fleet.json", r#"["bolt", "acme"]"#);
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "phase": "canary"}]}"#);
    case.file(
        "whole.rego",
        "package team.whole\n\nnote contains {\"code\": \"whole.keys\", \"message\": concat(\",\", object.keys(input))}\n",
    );
    let verify = ["verify", "response.json", "--fleet", "fleet.json", "--document", "document.json"];
    let ran = case.run(verify.iter().chain(&["--policy", "whole.rego", "--format", "json"]));
    let document = read_json(&case.path("document.json"));
    let mut keys: Vec<String> = document.as_object().expect("an object").keys().cloned().collect();
    keys.sort();
    assert!(keys.contains(&"order".to_owned()) && keys.contains(&"phases".to_owned()), "{keys:?}");
    assert!(ran.stdout.contains(&keys.join(",")), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn the_drill_halts_before_a_tenant_of_another_region_is_called_too_early() {
    let case = Case::new();
    let policy = root().join("policies/examples/region_order").display().to_string();
    let drill = ["drill", "region-by-turns", "--time-scale", "0", "--keep"];
    let ran = case.run(drill.iter().chain(&["with", "--policy", &policy]));
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    for code in ["region_order.early", "region_order.interleaved"] {
        assert!(ran.stdout.contains(code), "{code} is not in {}", ran.stdout);
    }
    let document = read_json(&case.path("with/document.json"));
    let called = document["calls"].as_array().expect("calls").iter().filter(|call| call["purpose"] != "plan");
    let called: Vec<&Value> = called.map(|call| &call["tenants"]).collect();
    assert_eq!(called, [&json!(["eu-north"])], "no tenant of the US is called");
    assert_eq!(case.run(drill.iter().chain(&["without"])).code, 0, "without the policy they take turns");
}

/// The bundled policies are asked about merged cohorts, which have no order.
#[test]
fn no_bundled_policy_asks_for_the_order() {
    let files =
        walkdir::WalkDir::new(root().join("policies/rollproof")).into_iter().map(|entry| entry.expect("an entry"));
    for file in files.map(walkdir::DirEntry::into_path).filter(|path| path.extension().is_some_and(|end| end == "rego"))
    {
        let text = std::fs::read_to_string(&file).expect("text");
        let is_its_own = file.ends_with("lib/fleet/fleet.rego") || file.ends_with("lib/fleet/fleet_test.rego");
        for name in ["in_order", "fleet.phases", "input.order", "input.phases"] {
            assert!(is_its_own || !text.contains(name), "{} reads {name}", file.display());
        }
    }
}
