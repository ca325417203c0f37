//! `rollproof audit` of several environments: groups never judge each other, and what tells them apart.

use serde_json::{Value, json};

use crate::audit::{Archives, GOOD, codes, fleet, plan, response};

/// Archives of one environment below a folder: without a fleet, so that a tenant without a row would be missing.
fn environment(archives: &Archives, folder: &str, day: u32, tenants: &[(&str, bool)]) {
    archives.file(&format!("{folder}/2026-07-{day:02}/response.json"), &response(tenants));
}

const PROD: [&[(&str, bool)]; 3] = [
    &[("acme", true), ("bolt", true), ("cove", true), ("dune", true)],
    &[("acme", true), ("bolt", true), ("cove", false)],
    &[("acme", true), ("bolt", true), ("cove", false), ("dune", true)],
];

const STAGING: [&[(&str, bool)]; 2] =
    [&[("acme", true), ("xeno", true), ("yarn", true)], &[("acme", false), ("xeno", true), ("zinc", true)]];

const GUESSED: [&str; 2] = ["--param", "fleet_from_response=true"];

fn prod(archives: &Archives, folder: &str) {
    for (day, tenants) in (1..).zip(PROD) {
        environment(archives, folder, 2 * day, tenants);
    }
}

fn staging(archives: &Archives, folder: &str) {
    for (day, tenants) in (1..).zip(STAGING) {
        environment(archives, folder, 2 * day + 1, tenants);
    }
}

/// All that a report says of a group, with histories of its own rollouts alone.
fn said_of(report: &Value, group: &str) -> Value {
    let of = |key: &str, list: &Value| -> Vec<Value> {
        list.as_array().expect("a list").iter().filter(|one| one[key] == group).cloned().collect()
    };
    let audit = &report["audit"];
    let mine: Vec<bool> =
        audit["rollouts"].as_array().expect("rollouts").iter().map(|one| one["group"] == group).collect();
    let mut tenants = of("group", &audit["tenants"]);
    for tenant in &mut tenants {
        let Some(history) = tenant["history"].as_str() else { continue };
        let letters = history.chars().zip(&mine).filter(|(_, mine)| **mine).map(|(letter, _)| letter);
        tenant["history"] = json!(letters.collect::<String>());
    }
    json!({
        "groups": of("group", &audit["groups"]), "rollouts": of("group", &audit["rollouts"]), "tenants": tenants,
        "lag": of("group", &report["lag"]),
    })
}

