//! The workflow of docs/ci: every line of it that runs rollproof is run, as a CI job would, against the drill's server.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use crate::support::{Case, Ran, read_json, rollproof, root, run};

#[derive(Deserialize)]
struct Workflow {
    jobs: BTreeMap<String, Job>,
}

#[derive(Deserialize)]
struct Job {
    #[serde(default)]
    env: BTreeMap<String, String>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    name: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    run: Option<String>,
}

#[derive(Deserialize)]
struct Scenario {
    fleet: Vec<String>,
    #[serde(default)]
    inventory: Vec<String>,
}

/// An inventory for a scenario, one tenant a line: its own, or else the control plane's fleet.
pub fn inventory(scenario: &Path) -> String {
    let text = std::fs::read_to_string(scenario).expect("text");
    let Scenario { fleet, inventory } = toml::from_str(&text).expect("a scenario");
    let mut listed = if inventory.is_empty() { fleet.join("\n") } else { inventory.join("\n") };
    listed.push('\n');
    listed
}

/// The drill's server, while it is needed.
pub struct Served {
    child: Child,
    pub url: String,
    pub token: String,
}

impl Served {
    pub fn new(scenario: &Path) -> Self {
        let mut command = rollproof();
        let mut child =
            command.args(["drill", "serve"]).arg(scenario).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut line = || lines.next().expect("a line").expect("text");
        Self { url: line(), token: line(), child }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn job() -> Job {
    let text = std::fs::read_to_string(root().join("docs/ci/gitea.yml")).expect("text");
    let mut workflow: Workflow = serde_saphyr::from_str(&text).expect("a workflow");
    workflow.jobs.remove("rollout").expect("the job")
}

/// What the workflow does to come by rollproof.
pub fn install() -> String {
    let steps = job().steps;
    let install = steps.into_iter().find(|step| step.name == "Install").expect("the step");
    assert_eq!(install.env["BINARY"], "${{ vars.ROLLPROOF_BINARY }}");
    install.run.expect("a command")
}

/// Runs every step of the workflow that has a command, up to the first that fails.
fn play(case: &Case, scenario: &str) -> Vec<(String, Ran)> {
    let scenario = root().join("scenarios").join(scenario);
    let served = Served::new(&scenario);
    case.file("inventory.txt", inventory(&scenario));
    case.file(
        "rollproof.toml",
        format!(
            "[plan]\ncanary = \"acme\"\ncontrol_plane = {0:?}\nrequired_contexts = [\"ci / test (push)\", \"lint\"]\n\
             [probe]\nurl_template = \"{0}/tenants/{{slug}}/buildinfo\"\n",
            served.url
        ),
    );
    let known = BTreeMap::from([
        ("${{ github.server_url }}", &*served.url),
        ("${{ secrets.ROLLOUT_GITEA_TOKEN }}", &*served.token),
        ("${{ secrets.CP_ADMIN_API_TOKEN }}", &*served.token),
        // A variable that is not set.
        ("${{ vars.PROD_AUTO_DEPLOY_DISABLED }}", ""),
    ]);
    let job = job();
    let mut ran = Vec::new();
    // `install` has a test of its own.
    for step in job.steps.into_iter().filter(|step| step.name != "Install") {
        let Some(command) = &step.run else { continue };
        assert!(command.starts_with("rollproof "), "{command}");
        let mut shell = Command::new("sh");
        for (name, _) in rollproof().get_envs() {
            shell.env_remove(name);
        }
        shell.args(["-euc", &command.replace("rollproof ", &format!("{} ", env!("CARGO_BIN_EXE_rollproof")))]);
        // What Gitea itself sets, and a rehearsal's short waits.
        shell.env("GITHUB_SHA", "abcdef1000000000000000000000000000000000").env("GITHUB_REF_NAME", "main");
        shell.env("GITHUB_REPOSITORY", "shop/platform").env("GITHUB_STEP_SUMMARY", case.path("summary.md"));
        shell.env("CI_STATUS_POLL_INTERVAL_SECONDS", "0.01").env("PROD_AUTO_DEPLOY_SOAK_SECONDS", "0");
        for (name, value) in job.env.iter().chain(&step.env) {
            shell.env(name, known.get(&**value).unwrap_or_else(|| panic!("{name}: {value} is not known here")));
        }
        let done = run(shell.current_dir(case.path("")));
        let code = done.code;
        ran.push((step.name, done));
        if code != 0 {
            break;
        }
    }
    ran
}

#[test]
fn every_line_of_the_workflow_runs() {
    let case = Case::new();
    let ran = play(&case, "gates-open.toml");
    for (name, ran) in &ran {
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.stdout, ran.stderr);
    }
    assert_eq!(ran.len(), 2);
    assert!(ran[1].1.stdout.contains("::notice title=rollproof::PASS"), "{}", ran[1].1.stdout);
    let document = read_json(&case.path("document.json"));
    let asked: usize = document["probes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|probe| probe["tenants"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(asked, 5, "every tenant was asked for its build");
    let summary = std::fs::read_to_string(case.path("summary.md")).expect("a summary");
    assert!(summary.starts_with("## ✅ PASS: staging-abcdef1: all 5 tenants are proven on the target\n"), "{summary}");
    let text = std::fs::read_to_string(root().join("docs/ci/gitea.yml")).expect("text");
    for kept in ["plan.json", "response.json", "document.json", "document.json.journal"] {
        assert!(case.path(kept).is_file() && text.contains(&format!("            {kept}\n")), "{kept} is kept");
    }
}

#[test]
fn a_closed_gate_fails_the_workflow_and_is_in_its_summary() {
    for (scenario, code) in [("kill-switch-armed.toml", "gates.disabled"), ("ci-red.toml", "gates.ci_failed")] {
        let case = Case::new();
        let ran = play(&case, scenario);
        let (name, last) = ran.last().expect("a step");
        assert_eq!((&**name, last.code), ("Roll out and verify", 1), "{}{}", last.stdout, last.stderr);
        assert!(last.stdout.contains(&format!("::error title={code}::")), "{}", last.stdout);
        let summary = std::fs::read_to_string(case.path("summary.md")).expect("a summary");
        assert!(summary.starts_with("## ❌ FAIL: ") && summary.contains(code), "{summary}");
    }
}

#[test]
fn a_superseded_job_passes_the_workflow_and_says_so() {
    let case = Case::new();
    let ran = play(&case, "superseded.toml");
    let (_, last) = ran.last().expect("a step");
    assert_eq!(last.code, 0, "{}{}", last.stdout, last.stderr);
    assert!(last.stdout.contains("::warning title=rollproof::NOT ASSERTED"), "{}", last.stdout);
    let summary = std::fs::read_to_string(case.path("summary.md")).expect("a summary");
    assert!(summary.contains("superseded by 1234567890abcdef"), "{summary}");
}
