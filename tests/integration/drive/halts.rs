//! A rollout never goes on past a halt: whatever was answered is judged before anything else is called, also after a
//! signal, after `kill -9` and where it is resumed; and what cannot be judged is known before anything is changed.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::plane::{Plane, Reply, Request, healthy};
use super::signals::signal;
use super::{FLEET, case, denies, drive, json_of, spawn};
use crate::support::{Case, Ran, read};

const JOURNAL: &str = "document.json.journal";

/// What a call of the canary is answered with, and what then halts the rollout.
fn faults() -> [(&'static str, u16, Value); 4] {
    let row = |more: Value| {
        let mut row = json!({"slug": "acme", "ssm_status": "Success", "verified_on_target": true});
        row.as_object_mut().expect("a row").extend(more.as_object().expect("fields").clone());
        json!({"ok": true, "results": [row]})
    };
    [
        ("canary.unproven: ", 200, row(json!({"verified_on_target": false}))),
        ("canary.unhealthy: ", 200, row(json!({"healthz_ok": false}))),
        ("calls.failed: ", 500, row(json!({}))),
        ("calls.failed: ", 200, json!({"ok": true, "results": [7]})),
    ]
}

fn records(case: &Case) -> Vec<String> {
    let text = read(&case.path(JOURNAL));
    let kind = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("a record");
        record["record"].as_str().expect("a name").to_owned()
    };
    text.lines().map(kind).collect()
}

/// The rollout has halted, says why, and is not resumed.
fn is_halted(case: &Case, plane: &Plane, because: &str) {
    let document = json_of(case, "document.json");
    assert_eq!(document["rollout"]["outcome"], "halted", "{because}");
    let said = document["rollout"]["halted_because"].as_str().expect("a reason");
    assert!(said.contains(because), "{said}");
    assert!(denies(case).contains(&"calls.halted".to_owned()), "{because}");
    assert_eq!(records(case).last().map(String::as_str), Some("halted"));
    let (calls, journal) = (plane.calls().len(), read(&case.path(JOURNAL)));
    let resumed = drive(case, &["--resume"]);
    assert_eq!(resumed.code, 2, "{because}: {}{}", resumed.stdout, resumed.stderr);
    assert_eq!((plane.calls().len(), read(&case.path(JOURNAL))), (calls, journal), "nothing is called or written");
}

/// Sends a signal while the call with this index is in flight, and waits for the end.
fn interrupt(case: &Case, plane: &Plane, index: usize, name: &str, more: &[&str]) -> Ran {
    let child = spawn(case, more);
    plane.wait_until(|calls| calls.len() > index);
    signal(&child, name);
    Ran::from(child.wait_with_output().expect("it ends"))
}

