//! Laws: of grouping, of the decision, and of the two readers of JSON.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rollproof::internal::waivers::read as read_waivers;
use rollproof::internal::{Inputs, Name, SoFar, add_labels, explain, explain_response};
use rollproof::{
    Collected, Document, Error, EvidenceFields, Fault, Loading, Outcome, Prepared, Report, Settings, Severity, Source,
    Sources, Waivers, collect, load, report,
};
use serde_json::{Map, Value, json};

use crate::grammar::policies;
use crate::oracle::{Verdict, judge};
use crate::support::{Case, random_cases};

const TARGET: &str = "staging-abcdef1";

/// A random rollout.
#[derive(Debug, Clone)]
struct Rollout {
    fleet: Vec<String>,
    labels: Vec<Option<&'static str>>,
    rows: Vec<Value>,
    tolerated: usize,
    planned: bool,
    /// Whether the rows' `zone` is named as evidence.
    zoned: bool,
    canary: Option<String>,
}

fn slug() -> impl Strategy<Value = String> {
    let names = ["acme", "bolt", "agents-team", "philbrew", "Ünï", "a b", "x", "t\u{1}", "zed"];
    let around = ["", " ", "\t"];
    (select(names.to_vec()), select(around.to_vec())).prop_map(|(name, around)| format!("{around}{name}{around}"))
}

fn key<T: Into<Value> + Clone + std::fmt::Debug + 'static>(
    values: &'static [T],
    absent: u32,
) -> impl Strategy<Value = Option<Value>> {
    let given = select(values).prop_map(|value| Some(value.into()));
    prop_oneof![absent => Just(None), 1 => Just(Some(Value::Null)), 6 => given]
}

fn row() -> impl Strategy<Value = Value> {
    let statuses = &["Success", " success ", "Failed", "DryRun", "dryrun", " DRYRUN", "", "TimedOut"][..];
    let images = &[
        "platform-tenant:staging-abcdef1",
        "r.example:5000/platform-tenant:staging-old",
        "r.example:5000/platform-tenant",
        "platform-tenant:staging-abcdef1@sha256:00ff",
        "platform-tenant@sha256:00ff",
        "",
    ][..];
    let slugs =
        prop_oneof![8 => slug().prop_map(|slug| Some(json!(slug))), 1 => Just(Some(json!("  "))), 1 => Just(None)];
    (
        slugs,
        key(&["canary", "batch-1"][..], 1),
        key(statuses, 2),
        key(&[0, 0, 0, 2, -1][..], 3),
        key(&[true, true, false][..], 3),
        key(&[true, true, true, false][..], 4),
        key(images, 6),
        key(&["", "  ", "timed out", "\u{1b}[31m::error::"][..], 8),
        (zone(), any::<bool>()),
    )
        .prop_map(|(slug, phase, status, exit, health, verified, image, error, (zone, reversed))| {
            let mut entries = vec![
                ("slug", slug),
                ("phase", phase),
                ("ssm_status", status),
                ("ssm_exit_code", exit),
                ("healthz_ok", health),
                ("verified_on_target", verified),
                ("running_image", image),
                ("error", error),
                ("zone", zone),
            ];
            if reversed {
                entries.reverse();
            }
            entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect::<Map<_, _>>().into()
        })
}

/// A field that is no evidence unless it is named.
fn zone() -> impl Strategy<Value = Option<Value>> {
    let values =
        [json!("a"), json!("1"), json!(1), json!(1.5), json!(-7), json!(true), json!(false), json!("\u{1b}::")];
    prop_oneof![8 => Just(None), 1 => Just(Some(Value::Null)), 6 => select(values.to_vec()).prop_map(Some)]
}

fn rollout() -> impl Strategy<Value = Rollout> {
    let tiers = prop_oneof![Just(None), Just(Some("gold")), Just(Some("tin"))];
    let canary = proptest::option::of(slug());
    (vec((slug(), tiers), 0..8), vec(row(), 0..14), 0_usize..4, any::<bool>(), any::<bool>(), canary).prop_map(
        |(fleet, rows, tolerated, planned, zoned, canary)| {
            let (fleet, labels) = fleet.into_iter().unzip();
            Rollout { fleet, labels, rows, tolerated, planned, zoned, canary }
        },
    )
}

