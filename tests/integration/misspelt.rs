//! Which names are nearly known ones: the measure of misspelt keys, variables and slugs.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rollproof::internal::misspelt::Difference::{Letters, Spelling};
use rollproof::internal::misspelt::{misspelt, nearly};
use serde_json::{Value, json};

use crate::support::{Case, Ran, is_exhaustive, sample};

#[test]
fn a_name_is_nearly_another_by_its_form_or_by_a_letter_or_two() {
    for (known, given, expected) in [
        ("verified_on_target", "verified_on_target", None),
        ("verified_on_target", "verifiedOnTarget", Some(Spelling)),
        ("verified_on_target", "Verified-On.Target", Some(Spelling)),
        ("verified_on_target", "verified_on_target ", Some(Spelling)),
        ("verified_on_target", "verified\u{a0}on\ttarget", Some(Spelling)),
        ("verified_on_target", "verified_on\u{200b}_target", Some(Spelling)),
        ("verified_on_target", "\u{feff}verified_on_target", Some(Spelling)),
        ("verified_on_target", "verified_on_\u{ad}target\u{fe0f}", Some(Spelling)),
        ("verified_on_target", "verified\u{2013}on\u{2212}target", Some(Spelling)),
        ("verified_on_target", "\u{202e}verified_on_target\u{3164}", Some(Spelling)),
        ("verified_on_target", "ｖｅｒｉｆｉｅｄ＿ｏｎ＿ｔａｒｇｅｔ", Some(Spelling)),
        ("verified_on_target", "veriﬁed_on_target", Some(Spelling)),
        ("café", "cafe\u{301}", Some(Spelling)),
        ("café", "CAFE\u{200b}\u{301}", Some(Spelling)),
        ("STRASSE", "straße", Some(Spelling)),
        // One letter added, left out, replaced, swapped; two of them.
        ("verified_on_target", "verified_on_tagret", Some(Letters)),
        ("verified_on_target", "verified_on_targets", Some(Letters)),
        ("verified_on_target", "verfied_on_taget", Some(Letters)),
        ("verified_on_target", "verified_n_trget", Some(Letters)),
        ("verified_on_target", "vrfied_n_target", None),
        ("dry_run_x", "dry_run_y", Some(Letters)),
        ("dry_run", "dry_ran", None),
        ("slug", "slugs", None),
        ("error", "errors", None),
        ("error", "error_code", None),
        ("phase", "phase_id", None),
        ("ssm_status", "ssm_state", None),
        ("ssm_status", "ssmstatsu", Some(Letters)),
        ("healthz_ok", "health_ok", Some(Letters)),
        ("healthz_ok", "healt_ok", None),
        // Two from 12 letters on: 11 letters, and 12.
        ("abcdefghijk", "abcdefghixy", None),
        ("abcdefghijkl", "abcdefghijxy", Some(Letters)),
        // One from 7 letters on: 6 letters, and 7.
        ("abcdef", "abcdex", None),
        ("abcdefg", "abcdefx", Some(Letters)),
        ("slug", "", None),
        ("", "_", Some(Spelling)),
    ] {
        assert_eq!(nearly(known, given), expected, "{known:?} {given:?}");
    }
}

#[test]
fn letters_count_only_where_the_known_name_is_not_given() {
    let known = ["batch_size", "max_stragglers", "max_straggler_age"];
    let misspelt = |given: &str, there: &[&str]| misspelt(given, known, |name| there.contains(&name));
    assert_eq!(misspelt("max_stagglers", &[]), Some("max_stragglers"));
    assert_eq!(misspelt("max_stagglers", &["max_stragglers"]), None);
    assert_eq!(misspelt("maxStragglers", &["max_stragglers"]), Some("max_stragglers"), "a difference in form counts");
    assert_eq!(misspelt("max_stragglers", &[]), None, "a known name is none that is misspelt");
    assert_eq!(misspelt("batch_count", &[]), None);
}

