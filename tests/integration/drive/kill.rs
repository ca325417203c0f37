//! `kill -9` at random moments: the journal gives a verdict, and the rollout goes on from it as if nothing had been.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::iter::repeat_with;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rollproof::internal::{Record, read_journal};
use serde_json::{Value, json};

use super::plane::{Plane, Reply, Request};
use super::{case, json_of, plan, spawn};
use crate::support::{Case, Ran, repetitions};

/// How many rollouts are killed in `.ci/run`, and an eighth of it elsewhere.
const MOMENTS: usize = 200;
const WORKERS: usize = 4;
const TENANTS: usize = 60;
const BATCH: usize = 4;

/// About the time from one call to the next.
const CALL: Duration = Duration::from_millis(6);

/// With the seed of a run that failed, the same moments come again.
const SEED: &str = "ROLLPROOF_TEST_SEED";

fn slug(i: usize) -> String {
    format!("tenant-{i:02}")
}

/// 60 tenants: one is skipped, one is off target, and a batch is answered with 503 and rows at its first attempt.
fn plane() -> Plane {
    let flaky = AtomicUsize::new(0);
    Plane::new(move |_, request: &Request| {
        thread::sleep(Duration::from_millis(2));
        let tenants = request.tenants();
        let row = |slug: &String| match slug.as_str() {
            "tenant-13" => None,
            "tenant-37" => Some(json!({"slug": slug, "ssm_status": "Success", "verified_on_target": false})),
            _ => Some(json!({"slug": slug, "ssm_status": "Success", "verified_on_target": true})),
        };
        if tenants.is_empty() {
            let fleet = (0..TENANTS).map(slug).map(|slug| json!({"slug": slug, "ssm_status": "DryRun"}));
            return Reply::Json(200, json!({"ok": true, "results": fleet.collect::<Vec<_>>()}));
        }
        let rows: Vec<Value> = tenants.iter().filter_map(row).collect();
        if tenants.contains(&slug(22)) && flaky.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::Json(503, json!({"ok": false, "results": rows}));
        }
        Reply::Json(200, json!({"ok": true, "results": rows}))
    })
}

fn prepared(plane: &Plane) -> Case {
    let case = case(&plane.url);
    let mut plan = plan(&plane.url);
    plan["rollout_http_timeout"] = json!(60);
    plan["body"]["canary_slug"] = json!(slug(7));
    plan["body"]["batch_size"] = json!(BATCH);
    plan["body"]["max_stragglers"] = json!(2);
    plan["body"]["soak_seconds"] = json!(20);
    case.file("plan.json", plan.to_string());
    case
}

/// Everything of a report but what tells of attempts.
fn verdict(report: &Value) -> Value {
    let findings = report["findings"].as_array().expect("a list").iter();
    let weighty: Vec<&Value> = findings.filter(|finding| finding["severity"] != "note").collect();
    json!([report["decision"], report["summary"], report["stragglers"], weighty])
}

const OPTIONS: [&str; 4] = ["--time-scale", "0.001", "--format", "json"];

fn end(case: &Case, more: &[&str]) -> Ran {
    Ran::from(spawn(case, &[&OPTIONS[..], more].concat()).wait_with_output().expect("it ends"))
}

/// What the journal tells of: tenants whose call was answered for good, rows, and how many answers; nothing where the
/// process was killed before there was one.
#[derive(Default)]
struct Told {
    answered: BTreeSet<String>,
    rows: Vec<Value>,
    answers: usize,
}

fn told(case: &Case) -> Option<Told> {
    let bytes = std::fs::read(case.path("document.json.journal")).ok()?;
    let (records, _) = read_journal(&bytes).expect("its records are whole");
    let mut told = Told::default();
    let mut named = Vec::new();
    for record in records {
        match record {
            Record::Request { tenants, .. } => named = tenants,
            Record::Answer { body, last, .. } => {
                told.answers += 1;
                let body: Value = serde_json::from_str(&body.expect("an answer came")).expect("it is JSON");
                if !named.is_empty() {
                    told.rows.extend(body["results"].as_array().expect("rows").iter().cloned());
                    if last {
                        told.answered.extend(named.iter().map(ToString::to_string));
                    }
                }
            }
            _ => {}
        }
    }
    Some(told)
}

