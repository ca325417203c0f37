//! The drill.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::support::{Case, rollproof, run};

#[test]
fn every_scenario_of_the_drill_gives_its_expected_verdict() {
    let ran = run(rollproof().args(["drill", "all"]));
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.stdout.lines().filter(|line| line.starts_with("ok ")).count() > 25, "{}", ran.stdout);
}

#[test]
fn the_drill_shows_what_the_old_gate_missed() {
    let case = Case::new();
    let ran = run(rollproof().args(["drill", "--keep", "kept"]).current_dir(case.path("")));
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("FAIL  staging-abcdef1: 1 tenant is not proven"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("would have said: SUCCESS, all 6 calls answered ok\n"), "{}", ran.stdout);
    for name in ["plan.json", "response.json", "document.json", "document.json.journal", "report.json"] {
        assert!(case.path("kept").join(name).is_file(), "{name}");
    }
    let unknown = run(rollproof().args(["drill", "skiped-tenant"]));
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean \"skipped-tenant\"?"), "{}", unknown.stderr);
}

#[test]
fn a_scenario_is_served_by_its_name_or_its_file() {
    let case = Case::new();
    case.file("own.toml", "about = \"Ours.\"\nfleet = [\"acme\"]\n");
    for scenario in ["healthy", "own.toml"] {
        let mut serve = rollproof();
        serve.args(["drill", "serve", scenario]).current_dir(case.path("")).stdout(Stdio::piped());
        let mut serving = serve.spawn().expect("it starts");
        let first = BufReader::new(serving.stdout.take().expect("a pipe")).lines().next();
        serving.kill().and_then(|()| serving.wait()).expect("it ends");
        assert!(first.is_some_and(|line| line.is_ok_and(|line| line.starts_with("http://127.0.0.1:"))), "{scenario}");
    }
    let unknown = run(rollproof().args(["drill", "serve", "helthy"]).current_dir(case.path("")));
    assert_eq!(unknown.code, 2);
    for part in ["cannot read the scenario helthy", "did you mean \"healthy\"?", "rollproof drill --list"] {
        assert!(unknown.stderr.contains(part), "{part} is not in {}", unknown.stderr);
    }
}

/// What a repository configures is for its rollouts, and no reason for a rehearsal to end otherwise.
#[test]
fn a_rehearsal_is_the_same_inside_a_repository() {
    let case = Case::new();
    std::fs::create_dir_all(case.path(".git")).expect("a folder");
    case.file("rollproof.toml", "[params]\nmax_stragglers = 3\n");
    for more in [&[][..], &["--keep", "kept"]] {
        let ran = run(rollproof().args(["drill", "--time-scale", "0"]).args(more).current_dir(case.path("")));
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        assert!(ran.stdout.contains("coverage.incomplete"), "{}", ran.stdout);
    }
}

#[test]
fn the_drill_needs_a_temporary_folder_only_where_nothing_is_kept() {
    let case = Case::new();
    let missing = case.path("missing");
    let drill = |more: &[&str]| {
        let mut drill = rollproof();
        drill.args(["drill", "healthy", "--time-scale", "0"]).args(more);
        run(drill.env("TMPDIR", &missing).current_dir(case.path("")))
    };
    let kept = drill(&["--keep", "kept"]);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    let ran = drill(&[]);
    assert_eq!(ran.code, 7);
    assert!(ran.stderr.contains(&format!("cannot write {}", missing.display())), "{}", ran.stderr);
}

/// A rehearsal is played in a folder that holds none yet: what an earlier one left would be taken for its verdict.
#[test]
fn an_earlier_rehearsal_is_neither_continued_nor_shown() {
    let case = Case::new();
    let drill = |args: &[&str]| run(rollproof().args(["drill"]).args(args).current_dir(case.path("")));
    let keep = ["healthy", "--time-scale", "0", "--keep", "kept"];
    assert_eq!(drill(&keep).code, 0);
    let document = std::fs::read(case.path("kept/document.json")).expect("a document");
    let again = drill(&keep);
    assert_eq!((again.code, &*again.stdout), (2, ""), "{}", again.stderr);
    assert!(again.stderr.contains("kept holds an earlier rehearsal"), "{}", again.stderr);
    assert!(!again.stderr.contains("--journal") && !again.stderr.contains("--resume"), "{}", again.stderr);
    assert_eq!(std::fs::read(case.path("kept/document.json")).expect("a document"), document);
    std::fs::create_dir_all(case.path("all/healthy")).expect("a folder");
    case.file("all/healthy/document.json", "{}");
    let all = drill(&["all", "--time-scale", "0", "--keep", "all"]);
    assert_eq!((all.code, &*all.stdout), (2, ""), "{}", all.stderr);
    // A folder of something else is no obstacle.
    std::fs::create_dir(case.path("notes")).expect("a folder");
    case.file("notes/note.txt", "x");
    assert_eq!(drill(&["healthy", "--time-scale", "0", "--keep", "notes"]).code, 0);
}

/// An error names the option of the command that was called, and what did not happen has no verdict.
#[test]
fn what_a_drill_is_given_is_checked_before_it_is_played() {
    let case = Case::new();
    case.file("broken.rego", "package team.x\n\ndeny contains \"x\" if input.rolout.dry_run\n");
    let drill = |args: &[&str]| run(rollproof().args(["drill", "healthy"]).args(args).current_dir(case.path("")));
    for scale in ["-1", "nan", "inf", "-0.5", "x"] {
        let ran = drill(&[&format!("--time-scale={scale}")]);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{scale}: {}", ran.stderr);
        assert!(ran.stderr.contains("--time-scale <FACTOR>"), "{scale}: {}", ran.stderr);
        assert!(ran.stderr.contains("a number of at least 0 is expected"), "{scale}: {}", ran.stderr);
    }
    let missing = drill(&["--policy", "nosuch"]);
    assert_eq!((missing.code, &*missing.stdout), (2, ""), "{}", missing.stderr);
    assert!(missing.stderr.contains("cannot read the policy nosuch"), "{}", missing.stderr);
    assert!(missing.stderr.contains("check the path"), "{}", missing.stderr);
    let broken = drill(&["--policy", "broken.rego"]);
    assert_eq!(broken.code, 5, "{}", broken.stderr);
    assert!(!broken.stdout.contains("The old gate"), "nothing was called: {}", broken.stdout);
}
