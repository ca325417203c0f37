//! The response says that it is ok exactly where the process exits with 0, however the rollout ends. `drill all` looks
//! at every scenario.

use std::fs::{self, File};

use serde_json::{Value, json};

use super::plane::{Plane, healthy};
use super::{FLEET, case, command, drive, json_of};
use crate::support::{Case, Ran, read_json, rollproof, run};

/// Yesterday's response, of a rollout that went well.
fn yesterday(case: &Case) {
    case.file("response.json", json!({"ok": true, "results": [{"slug": "acme"}]}).to_string());
}

fn is_not_ok(case: &Case, ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, code, "{words}: {}{}", ran.stdout, ran.stderr);
    let response = json_of(case, "response.json");
    assert_eq!(response["ok"], false, "{words}: {response}");
    let error = response["error"].as_str().expect("text");
    assert!(error.contains(words), "{error}");
}

#[test]
fn an_early_failure_replaces_an_older_response() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    let failing: [(&str, &str, &[&str], i32, &str); 8] = [
        ("plan.json", "{", &[], 4, "plan.json"),
        ("rollproof.toml", "wrong", &[], 2, "rollproof.toml"),
        ("document.json.journal", "x", &[], 2, "there is a journal already"),
        ("document.json.journal", "x", &["--resume"], 4, "document.json.journal"),
        ("own.rego", "package", &["--policy", "own.rego"], 5, "own.rego"),
        ("waivers.toml", "wrong", &["--waivers", "waivers.toml"], 2, "waivers.toml"),
        ("unused", "", &["--fleet", "gone.json"], 4, "gone.json"),
        ("unused", "", &["--resume"], 2, "there is no journal"),
    ];
    for (file, text, more, code, words) in failing {
        let case = case(&plane.url);
        yesterday(&case);
        case.file(file, text);
        is_not_ok(&case, &drive(&case, more), code, words);
    }
    let case = case(&plane.url);
    yesterday(&case);
    is_not_ok(&case, &run(command(&case, &[]).env_remove("CP_ADMIN_API_TOKEN")), 2, "CP_ADMIN_API_TOKEN is not set");
    assert_eq!(plane.calls().len(), 0);
}

/// The old response says nothing of the rollout that is going on.
#[test]
fn a_response_is_replaced_before_the_first_call() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("response.json");
    let seen = path.clone();
    let plane = Plane::new(move |_, request| {
        let response: Value = read_json(&seen);
        assert_eq!(response, json!({"error": "the rollout has not ended", "ok": false, "results": []}));
        healthy(request, &FLEET)
    });
    fs::write(&path, r#"{"ok": true, "results": []}"#).expect("a file");
    let case = case(&plane.url);
    let args = ["run", "--plan", "plan.json", "--document", "document.json", "--response"];
    let mut command = rollproof();
    command.args(args).arg(&path).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", super::TOKEN);
    let ran = run(&mut command);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(read_json(&path)["ok"], true);
}

/// Something that cannot be written makes the exit code 7, and so the response is not ok.
#[test]
fn what_cannot_be_written_is_not_ok() {
    let plane = Plane::new(|_, request| healthy(request, &FLEET));
    for more in [&["--report", "json=/dev/full"][..], &["--report", "html=/dev/full", "--report", "junit=junit.xml"]] {
        let case = case(&plane.url);
        is_not_ok(&case, &drive(&case, more), 7, "cannot write /dev/full");
    }
    let case = case(&plane.url);
    let full = File::options().write(true).open("/dev/full").expect("a device");
    let child = command(&case, &[]).stdout(full).stderr(std::process::Stdio::piped()).spawn().expect("it starts");
    let ran = child.wait_with_output().expect("it ends").into();
    is_not_ok(&case, &ran, 7, "cannot write (standard output)");
}