impl Rollout {
    fn sources(&self, case: &Case) -> Sources {
        let fleet = self.fleet.iter().zip(&self.labels).map(|(slug, tier)| match tier {
            Some(tier) => json!({"slug": slug, "labels": {"tier": tier}}),
            None => json!(slug),
        });
        let mut plan = json!({
            "enabled": true,
            "body": {"target_tag": TARGET, "max_stragglers": self.tolerated, "dry_run": false},
        });
        if let Some(canary) = &self.canary {
            plan["body"]["canary"] = json!(canary.trim());
        }
        let file = |name: &str, value: Value| Source::new(case.file(name, value.to_string()));
        Sources {
            evidence: file("response.json", json!({"ok": true, "results": self.rows})),
            fleet: Some(file("fleet.json", fleet.collect())),
            plan: self.planned.then(|| file("plan.json", plan)),
            fields: if self.zoned { zones() } else { EvidenceFields::default() },
            max_bytes: 1 << 20,
        }
    }

    fn collect(&self) -> Collected {
        let case = Case::new();
        collect(&self.sources(&case), Timestamp::UNIX_EPOCH).expect("the evidence is valid")
    }

    fn oracle(&self) -> Verdict {
        let (target, tolerated) = if self.planned { (Some(TARGET), self.tolerated) } else { (None, 0) };
        judge(&self.fleet, &self.rows, target, tolerated)
    }
}

/// A rollout whose tenants run many images, of which the policies see few.
fn rollout_of_many_images() -> impl Strategy<Value = Rollout> {
    let repositories = ["platform-tenant", "r.example:5000/p", "r.example/p:staging-old/p", "", " "];
    let tags = ["", ":", ":staging-abcdef1", ":staging-ABCDEF1", ":staging-old", ":v1", ": "];
    let digests = ["", "@sha256:00ff", "@"];
    let image = (select(repositories.to_vec()), 0..4, select(tags.to_vec()), select(digests.to_vec())).prop_map(
        |(repository, number, tag, digest)| match number {
            0 => format!("sha256:{:x}", tag.len() * 16 + digest.len()),
            1 => format!("{repository}{tag}{digest}"),
            _ => format!("{repository}-{number}{tag}{digest}"),
        },
    );
    let row = (row(), image, 0..4).prop_map(|(mut row, image, of_other)| {
        if of_other > 0 {
            row["running_image"] = image.into();
        }
        row
    });
    (vec(row, 8..40), 0_usize..9, any::<bool>()).prop_map(|(mut rows, tolerated, planned)| {
        let fleet: Vec<String> = (0..25).map(|number| format!("tenant-{number}")).collect();
        for (row, slug) in rows.iter_mut().zip(fleet.iter().cycle()) {
            row["slug"] = slug.clone().into();
        }
        Rollout { labels: vec![None; fleet.len()], fleet, rows, tolerated, planned, zoned: false, canary: None }
    })
}

fn zones() -> EvidenceFields {
    EvidenceFields::new(&["zone".to_owned()]).expect("it can be named")
}

thread_local! {
    /// The bundled policies, once for all cases of a test.
    static POLICIES: Prepared = policies();
    static TEAM_POLICIES: [Prepared; 4] = team_policies();
}

fn judged(collected: Collected) -> Report {
    let valid = rollproof::validate(&collected.document).expect("what is collected is a valid document");
    POLICIES.with(|policies| {
        let outcome = policies.evaluate(&valid).expect("they can be evaluated");
        report(&valid, collected.inputs, outcome, policies)
    })
}

