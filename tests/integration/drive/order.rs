//! The order of side effects, as laws on random rollouts: the library's driver, real HTTP, a real journal, and a
//! question of the test's own beside the policies'.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rollproof::internal::{
    Client, Config, Driver, HaltAnswer, HaltCheck, Inputs, Journal, JournalFormat, Name, Progress, Record, Rollout,
    RolloutOutcome, SoFar, Stop, Text, Timing, Token, replay,
};
use rollproof::{
    Document, Error, EvidenceFields, Loading, Prepared, Settings, Source, Sources, collect, load, validate,
};
use serde_json::{Value, json};

use super::plane::{Plane, Reply, Request, http};
use crate::support::{Case, random_cases};

/// What comes of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Well,
    /// A tenant of the call has a row of another kind.
    Row(&'static str),
    /// The answer is none, or one that fails the call.
    Status(u16),
    Close,
    NotOk,
    Html,
    RowIsNoObject,
}

impl Fate {
    /// Whether another attempt is worth making (contract section 3).
    fn is_transient(self) -> bool {
        matches!(self, Self::Close | Self::Status(502..=504))
    }

    fn succeeds(self) -> bool {
        matches!(self, Self::Well | Self::Row(_))
    }
}

#[derive(Debug, Clone)]
struct Scenario {
    fleet: Vec<&'static str>,
    canary: Option<&'static str>,
    batch: usize,
    tolerated: usize,
    dry_run: bool,
    soak: u64,
    /// By the index of the request; the others go well.
    fates: Vec<Fate>,
    /// At which question the test's own policy halts.
    halts_at: Option<usize>,
}

const NAMES: [&str; 8] = ["acme", "bolt", "cobalt", "dune", "ember", "Ünï cöde", "a/b~c", "fjord"];

fn scenario() -> impl Strategy<Value = Scenario> {
    let row = select(vec!["skipped", "off_target", "unhealthy", "older", "dry", "twice", "stranger", "unknown"]);
    let fate = prop_oneof![
        12 => Just(Fate::Well),
        4 => row.prop_map(Fate::Row),
        2 => select(vec![502, 503, 504]).prop_map(Fate::Status),
        1 => select(vec![400, 404, 500, 307]).prop_map(Fate::Status),
        1 => select(vec![Fate::Close, Fate::NotOk, Fate::Html, Fate::RowIsNoObject]),
    ];
    let canary = prop_oneof![3 => select(&NAMES[..]).prop_map(Some), 1 => Just(None)];
    (
        vec(select(&NAMES[..]), 0..10),
        canary,
        1..4_usize,
        0..3_usize,
        prop::bool::weighted(0.2),
        0..2_u64,
        vec(fate, 0..12),
        prop::option::weighted(0.2, 0..6_usize),
    )
        .prop_map(|(fleet, canary, batch, tolerated, dry_run, soak, fates, halts_at)| Scenario {
            fleet,
            canary,
            batch,
            tolerated,
            dry_run,
            soak,
            fates,
            halts_at,
        })
}

impl Scenario {
    /// The fleet without repetitions, in order.
    fn tenants(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.fleet.iter().filter(|slug| seen.insert(**slug)).map(|slug| (*slug).to_owned()).collect()
    }

    fn fate(&self, index: usize) -> Fate {
        self.fates.get(index).copied().unwrap_or(Fate::Well)
    }

    fn reply(&self, index: usize, request: &Request) -> Reply {
        let (tenants, dry_run) = (request.tenants(), request.body["dry_run"] == true);
        let mut rows: Vec<Value> = if request.body.get("only_slugs").is_none() {
            self.fleet.iter().map(|slug| json!({"slug": slug, "ssm_status": "DryRun"})).collect()
        } else if dry_run {
            tenants.iter().map(|slug| json!({"slug": slug, "ssm_status": "DryRun"})).collect()
        } else {
            let row = |slug| json!({"slug": slug, "phase": "batch", "ssm_status": "Success", "healthz_ok": true, "verified_on_target": true});
            tenants.iter().map(row).collect()
        };
        let fate = self.fate(index);
        match (fate, rows.first().cloned()) {
            (Fate::Row("skipped"), Some(_)) if !tenants.is_empty() => drop(rows.remove(0)),
            (Fate::Row("off_target"), Some(_)) => rows[0]["verified_on_target"] = json!(false),
            (Fate::Row("unhealthy"), Some(_)) => rows[0]["healthz_ok"] = json!(false),
            (Fate::Row("older"), Some(_)) => rows[0] = json!({"slug": rows[0]["slug"], "ssm_status": "Success"}),
            (Fate::Row("dry"), Some(_)) => rows[0]["ssm_status"] = json!("dryrun"),
            (Fate::Row("twice"), Some(row)) => rows.push(row),
            (Fate::Row("stranger"), _) => rows.push(json!({"slug": "stranger", "verified_on_target": true})),
            (Fate::Row("unknown"), Some(_)) => rows[0]["colour/~"] = json!({"is": ["red"]}),
            (Fate::RowIsNoObject, _) => rows.push(json!(7)),
            _ => {}
        }
        match fate {
            Fate::Status(status) => Reply::Json(status, json!({"ok": false, "error": "boom", "results": rows})),
            Fate::Close => Reply::Close,
            Fate::Html => Reply::Raw(http(200, "<html>sign in</html>")),
            fate => Reply::Json(200, json!({"ok": fate != Fate::NotOk, "results": rows})),
        }
    }

