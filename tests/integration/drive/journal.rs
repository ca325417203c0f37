//! The journal: nothing that was answered is lost, and a rollout goes on from it.

use std::thread;
use std::time::Duration;

use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};

use super::plane::{Plane, Reply, healthy};
use super::{FLEET, case, drive, spawn};
use crate::support::{rollproof, run};

#[test]
fn a_journal_is_never_overwritten() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 0);
    let again = drive(&case, &[]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("there is a journal already"), "{}", again.stderr);
    assert_eq!(plane.calls().len(), 4);
}

/// An attempt that changed nothing leaves a journal that is in nobody's way.
#[test]
fn the_journal_of_an_attempt_that_changed_nothing_is_replaced() {
    let plane = Plane::new(|index, request| match index {
        0 => Reply::Json(500, json!({"ok": false})),
        _ => healthy(request, &FLEET),
    });
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 1, "the plan call fails");
    // A policy that fails on the document of a good rollout halts before the first call that changes something.
    let own = |rule: &str| format!("# METADATA\n# title: Own\n# description: Own.\npackage team.own\n\n{rule}\n");
    case.file(
        "own.rego",
        own("deny contains \"x\" if {\n\tsome row in input.cohorts[_].rows\n\ttime.parse_rfc3339_ns(row.running_image) > 0\n}"),
    );
    let failed = drive(&case, &["--policy", "own.rego"]);
    assert_eq!(failed.code, 5, "{}{}", failed.stdout, failed.stderr);
    assert!(failed.stderr.contains("replaces that of an attempt that changed nothing"), "{}", failed.stderr);
    let resumed = drive(&case, &["--resume"]);
    assert_eq!(resumed.code, 2, "{}", resumed.stderr);
    assert!(resumed.stderr.contains("start again without --resume"), "{}", resumed.stderr);
    // A dry run changes nothing, either.
    let live = std::fs::read_to_string(case.path("plan.json")).expect("a plan");
    case.file("plan.json", live.replace("\"dry_run\":false", "\"dry_run\":true"));
    let dry = drive(&case, &["--policy", "own.rego"]);
    assert_eq!(dry.code, 5, "{}{}", dry.stdout, dry.stderr);
    case.file("plan.json", live);
    let ran = drive(&case, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(plane.calls().len(), 1 + 1 + 1 + 4);
}

/// Whatever may have changed something is kept: a live row in the plan call's answer, a last line that may be a request,
/// and what is no journal.
#[test]
fn a_journal_that_may_hold_a_change_is_not_replaced() {
    let plane = Plane::new(|_, request| match healthy(request, &FLEET) {
        Reply::Json(status, mut body) if request.tenants().is_empty() => {
            body["results"][0]["ssm_status"] = json!("Success");
            Reply::Json(status, body)
        }
        other => other,
    });
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 1);
    let acted = std::fs::read_to_string(case.path("document.json.journal")).expect("a journal");
    let start = acted.lines().next().expect("a record");
    for journal in [&*acted, &format!("{start}\n{{\"record\":\"request\",\"ca"), "a note of mine"] {
        case.file("document.json.journal", journal);
        let again = drive(&case, &[]);
        assert_eq!(again.code, 2, "{journal}: {}", again.stderr);
        assert!(again.stderr.contains("there is a journal already"), "{}", again.stderr);
        assert_eq!(std::fs::read_to_string(case.path("document.json.journal")).expect("it is there"), journal);
    }
    assert_eq!(plane.calls().len(), 1);
}

/// One that was killed behind its last call has its verdict still to be written; a halted one is not gone on with.
#[test]
fn an_ended_rollout_is_never_called_for_again() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    let first = drive(&case, &[]);
    std::fs::remove_file(case.path("response.json")).expect("it was written");
    let again = drive(&case, &["--resume"]);
    assert_eq!((again.code, &again.stdout), (0, &first.stdout), "{}", again.stderr);
    assert!(case.path("response.json").exists());
    assert_eq!(plane.calls().len(), 4);

    let plane = Plane::new(|_, request| {
        if request.tenants() == ["acme"] { Reply::Json(500, json!({"ok": false})) } else { healthy(request, &FLEET) }
    });
    let halted = super::case(&plane.url);
    assert_eq!(drive(&halted, &[]).code, 1);
    let resumed = drive(&halted, &["--resume"]);
    assert_eq!(resumed.code, 2);
    assert!(resumed.stderr.contains("was halted, which is not resumed"), "{}", resumed.stderr);
    assert_eq!(plane.calls().len(), 2);
}

