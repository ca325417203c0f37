//! A rollout behind its gates (contract sections 4.1 and 5): the real binary, a control plane and a Gitea on loopback.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::drive::plane::{Plane, Reply, healthy, http};
use crate::drive::signals::signal;
use crate::drive::{FLEET, command, denies, json_of, plan};
use crate::preflight::{OTHER, SHA, TOKEN, gitea, job, ok, path, status};
use crate::support::{Case, Ran, read, rollproof, root, run};

/// What a Gitea answers to each kind of question, by how often it was asked before.
#[derive(Clone)]
struct Answers {
    head: fn(usize) -> Reply,
    switch: fn(usize) -> Reply,
    /// The first page of statuses; the second is empty.
    ci: fn(usize) -> Reply,
}

/// A Gitea on which every gate is open.
const OPEN: Answers = Answers {
    head: |_| ok(&json!({"commit": {"id": SHA}})),
    switch: |_| Reply::Json(404, json!({})),
    ci: |_| ok(&json!([status(1, "test", "success")])),
};

impl Answers {
    fn serve(self) -> Plane {
        gitea(move |path, before| match path {
            "" => ok(&json!({"full_name": "shop/platform"})),
            "/branches/main" => (self.head)(before),
            path if path.starts_with("/actions/variables/") => (self.switch)(before),
            path if path.contains("page=1&") => (self.ci)(before),
            _ => ok(&json!([])),
        })
    }
}

fn control_plane() -> Plane {
    Plane::new(|_, request| healthy(request, &FLEET))
}

/// A folder with the plan of this commit, and short delays.
fn folder(plane: &Plane) -> Case {
    let case = Case::new();
    let mut plan = plan(&plane.url);
    plan["sha"] = SHA.into();
    case.file("plan.json", plan.to_string());
    case.file(
        "rollproof.toml",
        "[http]\nretry_delays_seconds = [0.01]\nplan_timeout_seconds = 1\n\
         [gitea]\nretry_delays_seconds = [0.01, 0.01]\ntimeout_seconds = 1\n[plan]\nrequired_contexts = [\"test\"]\n",
    );
    case
}

fn roll(case: &Case, gitea: &Plane, more: &[&str]) -> Ran {
    run(job(&mut command(case, more), &gitea.url))
}

/// What the Gitea was asked, in order: `head`, `switch`, `repository`, `owner` or `ci`.
fn questions(gitea: &Plane) -> Vec<&'static str> {
    let kind = |path: String| match path.split('/').nth(6) {
        _ if path.starts_with("/api/v1/orgs/") => "owner",
        None => "repository",
        Some("branches") => "head",
        Some("actions") => "switch",
        Some(_) => "ci",
    };
    gitea.requests().iter().map(|request| kind(path(request))).collect()
}

/// The journal and the document give the verdict that the rollout gave, on the same document.
fn is_repeatable(case: &Case, code: i32) {
    let document = json_of(case, "document.json");
    for evidence in ["document.json", "document.json.journal"] {
        let ran = case.run(["verify", evidence, "--document", "again.json"]);
        assert_eq!(ran.code, code, "{evidence}: {}", ran.stdout);
        assert_eq!(json_of(case, "again.json"), document, "{evidence}");
    }
}

#[test]
fn a_job_that_is_superseded_before_it_probes_asks_no_tenant() {
    for (newer, asked, code) in [(false, 4, 1), (true, 0, 0)] {
        let tenants = Plane::new(|_, _| Reply::Json(404, json!({})));
        let plane = control_plane();
        let latest: fn(usize) -> Reply = |_| ok(&json!({"commit": {"id": SHA}}));
        let later: fn(usize) -> Reply = |before| ok(&json!({"commit": {"id": if before == 0 { SHA } else { OTHER }}}));
        let gitea = Answers { head: if newer { later } else { latest }, ..OPEN }.serve();
        let case = folder(&plane);
        let url = format!("{}/{{slug}}/buildinfo", tenants.url);
        let ran =
            roll(&case, &gitea, &["--preflight", "--probe", "--probe-timeout", "0", "--probe-url-template", &url]);
        assert_eq!((ran.code, plane.calls().len()), (code, 4), "{}{}", ran.stdout, ran.stderr);
        assert_eq!(tenants.requests().len(), asked, "{}", ran.stderr);
        assert_eq!(ran.stdout.contains("gates.superseded"), newer, "{}", ran.stdout);
        is_repeatable(&case, code);
    }
}