    fn start(&self, url: &str) -> Record {
        let mut plan = json!({
            "enabled": true, "sha": "abcdef1", "target_tag": "staging-abcdef1", "cp_url": url, "rollout_http_timeout": 10,
            "body": {"target_tag": "staging-abcdef1", "soak_seconds": self.soak, "batch_size": self.batch,
                     "max_stragglers": self.tolerated, "dry_run": self.dry_run, "confirm": true},
        });
        if let Some(canary) = self.canary {
            plan["body"]["canary_slug"] = json!(canary);
        }
        Record::Start {
            format: JournalFormat::V1,
            at: Text::from(Timestamp::now().to_string()),
            plan_name: Text::from("plan.json"),
            plan: Text::from(plan.to_string()),
            inventory: None,
            time_scale: Some(Text::from("0.001")),
            plan_fields: Vec::new(),
            evidence_fields: Vec::new(),
            gates: None,
            probes: false,
            rollout_id: None,
            control_plane: None,
        }
    }
}

const ATTEMPTS: usize = 3;

/// Drives a rollout against `plane`, with some question; gives how it ended, and what is known of it.
fn driven(
    start: &Record,
    plane: &Plane,
    case: &Case,
    ask: &mut dyn FnMut(&Document) -> Result<HaltAnswer, Error>,
) -> (Result<(), Error>, Document) {
    let client =
        Client::new(&plane.url, &Token::new("s3cret-t0ken", "the test").expect("a token"), &Config::default().http)
            .expect("a client");
    let timing = Timing {
        retry_delays: vec![Duration::ZERO; ATTEMPTS - 1],
        plan_timeout: Duration::from_secs(10),
        call_timeout: Duration::from_secs(10),
        scale: 0.001,
    };
    let mut driver = Driver {
        gate_reader: None,
        rollout: Rollout::start(start).expect("a plan"),
        journal: Journal::create(&case.path("run.journal"), start, None).expect("a journal"),
        client: &client,
        timing: &timing,
        progress: Progress::new(true, 0),
        stop: Stop::register().expect("signals are heard"),
    };
    let mut asked = |document: &Document, question| match question {
        HaltCheck::IdealDocument => Ok(HaltAnswer::default()),
        HaltCheck::AfterCall | HaltCheck::AfterGate => ask(document),
    };
    let ended = driver.run(&mut asked, None);
    (ended, driver.rollout.finish().0)
}

/// The document that the journal tells of.
fn replayed(case: &Case) -> Document {
    let sources = Sources {
        evidence: Source::new(case.path("run.journal")),
        fleet: None,
        plan: None,
        fields: EvidenceFields::default(),
        max_bytes: 1 << 20,
    };
    collect(&sources, Timestamp::UNIX_EPOCH).expect("the journal is valid").document
}

/// What policies are asked about after the records of the journal so far, where a process begins with them.
fn so_far(case: &Case) -> Document {
    let journal = Source::new(case.path("run.journal")).read(1 << 20).expect("a journal");
    let (mut rollout, _) = replay(&journal, &EvidenceFields::default()).expect("it is valid");
    rollout.document_so_far().into_owned()
}

/// A document of which one of the calls has failed.
fn with_failed_call(document: &Document, number: usize) -> Document {
    let mut document = serde_json::to_value(document).expect("it is JSON");
    let calls = document["calls"].as_array_mut().expect("a list");
    if let Some(index) = number.checked_rem(calls.len()) {
        calls[index]["ok"] = json!(false);
    }
    serde_json::from_value(document).expect("a document")
}