#[test]
fn a_resumed_rollout_keeps_to_its_plan() {
    let plane = Plane::new(|_, request| {
        if request.tenants() == ["dune"] {
            thread::sleep(Duration::from_millis(800));
        }
        healthy(request, &FLEET)
    });
    let case = case(&plane.url);
    let mut child = spawn(&case, &[]);
    plane.wait_for("dune");
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let cut = run(rollproof().args(["verify", "document.json.journal", "--format", "json"]).current_dir(case.path("")));
    let report: Value = serde_json::from_str(&cut.stdout).expect("a report");
    assert_eq!((cut.code, &report["stragglers"][0]["tenant"]), (1, &json!("dune")));
    assert!(report["stragglers"][0]["reason"].as_str().expect("text").starts_with("in_flight"), "{report}");
    let before = std::fs::read_to_string(case.path("plan.json")).expect("a plan");
    case.file("plan.json", before.replace("\"max_stragglers\":0", "\"max_stragglers\":3"));
    let other = drive(&case, &["--resume"]);
    assert_eq!(other.code, 2, "{}", other.stderr);
    assert!(other.stderr.contains("is not the one that"), "{}", other.stderr);
    case.file("plan.json", before);
    let ran = drive(&case, &["--resume"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let calls = plane.calls();
    assert_eq!(calls.iter().filter(|call| **call == ["dune"]).count(), 2, "the call in flight is made again");
    assert_eq!(calls.len(), 5, "no other is: {calls:?}");
}

/// A rollout that was killed after its canary: its folder and its journal.
fn killed(plane: &Plane) -> (crate::support::Case, String) {
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 0);
    let journal = std::fs::read_to_string(case.path("document.json.journal")).expect("a journal");
    let begun: String = journal.split_inclusive('\n').take(5).collect();
    assert!(begun.lines().last().is_some_and(|line| line.contains("\"record\":\"answer\"")), "{begun}");
    (case, begun)
}

/// Nothing can be appended to a packed journal; it is evidence, and stays as it is.
#[test]
fn a_packed_journal_is_not_resumed() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let (case, begun) = killed(&plane);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, begun.as_bytes()).expect("it is packed");
    let packed = [gzip.finish().expect("it is packed"), compress_to_vec(begun.as_bytes(), CompressionLevel::Fastest)];
    for (name, bytes) in ["x.gz", "x.journal"].iter().flat_map(|name| packed.iter().map(move |bytes| (name, bytes))) {
        case.file(name, bytes);
        let ran = drive(&case, &["--resume", "--journal", name]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("is packed"), "{}", ran.stderr);
        assert_eq!(&std::fs::read(case.path(name)).expect("it is there"), bytes, "it stays as it is");
    }
    assert_eq!(plane.calls().len(), 4, "nobody was called");
}

/// A whole record counts, with its newline or without; one that was cut short does not.
#[test]
fn a_last_record_counts_where_it_is_whole() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let (case, begun) = killed(&plane);
    let whole = begun.trim_end();
    for (journal, calls) in [
        (whole.to_owned(), 2),
        (format!("{whole}\n{{\"record\":\"request\",\"call\":2,\"att"), 2),
        (format!("{whole}\n\0\0\0"), 2),
        (whole[..whole.len() - 1].to_owned(), 3),
    ] {
        case.file("document.json.journal", &journal);
        let before = plane.calls().len();
        let ran = drive(&case, &["--resume"]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert_eq!(plane.calls().len() - before, calls, "{journal}");
        let written = std::fs::read_to_string(case.path("document.json.journal")).expect("a journal");
        for line in written.lines() {
            serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
        assert!(written.ends_with('\n'));
    }
    case.file("document.json.journal", format!("{whole}\n{{\"record\":\"unknown\"}}"));
    let ran = drive(&case, &["--resume"]);
    assert_eq!(ran.code, 4, "a whole record that is none is not dropped: {}", ran.stderr);
    assert_eq!(case.run(["verify", "document.json.journal"]).code, 4);
}