/// In real life an older job rolled the fleet backward (contract section 6).
#[test]
fn a_superseded_job_calls_nothing_and_succeeds_quietly() {
    let superseded = Answers {
        head: |_| ok(&json!({"commit": {"id": OTHER}})),
        // Whatever else is wrong: this job has no business any more.
        switch: |_| Reply::Json(200, json!({"data": "true"})),
        ci: |_| Reply::Json(500, json!({})),
    };
    let (plane, gitea) = (control_plane(), superseded.clone().serve());
    let case = folder(&plane);
    let ran = roll(&case, &gitea, &["--preflight"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let said =
        format!("NOT ASSERTED  staging-abcdef1: superseded by {OTHER} before the first call, so nothing was called\n");
    assert!(ran.stdout.starts_with(&said), "{}", ran.stdout);
    assert_eq!((plane.requests().len(), questions(&gitea)), (0, vec!["head"]));
    assert_eq!(json_of(&case, "response.json"), json!({"ok": true, "results": []}));
    assert_eq!(denies(&case), [""; 0]);
    is_repeatable(&case, 0);
    let case = folder(&plane);
    assert_eq!(roll(&case, &superseded.serve(), &["--preflight", "--require-verdict"]).code, 3);
    assert_eq!(json_of(&case, "response.json")["ok"], false);
}

#[test]
fn behind_open_gates_the_switch_is_read_before_every_call_that_changes_anything() {
    let (plane, gitea) = (control_plane(), OPEN.serve());
    let case = folder(&plane);
    let ran = roll(&case, &gitea, &["--preflight"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let switch = ["switch", "repository", "owner", "owner"];
    let expected = [&["head"][..], &switch, &["ci", "ci"], &switch, &switch, &switch].concat();
    assert_eq!(questions(&gitea), expected, "once before all, then before the canary and each batch");
    assert_eq!(plane.calls().len(), 4);
    let document = json_of(&case, "document.json");
    let before: Vec<&Value> =
        document["gates"]["switch"].as_array().expect("a list").iter().map(|reading| &reading["before"]).collect();
    assert_eq!(before, [0, 1, 2, 3]);
    assert_eq!(document["gates"]["ci"]["contexts"], json!([{"name": "test", "state": "success"}]));
    assert_eq!(document["gates"]["head"][0]["state"], "latest");
    is_repeatable(&case, 0);
}

#[test]
fn a_closed_gate_stops_before_anything_is_called() {
    for (name, answers, code, said) in [
        ("armed", Answers { switch: |_| ok(&json!({"data": "1"})), ..OPEN }, 1, "gates.disabled"),
        ("401", Answers { switch: |_| Reply::Json(401, json!({})), ..OPEN }, 1, "gates.switch_unreadable"),
        ("red", Answers { ci: |_| ok(&json!([status(1, "test", "failure")])), ..OPEN }, 1, "gates.ci_failed"),
        ("silent", Answers { ci: |_| ok(&json!([])), ..OPEN }, 1, "gates.ci_missing"),
        ("500", Answers { ci: |_| Reply::Json(500, json!({})), ..OPEN }, 1, "gates.ci_missing"),
        (
            "nobody answers",
            Answers { head: |_| Reply::Close, switch: |_| Reply::Close, ci: |_| Reply::Close },
            6,
            "gates.switch_unreadable",
        ),
    ] {
        let (plane, gitea) = (control_plane(), answers.serve());
        let case = folder(&plane);
        let ran = roll(&case, &gitea, &["--preflight"]);
        assert_eq!(ran.code, code, "{name}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(plane.requests().len(), 0, "{name}");
        assert_eq!(denies(&case), [said], "{name}");
        let response = json_of(&case, "response.json");
        let error = response["error"].as_str().expect("text");
        assert!(response["ok"] == false && error.starts_with(&format!("{said}: ")), "{name}: {error}");
        is_repeatable(&case, 1);
    }
    // `","` once passed with nothing checked; here it ends before any request, and without a journal.
    for list in [",", "\n,"] {
        let (plane, gitea) = (control_plane(), OPEN.serve());
        let case = folder(&plane);
        let mut command = command(&case, &["--preflight"]);
        let ran = run(job(&mut command, &gitea.url).env("PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS", list));
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert_eq!((plane.requests().len(), gitea.requests().len()), (0, 0));
        assert!(!case.path("document.json.journal").exists());
    }
}

#[test]
fn an_unreadable_head_is_warned_about_and_stops_nothing() {
    let (plane, gitea) = (control_plane(), Answers { head: |_| Reply::Json(404, json!({})), ..OPEN }.serve());
    let case = folder(&plane);
    let ran = roll(&case, &gitea, &["--preflight"]);
    assert_eq!((ran.code, plane.calls().len()), (0, 4), "{}", ran.stderr);
    assert!(ran.stdout.contains("gates.head_unreadable"), "{}", ran.stdout);
}

#[test]
fn a_job_that_is_superseded_while_it_waits_for_ci_calls_nothing() {
    let answers = Answers {
        head: |before| ok(&json!({"commit": {"id": if before == 0 { SHA } else { OTHER }}})),
        ci: |before| ok(&json!([status(1, "test", if before == 0 { "pending" } else { "success" })])),
        ..OPEN
    };
    let (plane, gitea) = (control_plane(), answers.serve());
    let case = folder(&plane);
    let ran = roll(&case, &gitea, &["--preflight"]);
    assert_eq!((ran.code, plane.requests().len()), (0, 0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("NOT ASSERTED  "), "{}", ran.stdout);
    is_repeatable(&case, 0);
}

#[test]
fn a_switch_that_is_armed_between_two_batches_halts_before_the_next_call() {
    for (name, fault, code) in [
        ("armed", ok(&json!({"data": "true"})), "gates.disabled"),
        ("a word that is none", ok(&json!({"data": "yess"})), "gates.switch_unreadable"),
        ("401", Reply::Json(401, json!({})), "gates.switch_unreadable"),
    ] {
        // The first two readings are off: before the canary, and before the first batch.
        let gitea = gitea(move |path, before| match path {
            "" => ok(&json!({})),
            _ if before < 2 => Reply::Json(404, json!({})),
            _ => fault.clone(),
        });
        let plane = control_plane();
        let case = folder(&plane);
        let ran = roll(&case, &gitea, &[]);
        assert_eq!(ran.code, 1, "{name}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(plane.calls(), [vec![], vec!["acme".to_owned()], vec!["bolt".into(), "cobalt".into()]], "{name}");
        let mut denied = denies(&case);
        denied.sort();
        assert_eq!(denied, ["calls.halted", "coverage.incomplete", code], "{name}");
        let document = json_of(&case, "document.json");
        assert_eq!(document["rollout"]["outcome"], "halted");
        assert!(document["rollout"]["halted_because"].as_str().expect("text").starts_with(code), "{name}");
        assert!(ran.stdout.contains("not_called"), "{name}: who was not reached is named: {}", ran.stdout);
        is_repeatable(&case, 1);
    }
}

/// Whoever says on is believed, and the job needs nobody for that.
#[test]
fn a_job_whose_own_switch_is_armed_changes_nothing_whatever_is_answered() {
    for (name, more) in [("a Gitea", &[][..]), ("all gates", &["--preflight"]), ("no Gitea", &[])] {
        let (plane, gitea) = (control_plane(), Answers { switch: |_| ok(&json!({"data": "false"})), ..OPEN }.serve());
        let case = folder(&plane);
        let mut command = command(&case, more);
        let host = if name == "no Gitea" { "" } else { &gitea.url };
        let ran = run(job(&mut command, host).env("PROD_AUTO_DEPLOY_DISABLED", "on"));
        assert_eq!(ran.code, 1, "{name}: {}{}", ran.stdout, ran.stderr);
        assert!(plane.calls().iter().all(Vec::is_empty), "{name}: {:?}", plane.calls());
        assert!(denies(&case).contains(&"gates.disabled".to_owned()), "{name}: {}", ran.stdout);
        is_repeatable(&case, 1);
    }
}

/// A rollout that asked its gates asks the same ones once it is resumed, whatever the command line says then.
#[test]
fn a_resumed_rollout_asks_the_gates_that_it_began_with() {
    for (more, before, after) in [
        (
            &["--preflight"][..],
            vec!["head", "switch", "repository", "owner", "owner", "ci", "ci"],
            vec!["head", "switch"],
        ),
        (&[], vec![], vec!["switch"]),
    ] {
        // Off before the canary, armed from then on.
        let reads = if more.is_empty() { 1 } else { 2 };
        let answers = Answers { ci: OPEN.ci, head: OPEN.head, switch: OPEN.switch };
        let gitea = gitea(move |path, before| match path {
            "" => ok(&json!({})),
            "/branches/main" => (answers.head)(before),
            path if path.starts_with("/actions") && before >= reads => ok(&json!({"data": "true"})),
            path if path.starts_with("/actions") => (answers.switch)(before),
            path if path.contains("page=1&") => (answers.ci)(before),
            _ => ok(&json!([])),
        });
        let plane = Plane::new(|index, request| {
            thread::sleep(Duration::from_millis(if index == 1 { 400 } else { 0 }));
            healthy(request, &FLEET)
        });
        let case = folder(&plane);
        let child = job(&mut command(&case, more), &gitea.url)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        plane.wait_for("acme");
        signal(&child, "-INT");
        assert_eq!(Ran::from(child.wait_with_output().expect("it ends")).code, 130);
        let expected = [before.clone(), vec!["switch", "repository", "owner", "owner"]].concat();
        assert_eq!(questions(&gitea), expected);

        let journal = std::fs::read(case.path("document.json.journal")).expect("a journal");
        for (name, missing) in [("GITEA_HOST", "GITEA_HOST"), ("GITEA_TOKEN", "GITEA_TOKEN")] {
            let mut resume = command(&case, &["--resume"]);
            let ran = run(job(&mut resume, &gitea.url).env_remove(name));
            assert_eq!(ran.code, 2, "{missing}: {}{}", ran.stdout, ran.stderr);
            assert!(ran.stderr.contains(missing), "{}", ran.stderr);
            assert_eq!(std::fs::read(case.path("document.json.journal")).expect("a journal"), journal);
        }
        assert_eq!((questions(&gitea).len(), plane.calls().len()), (expected.len(), 2), "nobody was asked");

        let ran = roll(&case, &gitea, &["--resume"]);
        assert_eq!((ran.code, plane.calls().len()), (1, 2), "{}{}", ran.stdout, ran.stderr);
        assert_eq!(questions(&gitea)[expected.len()..], after, "{more:?}");
        assert!(denies(&case).contains(&"gates.disabled".to_owned()), "{}", ran.stdout);
        is_repeatable(&case, 1);
    }
}

/// Nothing is left to call, so that no gate has anything to hold.
#[test]
fn a_rollout_that_is_complete_asks_no_gate_and_its_verdict_is_written_again() {
    let newer: fn(usize) -> Reply = |before| ok(&json!({"commit": {"id": if before == 0 { SHA } else { OTHER }}}));
    let (plane, gitea) = (control_plane(), Answers { head: newer, ..OPEN }.serve());
    let case = folder(&plane);
    assert_eq!(roll(&case, &gitea, &["--preflight"]).code, 0);
    let (journal, document) =
        (crate::support::read(&case.path("document.json.journal")), json_of(&case, "document.json"));
    let asked = questions(&gitea).len();
    std::fs::remove_file(case.path("response.json")).expect("it was written");
    for _ in 0..2 {
        let ran = roll(&case, &gitea, &["--preflight", "--resume"]);
        assert_eq!((ran.code, questions(&gitea).len(), plane.calls().len()), (0, asked, 4), "{}", ran.stderr);
        assert_eq!(crate::support::read(&case.path("document.json.journal")), journal);
        assert_eq!(
            (json_of(&case, "document.json"), &json_of(&case, "response.json")["ok"]),
            (document.clone(), &json!(true))
        );
    }
    // Killed before it could say that it is complete: the same.
    let cut = journal.trim_end().rsplit_once('\n').expect("records").0.to_owned() + "\n";
    case.file("document.json.journal", cut);
    let ran = roll(&case, &gitea, &["--preflight", "--resume"]);
    assert_eq!((ran.code, questions(&gitea).len(), plane.calls().len()), (0, asked, 4), "{}", ran.stderr);
    is_repeatable(&case, 0);
}

#[test]
fn a_passing_fault_of_the_switch_in_mid_rollout_is_asked_again() {
    for (name, faults, code) in [("twice", 2, 0), ("three times", 3, 1)] {
        for fault in [Reply::Json(502, json!({})), Reply::Close] {
            let gitea = gitea(move |path, before| match path {
                "" => ok(&json!({})),
                // Before the second call that changes something.
                _ if (1..=faults).contains(&before) => fault.clone(),
                _ => Reply::Json(404, json!({})),
            });
            let plane = control_plane();
            let case = folder(&plane);
            let ran = roll(&case, &gitea, &[]);
            assert_eq!(ran.code, code, "{name}: {}{}", ran.stdout, ran.stderr);
            assert_eq!(plane.calls().len(), if code == 0 { 4 } else { 2 }, "{name}");
            is_repeatable(&case, code);
        }
    }
}

#[test]
fn a_degraded_switch_is_warned_about_once_and_stops_nothing() {
    let (plane, gitea) = (control_plane(), Answers { switch: |_| Reply::Json(403, json!({})), ..OPEN }.serve());
    let case = folder(&plane);
    let ran = roll(&case, &gitea, &["--format", "github"]);
    assert_eq!((ran.code, plane.calls().len()), (0, 4), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout.matches("::warning title=gates.switch_degraded::").count(), 1, "{}", ran.stdout);
    assert_eq!(ran.stderr.matches("degraded").count(), 1, "{}", ran.stderr);
}

#[test]
fn without_a_gitea_nothing_is_asked_and_without_its_token_nothing_is_called() {
    let (plane, gitea) = (control_plane(), OPEN.serve());
    let case = folder(&plane);
    let mut unasked = command(&case, &[]);
    let ran = run(job(&mut unasked, "").env_remove("GITEA_TOKEN"));
    assert_eq!((ran.code, plane.calls().len(), gitea.requests().len()), (0, 4, 0), "{}", ran.stderr);
    assert!(json_of(&case, "document.json").get("gates").is_none());
    for preflight in [&[][..], &["--preflight"]] {
        let case = folder(&plane);
        let mut held = command(&case, preflight);
        let ran = run(job(&mut held, &gitea.url).env_remove("GITEA_TOKEN"));
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        assert!(ran.stdout.contains("gates.switch_unreadable"), "{}", ran.stdout);
        let named = plane.calls().iter().skip(4).filter(|call| !call.is_empty()).count();
        assert_eq!((named, gitea.requests().len()), (0, 0));
    }
    let case = folder(&plane);
    let mut nowhere = command(&case, &["--preflight"]);
    assert_eq!(run(job(&mut nowhere, "")).code, 2);
}

#[test]
fn a_dry_run_changes_nothing_and_reads_no_switch() {
    let plane = Plane::new(|_, request| {
        let rows: Vec<Value> = FLEET.iter().map(|slug| json!({"slug": slug, "ssm_status": "DryRun"})).collect();
        let named = request.tenants();
        let rows = rows.into_iter().filter(|row| named.is_empty() || named.iter().any(|name| row["slug"] == **name));
        ok(&json!({"ok": true, "results": rows.collect::<Vec<_>>()}))
    });
    let gitea = OPEN.serve();
    let case = folder(&plane);
    let dry = std::fs::read_to_string(case.path("plan.json")).expect("text");
    case.file("plan.json", dry.replace("\"dry_run\":false", "\"dry_run\":true"));
    let ran = roll(&case, &gitea, &[]);
    assert_eq!((ran.code, gitea.requests().len()), (0, 0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn the_giteas_token_is_nowhere() {
    let escaped = TOKEN.replace('g', "\\u0067");
    for echo in [TOKEN.to_owned(), escaped] {
        let gitea = gitea(move |path, _| match path {
            "/branches/main" => Reply::Raw(http(500, &format!(r#"{{"message": "token {echo}"}}"#))),
            path if path.starts_with("/actions") => Reply::Raw(http(401, &format!(r#"{{"{echo}": "token {echo}"}}"#))),
            _ => Reply::Raw(http(200, &format!(r#"[{{"id": 1, "context": "test", "status": "{echo}"}}]"#))),
        });
        let plane = control_plane();
        let case = folder(&plane);
        let more =
            ["--preflight", "-vv", "--show-errors", "--report", "json=report.json", "--report", "markdown=report.md"];
        let ran = roll(&case, &gitea, &more);
        assert_eq!(ran.code, 1);
        let mut ci = rollproof();
        ci.args(["preflight", "ci", "--format", "json"]).current_dir(case.path(""));
        let ci = run(job(&mut ci, &gitea.url));
        assert_eq!(ci.code, 1, "{}", ci.stderr);
        let mut texts = vec![ran.stdout, ran.stderr, ci.stdout, ci.stderr];
        for name in ["document.json", "document.json.journal", "response.json", "report.json", "report.md"] {
            texts.push(std::fs::read_to_string(case.path(name)).expect("it was written"));
        }
        for text in texts {
            assert!(!text.contains(TOKEN), "{text}");
        }
    }
}

fn begin(case: &Case, gitea: &Plane, more: &[&str]) -> Child {
    let mut command = command(case, more);
    let piped = job(&mut command, &gitea.url).stdout(Stdio::piped()).stderr(Stdio::piped());
    piped.spawn().expect("it starts")
}

#[test]
fn a_resumed_rollout_asks_its_gates_again_and_gives_the_same_document() {
    let plane = Plane::new(|index, request| {
        if request.tenants() == ["bolt", "cobalt"] && index < 3 {
            thread::sleep(Duration::from_millis(500));
        }
        healthy(request, &FLEET)
    });
    let gitea = OPEN.serve();
    let case = folder(&plane);
    let mut child = begin(&case, &gitea, &["--preflight"]);
    plane.wait_for("bolt");
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let cut = case.run(["verify", "document.json.journal", "--document", "cut.json"]);
    assert_eq!(cut.code, 1, "{}", cut.stdout);
    assert_eq!(json_of(&case, "cut.json")["gates"]["switch"].as_array().map(Vec::len), Some(3));
    let ran = roll(&case, &gitea, &["--preflight", "--resume"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let gates = json_of(&case, "document.json")["gates"].clone();
    assert_eq!(gates["switch"].as_array().map(Vec::len), Some(6), "{gates}");
    assert_eq!(gates["head"].as_array().map(Vec::len), Some(2), "{gates}");
    is_repeatable(&case, 0);
}

#[test]
fn a_rollout_that_is_superseded_when_it_is_resumed_fails() {
    let plane = Plane::new(|_, request| {
        if request.tenants() == ["acme"] {
            thread::sleep(Duration::from_millis(500));
        }
        healthy(request, &FLEET)
    });
    let case = folder(&plane);
    let gitea = OPEN.serve();
    let mut child = begin(&case, &gitea, &["--preflight"]);
    plane.wait_for("acme");
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let newer = Answers { head: |_| ok(&json!({"commit": {"id": OTHER}})), ..OPEN }.serve();
    let ran = roll(&case, &newer, &["--preflight", "--resume"]);
    assert_eq!(ran.code, 1, "half a fleet is rolled out: {}{}", ran.stdout, ran.stderr);
    assert_eq!(plane.calls().len(), 2, "nobody else is called");
    assert!(denies(&case).contains(&"calls.halted".to_owned()));
    is_repeatable(&case, 1);
}

#[test]
fn a_signal_ends_the_wait_for_ci_at_once() {
    let (plane, gitea) = (control_plane(), Answers { ci: |_| ok(&json!([])), ..OPEN }.serve());
    let case = folder(&plane);
    let mut command = command(&case, &["--preflight"]);
    let waiting = job(&mut command, &gitea.url).env("CI_STATUS_TIMEOUT_SECONDS", "60");
    let child = waiting.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let start = Instant::now();
    while !questions(&gitea).contains(&"ci") {
        thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "-TERM");
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, plane.requests().len()), (143, 0), "{}{}", ran.stdout, ran.stderr);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(json_of(&case, "document.json")["rollout"]["outcome"], "interrupted");
    assert_eq!(denies(&case), ["calls.interrupted"]);
}

/// What a reading holds that cannot be, and what is said of it: in a journal, and in a document.
#[test]
fn a_reading_that_contradicts_itself_is_refused() {
    let case = Case::new();
    let journal = read(&root().join("fixtures/gates/ci-missing/run.journal"));
    case.file("run.journal", &journal);
    case.run(["verify", "run.journal", "--document", "document.json"]);
    let document = json_of(&case, "document.json");
    let records: Vec<Value> =
        journal.lines().map(|line| serde_json::from_str(line).expect("a record of a journal")).collect();
    let contradictions = [
        ("switch", json!({"asked": {"requests": 1, "answers": 2}}), "more answers than requests"),
        ("head", json!({"asked": {"requests": 0, "answers": 1}}), "more answers than requests"),
        ("ci", json!({"asked": {"requests": 0, "answers": 1}}), "more answers than requests"),
        ("switch", json!({"asked": {"requests": 2, "answers": 0}}), "nobody answered"),
        ("head", json!({"asked": {"requests": 2, "answers": 0}}), "nobody answered"),
        ("ci", json!({"end": "answered", "asked": {"requests": 2, "answers": 0}}), "nobody answered"),
        ("head", json!({"state": "superseded"}), "another state than the commits say"),
        ("head", json!({"head": "1111111111111111111111111111111111111111"}), "another state than the commits say"),
        ("switch", json!({"state": "off", "value": "true"}), "another state than the value says"),
        ("switch", json!({"state": "off", "value": "disabled"}), "another state than the value says"),
        ("switch", json!({"state": "off", "value": "yes please"}), "another state than the value says"),
        ("switch", json!({"state": "armed", "value": "no"}), "another state than the value says"),
        ("switch", json!({"state": "armed"}), "another state than the value says"),
    ];
    for (record, change, problem) in contradictions {
        let kind = if record == "ci" { "wait" } else { "reading" };
        let mut records = records.clone();
        let reading = records.iter_mut().find(|line| line["record"] == record).expect("there is one");
        merge(&mut reading[kind], &change);
        case.file("run.journal", records.iter().map(|line| format!("{line}\n")).collect::<String>());
        let mut document = document.clone();
        let gate = &mut document["gates"][record];
        merge(if record == "ci" { gate } else { &mut gate[0] }, &change);
        case.file("document.json", document.to_string());
        for evidence in ["run.journal", "document.json"] {
            let ran = case.run(["verify", evidence]);
            assert_eq!(ran.code, 4, "{evidence} {record} {change}: {} {}", ran.stdout, ran.stderr);
            assert!(ran.stderr.contains(problem), "{evidence} {record} {change}: {}", ran.stderr);
        }
    }
}

fn merge(value: &mut Value, change: &Value) {
    for (key, changed) in change.as_object().expect("an object") {
        value[key] = changed.clone();
    }
}
