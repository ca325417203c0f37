//! The drill.

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
