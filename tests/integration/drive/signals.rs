//! SIGINT, SIGTERM and SIGHUP: whatever is being waited for, the first ends a rollout in good order and the second at once.

use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::plane::{Plane, Reply, healthy};
use super::{FLEET, case, denies, drive, json_of, plan, spawn};
use crate::support::{Case, Ran, each_at_once};

pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// How a rollout that was sent a signal has ended, and after how long.
fn ended(child: Child, name: &str) -> (Ran, Duration) {
    let start = Instant::now();
    signal(&child, name);
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    (ran, start.elapsed())
}

/// Everything is written, and says that the rollout was interrupted.
fn is_kept(case: &Case, rows: usize) {
    let response = json_of(case, "response.json");
    assert_eq!((&response["ok"], response["results"].as_array().map(Vec::len)), (&json!(false), Some(rows)));
    assert_eq!(json_of(case, "document.json")["rollout"]["outcome"], "interrupted");
    assert!(denies(case).contains(&"calls.interrupted".to_owned()));
}

/// An answer in flight is waited for, in every call, and kept; then the rollout can be resumed.
#[test]
fn a_call_in_flight_is_answered_within_the_grace() {
    for (slow, rows, name, code) in
        [(0, 0, "-INT", 130), (1, 1, "-TERM", 143), (2, 3, "-INT", 130), (2, 3, "-TERM", 143), (1, 1, "-HUP", 129)]
    {
        let plane = Plane::new(move |index, request| {
            if index == slow {
                thread::sleep(Duration::from_millis(500));
            }
            healthy(request, &FLEET)
        });
        let case = case(&plane.url);
        let child = spawn(&case, &[]);
        plane.wait_until(|calls| calls.len() > slow);
        let (ran, _) = ended(child, name);
        assert_eq!(ran.code, code, "{slow}: {}{}", ran.stdout, ran.stderr);
        is_kept(&case, rows);
        let resumed = drive(&case, &["--resume"]);
        assert_eq!(resumed.code, 0, "{}{}", resumed.stdout, resumed.stderr);
        assert_eq!(plane.calls().len(), 4, "nobody was called twice: {:?}", plane.calls());
    }
}

/// A plan that gives everything much time.
fn patient(case: &Case, plane: &Plane) {
    let mut slow = plan(&plane.url);
    slow["body"]["soak_seconds"] = json!(60);
    slow["rollout_http_timeout"] = json!(60);
    case.file("plan.json", slow.to_string());
    case.file("rollproof.toml", "[http]\nretry_delays_seconds = [60]\nplan_timeout_seconds = 60\n");
}

#[test]
fn a_soak_and_a_back_off_end_at_once() {
    let soaking = |plane: &Plane| plane.wait_for("acme");
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let plane = Plane::new(|_, request| healthy(request, &FLEET));
        let case = case(&plane.url);
        patient(&case, &plane);
        let child = spawn(&case, &[]);
        soaking(&plane);
        until(&case, "\"record\":\"soak\"");
        let (ran, took) = ended(child, name);
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        assert!(took < Duration::from_secs(3), "{took:?}");
        is_kept(&case, 1);
        assert_eq!(plane.calls().len(), 2);
    }
    for (name, code, failing) in [("-INT", 130, "acme"), ("-TERM", 143, "bolt"), ("-INT", 130, "")] {
        let plane = Plane::new(move |_, request| {
            let fails = request.tenants().first().map_or(failing.is_empty(), |tenant| tenant == failing);
            if fails { Reply::Json(503, json!({"ok": false})) } else { healthy(request, &FLEET) }
        });
        let case = case(&plane.url);
        patient(&case, &plane);
        case.file("plan.json", plan(&plane.url).to_string());
        let child = spawn(&case, &[]);
        until(&case, "\"status\":503");
        let (ran, took) = ended(child, name);
        assert_eq!(ran.code, code, "{failing}: {}{}", ran.stdout, ran.stderr);
        assert!(took < Duration::from_secs(3), "{failing}: {took:?}");
        is_kept(&case, usize::from(failing == "bolt"));
    }
}

/// Waits until the journal holds some text.
fn until(case: &Case, text: &str) {
    for _ in 0..2000 {
        if std::fs::read_to_string(case.path("document.json.journal")).is_ok_and(|journal| journal.contains(text)) {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("the journal never held {text}");
}

/// Without an answer the grace ends, soon enough for a CI that kills after ten seconds.
#[test]
fn a_call_that_is_not_answered_is_given_up() {
    each_at_once([0, 2], |hangs| {
        let plane =
            Plane::new(
                move |index, request| {
                    if index == hangs { Reply::Stall(Duration::from_secs(30)) } else { healthy(request, &FLEET) }
                },
            );
        let case = case(&plane.url);
        patient(&case, &plane);
        let mut quick = plan(&plane.url);
        quick["rollout_http_timeout"] = json!(60);
        case.file("plan.json", quick.to_string());
        let child = spawn(&case, &[]);
        plane.wait_until(|calls| calls.len() > hangs);
        let (ran, took) = ended(child, "-INT");
        assert_eq!(ran.code, 130, "{}{}", ran.stdout, ran.stderr);
        assert!(took > Duration::from_secs(4) && took < Duration::from_secs(8), "{took:?}");
        is_kept(&case, usize::from(hangs == 2));
    });
}

#[test]
fn a_second_signal_ends_at_once() {
    for (first, second, code) in [
        ("-INT", "-INT", 130),
        ("-INT", "-TERM", 143),
        ("-TERM", "-INT", 130),
        ("-HUP", "-HUP", 129),
        ("-HUP", "-TERM", 143),
    ] {
        let plane = Plane::new(|_, _| Reply::Stall(Duration::from_secs(30)));
        let case = case(&plane.url);
        patient(&case, &plane);
        let child = spawn(&case, &[]);
        plane.wait_until(|calls| !calls.is_empty());
        signal(&child, first);
        thread::sleep(Duration::from_millis(300));
        let (ran, took) = ended(child, second);
        assert_eq!(ran.code, code);
        assert!(took < Duration::from_secs(2), "{took:?}");
        let cut = case.run(["verify", "document.json.journal"]);
        assert_eq!(cut.code, 1, "the journal is there: {}{}", cut.stdout, cut.stderr);
    }
}

/// Whoever started it with `nohup` wants it to go on when the terminal is gone.
#[test]
fn a_hangup_that_was_ignored_stays_ignored() {
    let plane = Plane::new(|_, request| {
        if request.tenants() == ["acme"] {
            thread::sleep(Duration::from_millis(500));
        }
        healthy(request, &FLEET)
    });
    let case = case(&plane.url);
    let usual = super::command(&case, &[]);
    let mut command = std::process::Command::new("bash");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(usual.get_program()).args(usual.get_args());
    command.current_dir(case.path("")).envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    plane.wait_for("acme");
    let (ran, _) = ended(child.expect("it starts"), "-HUP");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(json_of(&case, "response.json")["ok"], true);
}
