//! A team's own policies while a rollout is driven: what halts it, facts, and extra fields of the answers.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::plane::{Plane, Reply, healthy};
use super::{FLEET, case, drive, json_of};
use crate::support::{rollproof, run};

/// The example policies of `policies/examples/`, with facts and with an extra field of the rows.
#[test]
fn a_teams_own_policies_halt_a_rollout() {
    let example = |name: &str| crate::support::root().join("policies/examples").join(name).display().to_string();
    // Four calls redeploy somebody, and all of them are slow.
    let fleet = ["acme", "bolt", "cobalt", "dune", "ember", "fjord"];
    let plane = Plane::new(move |_, request| {
        thread::sleep(Duration::from_millis(5));
        healthy(request, &fleet)
    });
    let case_of = case(&plane.url);
    let ran = drive(&case_of, &["--policy", &example("pace"), "--param", "slow_call_seconds=0.001"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(plane.calls().len(), 4, "the fourth call that redeploys somebody is not made");
    let because = json_of(&case_of, "document.json")["rollout"]["halted_because"].clone();
    assert!(because.as_str().expect("a reason").starts_with("pace.slow: "), "{because}");

    // The batch that comes next names a tenant of another region too early.
    for (us, calls, code) in [("bolt", 2, 1), ("dune", 4, 0)] {
        let plane = Plane::new(|_, request| healthy(request, &FLEET));
        let ordered = case(&plane.url);
        let region = |slug: &str| if slug == us { "us" } else { "eu" };
        let inventory: Vec<_> =
            FLEET.iter().map(|slug| json!({"slug": slug, "labels": {"region": region(slug)}})).collect();
        ordered.file("inventory.json", json!(inventory).to_string());
        let ran = drive(&ordered, &["--policy", &example("region_order"), "--fleet", "inventory.json"]);
        assert_eq!((ran.code, plane.calls().len()), (code, calls), "{us}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(json_of(&ordered, "document.json")["rollout"]["next"], json!(null));
    }

    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let frozen = case(&plane.url);
    frozen.file("always.json", r#"[{"from": "2000-01-01T00:00:00Z", "to": "2200-01-01T00:00:00Z", "why": "a test"}]"#);
    let ran = drive(&frozen, &["--policy", &example("freeze"), "--facts", "freeze=always.json"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(plane.calls(), [Vec::<String>::new()], "nobody is redeployed in a freeze");
    let ran = drive(&case(&plane.url), &["--policy", &example("freeze")]);
    assert_eq!((ran.code, plane.calls().len()), (5, 1), "without the facts no call is made: {}", ran.stderr);
}

#[test]
fn rules_of_a_team_about_soak_tiers_and_days_hold_while_it_rolls_out() {
    let example = |name: &str| crate::support::root().join("policies/examples").join(name).display().to_string();
    // The plan has the canary not soak at all, so it stays the only one.
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let soak = case(&plane.url);
    let ran = drive(&soak, &["--policy", &example("soak")]);
    assert_eq!((ran.code, plane.calls().len()), (1, 2), "{}{}", ran.stdout, ran.stderr);
    let because = json_of(&soak, "document.json")["rollout"]["halted_because"].clone();
    assert!(because.as_str().expect("a reason").starts_with("soak.planned_too_short: "), "{because}");
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let ran = drive(&case(&plane.url), &["--policy", &example("soak"), "--param", "min_soak_seconds=0"]);
    assert_eq!((ran.code, plane.calls().len()), (0, 4), "{}{}", ran.stdout, ran.stderr);

    // The first batch has an unhealthy tenant of the gold tier, or of the other one, of which a third may be.
    for (gold, calls, code) in [("bolt", 3, 1), ("acme", 4, 0)] {
        let plane = Plane::new(|_, request| match healthy(request, &FLEET) {
            Reply::Json(status, mut body) => {
                for row in body["results"].as_array_mut().expect("a list") {
                    row["healthz_ok"] = json!(row["slug"] != "bolt");
                }
                Reply::Json(status, body)
            }
            other => other,
        });
        let tiers = case(&plane.url);
        let tier = |slug: &str| if slug == gold { "gold" } else { "free" };
        let inventory: Vec<_> =
            FLEET.iter().map(|slug| json!({"slug": slug, "labels": {"tier": tier(slug)}})).collect();
        tiers.file("inventory.json", json!(inventory).to_string());
        let params = ["--param", "allow_unhealthy=true", "--param", "unhealthy_percent=34"];
        let args = ["--policy", &*example("tier_health"), "--fleet", "inventory.json"];
        let ran = drive(&tiers, &[&args[..], &params].concat());
        assert_eq!((ran.code, plane.calls().len()), (code, calls), "{gold}: {}{}", ran.stdout, ran.stderr);
    }

    // Whatever day it is, the rollout and the verdict on its document agree.
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let today = case(&plane.url);
    let ran = drive(&today, &["--policy", &example("friday")]);
    let args = ["verify", "document.json", "--policy", &*example("friday")];
    assert_eq!(today.run(args).code, ran.code, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(plane.calls().len(), if ran.code == 0 { 4 } else { 1 }, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn an_extra_field_of_the_answers_is_evidence_where_it_is_named() {
    let plane = Plane::new(|_, request| match healthy(request, &FLEET) {
        Reply::Json(status, mut body) => {
            for row in body["results"].as_array_mut().expect("a list") {
                row["ring"] = json!("inner");
            }
            Reply::Json(status, body)
        }
        other => other,
    });
    let case = case(&plane.url);
    let ran = drive(&case, &["--evidence-field", "ring"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let document = json_of(&case, "document.json");
    assert_eq!(document["cohorts"][0]["rows"][0]["extra"], json!({"ring": "inner"}));
    let again = run(rollproof()
        .args(["verify", "document.json.journal", "--document", "again.json"])
        .current_dir(case.path("")));
    assert_eq!((again.code, json_of(&case, "again.json")), (0, document), "its journal gives the same document");
}