/// The scopes of the calls, in order, each with what came of its attempts.
fn scopes(scenario: &Scenario, calls: &[Vec<String>]) -> Vec<(Vec<String>, Vec<Fate>)> {
    let mut scopes: Vec<(Vec<String>, Vec<Fate>)> = Vec::new();
    for (i, call) in calls.iter().enumerate() {
        match scopes.last_mut() {
            Some((scope, fates)) if scope == call => fates.push(scenario.fate(i)),
            _ => scopes.push((call.clone(), vec![scenario.fate(i)])),
        }
    }
    scopes
}

fn check(scenario: &Scenario, policies: &Prepared, schema: &jsonschema::Validator) -> Result<(), TestCaseError> {
    let own = Arc::new(scenario.clone());
    let plane = Plane::new(move |index, request| own.reply(index, request));
    let case = Case::new();
    // What was called when the rollout was told to stop.
    let (halted_after, asked) = (Mutex::new(None), Mutex::new(0));
    let mut inputs = Inputs::default();
    let mut ask = |document: &Document| {
        let value = serde_json::to_value(document).expect("it is JSON");
        let faults: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}: {value}");
        assert_eq!(
            serde_json::from_value::<Document>(value).as_ref().ok(),
            Some(document),
            "it reads as it was written"
        );
        validate(document).expect("it is valid");
        assert_eq!(document.rollout.outcome, RolloutOutcome::Running);
        let many: usize =
            document.cohorts.iter().filter(|cohort| cohort.planned).map(|cohort| cohort.tenants.len()).sum();
        assert_eq!(many as u64, document.fleet.tenants, "every tenant is in one cohort");
        assert_eq!(&so_far(&case), document, "the journal tells the same");
        let SoFar { mut halts, proven, not_proven } = policies.halt_check(document, &mut inputs)?;
        let answer = |so_far: SoFar| (so_far.halts, so_far.proven, so_far.not_proven);
        let afresh = policies.halt_check(document, &mut Inputs::default()).map(answer)?;
        let unmerged = policies.halt_check_unmerged(document).map(answer)?;
        assert_eq!((&halts, proven, not_proven), (&afresh.0, afresh.1, afresh.2));
        assert_eq!(afresh, unmerged, "policies that see everything say the same");
        let failed = with_failed_call(document, *asked.lock().expect("it is not poisoned"));
        let afresh = policies.halt_check(&failed, &mut Inputs::default()).map(answer)?;
        assert_eq!(afresh, policies.halt_check_unmerged(&failed).map(answer)?, "with a failed call: {failed:?}");
        assert!(proven + not_proven <= document.fleet.tenants);
        let mut asked = asked.lock().expect("it is not poisoned");
        if scenario.halts_at == Some(*asked) {
            halts.push("own.halt: enough".into());
        }
        *asked += 1;
        if !halts.is_empty() {
            *halted_after.lock().expect("it is not poisoned") = Some(plane.calls().len());
        }
        Ok(HaltAnswer { halts, proven, not_proven })
    };
    let (ended, document) = driven(&scenario.start(&plane.url), &plane, &case, &mut ask);
    prop_assert!(ended.is_ok(), "{:?}", ended);
    prop_assert_eq!(&replayed(&case), &document, "the journal tells the same");

    let (requests, calls) = (plane.requests(), plane.calls());
    let halted_after = halted_after.into_inner().expect("it is not poisoned");
    if let Some(many) = halted_after {
        prop_assert_eq!(many, calls.len(), "no call is made after a halt");
        prop_assert_eq!(document.rollout.outcome, RolloutOutcome::Halted);
    }
    for request in &requests {
        let body = &request.body;
        let is_plan = body.get("only_slugs").is_none();
        prop_assert_eq!(&body["dry_run"], &json!(scenario.dry_run || is_plan), "{}", body);
        prop_assert_eq!(&body["confirm"], &json!(true));
        if !is_plan {
            prop_assert_eq!(&body["soak_seconds"], &json!(0));
            prop_assert_eq!(&body["batch_size"], &json!(request.tenants().len()));
            prop_assert!(body.get("canary_slug").is_none());
        }
    }
    let scopes = scopes(scenario, &calls);
    let ((plan, _), named) = scopes.split_first().expect("somebody was asked");
    prop_assert!(
        plan.is_empty() && named.iter().all(|(scope, _)| !scope.is_empty()),
        "enumeration comes first: {:?}",
        scopes
    );
    for (i, (scope, fates)) in scopes.iter().enumerate() {
        let (last, before) = fates.split_last().expect("an attempt");
        prop_assert!(before.iter().all(|fate| fate.is_transient()), "{:?} was answered, and asked again", scope);
        prop_assert!(fates.len() == ATTEMPTS || !last.is_transient(), "{:?} was given up early", scope);
        prop_assert!(last.succeeds() || i + 1 == scopes.len(), "a call was made behind {:?}, which failed", scope);
    }
    let mut expected = scenario.tenants();
    let mut rest = named;
    if let (Some(canary), Some((first, _))) = (scenario.canary, named.first()) {
        prop_assert_eq!(first, &[canary.to_owned()], "the canary goes first and alone");
        prop_assert!(expected.iter().any(|slug| slug == canary), "a canary that is not in the fleet is never called");
        expected.retain(|slug| slug != canary);
        rest = &named[1..];
    }
    let batches: Vec<&[String]> = rest.iter().map(|(scope, _)| &**scope).collect();
    let all: Vec<&[String]> = expected.chunks(scenario.batch).collect();
    prop_assert_eq!(&batches[..], &all[..batches.len().min(all.len())], "batches follow the control plane's order");
    let everybody = scopes.last().is_some_and(|(_, fates)| fates.last().is_some_and(|fate| fate.succeeds()));
    if halted_after.is_none() && everybody && !scenario.fleet.is_empty() {
        prop_assert_eq!(batches.len(), all.len(), "nobody is left out");
        prop_assert_eq!(document.rollout.outcome, RolloutOutcome::Completed);
    }
    Ok(())
}