#[test]
fn the_nearest_known_name_is_meant() {
    let known = ["target_tag_a", "target_tag_bb", "target_tag_b"];
    assert_eq!(misspelt("targettag_bb_", known, |_| false), Some("target_tag_bb"), "by its form");
    assert_eq!(misspelt("target_tag_bbc", known, |_| false), Some("target_tag_bb"), "by fewer letters");
    assert_eq!(misspelt("target_tag_", known, |_| false), Some("target_tag_a"), "the first of the nearest");
}

proptest! {
    /// No spelling of a name that a reader takes for the same one escapes the measure.
    #[test]
    fn another_form_is_always_seen(
        name in "[a-z]{1,9}(_[a-z]{1,9}){0,3}",
        form in select(vec!["-", "_", ".", " ", "\u{200b}", "\u{ad}", "\u{2060}", "\u{feff}", "\u{3164}", "\u{e0001}", "\u{2010}"]),
        at in any::<Index>(),
        is_upper in any::<bool>(),
    ) {
        let cut = at.index(name.len() + 1);
        let other = format!("{}{form}{}", &name[..cut], &name[cut..]);
        let other = if is_upper { other.to_uppercase() } else { other };
        prop_assert_eq!(nearly(&name, &other), Some(Spelling));
        prop_assert_eq!(nearly(&other, &name), Some(Spelling));
    }

    /// Whatever is compared, a name is never nearly itself, and what is alike in form is so in both directions.
    #[test]
    fn it_holds_for_any_text(known in any::<String>(), given in any::<String>()) {
        prop_assert_eq!(nearly(&known, &known), None);
        prop_assert_eq!(nearly(&known, &given) == Some(Spelling), nearly(&given, &known) == Some(Spelling));
    }
}

/// Other spellings of a key: case, separators, white space, an invisible character, and a letter where it is long enough.
fn misspellings(key: &str) -> Vec<String> {
    let camel = key.split('_').enumerate().map(|(i, part)| match part.split_at(1) {
        (first, rest) if i > 0 => first.to_uppercase() + rest,
        _ => part.to_owned(),
    });
    let mut spellings = vec![
        camel.collect(),
        key.to_uppercase(),
        key.replace('_', "-"),
        format!("{key} "),
        format!("{}\u{200b}{}", &key[..1], &key[1..]),
    ];
    if key.chars().filter(|c| *c != '_').count() >= 7 {
        spellings.push(key[..key.len() - 1].to_owned());
        spellings.push(format!("{}x{}", &key[..2], &key[3..]));
    }
    spellings.retain(|spelling| spelling != key);
    spellings.sort();
    spellings.dedup();
    // One in three, other ones for another key.
    let first = if is_exhaustive() { 0 } else { key.len() % 3 };
    sample(spellings.into_iter().skip(first), 3).collect()
}

fn renamed(object: &Value, key: &str, to: &str) -> Value {
    let entries = object.as_object().expect("an object").iter();
    entries.map(|(name, value)| (if name == key { to } else { name }.to_owned(), value.clone())).collect()
}

fn verify(response: &Value, fleet: &Value, plan: &Value) -> Ran {
    let case = Case::new();
    for (name, value) in [("response.json", response), ("fleet.json", fleet), ("plan.json", plan)] {
        case.file(name, value.to_string());
    }
    case.run(["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json", "--format", "json"])
}

fn row() -> Value {
    json!({"slug": "north", "phase": "canary", "ssm_status": "Success", "ssm_exit_code": 0, "healthz_ok": true,
        "verified_on_target": true, "running_image": "shop:staging-0123abc", "error": null})
}

fn response(row: &Value) -> Value {
    json!({"ok": true, "error": null, "message": null, "stragglers": [], "results": [row]})
}

fn fleet() -> Value {
    json!({"ok": true, "error": null, "message": null, "stragglers": [], "results": [
        {"slug": "north", "phase": null, "ssm_status": "DryRun", "ssm_exit_code": null, "healthz_ok": null,
            "running_image": null, "error": null}]})
}

fn plan() -> Value {
    json!({"enabled": true, "sha": "0123abc000000000000000000000000000000000", "short_sha": "0123abc",
        "target_tag": "staging-0123abc", "cp_url": "https://cp.example", "rollout_http_timeout": 600,
        "disabled_reason": null, "body": {"target_tag": "staging-0123abc", "canary_slug": "north", "soak_seconds": 60,
            "batch_size": 3, "max_stragglers": 0, "dry_run": false, "confirm": true}})
}

