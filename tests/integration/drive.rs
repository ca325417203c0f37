//! The live rollout: the real binary against control planes on loopback.

mod answers;
mod calls;
mod check;
mod disk;
mod faults;
mod halts;
mod journal;
mod kill;
mod lock;
mod order;
mod own;
pub mod plane;
mod rehearsal;
mod response;
mod servers;
pub mod signals;
mod token;
mod wire;

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Case, Ran, rollproof, run};

const TOKEN: &str = "s3cret-t0ken";

/// A plan for a control plane.
pub fn plan(url: &str) -> Value {
    json!({
        "enabled": true, "sha": "abcdef1", "target_tag": "staging-abcdef1", "cp_url": url, "rollout_http_timeout": 1,
        "body": {"target_tag": "staging-abcdef1", "canary_slug": "acme", "soak_seconds": 0, "batch_size": 2,
                 "max_stragglers": 0, "dry_run": false, "confirm": true},
    })
}

pub const FLEET: [&str; 4] = ["acme", "bolt", "cobalt", "dune"];

/// A folder with a plan, and short delays.
fn case(url: &str) -> Case {
    let case = Case::new();
    case.file("plan.json", plan(url).to_string());
    case.file("rollproof.toml", "[http]\nretry_delays_seconds = [0.01, 0.01, 0.01]\nplan_timeout_seconds = 1\n");
    case
}

pub const ARGS: [&str; 7] =
    ["run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json"];

pub fn command(case: &Case, more: &[&str]) -> Command {
    let mut command = rollproof();
    command.args(ARGS).args(more).current_dir(case.path("")).env("CP_ADMIN_API_TOKEN", TOKEN);
    command
}

fn drive(case: &Case, more: &[&str]) -> Ran {
    run(&mut command(case, more))
}

pub fn json_of(case: &Case, name: &str) -> Value {
    crate::support::read_json(&case.path(name))
}

pub fn denies(case: &Case) -> Vec<String> {
    let report = run(rollproof().args(["verify", "document.json", "--format", "json"]).current_dir(case.path("")));
    let report: Value = serde_json::from_str(&report.stdout).expect("a report");
    let findings =
        report["findings"].as_array().expect("a list").iter().filter(|finding| finding["severity"] == "deny");
    findings.map(|finding| finding["code"].as_str().expect("a code").to_owned()).collect()
}

fn spawn(case: &Case, more: &[&str]) -> Child {
    command(case, more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}
