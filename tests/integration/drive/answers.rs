//! What the control plane says besides what it was asked: errors beside ok, rows of others, other fleets, and fields
//! that nobody reads. The verdict of a run is that of the response it wrote.

use rollproof::{EvidenceFields, Source, Sources, Timestamp, collect};
use serde_json::{Value, json};

use super::plane::{Plane, Reply, Request, healthy, http};
use super::{FLEET, case, denies, drive, json_of, plan};
use crate::grammar::bundled_code_of;
use crate::support::{Case, Ran, sample};

/// The codes of all findings about the document.
fn codes(case: &Case, severity: &str) -> Vec<String> {
    let report = case.run(["verify", "document.json", "--format", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("a list").iter();
    let findings = findings.filter(|finding| finding["severity"] == severity);
    findings.map(|finding| finding["code"].as_str().expect("a code").to_owned()).collect()
}

fn names(slug: &str) -> impl Fn(&&Request) -> bool + '_ {
    move |request| request.tenants().iter().any(|name| name == slug)
}

fn changed(reply: Reply, change: impl Fn(&mut Value)) -> Reply {
    let Reply::Json(status, mut body) = reply else { panic!("a healthy answer is JSON") };
    change(&mut body);
    Reply::Json(status, body)
}

#[test]
fn a_plan_that_contradicts_itself_calls_nobody() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let sha = "abcdef1000000000000000000000000000000000";
    let wrong: [(&str, Value, &str); 9] = [
        ("/body/only_slugs", json!(["acme"]), "/body/only_slugs"),
        ("/body/only_slugs", json!(null), "/body/only_slugs"),
        ("/body/Only_Slugs", json!(["acme"]), "/body/Only_Slugs"),
        ("/body/onlySlugs", json!([]), "/body/onlySlugs"),
        ("/body/DRY_RUN", json!(false), "/body/DRY_RUN"),
        ("/body/confirm", json!(false), "/body/confirm"),
        ("/body/dry_run", json!("true"), "/body/dry_run"),
        ("/target_tag", json!("staging-other"), "/target_tag"),
        ("/short_sha", json!("1234567"), "/short_sha"),
    ];
    for (at, value, pointer) in wrong {
        let case = case(&plane.url);
        let mut plan = plan(&plane.url);
        plan["sha"] = sha.into();
        let (parent, key) = at.rsplit_once('/').expect("a pointer");
        plan.pointer_mut(parent).expect("it is there")[key] = value;
        case.file("plan.json", plan.to_string());
        let ran = drive(&case, &[]);
        assert_eq!(ran.code, 4, "{at}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("plan.json#{pointer}, line 1")), "{at}: {}", ran.stderr);
    }
    let case = case(&plane.url);
    case.file(
        "plan.json",
        plan(&plane.url).to_string().replace("\"confirm\":true", "\"confirm\":true,\"confirm\":true"),
    );
    assert_eq!(drive(&case, &[]).code, 4);
    assert_eq!(plane.calls(), Vec::<Vec<String>>::new());
}

#[test]
fn a_plans_unknown_fields_are_sent_as_they_came() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let unknown = format!(r#""huge": 1e400, "long": 12345678901234567890123, "half": "\ud800 \" x", "deep": {deep}"#);
    let plan = plan(&plane.url).to_string().replace("\"confirm\":true", &format!("\"confirm\":true, {unknown}"));
    case.file("plan.json", plan);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let sent = format!(r#""huge":1e400,"long":12345678901234567890123,"half":"\ud800 \" x","deep":{deep}"#);
    assert!(plane.requests().iter().all(|request| request.text.contains(&sent)), "{:?}", plane.requests());
}

#[test]
fn a_fleet_file_with_a_live_row_is_none() {
    let row = |change: Value| {
        let mut row = json!({"slug": "acme"});
        row.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        json!({"ok": true, "results": [row]})
    };
    let wrong = [
        (row(json!({"ssm_exit_code": 0})), "/results/0/ssm_exit_code"),
        (row(json!({"healthz_ok": true})), "/results/0/healthz_ok"),
        (row(json!({"running_image": "x:y"})), "/results/0/running_image"),
        (row(json!({"error": "boom"})), "/results/0/error"),
        (row(json!({"ssm_status": null, "ssm_exit_code": 2})), "/results/0/ssm_exit_code"),
        (row(json!({"verified_on_target": true})), "/results/0/verified_on_target"),
        (json!({"ok": true, "results": [{"slug": "acme"}], "stragglers": ["bolt"]}), "/stragglers/0"),
        (json!({"ok": true, "results": [{"slug": "acme"}], "error": "incomplete"}), "/error"),
    ];
    let case = Case::new();
    case.file("response.json", r#"{"ok": true, "results": [{"slug": "acme", "verified_on_target": true}]}"#);
    let verify = |fleet: &Value| {
        case.file("fleet.json", fleet.to_string());
        case.run(["verify", "response.json", "--fleet", "fleet.json"])
    };
    for (fleet, pointer) in wrong {
        let ran = verify(&fleet);
        assert_eq!(ran.code, 4, "{fleet}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("fleet.json#{pointer}, line 1")), "{fleet}: {}", ran.stderr);
    }
    let right = [
        row(json!({"ssm_status": "DryRun", "ssm_exit_code": 0, "running_image": "x:y"})),
        row(json!({"ssm_exit_code": null, "healthz_ok": null, "running_image": null, "error": null})),
        json!({"ok": true, "results": [{"slug": "acme"}], "stragglers": [" "], "error": "", "message": "planned"}),
        json!({"ok": true, "results": [{"slug": "acme"}], "stragglers": null, "error": null}),
    ];
    for fleet in right {
        assert_eq!(verify(&fleet).code, 0, "{fleet}");
    }
}

#[test]
fn a_response_is_not_its_own_fleet() {
    let case = Case::new();
    let response = r#"{"ok": true, "results": [{"slug": "acme", "phase": "canary"}]}"#;
    case.file("response.json", response);
    case.file("fleet.json", response);
    let ran = case.run(["verify", "response.json", "--fleet", "fleet.json"]);
    assert_eq!(ran.code, 4, "{}", ran.stdout);
    assert!(ran.stderr.contains("found the response itself"), "{}", ran.stderr);
    let dry = json!({"enabled": true, "body": {"target_tag": "staging-abcdef1", "dry_run": true}});
    case.file("plan.json", dry.to_string());
    let response = r#"{"ok": true, "results": [{"slug": "acme", "ssm_status": "DryRun"}]}"#;
    case.file("response.json", response);
    case.file("fleet.json", response);
    assert_eq!(case.run(["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json"]).code, 0);
}

#[test]
fn a_plan_call_that_reports_an_outcome_is_live() {
    for outcome in [json!({"ssm_exit_code": 0}), json!({"healthz_ok": true}), json!({"running_image": "x:y"})] {
        let plane = Plane::new(move |_, request| {
            changed(healthy(request, &FLEET), |body| {
                if request.tenants().is_empty() {
                    let row = body["results"][1].as_object_mut().expect("a row");
                    row.remove("ssm_status");
                    row.extend(outcome.as_object().expect("an object").clone());
                }
            })
        });
        let case = case(&plane.url);
        assert_eq!(drive(&case, &[]).code, 1);
        assert!(denies(&case).contains(&"evidence.live_row_in_dry_run".to_owned()));
        assert_eq!(plane.calls(), [Vec::<String>::new()]);
    }
}

#[test]
fn a_tenant_that_an_earlier_plan_answer_named_is_not_forgotten() {
    let plane = Plane::new(|index, request| {
        let fleet: &[&str] = if index == 0 { &["acme", "bolt", "dune"] } else { &["acme", "bolt"] };
        match (index, healthy(request, fleet)) {
            (0, Reply::Json(_, body)) => Reply::Json(502, body),
            (_, reply) => reply,
        }
    });
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 1);
    assert_eq!(plane.calls(), [Vec::<String>::new(), Vec::new()], "nobody is rolled");
    assert_eq!(codes(&case, "inconclusive"), ["evidence.enumeration_differs"]);
    assert_eq!(json_of(&case, "document.json")["fleet"]["dropped"], json!(["dune"]));
}

#[test]
fn the_order_and_repetition_of_a_plan_answer_are_no_other_fleet() {
    let plane = Plane::new(|index, request| {
        let fleet: &[&str] = if index == 0 { &["bolt", "acme", "bolt"] } else { &["acme", "bolt", "cobalt"] };
        match (index, healthy(request, fleet)) {
            (0, Reply::Json(_, body)) => Reply::Json(503, body),
            (_, reply) => reply,
        }
    });
    let case = case(&plane.url);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn an_error_beside_ok_is_said() {
    for (key, expected) in [("error", &["calls.contradiction"][..]), ("message", &[])] {
        let plane = Plane::new(move |_, request| {
            changed(healthy(request, &FLEET), |body| {
                if names("dune")(&request) {
                    body[key] = "disk full".into();
                }
            })
        });
        let case = case(&plane.url);
        assert_eq!(drive(&case, &[]).code, 0);
        assert_eq!(codes(&case, "warn"), expected, "{key}");
    }
    let case = Case::new();
    case.file("fleet.json", r#"["acme"]"#);
    let row = r#"[{"slug": "acme", "verified_on_target": true}]"#;
    case.file("response.json", format!(r#"{{"ok": true, "error": "disk full", "results": {row}}}"#));
    let ran = case.run(["verify", "response.json", "--fleet", "fleet.json"]);
    assert!(ran.code == 0 && ran.stdout.contains("calls.contradiction"), "{}", ran.stdout);
}

/// The verdict of the response that a run wrote, on the fleet that was enumerated.
fn archived(case: &Case, fleet: &[&str]) -> Ran {
    case.file("fleet.json", json!(fleet).to_string());
    case.run(["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json", "--format", "json"])
}

/// Its exit code, without a process of its own.
fn archived_code(case: &Case, fleet: &[&str]) -> u8 {
    let source = |name: &str| Source::new(case.path(name));
    let sources = Sources {
        evidence: source("response.json"),
        fleet: Some(Source::new(case.file("fleet.json", json!(fleet).to_string()))),
        plan: Some(source("plan.json")),
        fields: EvidenceFields::default(),
        max_bytes: 1 << 20,
    };
    let collected = collect(&sources, Timestamp::UNIX_EPOCH).expect("a response is evidence");
    bundled_code_of(&collected.document)
}

#[test]
fn a_later_denial_in_anothers_answer_counts() {
    for verified in [json!(false), json!(null)] {
        let plane = Plane::new(move |_, request| {
            changed(healthy(request, &FLEET), |body| {
                if names("bolt")(&request) {
                    let denial = json!({"slug": "acme", "ssm_status": "Success", "verified_on_target": verified});
                    body["results"].as_array_mut().expect("rows").push(denial);
                }
                if names("dune")(&request) {
                    let claim = json!({"slug": "acme", "ssm_status": "Success", "verified_on_target": true});
                    body["results"].as_array_mut().expect("rows").push(claim);
                }
            })
        });
        let case = case(&plane.url);
        assert_eq!(drive(&case, &[]).code, 1);
        assert!(denies(&case).contains(&"canary.unproven".to_owned()), "{:?}", denies(&case));
        assert_eq!(plane.calls().len(), 3, "it halts after the batch that said so: {:?}", plane.calls());
        assert_eq!(archived(&case, &FLEET).code, 1);
    }
}

#[test]
fn a_run_and_its_response_have_one_verdict() {
    // What an answer says of a tenant that its call did not name, before, with or after the tenant's own call.
    let claims = [None, Some(json!(true)), Some(json!(false)), Some(json!(null))];
    let owns = [Some(json!({"verified_on_target": true})), Some(json!({"ssm_status": "Success"})), None];
    let pairs = || claims.iter().flat_map(|early| claims.iter().map(move |late| (early, late)));
    for (own, (early, late)) in sample(owns.iter().flat_map(|own| pairs().map(move |pair| (own, pair))), 5) {
        let (said, early_row, late_row) = (own.clone(), early.clone(), late.clone());
        let plane = Plane::new(move |_, request| {
            changed(healthy(request, &FLEET), |body| {
                let tenants = request.tenants();
                let rows = body["results"].as_array_mut().expect("rows");
                let claim = |key: &Value| json!({"slug": "bolt", "verified_on_target": key});
                match (&*tenants.join(","), &said) {
                    ("acme", _) => rows.extend(early_row.as_ref().map(claim)),
                    ("bolt", None) => rows.clear(),
                    ("bolt", Some(said)) => {
                        rows[0] = said.clone();
                        rows[0]["slug"] = "bolt".into();
                    }
                    ("cobalt", _) => rows.extend(late_row.as_ref().map(claim)),
                    _ => {}
                }
            })
        });
        let case = case(&plane.url);
        let mut plan = plan(&plane.url);
        plan["body"]["batch_size"] = 1.into();
        case.file("plan.json", plan.to_string());
        let ran = drive(&case, &[]);
        let again = archived_code(&case, &FLEET);
        let told = format!("own {own:?}, early {early:?}, late {late:?}: {}\n{again}", ran.stdout);
        assert_eq!(ran.code, i32::from(again), "{told}");
        let is_denied = |claim: &Option<Value>| claim.as_ref().is_some_and(|claim| *claim != json!(true));
        let fails = match own {
            None => true,
            Some(said) if said["verified_on_target"] == true => is_denied(late),
            Some(_) => is_denied(early) || is_denied(late),
        };
        assert_eq!(ran.code == 1, fails, "{told}");
    }
}

#[test]
fn a_control_plane_that_answers_for_everybody_costs_what_it_answers() {
    let fleet: Vec<String> = (0..240).map(|i| format!("tenant-{i:03}")).collect();
    let everybody = fleet.clone();
    let plane = Plane::new(move |_, request| {
        let tenants = request.tenants();
        let status = if tenants.is_empty() { "DryRun" } else { "Success" };
        let row = |slug: &String| {
            let mut row = json!({"slug": slug, "ssm_status": status, format!("x-{slug}"): 1});
            if !tenants.is_empty() {
                row["verified_on_target"] = (slug <= tenants.iter().max().expect("a tenant")).into();
            }
            row
        };
        Reply::Json(200, json!({"ok": true, "results": everybody.iter().map(row).collect::<Vec<_>>()}))
    });
    let case = case(&plane.url);
    let mut plan = plan(&plane.url);
    plan["body"]["canary_slug"] = "tenant-000".into();
    case.file("plan.json", plan.to_string());
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let document = json_of(&case, "document.json");
    let of = |kind: &str| {
        let anomalies = document["anomalies"].as_array().expect("a list").iter();
        let listed: Vec<&Value> = anomalies.filter(|anomaly| anomaly["kind"] == kind).collect();
        let sum = |key: &str| listed.iter().map(|anomaly| anomaly[key].as_u64().unwrap_or(0)).sum::<u64>();
        (listed.len(), sum("count"), sum("more"))
    };
    let calls = document["calls"].as_array().expect("a list").len() as u64 - 1;
    assert_eq!(of("unrequested_row"), (20, 20, calls * 240 - 240 - 20));
    assert_eq!(of("unknown_field"), (20, calls * 20, 220));
    assert!(document.to_string().len() < 200_000, "{}", document.to_string().len());
    let fleet: Vec<&str> = fleet.iter().map(String::as_str).collect();
    assert_eq!(archived(&case, &fleet).code, 0);
}

#[test]
fn fields_that_nobody_reads_harm_nobody() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let unknown = format!(
        r#""huge":1e400,"half":"\ud800","\udfff":1,"long":123456789012345678901234567890,"twice":{{"a":1,"a":2}},"deep":{deep}"#
    );
    let sent = unknown.clone();
    let plane = Plane::new(move |_, request| {
        let Reply::Json(_, body) = healthy(request, &FLEET) else { panic!("it is JSON") };
        let rows = body["results"].as_array().expect("rows").iter();
        let rows: Vec<String> = rows.map(|row| format!("{},{sent}}}", row.to_string().trim_end_matches('}'))).collect();
        Reply::Raw(http(200, &format!(r#"{{"ok":true,{sent},"results":[{}]}}"#, rows.join(","))))
    });
    let case = case(&plane.url);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let response = std::fs::read_to_string(case.path("response.json")).expect("it is written");
    let row = format!(r#"{{"slug":"acme","ssm_status":"Success","verified_on_target":true,{unknown}}}"#);
    assert!(response.contains(&row), "rows are written as they came: {response}");
    assert_eq!(archived(&case, &FLEET).code, 0);

    let known = response.replacen(r#""ssm_status":"Success""#, r#""ssm_status":"\ud800""#, 1);
    case.file("response.json", known);
    let ran = archived(&case, &FLEET);
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.contains("response.json#/results/0/ssm_status, line "), "{}", ran.stderr);
}

/// Where something is strange is said alike of every call: the call, the attempt and the row.
#[test]
fn what_is_strange_in_a_plan_call_stands_in_its_attempt() {
    let plane = Plane::new(|index, request| match index {
        0 => Reply::Json(503, json!({"error": "later"})),
        1 => {
            let rows = [json!({"slug": "acme", "ssm_status": "DryRun"}), json!({"slug": " ", "ssm_status": "DryRun"})];
            Reply::Json(200, json!({"ok": true, "results": rows}))
        }
        _ => healthy(request, &["acme"]),
    });
    let case = case(&plane.url);
    case.file("rollproof.toml", "[http]\nretry_delays_seconds = [0.01, 0.01]\n");
    let ran = drive(&case, &[]);
    let document = json_of(&case, "document.json");
    assert_eq!(
        document["anomalies"][0]["at"], "/calls/0/attempts/1/results/1",
        "{}{}",
        ran.stderr, document["anomalies"]
    );
    // Documents of earlier versions are read all the same.
    let text = crate::support::read(&case.path("document.json"));
    case.file("earlier.json", text.replace("/calls/0/attempts/1/results/1", "/calls/0/results/1"));
    assert_eq!(case.run(["verify", "earlier.json"]).code, case.run(["verify", "document.json"]).code);
}
