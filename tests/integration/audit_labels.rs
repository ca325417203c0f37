//! The labels of tenants in an audit: the newest that are known, for each group, in JSON, on the page and in a tenant's life.

use serde_json::{Value, json};
use zip::CompressionMethod;

use crate::audit::{Archives, GOOD, plan, response};
use crate::audit_layouts::zipped;
use crate::html::{data, markup};
use crate::support::{read_json, root};

const BEHIND: [(&str, bool); 3] = [("acme", true), ("bolt", true), ("cove", false)];

/// A rollout whose fleet is given as it is.
fn rollout(archives: &Archives, when: &str, fleet: &Value, answers: &[(&str, bool)]) {
    archives.rollout(when, 0, answers).file(&format!("{when}.fleet.json"), fleet);
}

fn labelled(tenants: &[(&str, Value)]) -> Value {
    tenants.iter().map(|(slug, labels)| json!({"slug": slug, "labels": labels})).collect()
}

/// The labels of each tenant that has any, with its group.
fn labels(report: &Value) -> Value {
    let tenants = report["audit"]["tenants"].as_array().expect("tenants");
    let with = tenants.iter().filter(|tenant| tenant.get("labels").is_some());
    with.map(|tenant| json!([tenant["group"], tenant["tenant"], tenant["labels"]])).collect()
}

/// `cove` is behind, and moves; `dune` leaves; the last rollout enumerates no labels.
fn months() -> Archives {
    let archives = Archives::new();
    let (gold, tin) = (json!({"tier": "gold"}), json!({"tier": "tin", "region": "eu-1"}));
    let first = labelled(&[("acme", gold.clone()), ("bolt", gold), ("cove", tin.clone()), ("dune", tin)]);
    rollout(&archives, "2026-07-01T10-00", &first, &[&GOOD[..], &[("dune", true)]].concat());
    let second = labelled(&[
        ("acme", json!({"tier": "tin"})),
        ("bolt", json!({})),
        ("cove", json!({"tier": "tin", "region": "eu-2"})),
    ]);
    rollout(&archives, "2026-07-02T10-00", &second, &BEHIND);
    rollout(&archives, "2026-07-03T10-00", &json!(["acme", "bolt", "cove"]), &BEHIND);
    archives
}

#[test]
fn the_newest_labels_that_are_known_count() {
    let archives = months();
    let expected = json!([
        [null, "acme", {"tier": "tin"}],
        [null, "cove", {"region": "eu-2", "tier": "tin"}],
        [null, "dune", {"region": "eu-1", "tier": "tin"}],
    ]);
    let (_, report) = archives.report(&["--document", "audit.json"]);
    assert_eq!(labels(&report), expected);
    let schema = read_json(&root().join("schemas/audit.schema.json"));
    let valid = jsonschema::validator_for(&schema).expect("it compiles");
    assert!(valid.is_valid(&read_json(&archives.0.path("audit.json"))));
    // What is listed moves no label, and what is read does.
    assert_eq!(labels(&archives.report(&["--since", "2026-07-03"]).1), expected);
    let until = archives.report(&["--until", "2026-07-01"]).1;
    assert_eq!(labels(&until)[2], json!([null, "cove", {"region": "eu-1", "tier": "tin"}]));
    let one = archives.report(&["--tenant", "cove"]).1;
    assert_eq!(labels(&one), json!([[null, "cove", {"region": "eu-2", "tier": "tin"}]]));
    assert_eq!(labels(&archives.report(&["--read-since", "2026-07-03"]).1), json!([]));
}

#[test]
fn groups_have_labels_of_their_own() {
    let archives = Archives::new();
    for (group, when, tier) in [("prod", "2026-07-01T10-00", "gold"), ("staging", "2026-07-02T10-00", "tin")] {
        let fleet = labelled(&[("acme", json!({"tier": tier})), ("bolt", json!({})), ("cove", json!({}))]);
        rollout(&archives, &format!("{group}/{when}"), &fleet, &GOOD);
    }
    let (_, report) = archives.report(&["--group-by", "folder"]);
    assert_eq!(labels(&report), json!([["prod", "acme", {"tier": "gold"}], ["staging", "acme", {"tier": "tin"}]]));
}

#[test]
fn labels_are_read_in_a_zip_as_well() {
    let archives = Archives::new();
    let members = [
        ("response.json", response(&GOOD)),
        ("plan.json", plan(Some("acme"), 0, "https://cp.example")),
        ("fleet.json", labelled(&[("acme", json!({"tier": "gold"})), ("bolt", json!({})), ("cove", json!({}))])),
    ];
    let members = members.map(|(name, content)| (name, content.to_string()));
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, content)| (*name, content.as_bytes())).collect();
    archives.bytes("2026-07-01T10-00.zip", &zipped(&members, CompressionMethod::Deflated));
    assert_eq!(labels(&archives.report(&[]).1), json!([[null, "acme", {"tier": "gold"}]]));
}

#[test]
fn the_page_shows_labels_beside_tenants_and_a_life_tells_them() {
    let archives = months();
    let page = archives.audit(&["--format", "html"]).stdout;
    let shown = "<code>cove</code> <span class=\"labels\"><span class=\"whole\">region=eu-2,</span> tier=tin</span>";
    assert!(page.contains(shown), "{}", markup(&page));
    assert!(page.contains("placeholder=\"tenant, label, date, state, reason\""));
    let data = data(&page);
    let of = |name: &str| {
        let rows = data["tenants"].as_array().expect("rows");
        let row = rows.iter().find(|row| row[0] == name).expect("it has a row");
        row.get(3).map(|text| data["texts"][usize::try_from(text.as_u64().expect("a place")).expect("it fits")].clone())
    };
    assert_eq!((of("cove"), of("dune")), (Some(json!("region=eu-2, tier=tin")), Some(json!("region=eu-1, tier=tin"))));
    let life = archives.0.run(["history", "cove", "archives", "--until", "2026-07-31"]).stdout;
    let first: String = life.split("\n\n").next().expect("a title").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(first.contains("; region=eu-2, tier=tin; behind 1 time"), "{life}");
    // Without labels the page is as it was.
    let plain = Archives::new();
    plain.rollout("2026-07-01T10-00", 0, &BEHIND);
    let page = plain.audit(&["--format", "html"]).stdout;
    assert!(!page.contains("<span class=\"labels\">") && page.contains("placeholder=\"tenant, date, state, reason\""));
}

#[test]
fn labels_are_only_ever_text() {
    let archives = Archives::new();
    let hostile = json!({"</script><script>": "<img src=x onerror=alert(1)>\u{202e}"});
    let fleet = labelled(&[("acme", json!({})), ("bolt", json!({})), ("cove", hostile)]);
    rollout(&archives, "2026-07-01T10-00", &fleet, &BEHIND);
    let page = archives.audit(&["--format", "html"]).stdout;
    assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (2, 0), "{page}");
    assert!(!page.contains('\u{202e}') && page.contains("=&lt;img"), "{page}");
}