#[test]
fn on_random_rollouts_side_effects_keep_their_order() {
    let policies = load(Settings::default()).and_then(Loading::wait).expect("they load");
    let schema = jsonschema::validator_for(&Name::Document.schema()).expect("a schema");
    let config = ProptestConfig { cases: random_cases(150), failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(scenario in scenario())| check(&scenario, &policies, &schema)?);
}

/// Where rollproof itself fails, nothing more is called, and what was answered is in the journal and can be written.
#[test]
fn a_panic_loses_nothing() {
    let scenario = Scenario {
        fleet: NAMES.to_vec(),
        canary: Some("acme"),
        batch: 2,
        tolerated: 0,
        dry_run: false,
        soak: 0,
        fates: Vec::new(),
        halts_at: None,
    };
    let own = scenario.clone();
    let plane = Plane::new(move |index, request| own.reply(index, request));
    let case = Case::new();
    let mut asked = 0;
    let mut ask = |_: &Document| {
        asked += 1;
        if asked == 3 { panic_any("a bug") } else { Ok(HaltAnswer::default()) }
    };
    let (ended, document) = driven(&scenario.start(&plane.url), &plane, &case, &mut ask);
    let error = ended.expect_err("it failed");
    let help = error.help().expect("it has one");
    assert_eq!((error.exit_code(), help.contains("this is a bug of rollproof: report it")), (5, true), "{error}");
    assert_eq!(plane.calls().len(), 3, "plan call, canary, one batch");
    assert_eq!(document.rollout.outcome, RolloutOutcome::Interrupted);
    let answered: BTreeMap<&str, usize> = document
        .cohorts
        .iter()
        .flat_map(|cohort| cohort.tenants.iter().map(|tenant| (&**tenant, cohort.rows.len())))
        .collect();
    assert_eq!(answered.values().sum::<usize>(), 3);
    assert_eq!(replayed(&case), document);
}

/// So it is where a policy cannot be evaluated: the rollout is halted, and says why.
#[test]
fn a_question_without_an_answer_halts() {
    let scenario = Scenario {
        fleet: NAMES.to_vec(),
        canary: None,
        batch: 2,
        tolerated: 0,
        dry_run: false,
        soak: 0,
        fates: Vec::new(),
        halts_at: None,
    };
    let own = scenario.clone();
    let plane = Plane::new(move |index, request| own.reply(index, request));
    let case = Case::new();
    let mut ask = |_: &Document| Err(Error::Policy("it needs more than 10 s".into()));
    let (ended, document) = driven(&scenario.start(&plane.url), &plane, &case, &mut ask);
    assert_eq!(ended.expect_err("it failed").exit_code(), 5);
    assert_eq!((plane.calls().len(), document.rollout.outcome), (1, RolloutOutcome::Halted));
    assert_eq!(replayed(&case), document);
}