/// Kills a rollout behind as many calls as the whole part of `moment` says, and a part of a call's time; then goes on with
/// it. Gives whether it was killed between its first call and its end.
#[expect(clippy::cast_precision_loss, reason = "some twenty calls")]
fn killed_at(moment: f64, undisturbed: &Value) -> bool {
    let plane = plane();
    let case = prepared(&plane);
    let mut child = spawn(&case, &OPTIONS);
    while (plane.calls().len() as f64) < moment.floor() && child.try_wait().expect("it is waited for").is_none() {
        thread::sleep(Duration::from_micros(500));
    }
    thread::sleep(CALL.mul_f64(moment.fract()));
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    // The request that was being sent when the process died may still arrive.
    thread::sleep(Duration::from_millis(20));
    let before = plane.calls();

    let Some(told) = told(&case) else {
        assert_eq!(before.len(), 0, "nothing is called before it can be kept");
        return false;
    };
    assert!(before.len() <= told.answers + 1, "an answer was not kept before the next call");
    let cut = case.run(["verify", "document.json.journal", "--format", "json"]);
    let report: Value = serde_json::from_str(&cut.stdout).expect("the journal gives a verdict");
    let denies = report["findings"].as_array().expect("a list").iter().filter(|finding| finding["severity"] == "deny");
    let interrupted = denies.clone().any(|finding| finding["code"] == "calls.interrupted");
    assert_eq!(cut.code, i32::from(interrupted), "only one that had made every call may pass: {report}");

    let resumed = end(&case, &["--resume"]);
    assert_eq!(resumed.code, 0, "{}{}", resumed.stdout, resumed.stderr);
    let report: Value = serde_json::from_str(&resumed.stdout).expect("a report");
    assert_eq!(verdict(&report), *undisturbed);
    for again in &plane.calls()[before.len()..] {
        assert!(again.iter().all(|tenant| !told.answered.contains(tenant)), "{again:?} were answered before");
    }
    let response = json_of(&case, "response.json");
    let rows = response["results"].as_array().expect("rows");
    assert_eq!(rows[..told.rows.len()], told.rows, "rows that were answered before are lost");
    interrupted && !before.is_empty()
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "some twenty calls")]
#[expect(clippy::print_stdout, reason = "the seed of a run that failed is needed to repeat it")]
fn whenever_a_rollout_is_killed_nothing_is_lost_and_nobody_is_called_twice() {
    let seed = std::env::var(SEED)
        .map_or_else(|_| RandomState::new().build_hasher().finish(), |seed| seed.parse().expect("a number"));
    println!("{SEED}={seed}");
    let (undisturbed, calls) = {
        let plane = plane();
        let ran = end(&prepared(&plane), &[]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        (verdict(&serde_json::from_str(&ran.stdout).expect("a report")), plane.calls().len() as f64)
    };
    let (next, hits, moments) = (AtomicUsize::new(0), AtomicUsize::new(0), repetitions(MOMENTS));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                for i in repeat_with(|| next.fetch_add(1, Ordering::SeqCst)).take_while(|i| *i < moments) {
                    let moment = (calls + 1.0) * moment(seed, i, moments);
                    hits.fetch_add(usize::from(killed_at(moment, &undisturbed)), Ordering::SeqCst);
                }
            });
        }
    });
    let hits = hits.into_inner();
    println!("{hits} of {moments} were killed between their first call and their last");
    assert!(hits > moments / 2, "only {hits} moments were within the rollout");
}

/// The i-th of some moments, as a part of the whole: a random one in the i-th of as many equal parts, so that few are
/// spread over a rollout as well as many.
#[expect(clippy::cast_precision_loss, reason = "some hundred")]
fn moment(seed: u64, i: usize, moments: usize) -> f64 {
    (i as f64 + fraction(seed, i)) / moments as f64
}

/// The i-th of some numbers in 0..1 that look random (SplitMix64).
fn fraction(seed: u64, i: usize) -> f64 {
    let mut z = seed.wrapping_add((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    f64::from(u32::try_from((z ^ (z >> 31)) >> 32).expect("32 bits")) / f64::from(u32::MAX)
}
