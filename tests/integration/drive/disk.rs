//! A disk that fills up: what can be written is written, the code says so, and a later run can go on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::plane::{Plane, Reply, Request};
use super::{case, command, drive, json_of};
use crate::support::{Case, rollproof, run};

/// A file system of a few kilobytes that ends with the test; none where the test may not mount.
struct Small(PathBuf);

impl Small {
    fn mounted(at: &Path, kilobytes: u32) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        let size = format!("size={kilobytes}k");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        mount.is_ok_and(|mount| mount.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily, so that nothing which still looks into it keeps it.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// The binary where no file may grow beyond so many kilobytes; a write beyond that fails as on a full disk.
fn limited(case: &Case, kilobytes: u32, more: &[&str]) -> Command {
    let usual = command(case, more);
    let mut command = Command::new("bash");
    // The signal that a limit sends is not ignored here: the binary itself has to see to it.
    command.arg("-c").arg(format!("ulimit -f {kilobytes}; exec \"$0\" \"$@\""));
    command.arg(usual.get_program()).args(usual.get_args()).current_dir(case.path(""));
    for (name, value) in usual.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

const FLEET: [&str; 6] = ["acme", "bolt", "cobalt", "dune", "ember", "fjord"];

/// Answers with rows of about 3 kB for each tenant.
fn verbose(_: usize, request: &Request) -> Reply {
    let tenants = request.tenants();
    let rows: Vec<Value> = if tenants.is_empty() {
        FLEET.iter().map(|slug| json!({"slug": slug, "ssm_status": "DryRun"})).collect()
    } else {
        let image = |slug: &str| format!("r.example/{}/platform-tenant:staging-abcdef1", slug.repeat(600));
        let row = |slug: &String| json!({"slug": slug, "verified_on_target": true, "running_image": image(slug)});
        tenants.iter().map(row).collect()
    };
    Reply::Json(200, json!({"ok": true, "results": rows}))
}

/// The journal has no room for an answer: nothing further is called, what came is in response and document, and once
/// there is room the rollout goes on.
#[test]
fn a_journal_that_fills_up_stops_the_rollout() {
    for mounts in [false, true] {
        let plane = Plane::new(verbose);
        let case = case(&plane.url);
        // The plan stands in the journal as it is, which so is the largest file, and the first to find no room.
        case.file("plan.json", format!("{}{}", super::plan(&plane.url), " ".repeat(8 << 10)));
        let (journal, folder) = (["--journal", "small/run.journal"], case.path("small"));
        fs::create_dir_all(&folder).expect("a folder");
        // The lock takes 4 kB of it.
        let small = if mounts { Small::mounted(&folder, 24) } else { None };
        // Where the test may not mount, the limit is met twice.
        let ran = run(&mut if small.is_some() { command(&case, &journal) } else { limited(&case, 20, &journal) });
        assert_eq!(ran.code, 1, "an interrupted rollout is a deny: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("cannot write small/run.journal"), "{}", ran.stderr);
        assert!(ran.stdout.starts_with("FAIL"), "{}", ran.stdout);
        assert_eq!(plane.calls(), [&[][..], &["acme"], &["bolt", "cobalt"], &["dune", "ember"]], "it stops there");
        let response = json_of(&case, "response.json");
        assert_eq!(response["ok"], false);
        let rows = response["results"].as_array().map(Vec::len);
        assert_eq!(rows, Some(5), "the answer that could not be kept is written all the same");
        assert_eq!(json_of(&case, "document.json")["rollout"]["outcome"], "interrupted");

        let kept = fs::read(case.path("small/run.journal")).expect("a journal");
        drop(small);
        fs::write(case.path("small/run.journal"), kept).expect("there is room now");
        let resumed = drive(&case, &[&journal[..], &["--resume"]].concat());
        assert_eq!(resumed.code, 0, "{}{}", resumed.stdout, resumed.stderr);
        assert_eq!(
            plane.calls()[4..],
            [&["dune", "ember"][..], &["fjord"]],
            "only whose answer could not be kept is called again"
        );
    }
}

/// Where not even the first record can be kept, nothing is called.
#[test]
fn without_a_journal_nothing_is_called() {
    let plane = Plane::new(verbose);
    let case = case(&plane.url);
    let small = Small::mounted(&case.path("small"), 4);
    if small.is_some() {
        fs::write(case.path("small/other"), [0; 4096]).expect("it fits");
        let ran = drive(&case, &["--journal", "small/run.journal"]);
        assert_eq!(ran.code, 7, "{}", ran.stderr);
    }
    for journal in ["gone/run.journal", "plan.json/run.journal"] {
        let ran = drive(&case, &["--journal", journal]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("cannot write"), "{}", ran.stderr);
    }
    let ran = run(&mut limited(&case, 0, &[]));
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert!(!case.path("document.json.journal").exists(), "nothing stands in the way of the next attempt");
    assert_eq!(plane.calls().len(), 0);
}

/// Document and response have no room: the verdict stands, is said, and what can be written is.
#[test]
fn a_document_or_a_response_without_room_is_said() {
    for (full, written) in [("document.json", "response.json"), ("response.json", "document.json")] {
        let plane = Plane::new(verbose);
        let case = case(&plane.url);
        // Room for a lock and for a response without rows.
        let Some(_small) = Small::mounted(&case.path("small"), 12) else { return };
        let target = format!("small/{full}");
        let name = |file: &str| if file == full { target.clone() } else { file.to_owned() };
        let ran = run(rollproof()
            .args([
                "run",
                "--plan",
                "plan.json",
                "--response",
                &name("response.json"),
                "--document",
                &name("document.json"),
            ])
            .args(["--journal", "run.journal"])
            .current_dir(case.path(""))
            .env("CP_ADMIN_API_TOKEN", super::TOKEN));
        assert_eq!(ran.code, 7, "{full}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(&format!("cannot write {target}")), "{full}: {}", ran.stderr);
        assert!(ran.stdout.starts_with("PASS"), "the verdict is told: {}", ran.stdout);
        assert!(case.path(written).exists(), "{full}");
        if full == "document.json" {
            assert!(!case.path(&target).exists(), "whole or not at all");
        }
        let response = json_of(&case, &name("response.json"));
        assert_eq!(response["ok"], false, "{full}: the exit code is not 0");
        let error = response["error"].as_str().expect("text");
        let told = if full == "document.json" { "cannot write small/document.json" } else { "has not ended" };
        assert!(error.contains(told), "{full}: {error}");
        let again = case.run(["verify", "run.journal"]);
        assert_eq!((again.code, again.stdout.starts_with("PASS")), (0, true), "the journal has it all");
    }
}

/// A device that is always full, and a verdict that is not 0 and keeps its own code.
#[test]
fn a_full_device_is_said() {
    for (answer, code) in [(true, 7), (false, 1)] {
        let plane = Plane::new(move |index, request| match verbose(index, request) {
            Reply::Json(200, mut body) => {
                body["ok"] = json!(answer);
                Reply::Json(200, body)
            }
            other => other,
        });
        let case = case(&plane.url);
        let ran = run(rollproof()
            .args(["run", "--plan", "plan.json", "--response", "/dev/full", "--document", "document.json"])
            .current_dir(case.path(""))
            .env("CP_ADMIN_API_TOKEN", super::TOKEN));
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.contains("cannot write /dev/full"), "{}", ran.stderr);
    }
}
