//! `run --check`: everything that is wrong in one run, and no call that changes anything.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::plane::{Plane, Reply, healthy};
use super::{FLEET, case, command, drive};
use crate::support::{Case, read, run};

const LISTED: [&str; 4] = ["acme", "bolt", "cobalt", "dune"];

/// The names of everything in the folder.
fn names(case: &Case) -> BTreeSet<String> {
    let entries = std::fs::read_dir(case.path("")).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_rollout_that_can_begin_is_ready_and_nothing_is_left_behind() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    case.file("inventory.txt", LISTED.join("\n"));
    case.file("response.json", "yesterday's");
    let before = names(&case);
    let ran = drive(&case, &["--check", "--fleet", "inventory.txt", "--report", "html=report.html"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let ready = "ready: 4 tenants in 3 calls, canary acme, batches of 2, soak 0 s, 0 tolerated\n";
    assert!(ran.stdout.starts_with(ready), "{}", ran.stdout);
    assert!(ran.stdout.contains("they deny nothing if every call succeeds"), "{}", ran.stdout);
    assert_eq!(names(&case), before, "no journal, no lock, no document and no report");
    assert_eq!(read(&case.path("response.json")), "yesterday's");
    let bodies: Vec<Value> = plane.requests().into_iter().map(|request| request.body["dry_run"].clone()).collect();
    assert_eq!(bodies, [json!(true)], "the plan call alone");
    assert_eq!(drive(&case, &["--fleet", "inventory.txt"]).code, 0, "and the rollout begins");
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    case.file("own.rego", "package team.own\n\ndeny contains \"x\" if input.rolout.dry_run\n");
    let before = names(&case);
    let args = [
        &[
            "run",
            "--check",
            "--plan",
            "plan.json",
            "--response",
            "nowhere/response.json",
            "--document",
            "document.json",
        ][..],
        &["--policy", "own.rego", "--waivers", "gone.toml", "--fleet", "gone.txt", "--probe"],
    ];
    let ran = case.run(args.concat());
    assert_eq!(ran.code, 2, "the code of the first: {}", ran.stderr);
    for named in [
        "cannot write --response nowhere/response.json",
        "gone.toml",
        "own.rego:3:28: input has no \"rolout\"",
        "gone.txt",
        "CP_ADMIN_API_TOKEN is not set",
        "nothing says where tenants are to be asked",
    ] {
        assert_eq!(ran.stderr.matches(named).count(), 1, "{named}: {}", ran.stderr);
    }
    assert_eq!((plane.calls().len(), names(&case)), (0, before));

    // A control plane that refuses does not hide a bad policy, nor the other way round.
    let refusing = Plane::new(|_, _| Reply::Json(401, json!({"error": "who are you?"})));
    case.file("plan.json", super::plan(&refusing.url).to_string());
    let ran = drive(&case, &["--check", "--policy", "own.rego", "--format", "json"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("rolout") && ran.stderr.contains("HTTP 401"), "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report of the error");
    assert_eq!(report["problems"].as_array().map(Vec::len), Some(2), "{report:#}");
    assert_eq!(refusing.calls().len(), 1);
}

#[test]
fn what_would_halt_the_rollout_is_said_with_the_code_of_the_run() {
    let unreachable = case("http://127.0.0.1:9");
    let ran = drive(&unreachable, &["--check"]);
    assert_eq!(ran.code, 6, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("redeploy plan call failed: no answer"), "{}", ran.stderr);

    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let listed = case(&plane.url);
    listed.file("inventory.txt", "acme\nzebra\n");
    let ran = drive(&listed, &["--check", "--fleet", "inventory.txt"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("zebra"), "{}", ran.stderr);
    assert_eq!(plane.calls().len(), 1);

    let armed = run(command(&listed, &["--check"]).env("PROD_AUTO_DEPLOY_DISABLED", "on"));
    assert_eq!(armed.code, 1, "{}{}", armed.stdout, armed.stderr);
    assert!(armed.stderr.contains("gates.disabled"), "{}", armed.stderr);
    assert_eq!(
        plane.calls().len(),
        2,
        "the plan call changes nothing, and comes before the kill switch as in a rollout"
    );

    let mut disabled = super::plan(&plane.url);
    disabled["enabled"] = false.into();
    listed.file("plan.json", disabled.to_string());
    let ran = drive(&listed, &["--check"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("the plan is disabled"), "{}", ran.stderr);
}

#[test]
fn policies_are_tried_on_the_rollout_that_succeeds() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    let own = |rule: &str| format!("# METADATA\n# title: Own\n# description: Own.\npackage team.own\n\n{rule}\n");
    case.file("own.rego", own("deny contains \"never on a Monday\" if count(input.calls) > 2"));
    let ran = drive(&case, &["--check", "--policy", "own.rego"]);
    assert_eq!(ran.code, 0, "what is made up decides nothing: {}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("deny  team.own.deny: never on a Monday"), "{}", ran.stdout);

    let failing = "deny contains \"x\" if {\n\tsome row in input.cohorts[_].rows\n\ttime.parse_rfc3339_ns(row.running_image) > 0\n}";
    case.file("own.rego", own(failing));
    let ran = drive(&case, &["--check", "--policy", "own.rego"]);
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("own.rego"), "{}", ran.stderr);
}

#[test]
fn a_check_goes_on_with_nothing() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let case = case(&plane.url);
    assert_eq!(drive(&case, &[]).code, 0);
    let both = drive(&case, &["--check", "--resume"]);
    assert_eq!(both.code, 2, "{}", both.stderr);
    assert!(both.stderr.contains("'--check' cannot be used with '--resume'"), "{}", both.stderr);
    let ran = drive(&case, &["--check"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("there is a journal already"), "{}", ran.stderr);
}

/// A rollout that may not begin has no evidence that could be malformed.
#[test]
fn what_is_not_ready_is_not_called_malformed() {
    let case = case("http://127.0.0.1:9");
    let mut disabled = super::plan("http://127.0.0.1:9");
    disabled["enabled"] = false.into();
    disabled["disabled_reason"] = "a holiday".into();
    case.file("plan.json", disabled.to_string());
    for format in ["summary", "text", "markdown", "github", "junit", "sarif", "html", "json"] {
        let ran = drive(&case, &["--check", "--format", format]);
        assert_eq!(ran.code, 1, "{format}: {}{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.contains("the evidence cannot be used"), "{format}: {}", ran.stdout);
        assert!(!ran.stderr.contains("mend it"), "{format}: {}", ran.stderr);
        let told = if format == "json" { "\"kind\": \"evidence\"" } else { "the rollout cannot begin" };
        // What a person reads on a terminal is on standard error alone.
        assert!(ran.stdout.contains(told) || format == "text", "{format}: {}", ran.stdout);
    }
}