/// Answers the call with this index slowly.
fn slow(index: usize, reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Plane {
    Plane::new(move |i, request| {
        if i == index {
            thread::sleep(Duration::from_millis(400));
        }
        reply(i, request)
    })
}

#[test]
fn a_canary_that_answers_after_a_signal_is_judged() {
    for (i, (because, status, body)) in faults().into_iter().enumerate() {
        let plane = slow(1, move |index, request| match index {
            1 => Reply::Json(status, body.clone()),
            _ => healthy(request, &FLEET),
        });
        let case = case(&plane.url);
        let (name, code) = if i % 2 == 0 { ("-INT", 130) } else { ("-TERM", 143) };
        let ran = interrupt(&case, &plane, 1, name, &[]);
        assert_eq!(ran.code, code, "{because}: {}{}", ran.stdout, ran.stderr);
        is_halted(&case, &plane, because);
        assert_eq!(plane.calls(), [vec![], vec!["acme".to_owned()]]);
        assert_eq!(json_of(&case, "response.json")["ok"], false);
    }
}

#[test]
fn a_batch_that_answers_after_a_signal_is_judged() {
    for (because, status) in [("calls.failed: ", 500), ("coverage.incomplete: ", 200)] {
        let plane = slow(2, move |index, request| match (index, healthy(request, &FLEET)) {
            (2, Reply::Json(_, mut body)) => {
                body["results"][0]["verified_on_target"] = json!(false);
                Reply::Json(status, body)
            }
            (_, reply) => reply,
        });
        let case = case(&plane.url);
        let ran = interrupt(&case, &plane, 2, "-INT", &[]);
        assert_eq!(ran.code, 130, "{because}: {}{}", ran.stdout, ran.stderr);
        is_halted(&case, &plane, because);
        assert_eq!(plane.calls().len(), 3);
    }
}

/// After the last call nothing is halted: there is nobody left to spare, and the verdict says the rest.
#[test]
fn after_the_last_call_nothing_is_halted() {
    let plane = slow(3, |index, request| match (index, healthy(request, &FLEET)) {
        (3, Reply::Json(_, mut body)) => {
            body["results"][0]["verified_on_target"] = json!(false);
            Reply::Json(200, body)
        }
        (_, reply) => reply,
    });
    let case = case(&plane.url);
    assert_eq!(interrupt(&case, &plane, 3, "-INT", &[]).code, 130);
    assert_eq!(json_of(&case, "document.json")["rollout"]["outcome"], "interrupted");
    let ran = drive(&case, &["--resume"]);
    assert_eq!((ran.code, plane.calls().len()), (1, 4), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(denies(&case), ["coverage.incomplete"]);
    assert_eq!(json_of(&case, "document.json")["rollout"]["outcome"], "completed");
}

#[test]
fn a_plan_call_that_answers_after_a_signal_is_judged() {
    let plane = slow(0, |_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    case.file("inventory.txt", "acme\nbolt\ncobalt\ndune\nember\n");
    let fleet = ["--fleet", "inventory.txt"];
    let ran = interrupt(&case, &plane, 0, "-TERM", &fleet);
    assert_eq!(ran.code, 143, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(json_of(&case, "document.json")["rollout"]["outcome"], "halted");
    assert!(denies(&case).contains(&"evidence.not_enumerated".to_owned()));
    let resumed = drive(&case, &["--resume", "--fleet", "inventory.txt"]);
    assert_eq!((resumed.code, plane.calls().len()), (2, 1), "{}", resumed.stderr);
}

const HALTS: &str = "# METADATA\n# title: Own\n# description: Stops after the canary.\npackage own\n\nhalt contains \"enough\" if {\n\tcount([call | some call in input.calls; call.purpose == \"canary\"]) > 0\n}\n";

/// A policy that only halts denies nothing, so that a rollout which goes on past it would pass.
#[test]
fn a_policy_that_only_halts_is_heard_after_a_signal_and_after_a_kill() {
    let plane = slow(1, |_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    case.file("own.rego", HALTS);
    let ran = interrupt(&case, &plane, 1, "-INT", &["--policy", "own.rego"]);
    assert_eq!(ran.code, 130, "{}{}", ran.stdout, ran.stderr);
    is_halted(&case, &plane, "own.halt: enough");
    // Killed between the answer and what follows from it.
    let journal = read(&case.path(JOURNAL));
    let lines: Vec<&str> = journal.lines().collect();
    case.file(JOURNAL, lines[..lines.len() - 1].join("\n") + "\n");
    let ran = drive(&case, &["--resume", "--policy", "own.rego"]);
    assert_eq!((ran.code, plane.calls().len()), (1, 2), "{}{}", ran.stdout, ran.stderr);
    is_halted(&case, &plane, "own.halt: enough");
}

/// The journal as a process leaves it that is killed after any of its records.
#[test]
fn a_rollout_that_is_killed_before_it_records_its_halt_halts_once_it_is_resumed() {
    for (because, status, body) in faults() {
        let plane = Plane::new(move |index, request| match index {
            0 => healthy(request, &FLEET),
            _ => Reply::Json(status, body.clone()),
        });
        let case = case(&plane.url);
        assert_eq!(drive(&case, &[]).code, 1);
        is_halted(&case, &plane, because);
        let (whole, denied) = (read(&case.path(JOURNAL)), denies(&case));
        let lines: Vec<&str> = whole.lines().collect();
        assert_eq!(records(&case), ["start", "request", "answer", "request", "answer", "halted"]);
        case.file(JOURNAL, lines[..5].join("\n") + "\n");
        let ran = drive(&case, &["--resume"]);
        assert_eq!((ran.code, plane.calls().len()), (1, 2), "{because}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(denies(&case), denied);
        is_halted(&case, &plane, because);
    }
}

/// A call that has not ended says nothing yet, also where an attempt of it was answered with rows.
#[test]
fn a_canary_in_flight_does_not_halt_its_own_rollout() {
    for cut in [4, 5, 6] {
        let plane = Plane::new(move |index, request| match (index, healthy(request, &FLEET)) {
            (1, Reply::Json(_, mut body)) => {
                body["results"][0]["verified_on_target"] = json!(false);
                Reply::Json(502, body)
            }
            (_, reply) => reply,
        });
        let case = case(&plane.url);
        assert_eq!(drive(&case, &[]).code, 0);
        let whole = read(&case.path(JOURNAL));
        let lines: Vec<&str> = whole.lines().collect();
        case.file(JOURNAL, lines[..cut].join("\n") + "\n");
        let ran = drive(&case, &["--resume"]);
        assert_eq!(ran.code, 0, "{cut}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(plane.calls().len(), 5 + 3, "{cut}: the canary and both batches again");
    }
}

#[test]
fn a_policy_that_needs_what_no_rollout_has_stops_before_the_first_call() {
    for need in ["labels.tier", "probes", "gates.ci"] {
        let plane = Plane::new(|_, request| healthy(request, &FLEET));
        let case = case(&plane.url);
        let own = format!(
            "# METADATA\n# title: Own\n# description: Needs what is not there.\n# custom:\n#   needs: [{need}]\npackage own\n\ndeny contains \"no\" if false\n"
        );
        case.file("own.rego", own);
        let ran = drive(&case, &["--policy", "own.rego"]);
        assert_eq!((ran.code, plane.calls().len()), (5, 0), "{need}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(&format!("needs {need}")), "{}", ran.stderr);
        assert!(!case.path(JOURNAL).exists(), "nothing was begun");
    }
}

#[test]
fn the_inventorys_labels_are_there_before_the_first_call_and_at_every_halt() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    let inventory: Vec<Value> = FLEET
        .iter()
        .map(|slug| json!({"slug": slug, "labels": {"tier": if *slug == "dune" { "gold" } else { "bronze" }}}))
        .collect();
    case.file("inventory.json", json!(inventory).to_string());
    let own = "# METADATA\n# title: Gold first\n# description: Gold tenants go first.\n# custom:\n#   needs: [labels.tier]\npackage own\n\nhalt contains \"bronze before gold\" if {\n\tsome cohort in input.cohorts\n\tcohort.labels.tier == \"bronze\"\n\tcount(cohort.rows) > 0\n\tsome other in input.cohorts\n\tother.labels.tier == \"gold\"\n\tcount(other.rows) == 0\n}\n";
    case.file("own.rego", own);
    let ran = drive(&case, &["--policy", "own.rego", "--fleet", "inventory.json"]);
    assert_eq!((ran.code, plane.calls().len()), (1, 2), "the plan call and the canary: {}{}", ran.stdout, ran.stderr);
    let cohorts = &json_of(&case, "document.json")["cohorts"];
    let gold = cohorts.as_array().expect("cohorts").iter().find(|cohort| cohort["labels"]["tier"] == "gold");
    assert_eq!(gold.expect("a cohort of its own")["tenants"], json!(["dune"]));
    // The journal holds them as well.
    let again = case.run(["verify", JOURNAL, "--document", "again.json", "--policy", "own.rego"]);
    assert_eq!(again.code, 1, "{}{}", again.stdout, again.stderr);
    assert_eq!(&json_of(&case, "again.json")["cohorts"], cohorts);
}

#[test]
fn a_policy_that_cannot_be_evaluated_stops_before_anything_is_changed() {
    for wrong in ["to_number(tenant) > 0", "input.cohorts[_].rows[_].ssm_exit_code / 0 > 1"] {
        let plane = Plane::new(|_, request| healthy(request, &FLEET));
        let case = case(&plane.url);
        let own = format!(
            "# METADATA\n# title: Own\n# description: Fails.\npackage own\n\ndeny contains \"no\" if {{\n\tsome cohort in input.cohorts\n\tsome tenant in cohort.tenants\n\tcohort.planned\n\ttenant != \"\"\n\t{wrong}\n}}\n"
        );
        case.file("own.rego", own);
        let ran = drive(&case, &["--policy", "own.rego"]);
        assert_eq!((ran.code, plane.calls()), (5, vec![vec![]]), "{wrong}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(json_of(&case, "response.json")["ok"], false);
    }
}

/// What rows will hold is known to nobody, so it is asked of no row before somebody has answered.
#[test]
fn what_only_answers_can_hold_is_no_reason_to_stop_before_them() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    let own = "# METADATA\n# title: Own\n# description: Needs a field.\n# custom:\n#   needs: [cohorts.rows.ssm_status, cohorts.rows.extra.ring]\npackage own\n\nhalt contains \"no\" if {\n\tsome cohort in input.cohorts\n\tsome row in cohort.rows\n\trow.extra.ring > 7\n}\n";
    case.file("own.rego", own);
    let ran = drive(&case, &["--policy", "own.rego", "--evidence-field", "ring"]);
    assert_eq!((ran.code, plane.calls().len()), (5, 2), "the canary's row lacks it: {}{}", ran.stdout, ran.stderr);
    let ran = drive(&case, &["--policy", "own.rego", "--journal", "other.journal"]);
    assert_eq!((ran.code, plane.calls().len()), (5, 2), "nobody asked for the field: {}", ran.stderr);
}

/// A code is what it is wherever a rule gives it: those of the bundled policies are not for a halt either.
#[test]
fn a_halt_has_no_code_of_a_bundled_policy() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let halt = |code: &str| {
        let case = case(&plane.url);
        let policy = format!(
            "# METADATA\n# title: Own\n# description: Own.\npackage team.own\n\nhalt contains finding if {{\n\
             \tcount(input.calls) > 1\n\tfinding := {{\"code\": {code}, \"message\": \"x\"}}\n}}\n"
        );
        case.file("own.rego", policy);
        let ran = drive(&case, &["--policy", "own.rego"]);
        (ran, case)
    };
    let (allowed, case) = halt("concat(\".\", [\"team\", \"own\", \"mine\"])");
    assert_eq!(allowed.code, 1, "{}", allowed.stderr);
    assert!(
        json_of(&case, "document.json")["rollout"]["halted_because"]
            .as_str()
            .is_some_and(|why| why.contains("team.own.mine"))
    );
    let (refused, _) = halt("concat(\".\", [\"canary\", \"mine\"])");
    assert_eq!(refused.code, 5, "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains("canary.mine"), "{}", refused.stderr);
}