#[test]
fn another_group_changes_nothing_in_the_first() {
    let archives = Archives::new();
    prod(&archives, "prod");
    let args = [&GUESSED[..], &["--group-by", "folder"]].concat();
    let (_, alone) = archives.report(&args);
    staging(&archives, "staging");
    let (code, both) = archives.report(&args);
    assert_eq!(code, 1);
    assert_eq!(said_of(&alone, "prod"), said_of(&both, "prod"));
    assert_eq!(both["audit"]["groups"].as_array().map(Vec::len), Some(2));
    // What each says is what it says alone, and not that the other's tenants are missing.
    let missing: Vec<&Value> = both["audit"]["rollouts"]
        .as_array()
        .expect("rollouts")
        .iter()
        .flat_map(|one| one["missing"].as_array().into_iter().flatten())
        .collect();
    assert_eq!(missing, ["dune"]);
    let staging = said_of(&both, "staging");
    let behind: Vec<&Value> = staging["lag"].as_array().expect("lag").iter().map(|lag| &lag["tenant"]).collect();
    assert_eq!(behind, ["acme", "yarn"]);

    let text = archives.audit(&args).stdout;
    for words in
        ["prod: tenants that were behind", "staging: tenants that were behind", "group prod: 3 rollouts, 4 tenants"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (_, tables) = text.split_once("prod: tenants that were behind").expect("a table");
    let (first, second) = tables.split_once("staging: tenants that were behind").expect("two tables");
    assert!(!first.contains("yarn") && !second.contains("cove "), "{text}");
}

#[test]
fn what_tells_groups_apart_is_a_matter_of_taste() {
    let archives = Archives::new();
    prod(&archives, "eu/prod");
    staging(&archives, "eu/staging");
    let groups = |args: &[&str]| -> Vec<Value> {
        let (_, report) = archives.report(&[&GUESSED[..], args].concat());
        report["audit"]["groups"].as_array().expect("groups").iter().map(|one| one["group"].clone()).collect()
    };
    assert_eq!(groups(&["--group-by", "folder:2"]), ["prod", "staging"]);
    assert_eq!(groups(&["--group-by", "folder"]), ["eu"]);
    assert_eq!(groups(&["--group-by", "(prod|stag)"]), ["prod", "stag"]);
    assert_eq!(groups(&["--group-by", "(?:(prod)|x)"]), [Value::Null, json!("prod")]);
    // Of several folders, the named ones are the groups.
    let ran = archives.0.run([
        "audit",
        "archives/eu/prod",
        "archives/eu/staging",
        "--group-by",
        "folder",
        "--until",
        "2026-07-31",
        "--format",
        "json",
        GUESSED[0],
        GUESSED[1],
    ]);
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(said_of(&report, "archives/eu/prod")["rollouts"].as_array().map(Vec::len), Some(3));
    let wrong = archives.audit(&["--group-by", "foldre"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("did you mean folder?"), "{}", wrong.stderr);
    assert_eq!(archives.audit(&["--group-by", "environment"]).code, 2);
}

#[test]
fn fleets_that_hardly_overlap_are_told_and_nobody_is_missing() {
    let archives = Archives::new();
    for day in [1, 3, 5] {
        environment(&archives, "a", day, &[("acme", true), ("bolt", true), ("cove", true), ("dune", true)]);
        environment(&archives, "b", day + 1, &[("acme", true), ("xeno", true), ("yarn", true), ("zinc", true)]);
    }
    let (code, report) = archives.report(&GUESSED);
    assert_eq!((code, codes(&report)), (3, ["lag.mixed_fleets"].into()), "{report:#}");
    assert_eq!(report["findings"][0]["observed"], json!(["a/2026-07-01/response.json", "b/2026-07-02/response.json"]));
    assert_eq!(report["lag"], json!([]));
    // A tenant that has no row in a rollout of its own fleet is missing all the same.
    environment(&archives, "a", 7, &[("acme", true), ("bolt", true), ("cove", true)]);
    environment(&archives, "a", 8, &[("acme", true), ("bolt", true), ("cove", true), ("dune", true)]);
    let (code, report) = archives.report(&GUESSED);
    assert_eq!((code, codes(&report)), (1, ["lag.false_green", "lag.mixed_fleets"].into()));
    // Told apart, nothing is mixed.
    let (_, report) = archives.report(&[&GUESSED[..], &["--group-by", "folder"]].concat());
    assert_eq!(codes(&report), ["lag.false_green"].into());
}

#[test]
fn a_rollout_without_a_plan_is_of_the_control_plane_of_its_folder() {
    let archives = Archives::new();
    for (folder, tenants) in [("a", ["acme", "bolt"]), ("b", ["xeno", "yarn"])] {
        let answers: Vec<(&str, bool)> = tenants.iter().map(|name| (*name, true)).collect();
        for day in ["2026-07-01", "2026-07-02"] {
            archives.file(&format!("{folder}/{day}/response.json"), &response(&answers));
            archives.file(&format!("{folder}/{day}/fleet.json"), &fleet(&tenants));
        }
        archives.file(&format!("{folder}/2026-07-01/plan.json"), &plan(None, 0, &format!("https://{folder}.example")));
    }
    let (code, report) = archives.report(&["--param", "behind_for=1"]);
    assert_eq!(code, 0, "{report:#}");
    let planes: Vec<&Value> =
        report["audit"]["rollouts"].as_array().expect("rollouts").iter().map(|one| &one["control_plane"]).collect();
    assert_eq!(planes, ["https://a.example", "https://b.example", "https://a.example", "https://b.example"]);
    assert!(!codes(&report).contains("lag.vanished"));
}

#[test]
fn a_page_has_a_map_for_each_group() {
    let archives = Archives::new();
    prod(&archives, "prod");
    staging(&archives, "staging");
    let page = archives.audit(&[&GUESSED[..], &["--group-by", "folder", "--format", "html"]].concat()).stdout;
    assert!(page.contains("id=\"groups\""));
    let data = crate::html::data(&page);
    let text =
        |place: &Value| data["texts"][usize::try_from(place.as_u64().expect("a place")).expect("it fits")].clone();
    let of: Vec<Value> = data["rollouts"]["group"].as_array().expect("groups").iter().map(text).collect();
    assert_eq!(of, ["prod", "staging", "prod", "staging", "prod"]);
    for row in data["tenants"].as_array().expect("rows") {
        let expected = if ["cove", "dune"].contains(&row[0].as_str().expect("a name")) { "prod" } else { "staging" };
        assert_eq!(text(&row[1]), expected, "{row}");
    }
    let single = Archives::new();
    single.rollout("2026-07-01T10-00", 1, &GOOD[..2]);
    assert!(!single.audit(&["--format", "html"]).stdout.contains("id=\"groups\""));
}