/// Policies of a team's own that look at what the bundled ones do not, beside waivers for some label and some tenant.
fn team_policies() -> [Prepared; 4] {
    let case = Case::new();
    let own = case.file(
        "team.rego",
        r#"# METADATA
# title: Team
# description: Looks at cohorts, labels, errors and extra fields.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   remedy: None.
package team

import data.rollproof.lib.proof

warn contains finding if {
	some i, cohort in input.cohorts
	finding := {
		"code": "team.cohort",
		"message": sprintf("cohort %d of %d: %s", [i, count(input.cohorts), proof.states[i]]),
		"tenants": cohort.tenants,
		"observed": {"labels": [tier | tier := cohort.labels.tier], "errors": [error | error := cohort.rows[_].error]},
		"at": sprintf("/cohorts/%d", [i]),
	}
}

deny contains finding if {
	some cohort in input.cohorts
	some row in cohort.rows
	row.extra.zone == "a"
	finding := {"code": "team.zone", "message": "a tenant is in zone a", "tenants": cohort.tenants}
}
"#,
    );
    let waivers = case.file(
        "waivers.toml",
        r#"
[[waiver]]
code = "coverage.incomplete"
labels = { tier = "tin" }
reason = "a test"
owner = "ops"
granted = 1970-01-01
expires = 1970-01-20

[[waiver]]
code = "*"
tenants = ["bolt", "ac*"]
reason = "a test"
owner = "ops"
granted = 1970-01-01
expires = 1970-01-20
"#,
    );
    let read = || read_waivers([&*waivers], 90, 1 << 20).expect("they are valid");
    [(false, false), (true, false), (false, true), (true, true)].map(|(is_own, is_waived)| {
        let paths = if is_own { vec![own.clone()] } else { Vec::new() };
        let waivers = if is_waived { read() } else { Waivers::default() };
        let given = Settings { paths, waivers, ..Settings::default() };
        load(given).and_then(Loading::wait).expect("they load")
    })
}

/// Whether it is planned, its labels, its rows.
type Tenant = (bool, BTreeMap<String, String>, Vec<Value>);

/// Each tenant's rows, in order, as the document has them.
fn ungrouped(document: &Document) -> BTreeMap<String, Tenant> {
    let mut tenants = BTreeMap::new();
    for cohort in &document.cohorts {
        let rows: Vec<Value> = cohort.rows.iter().map(|row| serde_json::to_value(row).expect("it is JSON")).collect();
        let labels =
            cohort.labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect::<BTreeMap<_, _>>();
        for tenant in &cohort.tenants {
            let twice = tenants.insert(tenant.to_string(), (cohort.planned, labels.clone(), rows.clone()));
            assert!(twice.is_none(), "{tenant} is in two cohorts");
        }
    }
    tenants
}

/// All of a report that does not speak of places in the inputs.
fn without_places(report: &Report) -> Value {
    let mut report = serde_json::to_value(report).expect("it is JSON");
    report["inputs"] = Value::Null;
    for key in ["stragglers", "findings"] {
        for item in report[key].as_array_mut().expect("a list") {
            // This finding's observation is a list of places.
            let places = item["code"] == "evidence.unattributed_row";
            let item = item.as_object_mut().expect("an object");
            item.retain(|key, _| key != "source" && key != "at" && (key != "observed" || !places));
        }
    }
    report
}

