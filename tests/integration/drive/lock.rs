//! One writer: of two processes on one rollout exactly one drives it, and the other one touches nothing.

use std::fs;
use std::iter::repeat_with;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::plane::{Plane, healthy};
use super::{FLEET, case, json_of, spawn};
use crate::grammar::bundled_code_of_journal;
use crate::support::{Case, Ran, repetitions};

/// How many races there are in `.ci/run`, and an eighth of it elsewhere.
const ROUNDS: usize = 200;
const WORKERS: usize = 4;

/// A control plane that answers nobody until it may.
fn held_plane() -> (Plane, Arc<AtomicBool>) {
    let open = Arc::new(AtomicBool::new(true));
    let may = Arc::clone(&open);
    let plane = Plane::new(move |_, request| {
        while !may.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        healthy(request, &FLEET)
    });
    (plane, open)
}

/// The one that has ended, and the one that has not.
fn first_to_end(mut children: [Child; 2]) -> (Child, Child) {
    loop {
        for which in 0..2 {
            if children[which].try_wait().expect("it is ours").is_some() {
                let [first, second] = children;
                return if which == 0 { (first, second) } else { (second, first) };
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn ran(child: Child) -> Ran {
    child.wait_with_output().expect("it ends").into()
}

/// Two processes on one journal, while none of their calls is answered.
fn race(case: &Case, plane: &Plane, open: &AtomicBool, more: &[&str]) {
    let calls = plane.calls().len();
    open.store(false, Ordering::SeqCst);
    let (lost, driving) = first_to_end([spawn(case, more), spawn(case, more)]);
    let number = driving.id().to_string();
    let lost = ran(lost);
    assert_eq!(lost.code, 2, "{}{}", lost.stdout, lost.stderr);
    assert!(lost.stderr.contains(&format!("process {number} is writing")), "{number}: {}", lost.stderr);
    assert!(!case.path("report.json").exists() && !case.path("document.json").exists(), "nothing was written");
    open.store(true, Ordering::SeqCst);
    let won = ran(driving);
    assert_eq!(won.code, 0, "{}{}", won.stdout, won.stderr);
    let named: Vec<_> = plane.calls()[calls..].concat();
    assert_eq!(named.len(), FLEET.len(), "each is deployed once: {named:?}");
    assert_eq!(json_of(case, "response.json")["ok"], true);
    assert_eq!(bundled_code_of_journal(&case.path("document.json.journal")), 0, "the journal is whole");
    let left = fs::read_dir(case.path(""))
        .expect("a folder")
        .filter(|entry| entry.as_ref().expect("an entry").file_name().to_string_lossy().ends_with(".lock"));
    assert_eq!(left.count(), 0, "no lock is left");
}

fn clear(case: &Case) {
    for name in ["response.json", "document.json", "report.json", "document.json.journal"] {
        let _ = fs::remove_file(case.path(name));
    }
}

#[test]
fn of_two_processes_exactly_one_drives() {
    let (next, rounds) = (AtomicUsize::new(0), repetitions(ROUNDS));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let (plane, open) = held_plane();
                let case = case(&plane.url);
                let mut plan = super::plan(&plane.url);
                plan["rollout_http_timeout"] = 60.into();
                case.file("plan.json", plan.to_string());
                case.file("rollproof.toml", "[http]\nplan_timeout_seconds = 60\n");
                let report = ["--report", "json=report.json"];
                // The journal of a rollout that was killed after its plan call.
                assert_eq!(ran(spawn(&case, &[])).code, 0);
                let journal = fs::read_to_string(case.path("document.json.journal")).expect("a journal");
                let begun: String = journal.split_inclusive('\n').take(3).collect();
                for i in repeat_with(|| next.fetch_add(1, Ordering::SeqCst)).take_while(|i| *i < rounds) {
                    clear(&case);
                    if i % 2 == 0 {
                        race(&case, &plane, &open, &report);
                    } else {
                        case.file("document.json.journal", &begun);
                        race(&case, &plane, &open, &[&report[..], &["--resume"]].concat());
                    }
                }
            });
        }
    });
}

/// A journal by another name, and a document or a response that another rollout writes.
#[test]
fn what_another_rollout_writes_is_not_touched() {
    let (plane, open) = held_plane();
    let case = case(&plane.url);
    let mut plan = super::plan(&plane.url);
    plan["rollout_http_timeout"] = 60.into();
    case.file("plan.json", plan.to_string());
    case.file("rollproof.toml", "[http]\nplan_timeout_seconds = 60\n");
    open.store(false, Ordering::SeqCst);
    let driving = spawn(&case, &[]);
    plane.wait_until(|calls| !calls.is_empty());
    fs::hard_link(case.path("document.json.journal"), case.path("other.journal")).expect("a hard link");
    let (plan, mine) = (["run", "--plan", "plan.json"], |name: &str| case.path(name).exists());
    for (response, document, more) in [
        ("a.json", "document.json", &["--journal", "a.journal"][..]),
        ("response.json", "b.json", &["--journal", "b.journal"]),
        ("c.json", "d.json", &["--journal", "other.journal"]),
        ("c.json", "d.json", &["--journal", "other.journal", "--resume"]),
        ("./response.json", "d.json", &[]),
    ] {
        let outputs = ["--response", response, "--document", document, "--report", "json=e.json"];
        let ran = case.run([&plan[..], &outputs, more].concat());
        assert_eq!(ran.code, 2, "{response} {document}: {}", ran.stderr);
        assert!(ran.stderr.contains("is writing"), "{response} {document}: {}", ran.stderr);
        let written = ["a.json", "a.journal", "b.json", "b.journal", "c.json", "d.json", "e.json", "d.json.journal"];
        assert!(written.into_iter().all(|name| !mine(name)), "{response} {document}");
    }
    open.store(true, Ordering::SeqCst);
    let ran = ran(driving);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(plane.calls().len(), 4);
}
