//! `rollproof audit`: what an archive of months says, against an oracle of our own and in every corner that a user meets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};

use crate::judged::without_digests;
use crate::support::{Case, Ran, random_cases, read_json, root, run, snapshot};

const SAMPLE: &str = "fixtures/lag/skipped-for-46-hours";

pub fn plan(canary: Option<&str>, tolerated: usize, control_plane: &str) -> Value {
    let body = json!({
        "target_tag": "staging-abcdef1", "canary_slug": canary, "soak_seconds": 60, "batch_size": 3,
        "max_stragglers": tolerated, "dry_run": false, "confirm": true,
    });
    let sha = "abcdef1".to_owned() + &"0".repeat(33);
    json!({
        "enabled": true, "sha": sha, "short_sha": "abcdef1", "target_tag": "staging-abcdef1", "cp_url": control_plane,
        "rollout_http_timeout": 600, "body": body,
    })
}

pub fn fleet(tenants: &[&str]) -> Value {
    json!({"ok": true, "results": tenants.iter().map(|slug| json!({"slug": slug, "ssm_status": "DryRun"})).collect::<Vec<_>>()})
}

fn rows(tenants: &[(&str, bool)]) -> Value {
    let row = |(slug, verified): &(&str, bool)| json!({"slug": slug, "ssm_status": "Success", "ssm_exit_code": 0, "healthz_ok": true, "verified_on_target": verified});
    tenants.iter().map(row).collect()
}

pub fn response(tenants: &[(&str, bool)]) -> Value {
    json!({"ok": true, "results": rows(tenants)})
}

/// A folder of archives.
pub struct Archives(pub Case);

impl Archives {
    pub fn new() -> Self {
        let case = Case::new();
        std::fs::create_dir(case.path("archives")).expect("a folder");
        Self(case)
    }

    pub fn file(&self, name: &str, value: &Value) -> &Self {
        self.bytes(name, value.to_string().as_bytes())
    }

    pub fn bytes(&self, name: &str, bytes: &[u8]) -> &Self {
        let path = self.0.path("archives").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
        self
    }

    /// A rollout over `acme`, `bolt` and `cove`, of whom these answer.
    pub fn rollout(&self, when: &str, tolerated: usize, answers: &[(&str, bool)]) -> &Self {
        self.file(&format!("{when}.plan.json"), &plan(Some("acme"), tolerated, "https://cp.example"))
            .file(&format!("{when}.fleet.json"), &fleet(&["acme", "bolt", "cove"]))
            .file(&format!("{when}.response.json"), &response(answers))
    }

    pub fn audit(&self, args: &[&str]) -> Ran {
        let all = ["audit", "archives"].iter().chain(args).copied();
        let until: &[&str] = if args.contains(&"--until") { &[] } else { &["--until", "2026-07-31"] };
        self.0.run(all.chain(until.iter().copied()))
    }

    pub fn report(&self, args: &[&str]) -> (i32, Value) {
        let ran = self.audit(&[args, &["--format", "json"]].concat());
        assert_eq!(ran.stderr, "");
        (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout)))
    }
}

pub const GOOD: [(&str, bool); 3] = [("acme", true), ("bolt", true), ("cove", true)];

pub fn codes(report: &Value) -> BTreeSet<&str> {
    report["findings"].as_array().expect("findings").iter().map(|one| one["code"].as_str().expect("a code")).collect()
}

fn sample(args: &[&str]) -> Ran {
    let all = ["audit", SAMPLE, "--until", "2026-07-06T20:00:00Z"].iter().chain(args);
    run(crate::support::rollproof().args(all).current_dir(root()))
}