/// Checks that the bundled policies say the same of merged cohorts as of all of them.
fn says_the_same_unmerged(rollout: &Rollout) -> Result<(), TestCaseError> {
    let collected = rollout.collect();
    let valid = rollproof::validate(&collected.document).expect("what is collected is a valid document");
    TEAM_POLICIES.with(|all| {
        for (i, policies) in all.iter().enumerate() {
            let judged = |outcome: Result<Outcome, Error>| {
                let report = report(&valid, Vec::new(), outcome.expect("they can be evaluated"), policies);
                serde_json::to_string_pretty(&report).expect("it is JSON")
            };
            let (merged, unmerged) = (judged(policies.evaluate(&valid)), judged(policies.evaluate_unmerged(&valid)));
            prop_assert_eq!(merged, unmerged, "with the policies {}", i);
            let halts = |so_far: Result<SoFar, Error>| {
                let SoFar { halts, proven, not_proven } = so_far.expect("they can be evaluated");
                (halts, proven, not_proven)
            };
            let merged = halts(policies.halt_check(&collected.document, &mut Inputs::default()));
            prop_assert_eq!(
                merged,
                halts(policies.halt_check_unmerged(&collected.document)),
                "with the policies {}",
                i
            );
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: random_cases(192), ..ProptestConfig::default() })]

    #[test]
    fn the_oracle_and_the_rego_agree(rollout in rollout()) {
        let report = judged(rollout.collect());
        let denies = |code: &str| report.findings.iter().any(|f| f.severity == Severity::Deny && f.code == code);
        let stragglers = report.stragglers.iter().map(|s| (s.tenant.to_string(), s.state.clone())).collect();
        let found = Verdict {
            stragglers,
            denies: denies("coverage.incomplete") || denies("coverage.unproven_fleet"),
            quarantines: report.summary.quarantined > 0,
        };
        prop_assert_eq!(found, rollout.oracle());
    }

    #[test]
    fn policies_that_see_merged_cohorts_say_the_same(rollout in rollout()) {
        says_the_same_unmerged(&rollout)?;
    }

    #[test]
    fn policies_that_see_few_of_many_images_say_the_same(rollout in rollout_of_many_images()) {
        says_the_same_unmerged(&rollout)?;
    }

    #[test]
    fn grouping_loses_nothing(rollout in rollout()) {
        // What is noted of the plan's canary is no part of it.
        let rollout = Rollout { canary: None, ..rollout };
        let collected = rollout.collect();
        let mut expected: BTreeMap<String, Tenant> = BTreeMap::new();
        for (slug, tier) in rollout.fleet.iter().zip(&rollout.labels) {
            let tenant = expected.entry(slug.trim().to_owned()).or_insert_with(|| (true, BTreeMap::new(), Vec::new()));
            if let Some(tier) = tier {
                tenant.1.entry("tier".into()).or_insert_with(|| (*tier).to_owned());
            }
        }
        let (mut nobodys, mut unknown) = (0, false);
        for row in &rollout.rows {
            let mut evidence = row.as_object().expect("an object").clone();
            evidence.remove("phase");
            if let Some(zone) = evidence.remove("zone") {
                unknown = !rollout.zoned;
                if rollout.zoned {
                    evidence.insert("extra".into(), json!({"zone": zone}));
                }
            }
            match evidence.remove("slug").as_ref().and_then(Value::as_str).map(str::trim) {
                None | Some("") => nobodys += 1,
                Some(slug) => expected.entry(slug.to_owned()).or_default().2.push(evidence.into()),
            }
        }
        prop_assert_eq!(ungrouped(&collected.document), expected);
        prop_assert_eq!(collected.document.anomalies.len(), nobodys + usize::from(unknown));
        for cohort in &collected.document.cohorts {
            for (i, tenant) in cohort.tenants.iter().enumerate() {
                for (j, row) in cohort.rows.iter().enumerate() {
                    let origin = cohort.origins.get(i, j).expect("each row has an origin");
                    let source = &rollout.rows[origin.row as usize];
                    prop_assert_eq!(source["slug"].as_str().expect("a slug").trim(), &**tenant);
                    for (key, value) in serde_json::to_value(row).expect("it is JSON").as_object().expect("an object") {
                        let said = if key == "extra" { &json!({"zone": source["zone"]}) } else { &source[key] };
                        prop_assert_eq!(said, value);
                    }
                }
            }
        }
    }

    #[test]
    fn the_order_of_different_tenants_rows_changes_nothing(rollout in rollout(), swaps in vec(any::<Index>(), 12), guessed: bool) {
        let mut shuffled = rollout.clone();
        for swap in swaps {
            if shuffled.rows.len() > 1 {
                let i = swap.index(shuffled.rows.len() - 1);
                let slug = |row: &Value| row["slug"].as_str().map(|slug| slug.trim().to_owned());
                if slug(&shuffled.rows[i]) != slug(&shuffled.rows[i + 1]) {
                    shuffled.rows.swap(i, i + 1);
                }
            }
        }
        let case = Case::new();
        let judge = |rollout: &Rollout| {
            let mut sources = rollout.sources(&case);
            if guessed {
                sources.fleet = None;
            }
            without_places(&judged(collect(&sources, Timestamp::UNIX_EPOCH).expect("the evidence is valid")))
        };
        prop_assert_eq!(judge(&rollout), judge(&shuffled));
    }

    #[test]
    fn a_document_verified_again_gives_the_same_report(rollout in rollout()) {
        let collected = rollout.collect();
        let case = Case::new();
        let written = serde_json::to_vec(&collected.document).expect("it is JSON");
        prop_assert_eq!(explain(&written, Name::Document), vec![]);
        let evidence = Source::new(case.file("document.json", written));
        let again = collect(&Sources { evidence, fleet: None, plan: None, fields: EvidenceFields::default(), max_bytes: 1 << 20 }, Timestamp::MAX).expect("it is valid");
        prop_assert_eq!(&again.document, &collected.document);
        let bytes = |mut report: Report| { report.inputs.clear(); serde_json::to_string(&report).expect("it is JSON") };
        prop_assert_eq!(bytes(judged(again)), bytes(judged(collected)));
    }

    #[test]
    fn labels_that_a_document_is_given_are_as_if_it_had_been_collected_with_them(
        rollout in rollout(), early in vec(any::<bool>(), 8),
    ) {
        let case = Case::new();
        let in_case = |rollout: &Rollout| collect(&rollout.sources(&case), Timestamp::UNIX_EPOCH).expect("it is valid");
        let with = in_case(&rollout);
        let labels = rollout.fleet.iter().zip(&rollout.labels).map(|(slug, tier)| {
            json!({"slug": slug, "labels": tier.iter().map(|tier| ("tier", tier)).collect::<BTreeMap<_, _>>()})
        });
        let labels = Source::new(case.file("labels.json", labels.collect::<Value>().to_string()));
        // Some tenants have their labels from the beginning.
        let without = Rollout {
            labels: rollout.fleet.iter().zip(&rollout.labels).map(|(slug, tier)| {
                let is_early = early[slug.trim().bytes().map(usize::from).sum::<usize>() % early.len()];
                tier.filter(|_| is_early)
            }).collect(),
            ..rollout.clone()
        };
        let written = serde_json::to_vec(&in_case(&without).document).expect("it is JSON");
        let evidence = Source::new(case.file("document.json", written));
        let sources = Sources { evidence, fleet: None, plan: None, fields: EvidenceFields::default(), max_bytes: 1 << 20 };
        let mut given = collect(&sources, Timestamp::MAX).expect("it is valid");
        let added = add_labels(&mut given, &labels, 1 << 20);
        prop_assert_eq!(added.is_ok(), rollout.labels.iter().any(Option::is_some));
        prop_assume!(added.is_ok());
        given.document.provenance = with.document.provenance.clone();
        prop_assert_eq!(&given.document, &with.document);
        let bytes = |mut report: Report| { report.inputs.clear(); serde_json::to_string(&report).expect("it is JSON") };
        prop_assert_eq!(bytes(judged(given)), bytes(judged(with)));
    }
}