#[test]
fn a_misspelt_field_of_a_row_or_answer_is_never_a_pass() {
    let whole = response(&row());
    assert_eq!(verify(&whole, &fleet(), &plan()).code, 0);
    let mut changed = Vec::new();
    for key in row().as_object().expect("an object").keys() {
        changed.extend(misspellings(key).into_iter().map(|other| response(&renamed(&row(), key, &other))));
        // Beside the known field, too, where they differ in form alone.
        let mut twice = row();
        twice[key.to_uppercase()] = json!("a");
        changed.push(response(&twice));
    }
    for key in ["error", "message", "stragglers", "results"] {
        changed.extend(misspellings(key).into_iter().map(|other| renamed(&whole, key, &other)));
    }
    for changed in changed {
        let ran = verify(&changed, &fleet(), &plan());
        let is_named = ran.stdout.contains("\"evidence.misspelt_field\"");
        assert!(ran.code != 0 && is_named, "{changed}: {} {}{}", ran.code, ran.stdout, ran.stderr);
    }
}

#[test]
fn a_misspelt_key_of_a_plan_or_fleet_is_refused() {
    let whole = response(&row());
    let refused = |fleet: &Value, plan: &Value, pointer: &str| {
        let ran = verify(&whole, fleet, plan);
        let said = ran.stderr.contains("is nearly") && ran.stderr.contains(pointer);
        assert!(ran.code == 4 && said, "{pointer}: {} {}", ran.code, ran.stderr);
    };
    let plan_keys = plan();
    for key in plan_keys.as_object().expect("an object").keys() {
        for other in misspellings(key) {
            refused(&fleet(), &renamed(&plan(), key, &other), "plan.json#/");
        }
    }
    for key in plan_keys["body"].as_object().expect("an object").keys() {
        for other in misspellings(key) {
            let mut plan = plan();
            plan["body"] = renamed(&plan["body"], key, &other);
            refused(&fleet(), &plan, "plan.json#/body");
        }
    }
    for key in ["ok", "error", "message", "stragglers", "results"] {
        for other in misspellings(key) {
            refused(&renamed(&fleet(), key, &other), &plan(), "fleet.json#/");
        }
    }
    let fleet_row = &fleet()["results"][0];
    for key in fleet_row.as_object().expect("an object").keys() {
        for other in misspellings(key) {
            let mut fleet = fleet();
            fleet["results"][0] = renamed(fleet_row, key, &other);
            refused(&fleet, &plan(), "fleet.json#/results/0/");
        }
    }
}

#[test]
fn honest_fields_are_no_misspellings() {
    let (mut row, mut fleet, mut plan) = (row(), fleet(), plan());
    for key in
        ["errors", "error_code", "phase_id", "ssm_state", "slugs", "started_at", "health", "status", "image", "tag"]
    {
        row[key] = json!("x");
        fleet["results"][0][key] = json!("x");
        plan["body"][key] = json!("x");
    }
    let mut whole = response(&row);
    for key in ["request_id", "version", "took", "errors", "result_count", "oks"] {
        whole[key] = json!(1);
        fleet[key] = json!(1);
        plan[key] = json!(1);
    }
    let ran = verify(&whole, &fleet, &plan);
    assert!(ran.code == 0 && !ran.stdout.contains("misspelt"), "{} {}{}", ran.code, ran.stdout, ran.stderr);
}

#[test]
fn a_field_that_the_operator_names_is_none() {
    let case = Case::new();
    let mut row = row();
    row["verifiedOnTarget"] = json!(true);
    case.file("response.json", response(&row).to_string());
    case.file("fleet.json", fleet().to_string());
    let args = ["verify", "response.json", "--fleet", "fleet.json"];
    assert_eq!(case.run(args).code, 3);
    let ran = case.run([&args[..], &["--evidence-field", "verifiedOnTarget"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stdout);
}