#[test]
fn the_sample_is_told_to_a_person_and_to_machines() {
    let text = sample(&[]);
    assert_eq!((text.code, &*text.stderr), (1, ""));
    snapshot("audit.txt", &text.stdout);
    let lines = sample(&["--format", "jsonl"]);
    assert_eq!(lines.code, 1);
    snapshot("audit.jsonl", &without_digests(&lines.stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION")));
}

#[test]
fn what_is_published_is_valid_and_the_same_every_time() {
    let case = Case::new();
    let written = |name: &str| case.path(name).display().to_string();
    let document = written("audit.json");
    let report = format!("json={}", written("report.json"));
    let ran = sample(&["--document", &document, "--report", &report, "--format", "json"]);
    assert_eq!(ran.stdout, crate::support::read(&case.path("report.json")));
    assert_eq!(ran.stdout, sample(&["--format", "json"]).stdout);
    for (file, schema) in [("audit.json", "audit"), ("report.json", "audit-report")] {
        let schema = read_json(&root().join(format!("schemas/{schema}.schema.json")));
        let validator = jsonschema::validator_for(&schema).expect("it compiles");
        let errors: Vec<String> =
            validator.iter_errors(&read_json(&case.path(file))).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{file}");
    }
    assert_eq!(read_json(&case.path("report.json"))["audit"], read_json(&case.path("audit.json")));
}

#[test]
fn a_folder_of_good_rollouts_passes() {
    let archives = Archives::new();
    archives.rollout("2026-07-01T10-00", 0, &GOOD).rollout("2026-07-02T10-00", 0, &GOOD);
    let (code, report) = archives.report(&[]);
    assert_eq!((code, &report["decision"], &report["findings"]), (0, &json!("pass"), &json!([])));
    let ran = archives.audit(&[]);
    assert!(ran.stdout.starts_with("PASS  no rollout was called green that is not"), "{}", ran.stdout);
}

#[test]
fn nothing_judged_is_no_pass() {
    let archives = Archives::new();
    let (code, report) = archives.report(&[]);
    assert_eq!((code, codes(&report)), (1, ["lag.nothing_judged"].into()));
    // Nor is what lies outside the time that is asked for.
    archives.rollout("2026-07-01T10-00", 0, &GOOD);
    assert_eq!(archives.report(&["--since", "2026-07-02"]).0, 1);
    assert_eq!(archives.report(&["--until", "2026-06-30"]).0, 1);
    assert_eq!(archives.report(&["--until", "2026-07-01"]).0, 0);
    assert_eq!(archives.report(&["--since", "2026-07-01", "--until", "2026-07-01T10:00:00Z"]).0, 0);
    // Nor is a dry run.
    let dry = Archives::new();
    let mut plan = plan(None, 0, "https://cp.example");
    plan["body"]["dry_run"] = json!(true);
    dry.file("2026-07-01/plan.json", &plan).file("2026-07-01/fleet.json", &fleet(&["acme"]));
    dry.file("2026-07-01/response.json", &fleet(&["acme"]));
    let (code, report) = dry.report(&[]);
    assert_eq!((code, codes(&report)), (1, ["lag.nothing_judged"].into()));
    assert_eq!(report["audit"]["rollouts"][0]["decision"], "not_asserted");
}

#[test]
fn wrong_command_lines_are_usage() {
    let archives = Archives::new();
    archives.rollout("2026-07-01T10-00", 0, &GOOD);
    let told = |args: &[&str], problem: &str| {
        let ran = archives.audit(args);
        assert_eq!(ran.code, 2, "{args:?}");
        assert!(ran.stderr.contains(problem), "{args:?}: {}", ran.stderr);
    };
    told(&["missing"], "missing is no folder");
    told(&["--tenant", "bolts"], "did you mean \"bolt\"?");
    told(&["--behind-for", "24"], "a duration such as 24h, 90m or 2d is expected");
    told(&["--since", "July"], "a date such as 2026-07-01");
    told(&["--when", "("], "--when:");
    told(&["--when", "(?<year>..)"], "there is no group (?<month>)");
    told(&["--param", "behind_fro=3"], "behind_fro");
    assert_eq!(archives.0.run(["audit"]).code, 2);
}

#[test]
fn whoever_is_behind_for_too_long_is_denied() {
    let archives = Archives::new();
    archives.rollout("2026-07-01T10-00", 1, &GOOD);
    archives.rollout("2026-07-02T10-00", 1, &[("acme", true), ("bolt", true), ("cove", false)]);
    let at = |until: &str, more: &[&str]| archives.report(&[&["--until", until], more].concat());
    let (code, report) = at("2026-07-03T10:00:00Z", &[]);
    assert_eq!((code, codes(&report)), (0, ["lag.behind_within"].into()));
    let (code, report) = at("2026-07-03T10:00:01Z", &[]);
    assert_eq!((code, codes(&report)), (1, ["lag.behind"].into()));
    assert_eq!(report["findings"][0]["tenants"], json!(["cove"]));
    assert_eq!(report["lag"][0]["seconds"], 86_401);
    assert_eq!(at("2026-07-03T11:00:00Z", &["--behind-for", "2d"]).0, 0);
    assert_eq!(at("2026-07-02T12:00:00Z", &["--behind-for", "90m"]).0, 1);
    assert_eq!(at("2026-07-02T12:00:00Z", &["--param", "behind_for=1"]).0, 1);
    // Another tenant's story has nothing to do with it.
    assert_eq!(at("2026-07-03T11:00:00Z", &["--tenant", "bolt"]).0, 0);
    assert_eq!(at("2026-07-03T11:00:00Z", &["--tenant", "bolt", "--tenant", "cove"]).0, 1);
}

#[test]
fn the_configuration_is_for_rollouts_and_for_audits() {
    let archives = Archives::new();
    archives.rollout("2026-07-02T10-00", 0, &[("acme", true), ("bolt", true), ("cove", false)]);
    let audit = |params: &str, args: &[&str]| {
        archives.0.file("rollproof.toml", format!("[params]\n{params}\n"));
        archives.audit(&[&["--until", "2026-07-03T11:00:00Z"], args].concat())
    };
    // One of each: with the tolerance the rollout is no false green, and 25 hours are not too long.
    let both = "behind_for = 48\nmax_stragglers = 1";
    assert_eq!(audit(both, &[]).code, 0);
    assert_eq!(audit("behind_for = 48", &[]).code, 1);
    assert_eq!(audit(both, &["--behind-for", "1h"]).code, 1, "the command line has the last word");
    audit(both, &[]);
    let verify =
        ["verify", "archives/2026-07-02T10-00.response.json", "--fleet", "archives/2026-07-02T10-00.fleet.json"];
    assert_eq!(archives.0.run(verify).code, 0);
    let wrong = audit("behind_fro = 48", &[]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("behind_fro"), "{}", wrong.stderr);
    assert_eq!(archives.0.run(verify).code, 2);
    // On the command line of a rollout it would have no effect.
    audit(both, &[]);
    assert_eq!(archives.0.run(verify.iter().chain(&["--param", "behind_for=1"])).code, 2);
}

#[test]
fn a_waiver_of_the_rollouts_own_day_covers_its_straggler() {
    let archives = Archives::new();
    archives.rollout("2026-07-02T10-00", 1, &[("acme", true), ("bolt", true), ("cove", false)]);
    let waiver = |granted: &str| {
        let text = format!(
            "[[waiver]]\ncode = \"coverage.incomplete\"\ntenants = [\"cove\"]\nreason = \"moves out\"\nowner = \"ops\"\ngranted = {granted}\nexpires = 2026-07-20\n"
        );
        archives.0.file("waivers.toml", text);
        archives.report(&["--until", "2026-07-10", "--waivers", "waivers.toml"])
    };
    let (code, report) = waiver("2026-07-01");
    assert_eq!((code, codes(&report)), (0, ["lag.behind_within"].into()));
    assert_eq!(report["lag"][0]["waived"], true);
    // One that was granted later whitens nothing.
    assert_eq!(waiver("2026-07-03").0, 1);
}

#[test]
fn a_tenant_that_is_quarantined_time_after_time_is_denied() {
    let archives = Archives::new();
    let quarantined = [("acme", true), ("bolt", true), ("cove", false)];
    for (day, denied) in [("01", false), ("02", false), ("03", true)] {
        archives.rollout(&format!("2026-07-{day}T10-00"), 1, &quarantined);
        let (code, report) = archives.report(&["--behind-for", "1000h"]);
        assert_eq!((code == 1, codes(&report).contains("lag.quarantined")), (denied, denied), "{day}");
    }
    assert_eq!(archives.report(&["--behind-for", "1000h", "--param", "quarantined_running=4"]).0, 0);
    // Once it is proven the count begins anew.
    archives.rollout("2026-07-04T10-00", 1, &GOOD).rollout("2026-07-05T10-00", 1, &quarantined);
    assert_eq!(archives.report(&["--behind-for", "1000h"]).0, 0);
}

#[test]
fn an_honest_red_is_no_failure_and_a_false_green_is() {
    let archives = Archives::new();
    let skipped = [("acme", true), ("bolt", true)];
    archives.rollout("2026-07-01T10-00", 0, &skipped);
    archives.file(
        "2026-07-01T10-00.response.json",
        &json!({"ok": false, "error": "incomplete rollout: 1 tenant", "stragglers": ["cove"], "results": rows(&skipped)}),
    );
    archives.rollout("2026-07-01T12-00", 0, &GOOD);
    assert_eq!(archives.report(&[]).0, 0);
    // What the report beside it said counts, whatever the response said of itself.
    archives.file("2026-07-01T10-00.report.json", &json!({"decision": "pass"}));
    let (code, report) = archives.report(&[]);
    assert_eq!((code, codes(&report)), (1, ["lag.false_green"].into()));
    assert_eq!(report["findings"][0]["observed"], json!(["2026-07-01T10-00.response.json"]));
    // A report that says nothing is no archive that could be read.
    archives.bytes("2026-07-01T10-00.report.json", b"{");
    assert_eq!(archives.report(&[]).0, 4);
}

#[test]
fn without_a_fleet_a_known_tenant_without_a_row_is_missing() {
    let archives = Archives::new();
    archives.rollout("2026-07-01T10-00", 0, &GOOD);
    archives.file("2026-07-02T10-00.response.json", &response(&[("acme", true), ("bolt", true)]));
    let (code, report) = archives.report(&["--until", "2026-07-02"]);
    let said = (1, ["lag.behind_within", "lag.unproven_green", "lag.vanished"].into());
    assert_eq!((code, codes(&report)), said);
    assert_eq!((&report["lag"][0]["tenant"], &report["lag"][0]["state"]), (&json!("cove"), &json!("missing")));
    let (code, report) = archives.report(&["--param", "fleet_from_response=true"]);
    assert_eq!((code, codes(&report)), (1, ["lag.behind", "lag.vanished"].into()));
    // Where a later row answers for it, the rollout that had none was no success.
    archives.file("2026-07-03T10-00.response.json", &response(&GOOD));
    let (code, report) = archives.report(&["--param", "fleet_from_response=true"]);
    assert_eq!((code, codes(&report)), (1, ["lag.false_green"].into()));
    assert_eq!(report["audit"]["rollouts"][1]["missing"], json!(["cove"]));
    let finding = &report["findings"][0];
    assert_eq!(finding["tenants"], json!(["cove"]));
    // Two rules have this code: it is the one that spoke that is named.
    assert_eq!(finding["title"], "False green without a row");
    assert!(finding["remedy"].as_str().expect("a remedy").starts_with("Find out why"), "{finding}");
    let text = archives.audit(&["--param", "fleet_from_response=true"]).stdout;
    assert!(text.contains("no row answers for a tenant that earlier and later rollouts have: cove"), "{text}");
    std::fs::remove_file(archives.0.path("archives/2026-07-03T10-00.response.json")).expect("a file");
    // Where somebody did enumerate the fleet, it has left it.
    archives.file("2026-07-02T10-00.fleet.json", &fleet(&["acme", "bolt"]));
    let (code, report) = archives.report(&[]);
    assert_eq!((code, codes(&report)), (0, ["lag.vanished"].into()));
}

#[test]
fn what_is_listed_changes_no_time_and_no_verdict_on_a_tenant() {
    let archives = Archives::new();
    archives.rollout("2026-06-01T10-00", 0, &GOOD);
    archives.rollout("2026-06-10T10-00", 1, &[("acme", true), ("bolt", true), ("cove", false)]);
    archives.rollout("2026-07-02T10-00", 1, &[("acme", true), ("bolt", true), ("cove", false)]);
    let lag = |args: &[&str]| {
        let (code, report) = archives.report(args);
        let longest = &report["lag"][0];
        (
            code,
            longest["tenant"].clone(),
            longest["since"].clone(),
            longest["seconds"].clone(),
            report["audit"]["rollouts"].clone(),
        )
    };
    let until: &[&str] = &["--until", "2026-07-10T10:00:00Z"];
    let all = lag(until);
    assert_eq!((all.0, &all.1, &all.2), (1, &json!("cove"), &json!("2026-06-10T10:00:00Z")));
    assert_eq!(all.3, json!(30 * 24 * 3600));
    for since in ["2026-06-05", "2026-06-10", "2026-07-01", "2026-07-05"] {
        let some = lag(&[until, &["--since", since]].concat());
        assert_eq!((&some.1, &some.2, &some.3), (&all.1, &all.2, &all.3), "{since}");
        assert_eq!(some.0, 1, "{since}");
    }
    assert_eq!(lag(&[until, &["--since", "2026-07-01"]].concat()).4.as_array().map(Vec::len), Some(1));
    let (_, report) = archives.report(&[until, &["--since", "2026-07-01"]].concat());
    let behind =
        report["audit"]["tenants"].as_array().expect("tenants").iter().find(|tenant| tenant["tenant"] == "cove");
    assert_eq!(behind.expect("it is there")["history"], "O");
    // Only where less is read is something not known, and it is said.
    let (code, report) = archives.report(&[until, &["--read-since", "2026-07-01"]].concat());
    assert_eq!((code, codes(&report)), (1, ["lag.behind", "lag.history_cut"].into()));
    assert_eq!(report["lag"][0]["since"], "2026-07-02T10:00:00Z");
    let text = archives.audit(until).stdout;
    for words in [
        "30 d, 22 d of it seen",
        "evidence ends 2026-07-02 10:00Z",
        "the 8 d since",
        "longest time without a rollout 22 d",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn dates_are_read_anywhere_below_the_folder_and_other_files_are_listed() {
    let archives = Archives::new();
    for (place, name) in [
        ("prod/2026/07/01", "response.json"),
        ("2026-07", "02T10:22:33+0200.response.JSON"),
        ("epoch", "1783000000.response.json"),
        ("2026_07_05", "response.json"),
    ] {
        let fleet_name = name.replace("response", "fleet");
        archives.file(&format!("{place}/{fleet_name}"), &fleet(&["acme", "bolt", "cove"]));
        archives.file(&format!("{place}/{name}"), &response(&GOOD));
    }
    for other in ["notes.md", ".hidden.json", "2026-07-06.response.json.bz2", "response"] {
        archives.bytes(other, b"x");
    }
    let (code, report) = archives.report(&[]);
    assert_eq!(code, 0, "{report:#}");
    let times: Vec<&str> =
        report["audit"]["rollouts"].as_array().expect("rollouts").iter().filter_map(|one| one["at"].as_str()).collect();
    assert_eq!(times, ["2026-07-01T00:00:00Z", "2026-07-02T08:22:33Z", "2026-07-02T13:46:40Z", "2026-07-05T00:00:00Z"]);
    let found = &report["audit"]["found"];
    assert_eq!(found["ignored"], json!([".hidden.json", "2026-07-06.response.json.bz2", "notes.md", "response"]));
    let text = archives.audit(&[]).stdout;
    assert!(text.contains("judged 4 of 4 rollouts in 8 files; 4 other files ignored"), "{text}");
}

#[test]
fn an_archive_that_cannot_be_looked_at_is_listed_and_the_rest_is_judged() {
    let archives = Archives::new();
    archives.rollout("2026-07-01T10-00", 0, &GOOD);
    std::os::unix::fs::symlink("nowhere", archives.0.path("archives/2026-07-02.response.json")).expect("a link");
    let (code, report) = archives.report(&[]);
    assert_eq!((code, codes(&report)), (4, ["lag.unreadable"].into()));
    assert_eq!(report["audit"]["unreadable"][0]["archive"], "2026-07-02.response.json");
    assert_eq!(report["audit"]["rollouts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn tenants_come_go_and_flap_and_canaries_are_missed() {
    let archives = Archives::new();
    let missed = plan(Some("acmee"), 1, "https://cp.example");
    let mut day = 0;
    let mut rollout = |tenants: &[&str], answers: &[(&str, bool)]| {
        day += 1;
        let when = format!("2026-07-{day:02}");
        archives.file(&format!("{when}/plan.json"), &missed).file(&format!("{when}/fleet.json"), &fleet(tenants));
        let answer = json!({"ok": false, "error": "canary", "results": rows(answers)});
        archives.file(&format!("{when}/response.json"), &answer);
    };
    for _ in 0..3 {
        rollout(&["acme", "bolt", "gone"], &[("acme", true), ("bolt", true), ("gone", true)]);
        rollout(&["acme", "bolt", "gone"], &[("acme", true), ("bolt", false), ("gone", true)]);
    }
    rollout(&["acme", "bolt", "new"], &[("acme", true), ("bolt", true), ("new", true)]);
    let (code, report) = archives.report(&["--until", "2026-07-08"]);
    assert_eq!(code, 0, "{report:#}");
    let named = |code: &str| {
        let mut findings = report["findings"].as_array().expect("findings").iter();
        findings.find(|finding| finding["code"] == code).map(|finding| finding["tenants"].clone())
    };
    assert_eq!(named("lag.flapping"), Some(json!(["bolt"])));
    assert_eq!(named("lag.vanished"), Some(json!(["gone"])));
    assert_eq!(named("lag.appeared"), Some(json!(["new"])));
    assert_eq!(named("lag.canary_never_in_fleet"), Some(json!(["acmee"])));
    let history: BTreeMap<&str, &Value> = report["audit"]["tenants"]
        .as_array()
        .expect("tenants")
        .iter()
        .map(|tenant| (tenant["tenant"].as_str().expect("a name"), &tenant["history"]))
        .collect();
    let told =
        [("acme", Value::Null), ("bolt", json!("vOvOvOv")), ("gone", json!("vvvvvv.")), ("new", json!("......v"))];
    assert_eq!(history, told.iter().map(|(name, history)| (*name, history)).collect());
}

#[test]
fn whom_nobody_is_ahead_of_is_not_behind() {
    let archives = Archives::new();
    // The canary alone runs it; the rollout was halted then.
    let canary = [("acme", true), ("bolt", false), ("cove", false)];
    archives.rollout("2026-07-01T10-00", 0, &canary);
    archives.file("2026-07-01T10-00.response.json", &json!({"ok": false, "error": "x", "results": rows(&canary)}));
    let (code, report) = archives.report(&[]);
    assert_eq!((code, &report["lag"]), (0, &json!([])));
    assert_eq!(report["audit"]["rollouts"][0]["fanned_out"], false);
}

#[test]
fn control_planes_are_told_apart() {
    let archives = Archives::new();
    for (when, plane, cove) in
        [("2026-07-01T10-00", "https://cp.example", false), ("2026-07-02T10-00", "https://staging.cp.example", true)]
    {
        archives.rollout(when, 1, &[("acme", true), ("bolt", true), ("cove", cove)]);
        archives.file(&format!("{when}.plan.json"), &plan(None, 1, plane));
    }
    let (code, report) = archives.report(&[]);
    assert_eq!((code, codes(&report)), (1, ["lag.behind"].into()));
    assert_eq!(report["lag"][0]["control_plane"], "https://cp.example");
    assert!(archives.audit(&[]).stdout.contains("https://cp.example: tenants that were behind"));
}

#[test]
fn archives_may_be_packed_and_lie_in_folders() {
    let plain = Archives::new();
    plain.rollout("2026-07-01T10-00", 1, &[("acme", true), ("bolt", true), ("cove", false)]);
    let packed = Archives::new();
    for (name, value) in [
        ("plan", plan(Some("acme"), 1, "https://cp.example")),
        ("fleet", fleet(&["acme", "bolt", "cove"])),
        ("response", response(&[("acme", true), ("bolt", true), ("cove", false)])),
    ] {
        let text = value.to_string();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(text.as_bytes()).expect("memory");
        packed.bytes(&format!("deep/2026-07-01T10-00/{name}.json.gz"), &gzip.finish().expect("memory"));
        let bytes = compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
        packed.bytes(&format!("deep/2026-07-02T10-00/{name}.json.zst"), &bytes);
    }
    let lag = |report: &Value, i: usize, key: &str| report["lag"][i][key].clone();
    let (_, one) = plain.report(&[]);
    let (code, two) = packed.report(&[]);
    assert_eq!((code, two["audit"]["unreadable"].clone()), (1, json!([])));
    assert_eq!((lag(&two, 0, "since"), lag(&two, 0, "rollouts")), (lag(&one, 0, "since"), json!(2)));
    let sha = |report: &Value, i: usize| report["audit"]["rollouts"][i]["sha256"].clone();
    assert_eq!((sha(&two, 0), sha(&two, 1)), (sha(&one, 0), sha(&one, 0)), "the hash is that of what was judged");
    // Every command reads them.
    let deep = packed.0.path("archives/deep/2026-07-01T10-00");
    let verify = |name: &str| {
        let args = ["--fleet", "fleet.json.gz", "--plan", "plan.json.gz"];
        run(crate::support::rollproof().arg("verify").arg(name).args(args).current_dir(&deep))
    };
    assert_eq!(verify("response.json.gz").code, 0);
    let whole = std::fs::read(deep.join("response.json.gz")).expect("a file");
    std::fs::write(deep.join("cut.json.gz"), &whole[..whole.len() / 2]).expect("a file");
    let ran = verify("cut.json.gz");
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.contains("it is packed, and cannot be unpacked"), "{}", ran.stderr);
}

#[test]
fn what_packs_too_much_is_refused() {
    let archives = Archives::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 10 << 20]).expect("memory");
    archives.bytes("2026-07-01/response.json.gz", &gzip.finish().expect("memory"));
    let ran = archives.audit(&["--max-input-bytes", "1000000"]);
    assert_eq!(ran.code, 4);
    assert!(ran.stdout.contains("it is larger than the limit of 1000000 bytes"), "{}", ran.stdout);
}

#[test]
fn files_find_each_other_by_their_names() {
    let archives = Archives::new();
    // A plan and a fleet without a name of their own are for all of their folder.
    archives.file("plan.json", &plan(None, 0, "https://cp.example")).bytes("inventory.txt", b"acme\nbolt\n");
    archives.file("2026-07-01.response.json", &response(&[("acme", true), ("bolt", true)]));
    archives.file("response-2026-07-02.json", &response(&[("acme", true)]));
    archives.file("2026-07-02_fleet.json", &fleet(&["acme"]));
    archives.file("2026-07-03.json", &response(&[("acme", true), ("bolt", true)]));
    archives.bytes("notes.txt", b"nothing of ours").bytes("report.html", b"<p>").bytes(".hidden.json", b"{");
    let (code, report) = archives.report(&[]);
    assert_eq!(code, 0, "{report:#}");
    let told: Vec<_> = report["audit"]["rollouts"]
        .as_array()
        .expect("rollouts")
        .iter()
        .map(|rollout| (rollout["archive"].clone(), rollout["fleet"].clone(), rollout["target"].clone()))
        .collect();
    let is = |archive: &str, fleet: u64| (json!(archive), json!(fleet), json!("staging-abcdef1"));
    assert_eq!(told, [is("2026-07-01.response.json", 2), is("response-2026-07-02.json", 1), is("2026-07-03.json", 2)]);
    // A plan that nothing answers to is told.
    archives.file("2026-07-04.plan.json", &plan(None, 0, "https://cp.example"));
    let (code, report) = archives.report(&[]);
    assert_eq!((code, &report["audit"]["unpaired"]), (0, &json!(["2026-07-04.plan.json"])));
    assert!(codes(&report).contains("lag.unpaired"));
    // Two files that could be the same part of one rollout are not guessed about.
    archives.file("2026-07-01.response.json.gz", &response(&[("acme", true)]));
    let (code, report) = archives.report(&[]);
    assert_eq!(code, 4);
    let problem = report["audit"]["unreadable"][0]["problem"].as_str().expect("words");
    assert!(problem.contains("more files than one could be the same part of one rollout"), "{problem}");
}

#[test]
fn when_a_rollout_was_made_is_never_guessed() {
    let archives = Archives::new();
    archives.file("run-7.response.json", &response(&GOOD));
    let (code, report) = archives.report(&["--param", "fleet_from_response=true"]);
    assert_eq!((code, codes(&report)), (0, ["lag.undated"].into()));
    assert_eq!((&report["audit"]["rollouts"][0]["at"], &report["audit"]["tenants"]), (&Value::Null, &json!([])));
    // A lie needs no date.
    archives.file("run-8.response.json", &response(&[("acme", true), ("bolt", false)]));
    let (code, report) = archives.report(&["--param", "fleet_from_response=true"]);
    assert_eq!((code, codes(&report)), (1, ["lag.false_green", "lag.undated"].into()));
    let ran = archives.audit(&["--param", "fleet_from_response=true"]);
    assert!(ran.stdout.contains("judged 2 of 2 rollouts in 2 files; 2 undated"), "{}", ran.stdout);
    std::fs::remove_file(archives.0.path("archives/run-8.response.json")).expect("a file");
    archives.file("d07m02y2026.response.json", &response(&GOOD));
    let when = r"d(?<day>\d\d)m(?<month>\d\d)y(?<year>\d{4})";
    let (code, report) =
        archives.report(&["--param", "fleet_from_response=true", "--when", when, "--until", "2026-12-01"]);
    assert_eq!((code, codes(&report)), (0, ["lag.undated"].into()));
    assert_eq!(report["audit"]["rollouts"][0]["at"], "2026-02-07T00:00:00Z");
}

#[test]
fn what_cannot_be_read_is_listed_and_the_rest_is_judged() {
    let archives = Archives::new();
    archives.rollout("2026-07-01T10-00", 0, &GOOD);
    archives
        .bytes("2026-07-02.response.json", b"{\"results\": [{\"slug\": \"acme\", \"verified_on_target\": \"false\"}]}");
    archives.bytes("2026-07-03.response.json", b"");
    let ran = archives.audit(&[]);
    assert_eq!(ran.code, 4);
    let place = "2026-07-02.response.json#/results/0/verified_on_target, line 1, column";
    for words in ["PASS", place, "rollouts 1 (1 pass)", "archives that could not be read"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    let (code, report) = archives.report(&["--keep-going"]);
    assert_eq!((code, codes(&report)), (0, ["lag.unreadable"].into()));
    // A policy that says nothing is no archive that could not be read.
    archives.0.file(
        "needs.rego",
        "# METADATA\n# title: Tiers\n# custom:\n#   needs: [labels.tier]\npackage tiers\n\ndeny contains \"gold\" if {\n\tsome cohort in input.cohorts\n\tcohort.labels.tier == \"gold\"\n}\n",
    );
    let ran = archives.audit(&["--keep-going", "--policy", "needs.rego"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stdout.contains("the policy tiers needs labels.tier"), "{}", ran.stdout);
}

#[test]
fn documents_journals_and_responses_of_one_rollout_are_one_rollout() {
    let archives = Archives::new();
    let from = root().join("fixtures/calls/live-killed");
    let journal = std::fs::read(from.join("run.journal")).expect("a journal");
    archives.bytes("killed/document.json.journal", &journal);
    let (code, report) = archives.report(&["--until", "2030-01-01"]);
    let rollout = &report["audit"]["rollouts"][0];
    assert_eq!((code, &rollout["decision"], &rollout["called"]), (0, &json!("fail"), &json!("unknown")));
    // Its document is better evidence, and its response says what it was called.
    let folder = archives.0.path("archives/killed");
    let verify = ["verify", "document.json.journal", "--document", "document.json"];
    run(crate::support::rollproof().args(verify).current_dir(&folder));
    archives.file("killed/response.json", &json!({"ok": true, "results": []}));
    let (_, again) = archives.report(&["--until", "2030-01-01"]);
    assert_eq!(again["audit"]["rollouts"].as_array().map(Vec::len), Some(1));
    let other = &again["audit"]["rollouts"][0];
    assert_eq!((&other["archive"], &other["called"]), (&json!("killed/document.json"), &json!("green")));
    assert_eq!(other["at"], rollout["at"]);
    assert!(codes(&again).contains("lag.false_green"));
}

#[test]
fn hostile_names_are_escaped() {
    let archives = Archives::new();
    let hostile = "a\u{1b}[31m\n::error::b\u{202e}";
    archives.file("2026-07-01.fleet.json", &json!(["acme", "bolt", hostile]));
    archives.file("2026-07-01.response.json", &response(&[("acme", true), ("bolt", true)]));
    let ran = archives.audit(&[]);
    assert_eq!(ran.code, 1);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\u{202e}') && !ran.stdout.contains("\n::error"));
    assert!(ran.stdout.contains(r"a\u{1b}"), "{}", ran.stdout);
}

/// What a tenant may be in a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Outside,
    Proven,
    OffTarget,
    Skipped,
}

/// A rollout of random tenants.
#[derive(Debug, Clone)]
struct Made {
    hours_later: u32,
    enumerated: bool,
    canary: Option<usize>,
    tenants: Vec<Is>,
}

fn made() -> impl Strategy<Value = Made> {
    let is =
        prop_oneof![1 => Just(Is::Outside), 6 => Just(Is::Proven), 2 => Just(Is::OffTarget), 2 => Just(Is::Skipped)];
    (1..60_u32, prop::bool::weighted(0.7), prop::option::of(0..5_usize), vec(is, 5))
        .prop_map(|(hours_later, enumerated, canary, tenants)| Made { hours_later, enumerated, canary, tenants })
}

const NAMES: [&str; 5] = ["acme", "bolt", "cove", "dune", "ember"];

/// Who was behind, told naively: tenant, since, until, rollouts, seconds and the last state.
type Spans = BTreeSet<(String, String, Option<String>, u64, u64, String)>;

fn oracle(history: &[(jiff::Timestamp, Made)], until: jiff::Timestamp) -> Spans {
    let mut spans = Spans::new();
    for (tenant, name) in NAMES.iter().enumerate() {
        // In order: what it is, or None where the rollout says nothing of it.
        let mut told: Vec<(jiff::Timestamp, Option<bool>, &str)> = Vec::new();
        let mut known = false;
        for (at, made) in history {
            // Nobody enumerates: only who has a row is there.
            let there =
                |is: Is| if made.enumerated { is != Is::Outside } else { matches!(is, Is::Proven | Is::OffTarget) };
            if !made.tenants.iter().any(|is| there(*is)) {
                // Nobody at all: nothing is asserted.
                continue;
            }
            let others = (0..5).any(|i| Some(i) != made.canary && made.tenants[i] == Is::Proven && there(Is::Proven));
            let (is, state) = match made.tenants[tenant] {
                is if !there(is) && !known => continue,
                is if !there(is) && made.enumerated => {
                    known = false;
                    continue;
                }
                is if !there(is) => (others.then_some(false), "missing"),
                Is::Proven => (Some(true), "verified"),
                Is::OffTarget => (others.then_some(false), "off_target"),
                _ => (others.then_some(false), "unreached"),
            };
            known = true;
            told.push((*at, is, state));
        }
        let mut i = 0;
        while i < told.len() {
            if told[i].1 != Some(false) {
                i += 1;
                continue;
            }
            let end = (i..told.len()).find(|j| told[*j].1 == Some(true));
            let within = &told[i..end.unwrap_or(told.len())];
            let behind: Vec<_> = within.iter().filter(|(_, is, _)| *is == Some(false)).collect();
            let over = end.map_or(until, |end| told[end].0);
            spans.insert((
                (*name).to_owned(),
                told[i].0.to_string(),
                end.map(|end| told[end].0.to_string()),
                behind.len() as u64,
                u64::try_from(over.duration_since(told[i].0).as_secs()).expect("it is later"),
                behind.last().expect("one").2.to_owned(),
            ));
            i = end.unwrap_or(told.len());
        }
    }
    spans
}

proptest! {
    #![proptest_config(ProptestConfig { cases: random_cases(64), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lag_is_what_a_naive_reader_makes_of_the_same_files(all in vec(made(), 1..10)) {
        let archives = Archives::new();
        let mut at: jiff::Timestamp = "2026-07-01T00:00:00Z".parse().expect("a time");
        let mut history = Vec::new();
        for made in all {
            at += jiff::SignedDuration::from_hours(made.hours_later.into());
            let when = at.to_string().replace(':', "-");
            let canary = made.canary.map(|canary| NAMES[canary]);
            archives.file(&format!("{when}/plan.json"), &plan(canary, 5, "https://cp.example"));
            let named = NAMES.iter().zip(&made.tenants);
            if made.enumerated {
                let tenants: Vec<&str> = named.clone().filter(|(_, is)| **is != Is::Outside).map(|(name, _)| *name).collect();
                archives.file(&format!("{when}/fleet.json"), &json!(tenants));
            }
            let answers = named.filter(|(_, is)| matches!(is, Is::Proven | Is::OffTarget));
            let answers: Vec<(&str, bool)> = answers.map(|(name, is)| (*name, *is == Is::Proven)).collect();
            archives.file(&format!("{when}/response.json"), &response(&answers));
            history.push((at, made));
        }
        let until = at + jiff::SignedDuration::from_hours(30);
        let (_, report) = archives.report(&["--until", &until.to_string()]);
        let text = |lag: &Value, key: &str| lag[key].as_str().map(str::to_owned);
        let told: Spans = report["lag"].as_array().expect("lag").iter().map(|lag| (
            text(lag, "tenant").expect("a name"), text(lag, "since").expect("a time"), text(lag, "until"),
            lag["rollouts"].as_u64().expect("a number"), lag["seconds"].as_u64().expect("a number"),
            text(lag, "state").expect("a state"),
        )).collect();
        let mut files = String::new();
        for (at, made) in &history {
            writeln!(files, "{at} {made:?}").expect("a string");
        }
        prop_assert_eq!(told, oracle(&history, until), "{}", files);
    }
}

/// The sample is read with no other file than those it is made of.
#[test]
fn the_sample_holds_nothing_else() {
    let folder = root().join(SAMPLE);
    let names = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    assert!(names.into_iter().all(|path: std::path::PathBuf| path.extension() == Some(Path::new("json").as_os_str())));
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_which_has_it_before_it_looks_at_anything() {
    let case = Case::new();
    std::fs::create_dir(case.path("archives")).expect("a folder");
    for folder in ["no-such-folder", "archives"] {
        let ran = case.run(["audit", folder, "--parquet", "out"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("--features parquet"), "{}", ran.stderr);
    }
    assert!(!case.path("out").exists());
}

/// What is archived by its date alone is at the day's first moment: that of the next day is not up to the end of this one.
#[test]
fn until_a_day_ends_before_the_next_one_begins() {
    let archives = Archives::new();
    for day in ["2026-07-01", "2026-07-02", "2026-07-03"] {
        archives.rollout(day, 0, &GOOD);
    }
    archives.rollout("2026-07-01T23-59-59", 0, &GOOD);
    let listed = |args: &[&str]| {
        let (_, report) = archives.report(args);
        let rollouts = report["audit"]["rollouts"].as_array().expect("rollouts").iter();
        rollouts.map(|one| one["at"].as_str().expect("a time")[..10].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["--until", "2026-07-01"]), ["2026-07-01", "2026-07-01"]);
    assert_eq!(listed(&["--until", "2026-07-02", "--since", "2026-07-02"]), ["2026-07-02"]);
    // A moment is included, as it always was.
    assert_eq!(listed(&["--until", "2026-07-02T00:00:00Z"]), ["2026-07-01", "2026-07-01", "2026-07-02"]);
    assert_eq!(listed(&["--until", "2026-07-01T23:59:58Z"]), ["2026-07-01"]);
    // How long somebody was behind is counted in whole days all the same.
    archives.rollout("2026-07-05", 1, &[("acme", true), ("bolt", true), ("cove", false)]);
    let (_, report) = archives.report(&["--until", "2026-07-06"]);
    assert_eq!(
        (&report["lag"][0]["seconds"], &report["audit"]["until"]),
        (&json!(2 * 86_400), &json!("2026-07-07T00:00:00Z"))
    );
}

/// What is complete needs no plan and no fleet, but which of its fields are evidence is said of everything in the folder.
#[test]
fn evidence_fields_count_in_a_journal_whatever_lies_beside_it() {
    let archives = Archives::new();
    let journal = crate::support::read(&root().join("fixtures/healthy/gates-open/run.journal"));
    let journal = journal.replace(r#"\"healthz_ok\":true"#, r#"\"healthz_ok\":true,\"db_state\":\"bad\""#);
    assert!(journal.contains("db_state"), "{journal}");
    archives.0.file(
        "state.rego",
        "# METADATA\n# title: State\n# description: The database is right.\npackage team.state\n\n# METADATA\n# title: State\n\
         # description: State.\n# custom:\n#   codes: [team.state.bad]\n#   remedy: None.\ndeny contains finding if {\n\
         \tsome cohort in input.cohorts\n\tsome row in cohort.rows\n\trow.extra.db_state == \"bad\"\n\
         \tfinding := {\"code\": \"team.state.bad\", \"message\": \"bad\", \"tenants\": cohort.tenants}\n}\n",
    );
    let options = ["--evidence-field", "db_state", "--policy", "state.rego", "--until", "2027-07-31"];
    let judged = || {
        let rollout = archives.report(&options).1["audit"]["rollouts"][0].clone();
        [rollout["decision"].clone(), rollout["explain"].clone(), rollout["because"][0]["code"].clone()]
    };
    archives.bytes("2026-12-01.jsonl", journal.as_bytes());
    let alone = judged();
    assert_eq!((&alone[0], &alone[2]), (&json!("fail"), &json!("team.state.bad")));
    archives.file("2026-12-01.plan.json", &plan(Some("acme"), 0, "https://cp.example"));
    assert_eq!(judged(), alone, "a plan beside it");
    archives.file("2026-12-01.fleet.json", &fleet(&["acme", "bolt"]));
    assert_eq!(judged(), alone, "a plan and a fleet beside it");
    // Nor does the command that is said to explain it name what that command refuses.
    let explain = alone[1].as_str().expect("a command").split(' ').skip(1).map(str::to_owned);
    let more = ["--evidence-field", "db_state", "--policy", "state.rego"].map(str::to_owned);
    let ran = archives.0.run(explain.chain(more));
    assert!(ran.code == 0 && ran.stdout.contains("team.state.bad"), "{}{}", ran.stdout, ran.stderr);
}

/// A parameter is of a policy that judges rollouts or of one that judges audits: what was meant is looked for among both.
#[test]
fn a_misspelt_parameter_is_told_from_those_of_audits_too() {
    let archives = Archives::new();
    archives.rollout("2026-07-01T10-00", 0, &GOOD);
    for (param, meant) in
        [("flaping=2", "flapping"), ("max_straglers=2", "max_stragglers"), ("behind_fro=3", "behind_for")]
    {
        let ran = archives.audit(&["--param", param]);
        assert_eq!(ran.code, 2, "{param}");
        let told = format!("did you mean {meant:?}?");
        assert!(ran.stderr.contains(&told), "{told} is not in {}", ran.stderr);
        let (name, _) = param.split_once('=').expect("a value");
        assert!(
            ran.stderr.contains(&format!("the parameter {name}: no policy has a parameter of this name")),
            "{}",
            ran.stderr
        );
    }
}