/// A piece of JSON that is often a valid row, and often nearly one.
fn text_of_row() -> impl Strategy<Value = String> {
    let keys = [
        "slug",
        "phase",
        "ssm_status",
        "ssm_exit_code",
        "healthz_ok",
        "verified_on_target",
        "running_image",
        "error",
        "sl\\u0075g",
        "extra",
        "zone",
        "z\\u006fne",
        "\\ud800",
        "é",
    ];
    let values = [
        "\"acme\"",
        "\"a\\u0063me\"",
        "\"b\"",
        "\"Ünï\"",
        "\"\"",
        "\" \"",
        "\"DryRun\"",
        "\"Success\"",
        "true",
        "false",
        "null",
        "0",
        "1",
        "-0",
        "1.0",
        "1e0",
        "1e999",
        "9223372036854775807",
        "9223372036854775808",
        "\"\\ud800\"",
        "\"\\x\"",
        "\"\u{1}\"",
        "{}",
        "[]",
        "{\"a\":1,\"a\":2}",
        "[[{\"k\":null}]]",
        "01",
        "+1",
        "tru",
        "\"open",
    ];
    let spaces = ["", "", "", " ", "\n", "\t", "\u{a0}"];
    let entry = (select(keys.to_vec()), select(values.to_vec()), select(spaces.to_vec()))
        .prop_map(|(k, v, s)| format!("{s}\"{k}\"{s}:{s}{v}{s}"));
    prop_oneof![
        20 => vec(entry, 0..5).prop_map(|entries| format!("{{{}}}", entries.join(","))),
        1 => select(values.to_vec()).prop_map(str::to_owned),
    ]
}

/// Rows that share a shape but for one byte.
fn near_rows() -> impl Strategy<Value = Vec<String>> {
    let row = r#"{"slug": "tenant-1", "phase": "batch-1", "ssm_status": "Success", "verified_on_target": true, "error": "x"}"#;
    let swapped = r#"{"phase": "batch-1", "slug": "tenant-1", "ssm_exit_code": 0, "healthz_ok": true}"#;
    let bytes = [b'"', b'\\', b'}', b',', b' ', b'a', b'1', b'\n', 0x01, 0x7f];
    let near = (prop_oneof![Just(row), Just(swapped)], any::<Index>(), select(bytes.to_vec()), any::<bool>()).prop_map(
        |(row, at, byte, keep)| {
            let mut bytes = row.as_bytes().to_vec();
            if !keep {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            String::from_utf8_lossy(&bytes).into_owned()
        },
    );
    vec(near, 0..6)
}

/// Whether the fast pass takes it; where it does not, the errors that are shown.
fn taken(bytes: &[u8], as_fleet: bool, fields: EvidenceFields) -> Result<(), Vec<String>> {
    let case = Case::new();
    let read = case.file("read", bytes);
    let fleet = as_fleet.then(|| Source::new(read.clone()));
    let evidence = if as_fleet { case.file("response.json", r#"{"ok":true}"#) } else { read };
    let sources = Sources { evidence: Source::new(evidence), fleet, plan: None, fields, max_bytes: 1 << 24 };
    match collect(&sources, Timestamp::UNIX_EPOCH) {
        Ok(_) => Ok(()),
        Err(Error::Evidence { faults, .. }) => Err(faults.into_iter().map(|fault| fault.problem).collect()),
        Err(other) => panic!("{other}"),
    }
}

/// The fast pass and the one that explains: both take it, or both do not.
fn agree(bytes: &[u8], name: Name) -> Result<(), TestCaseError> {
    if name == Name::Response {
        alike(bytes, &explain_response(bytes, &zones()), &taken(bytes, false, zones()))?;
    }
    alike(bytes, &explain(bytes, name), &taken(bytes, name == Name::Fleet, EvidenceFields::default()))
}

fn alike(bytes: &[u8], explained: &[Fault], taken: &Result<(), Vec<String>>) -> Result<(), TestCaseError> {
    prop_assert_eq!(
        taken.is_ok(),
        explained.is_empty(),
        "{:?}: fast {:?}, slow {:?}",
        String::from_utf8_lossy(bytes),
        taken,
        explained
    );
    Ok(())
}

/// Whether these rows are well-formed as the answer to a call of a rollout that was driven.
fn driven(rows: &str) -> bool {
    let at = "2026-01-01T00:00:00Z";
    let plan = json!({"enabled": true, "body": {"target_tag": TARGET, "canary_slug": "acme"}}).to_string();
    let request = |call: u32, purpose: &str, tenants: &[&str]| json!({"record": "request", "call": call, "attempt": 0, "purpose": purpose, "tenants": tenants, "at": at});
    let answer = |call: u32, rows: &str| {
        let body = format!(r#"{{"ok": true, "results": [{rows}]}}"#);
        json!({"record": "answer", "call": call, "attempt": 0, "at": at, "duration_ms": 1, "status": 200, "body": body, "last": true})
    };
    let records = [
        json!({"record": "start", "format": "rollproof.journal/v1", "at": at, "plan_name": "plan.json", "plan": plan}),
        request(0, "plan", &[]),
        answer(0, r#"{"slug": "acme", "ssm_status": "DryRun"}"#),
        request(1, "canary", &["acme"]),
        answer(1, rows),
        json!({"record": "completed", "at": at}),
    ];
    let case = Case::new();
    let evidence = Source::new(case.file("run.journal", records.map(|record| format!("{record}\n")).concat()));
    let sources = Sources { evidence, fleet: None, plan: None, fields: EvidenceFields::default(), max_bytes: 1 << 24 };
    let collected = collect(&sources, Timestamp::UNIX_EPOCH).expect("it is a journal");
    collected.document.calls[1].attempts[0].malformed.is_none()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: random_cases(1500), ..ProptestConfig::default() })]

    #[test]
    fn an_answer_is_read_as_its_archive_is(rows in vec(text_of_row(), 0..4)) {
        let rows = rows.join(",");
        let archived = format!(r#"{{"ok": true, "results": [{rows}]}}"#);
        let taken = taken(archived.as_bytes(), false, EvidenceFields::default());
        prop_assert_eq!(driven(&rows), taken.is_ok(), "{}: {:?}", rows, taken);
    }

    #[test]
    fn the_readers_agree_on_rows(rows in vec(text_of_row(), 0..6), repeat in 1_usize..3) {
        let rows = rows.join(",");
        let many = vec![rows; repeat].join(",");
        agree(format!(r#"{{"ok": true, "results": [{many}]}}"#).as_bytes(), Name::Response)?;
    }

    #[test]
    fn the_readers_agree_on_rows_that_differ_in_one_byte(rows in near_rows(), space in select(["", " ", "\n  "].to_vec())) {
        agree(format!(r#"{{"results": [{}], "ok": true}}"#, rows.join(&format!(",{space}"))).as_bytes(), Name::Response)?;
    }

    #[test]
    fn the_readers_agree_on_fleets(items in vec(text_of_row(), 0..5), list: bool, ok in select(["true", "false", "1"].to_vec())) {
        let items = items.join(",");
        let text = if list { format!("[{items}]") } else { format!(r#"{{"ok":{ok},"results":[{items}]}}"#) };
        agree(text.as_bytes(), Name::Fleet)?;
    }

    #[test]
    fn the_readers_agree_on_broken_bytes(rows in near_rows(), cut in any::<Index>(), put in any::<Index>(), byte: u8) {
        let mut bytes = format!(r#"{{"ok": true, "stragglers": ["a"], "results": [{}]}}"#, rows.join(",")).into_bytes();
        let at = put.index(bytes.len());
        bytes[at] = byte;
        agree(&bytes, Name::Response)?;
        agree(&bytes[..cut.index(bytes.len())], Name::Response)?;
    }

    #[test]
    fn any_bytes_give_a_verdict_or_an_error(bytes in vec(any::<u8>(), 0..60)) {
        agree(&bytes, Name::Response)?;
    }
}

/// Thousands of shapes, shuffled keys, and depths around the limit.
#[test]
fn the_readers_agree_on_many_shapes_and_on_depth() {
    let row = |i: usize| match i % 3 {
        0 => format!(r#"{{"slug": "t{i}", "error": "e{i}", "phase": "p"}}"#),
        1 => format!(r#"{{"error": "e{i}", "phase": "p", "slug": "t{i}"}}"#),
        _ => format!(r#"{{"x{i}": {i}, "slug": "t{i}"}}"#),
    };
    let rows = (0..5000).map(row).collect::<Vec<_>>().join(",");
    agree(format!(r#"{{"results": [{rows}]}}"#).as_bytes(), Name::Response).expect("they agree");
    for depth in 50..70 {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for text in
            [format!(r#"{{"ok": true, "x": {nested}}}"#), format!(r#"{{"results": [{{"slug": "a", "x": {nested}}}]}}"#)]
        {
            agree(text.as_bytes(), Name::Response).expect("they agree");
        }
    }
}

#[test]
fn what_is_explained_as_a_document_is_refused_as_one() {
    let case = Case::new();
    let collected = {
        let evidence =
            Source::new(case.file("r.json", r#"{"ok":true,"results":[{"slug":"a","verified_on_target":true}]}"#));
        collect(
            &Sources { evidence, fleet: None, plan: None, fields: EvidenceFields::default(), max_bytes: 1 << 20 },
            Timestamp::UNIX_EPOCH,
        )
        .expect("valid")
    };
    let written = serde_json::to_value(&collected.document).expect("it is JSON");
    let changes: [(&str, Value); 7] = [
        ("/fleet/source", json!("guess")),
        ("/fleet/tenants", json!(-1)),
        ("/rollout/dry_run", json!("no")),
        ("/cohorts/0/rows/0/verified_on_target", json!("true")),
        ("/cohorts/0/tenants/0", json!(7)),
        ("/provenance/inputs/0/bytes", json!(1.5)),
        ("/archive/ok", json!("true")),
    ];
    for (pointer, wrong) in changes {
        let mut wrong_one = written.clone();
        *wrong_one.pointer_mut(pointer).expect("it is there") = wrong;
        let bytes = wrong_one.to_string().into_bytes();
        let faults = explain(&bytes, Name::Document);
        assert_eq!(
            faults.iter().filter_map(|fault| fault.pointer.as_deref()).collect::<Vec<_>>(),
            [pointer],
            "{faults:?}"
        );
        assert!(taken_as_document(&bytes).is_err());
    }
}

fn taken_as_document(bytes: &[u8]) -> Result<Collected, Error> {
    let case = Case::new();
    let evidence = Source::new(case.file(Path::new("document.json").to_str().expect("a name"), bytes));
    collect(
        &Sources { evidence, fleet: None, plan: None, fields: EvidenceFields::default(), max_bytes: 1 << 20 },
        Timestamp::UNIX_EPOCH,
    )
}
