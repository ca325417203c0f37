//! `action.yml` and the workflows of GitHub and GitLab: every line that runs rollproof is run, against the drill's server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::support::{Case, Ran, read, rollproof, root, run};
use crate::workflow::{Served, inventory};

type Values = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Action {
    inputs: BTreeMap<String, Input>,
    outputs: BTreeMap<String, Output>,
    runs: Runs,
}

#[derive(Deserialize)]
struct Input {
    description: String,
    default: Option<String>,
    #[serde(default)]
    required: bool,
}

#[derive(Deserialize)]
struct Output {
    description: String,
    value: String,
}

#[derive(Deserialize)]
struct Runs {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    name: String,
    #[serde(default)]
    id: String,
    #[serde(default, rename = "if")]
    condition: String,
    #[serde(default)]
    uses: String,
    #[serde(default)]
    with: Values,
    #[serde(default)]
    env: Values,
    run: Option<String>,
}

#[derive(Deserialize)]
struct Workflow {
    jobs: BTreeMap<String, Job>,
}

#[derive(Deserialize)]
struct Job {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Pipeline {
    rollout: PipelineJob,
}

#[derive(Deserialize)]
struct PipelineJob {
    variables: Values,
    before_script: Vec<String>,
    script: Vec<String>,
    artifacts: Artifacts,
}

#[derive(Deserialize)]
struct Artifacts {
    reports: Values,
    paths: Vec<String>,
}

fn yaml<T: DeserializeOwned>(path: &str) -> T {
    serde_saphyr::from_str(&read(&root().join(path))).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn values<const N: usize>(values: [(&str, &str); N]) -> Values {
    values.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// A text with its expressions replaced: a name, or several of which the first that is not empty counts. A name that is
/// not known is a mistake; a step that did not run has no outputs.
fn expanded(text: &str, known: &Values) -> String {
    let mut parts = text.split("${{ ");
    let mut expanded = parts.next().expect("a start").to_owned();
    for part in parts {
        let (names, rest) = part.split_once(" }}").expect("an end");
        let value = |name: &str| match name.strip_prefix('\'') {
            Some(literal) => literal.trim_end_matches('\'').to_owned(),
            None if name.starts_with("steps.") => known.get(name).cloned().unwrap_or_default(),
            None => known.get(name).unwrap_or_else(|| panic!("{name} is not known")).clone(),
        };
        expanded += &names.split(" || ").map(value).find(|value| !value.is_empty()).unwrap_or_default();
        expanded += rest;
    }
    expanded
}

/// A CI job on a machine that has rollproof, unless the case has a folder `bin` without it.
fn shell(case: &Case, command: &str) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", command]).current_dir(case.path(""));
    for (name, _) in rollproof().get_envs() {
        shell.env_remove(name);
    }
    shell.env_remove("GITEA_ACTIONS");
    if !case.path("bin").exists() {
        std::fs::create_dir(case.path("bin")).expect("a folder");
        symlink(env!("CARGO_BIN_EXE_rollproof"), case.path("bin/rollproof")).expect("a link");
    }
    let path = std::env::var("PATH").expect("it is set");
    let mut path = format!("{}:{path}", case.path("bin").display());
    // What earlier steps added.
    for folder in std::fs::read_to_string(case.path("path")).unwrap_or_default().lines() {
        path.insert_str(0, &format!("{folder}:"));
    }
    shell.env("PATH", path).env("RUNNER_TEMP", case.path("runner"));
    shell.env("GITHUB_SHA", "abcdef1000000000000000000000000000000000").env("GITHUB_REF_NAME", "main");
    shell.env("GITHUB_REPOSITORY", "shop/platform").env("GITHUB_STEP_SUMMARY", case.path("summary.md"));
    shell.env("GITHUB_OUTPUT", case.path("output")).env("GITHUB_PATH", case.path("path"));
    shell.env("CI_STATUS_POLL_INTERVAL_SECONDS", "0.01").env("PROD_AUTO_DEPLOY_SOAK_SECONDS", "0");
    shell
}

fn served(case: &Case, scenario: &str) -> Served {
    let scenario = root().join("scenarios").join(scenario);
    let served = Served::new(&scenario);
    configure(case, &served);
    case.file("inventory.txt", inventory(&scenario));
    served
}

/// What is the operator's own.
fn configure(case: &Case, served: &Served) {
    let config = format!(
        "[plan]\ncanary = \"acme\"\ncontrol_plane = {0:?}\nrequired_contexts = [\"ci / test (push)\", \"lint\"]\n\
         [probe]\nurl_template = \"{0}/tenants/{{slug}}/buildinfo\"\n",
        served.url
    );
    case.file("rollproof.toml", config);
}

/// What became of the action: each step that ran, and the outputs.
struct Played {
    steps: Vec<(String, Ran)>,
    outputs: Values,
}

impl Played {
    fn code(&self, name: &str) -> i32 {
        self.step(name).code
    }

    fn step(&self, name: &str) -> &Ran {
        let found = self.steps.iter().find(|(step, _)| step == name);
        &found.unwrap_or_else(|| panic!("{name} did not run")).1
    }
}

/// Runs every step of the action: behind a failure those that ask to run always.
fn play(case: &Case, served: &Served, with: &Values, env: &Values) -> Played {
    play_until(case, served, with, env, None)
}

/// A signal, the journal of the rollout that it is sent to, and the text at which it is.
struct Kill {
    signal: &'static str,
    journal: &'static str,
    at: &'static str,
}

/// The same; but the rollout gets a signal as soon as its journal holds a text.
fn play_until(case: &Case, served: &Served, with: &Values, env: &Values, kill: Option<&Kill>) -> Played {
    let action: Action = yaml("action.yml");
    let mut known = values([("github.action_path", "."), ("github.server_url", &served.url)]);
    for (name, input) in &action.inputs {
        assert!(!input.description.is_empty() && (input.required != input.default.is_some()), "{name}");
        let value = with.get(name).or(input.default.as_ref()).unwrap_or_else(|| panic!("{name} is required"));
        known.insert(format!("inputs.{name}"), value.clone());
    }
    for name in with.keys() {
        assert!(action.inputs.contains_key(name), "{name} is no input");
    }
    let mut steps: Vec<(String, Ran)> = Vec::new();
    for step in action.runs.steps {
        let failed = steps.iter().any(|(_, ran)| ran.code != 0);
        let rolled_out = steps.iter().any(|(name, _)| name == "Roll out");
        let skipped = step.condition.contains("steps.rollout.outcome") && !rolled_out;
        if skipped || (failed && !step.condition.contains("always()")) {
            continue;
        }
        // GitHub fetches every action that is named, also where its step is skipped.
        let command = step.run.unwrap_or_else(|| panic!("{}: a forge may lack {}", step.name, step.uses));
        let mut shell = shell(case, &command);
        shell.envs(env).envs(step.env.iter().map(|(name, value)| (name, expanded(value, &known))));
        case.file("output", "");
        let ran = match kill.filter(|_| step.id == "rollout") {
            Some(kill) => killed(&mut shell, &case.path(kill.journal), kill),
            None => run(&mut shell),
        };
        for line in read(&case.path("output")).lines() {
            let (name, value) = line.split_once('=').expect("a name and a value");
            known.insert(format!("steps.{}.outputs.{name}", step.id), value.to_owned());
        }
        steps.push((step.name, ran));
    }
    let outputs = action.outputs.into_iter().map(|(name, output)| {
        assert!(!output.description.is_empty());
        (name, expanded(&output.value, &known))
    });
    Played { outputs: outputs.collect(), steps }
}

/// Starts a shell, waits until a journal holds a text, and sends a signal to what the shell became, as a runner does with a
/// job that is cancelled: nobody else hears it.
fn killed(shell: &mut Command, journal: &Path, kill: &Kill) -> Ran {
    let mut child = shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let until = Instant::now() + Duration::from_secs(30);
    while !std::fs::read_to_string(journal).is_ok_and(|journal| journal.contains(kill.at)) {
        assert!(Instant::now() < until, "{} never held {}", journal.display(), kill.at);
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = Command::new("kill").args([format!("-{}", kill.signal), child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    let code = child.wait().expect("it ends").code().unwrap_or(137);
    Ran { code, stdout: String::new(), stderr: String::new() }
}

#[test]
fn the_github_workflow_rolls_out_and_hands_on_what_came_of_it() {
    let mut workflow: Workflow = yaml("docs/ci/github.yml");
    let steps = workflow.jobs.remove("rollout").expect("the job").steps;
    let ours = steps.iter().find(|step| step.uses.contains("rollproof@")).expect("the action");
    for (scenario, code, decision, behind) in
        [("healthy.toml", 0, "pass", "[]"), ("skipped-tenant.toml", 1, "fail", r#"["agents-team"]"#)]
    {
        let case = Case::new();
        let served = served(&case, scenario);
        let secrets = values([("secrets.CP_ADMIN_API_TOKEN", &*served.token), ("vars.ROLLPROOF_BINARY", "")]);
        let with = ours.with.iter().map(|(name, value)| (name.clone(), expanded(value, &secrets))).collect();
        // No tenant may be shipped past, so that a skipped one fails the job.
        let played = play(&case, &served, &with, &values([("PROD_AUTO_DEPLOY_MAX_STRAGGLERS", "0")]));
        for name in ["Install", "Plan"] {
            assert_eq!((played.code(name), &*played.step(name).stderr), (0, ""), "{name}");
        }
        let ran = played.step("Roll out");
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.starts_with("::"), "annotations: {}", ran.stdout);
        assert_eq!((played.code("Verify"), &*played.step("Verify").stdout), (0, ""), "there is a verdict already");
        let report = case.path(&played.outputs["report"]);
        assert!(read(&report).contains(&format!("\"decision\": \"{decision}\"")));
        assert_eq!((&*played.outputs["decision"], &*played.outputs["stragglers"]), (decision, behind));
        assert_eq!(&*played.outputs["denied_tenants"], behind, "it is denied because it is behind");
        for file in ["plan.json", "response.json", "document.json", "document.json.journal", "report.html", "junit.xml"]
        {
            assert!(case.path("rollout").join(file).is_file(), "{file} is kept");
        }
        let summary = read(&case.path("summary.md"));
        assert!(summary.contains("proven on ") && summary.matches("\n## ").count() == 0, "{summary}");

        let mut known = secrets;
        known.extend(
            played.outputs.iter().map(|(name, value)| (format!("steps.{}.outputs.{name}", ours.id), value.clone())),
        );
        for step in &steps {
            step.with
                .values()
                .filter(|value| value.contains(".sarif"))
                .for_each(|file| assert!(case.path(file).is_file()));
            if let Some(command) = &step.run {
                let env = step.env.iter().map(|(name, value)| (name, expanded(value, &known)));
                let told = run(shell(&case, command).envs(env)).stdout;
                assert_eq!(told, format!("{decision}, and behind are {behind}\n"));
            }
        }
    }
}

#[test]
fn on_gitea_the_action_asks_the_gates() {
    for (scenario, code, decision, says) in [
        ("kill-switch-armed.toml", 1, "fail", "gates.disabled"),
        ("superseded.toml", 0, "not_asserted", "superseded by"),
        ("gates-open.toml", 0, "pass", "all 5 tenants are proven"),
    ] {
        let case = Case::new();
        let served = served(&case, scenario);
        let with = values([("control-plane-token", &served.token), ("gitea-token", &served.token), ("probe", "true")]);
        let played = play(&case, &served, &with, &values([("GITEA_ACTIONS", "true")]));
        let ran = played.step("Roll out");
        assert_eq!((ran.code, &*played.outputs["decision"]), (code, decision), "{}{}", ran.stdout, ran.stderr);
        assert!(read(&case.path("summary.md")).contains(says), "{scenario}");
    }
}

/// A control plane that answers the second tenant of the first batch only after a minute.
fn slow(case: &Case) -> Served {
    let text = read(&root().join("scenarios/healthy.toml"));
    let slow = case.file("slow.toml", format!("{text}\n[[faults]]\ncall = \"cobalt\"\ndelay_seconds = 60\n"));
    let served = Served::new(&slow);
    configure(case, &served);
    case.file("inventory.txt", inventory(&slow));
    served
}

/// A job that is killed leaves no document; the verdict comes from the journal.
#[test]
fn a_rollout_that_is_killed_has_a_verdict_all_the_same() {
    let case = Case::new();
    let served = slow(&case);
    let with = values([("control-plane-token", &served.token)]);
    let kill = Kill { signal: "KILL", journal: "rollout/document.json.journal", at: "\"purpose\":\"batch\"" };
    let played = play_until(&case, &served, &with, &Values::new(), Some(&kill));
    assert!(!case.path("rollout/document.json").exists());
    assert_eq!(played.code("Verify"), 1, "{}", played.step("Verify").stderr);
    let behind = r#"["bolt","cobalt","dune","ember"]"#;
    assert_eq!((&*played.outputs["decision"], &*played.outputs["stragglers"]), ("fail", behind));
    assert_eq!(played.outputs["report"], "rollout/report.json");
    assert!(read(&case.path("summary.md")).contains("calls.interrupted"));
    assert!(read(&case.path("rollout/report.html")).contains("One attempt was never seen to end."));
}

#[test]
fn a_disabled_plan_and_a_dry_run_have_outputs_that_say_so() {
    for (variable, code, decision, says) in [
        ("PROD_AUTO_DEPLOY_DISABLED", 1, "fail", "- Target tag: none, nothing was to be rolled out\n"),
        ("PROD_AUTO_DEPLOY_DRY_RUN", 0, "not_asserted", "a dry run asserts nothing of 5 tenants"),
    ] {
        let case = Case::new();
        let served = served(&case, "healthy.toml");
        let with = values([("control-plane-token", &served.token)]);
        let played = play(&case, &served, &with, &values([(variable, "true")]));
        assert_eq!((played.code("Roll out"), played.code("Verify")), (code, 0), "{variable}");
        assert_eq!((&*played.outputs["decision"], &*played.outputs["stragglers"]), (decision, "[]"), "{variable}");
        assert!(case.path(&played.outputs["report"]).is_file(), "{variable}");
        let summary = read(&case.path("summary.md"));
        assert!(summary.contains(says), "{summary}");
    }
}

#[test]
fn arguments_of_the_action_are_words_and_never_commands() {
    let case = Case::new();
    let served = served(&case, "skipped-tenant.toml");
    let arguments = "\n--param=max_stragglers=1\n  \n";
    let with = values([("control-plane-token", &served.token), ("arguments", arguments)]);
    let none = values([("PROD_AUTO_DEPLOY_MAX_STRAGGLERS", "0")]);
    let played = play(&case, &served, &with, &none);
    assert_eq!((&*played.outputs["decision"], &*played.outputs["stragglers"]), ("pass", r#"["agents-team"]"#));

    for (name, value) in [("arguments", "$(touch pwned); touch pwned"), ("preflight", "yes"), ("probe", "1")] {
        let case = Case::new();
        configure(&case, &served);
        let with = values([("control-plane-token", &served.token), (name, value)]);
        let played = play(&case, &served, &with, &none);
        assert_eq!((played.code("Roll out"), &*played.outputs["decision"]), (2, "error"), "{name}");
        assert!(!case.path("pwned").exists());
    }
}

/// Every option of `run` that is not the action's own, but for `--resume`.
const ARGUMENTS: [&str; 33] = [
    "--fleet=inventory.txt",
    "--evidence-field=zone",
    "--plan-field=digest",
    "--journal=elsewhere.journal",
    "--token-file=token",
    "--preflight",
    "--probe",
    "--probe-url-template=URL/tenants/{slug}/buildinfo",
    "--probe-interval=0.01",
    "--probe-timeout=5",
    "--probe-request-timeout=5",
    "--probe-concurrency=2",
    "--probe-commit-pointer=/git_sha",
    "--time-scale=1",
    "--quiet",
    "-v",
    "--policy=ours",
    "--param=max_stragglers=0",
    "--param=require_proof=true",
    "--waivers=waivers.toml",
    "--policy-timeout=20",
    "--facts=owners=owners.json",
    "--previous=previous.json",
    "--retired=retired.txt",
    "--config=rollproof.toml",
    "--expect-policies=DIGEST",
    "--format=json",
    "--report=text=ours.txt",
    "--report=junit=ours.xml",
    "--report=outputs=/dev/null",
    "--require-verdict",
    "--show-errors",
    "--max-input-bytes=1000000",
];

/// The files that they name, and the arguments, one a line: as single words, or each option's value in a line of its own.
fn arguments(case: &Case, served: &Served, split: bool) -> String {
    case.file("token", &served.token);
    case.file("waivers.toml", "waiver = []\n");
    case.file("owners.json", "{}");
    case.file("retired.txt", "somebody\n");
    let summary = serde_json::json!({"dry_run": false, "fleet": 1, "fleet_source": "plan_call", "states": {}, "proven": 1,
        "stragglers": 0, "tolerated": 0, "quarantined": 0, "unplanned": 0});
    let previous = serde_json::json!({"format": "rollproof.report/v1", "decision": "pass", "summary": summary, "stragglers": [],
        "findings": [], "policies": [], "params": [], "inputs": []});
    case.file("previous.json", previous.to_string());
    std::fs::create_dir(case.path("ours")).expect("a folder");
    case.file(
        "ours/ours.rego",
        "# METADATA\n# title: Ours\n# custom:\n#   facts:\n#     owners:\n#       description: who owns what\n\
         package ours\n\nwarn contains \"ours was asked\" if is_object(data.facts.owners)\n",
    );
    let decides =
        ["--policy=ours", "--param=max_stragglers=0", "--param=require_proof=true", "--facts=owners=owners.json"];
    let listed = case.run(["policy", "list", "--format=json"].iter().chain(&decides));
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let digest = listed["basis"]["digest"].as_str().expect("a digest");
    let text = ARGUMENTS.join("\n").replace("URL", &served.url).replace("DIGEST", digest);
    if !split {
        return text;
    }
    let lines = text.lines().map(|line| match line.split_once('=') {
        Some((option, value)) => format!("{option}\n{value}\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn the_action_takes_every_option_of_a_run() {
    let own = ["--plan", "--response", "--document", "--resume", "--check", "--verbose", "--help"];
    let others = ["--probe-domain", "--probe-commit-header"];
    let named: BTreeSet<&str> = ARGUMENTS.iter().map(|argument| argument.split('=').next().expect("a name")).collect();
    for option in options("run") {
        assert!(
            own.contains(&&*option) || others.contains(&&*option) || named.contains(&&*option),
            "{option} is missing here"
        );
    }
    for split in [false, true] {
        let case = Case::new();
        let served = served(&case, "gates-open.toml");
        let arguments = arguments(&case, &served, split);
        let with = values([
            ("control-plane-token", "refused-by-the-control-plane"),
            ("gitea-token", &*served.token),
            ("preflight", "true"),
            ("probe", "true"),
            ("arguments", &*arguments),
        ]);
        let played = play(&case, &served, &with, &Values::new());
        let ran = played.step("Roll out");
        assert_eq!((ran.code, played.code("Verify")), (0, 0), "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.starts_with("{\n") && ran.stdout.contains("ours was asked"), "{}", ran.stdout);
        assert_eq!((&*played.outputs["decision"], &*played.outputs["stragglers"]), ("pass", "[]"));
        for file in [&*played.outputs["report"], "rollout/report.html", "elsewhere.journal", "ours.txt", "ours.xml"] {
            assert!(case.path(file).is_file(), "{file}");
        }
    }
}

/// What says how to judge is the same where a rollout was killed, and what only a rollout has is left out.
#[test]
fn a_rollout_that_is_killed_is_judged_as_it_would_have_been() {
    for split in [false, true] {
        let case = Case::new();
        let served = slow(&case);
        let arguments = arguments(&case, &served, split).replace("--preflight\n", "");
        let with = values([("control-plane-token", &*served.token), ("arguments", &*arguments)]);
        let kill = Kill { signal: "KILL", journal: "elsewhere.journal", at: "\"purpose\":\"batch\"" };
        let played = play_until(&case, &served, &with, &Values::new(), Some(&kill));
        let ran = played.step("Verify");
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stdout.starts_with("{\n") && ran.stdout.contains("ours was asked"), "{}", ran.stdout);
        let behind = r#"["bolt","cobalt","dune","ember"]"#;
        assert_eq!((&*played.outputs["decision"], &*played.outputs["stragglers"]), ("fail", behind));
        assert!(case.path(&played.outputs["report"]).is_file() && case.path("ours.txt").is_file());
    }
}

/// The long options of a command, as its help lists them.
fn options(command: &str) -> BTreeSet<String> {
    let help = run(rollproof().args([command, "--help"])).stdout;
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    lines
        .filter_map(|line| line.split([' ', ',', '.']).find(|word| word.starts_with("--")).map(str::to_owned))
        .collect()
}

#[test]
fn what_is_judged_after_a_kill_gets_the_options_that_say_how() {
    let steps = yaml::<Action>("action.yml").runs.steps;
    let verify = steps.into_iter().find(|step| step.id == "verify").and_then(|step| step.run).expect("a command");
    // What the journal holds, what the action gives itself, and how much is printed.
    let settled =
        ["--fleet", "--plan", "--evidence-field", "--plan-field", "--document", "--help", "--quiet", "--verbose"];
    let words: BTreeSet<&str> = verify.split([' ', '\n', ')']).collect();
    let both: BTreeSet<String> = options("verify").intersection(&options("run")).cloned().collect();
    assert!(both.len() > 10, "{both:?}");
    for option in both.iter().filter(|option| !settled.contains(&&***option)) {
        assert!(words.contains(&**option), "{option} is left out");
    }
}

#[test]
fn what_is_refused_has_no_verdict_and_calls_nobody() {
    for (arguments, code, reported) in [
        ("--help", 0, false),
        ("--misspelt", 2, false),
        ("--plan=other.json", 2, false),
        ("--report=json=rollout/report.json", 2, false),
        ("--param=max_straglers=1", 2, true),
        ("--fleet=none.txt", 4, true),
        ("--policy=broken.rego", 5, true),
    ] {
        let case = Case::new();
        let served = served(&case, "healthy.toml");
        case.file("broken.rego", "package broken\n\ndeny contains\n");
        // What an earlier rollout left.
        std::fs::create_dir(case.path("rollout")).expect("a folder");
        for file in ["report.json", "document.json", "junit.xml"] {
            case.file(&format!("rollout/{file}"), "old");
        }
        std::thread::sleep(Duration::from_millis(20));
        let with = values([("control-plane-token", &*served.token), ("arguments", arguments)]);
        let played = play(&case, &served, &with, &Values::new());
        let (ran, verify) = (played.step("Roll out"), played.step("Verify"));
        assert_eq!((ran.code, verify.code), (code, if reported { 0 } else { 2 }), "{arguments}: {}", ran.stderr);
        assert_eq!((&*played.outputs["decision"], &*played.outputs["stragglers"]), ("error", ""), "{arguments}");
        assert_eq!(&*played.outputs["report"], if reported { "rollout/report.json" } else { "" }, "{arguments}");
        for file in ["rollout/report.json", "rollout/junit.xml"] {
            assert_eq!(case.path(file).exists(), reported, "{arguments}: no {file} of an earlier rollout is left");
        }
        assert!(!case.path("rollout/document.json.journal").exists(), "{arguments}: nobody is called");
    }
    let case = Case::new();
    let served = served(&case, "healthy.toml");
    let with = values([("control-plane-token", &*served.token)]);
    let played = play(&case, &served, &with, &values([("PROD_AUTO_DEPLOY_BATCH_SIZE", "none")]));
    assert_eq!((played.code("Plan"), &*played.outputs["decision"], &*played.outputs["report"]), (2, "error", ""));
}

#[test]
fn an_inventory_stops_a_rollout_that_would_forget_a_tenant() {
    let case = Case::new();
    let served = served(&case, "not-enumerated.toml");
    let with = values([("control-plane-token", &*served.token), ("fleet", "inventory.txt")]);
    let played = play(&case, &served, &with, &Values::new());
    assert_eq!((played.code("Roll out"), &*played.outputs["decision"]), (1, "fail"));
    assert!(read(&case.path("summary.md")).contains("agents-team"));
    assert!(!read(&case.path("rollout/document.json.journal")).contains("\"purpose\":\"canary\""));
}

#[test]
fn a_job_that_is_cancelled_has_the_verdict_of_its_own_rollout() {
    let case = Case::new();
    let served = served(&case, "healthy.toml");
    let with = values([("control-plane-token", &*served.token)]);
    let soak = values([("PROD_AUTO_DEPLOY_SOAK_SECONDS", "600")]);
    let kill = Kill { signal: "INT", journal: "rollout/document.json.journal", at: "\"purpose\":\"canary\"" };
    let played = play_until(&case, &served, &with, &soak, Some(&kill));
    assert_eq!((played.code("Roll out"), played.code("Verify")), (130, 0), "{}", played.step("Verify").stderr);
    let behind = r#"["bolt","cobalt","dune","ember"]"#;
    assert_eq!((&*played.outputs["decision"], &*played.outputs["stragglers"]), ("fail", behind));
    assert!(case.path("rollout/document.json").is_file() && case.path(&played.outputs["report"]).is_file());
}

#[test]
fn the_gitlab_pipeline_rolls_out_and_keeps_what_came_of_it() {
    let job = yaml::<Pipeline>("docs/ci/gitlab.yml").rollout;
    for (scenario, code) in [("healthy.toml", 0), ("skipped-tenant.toml", 1)] {
        let case = Case::new();
        let served = served(&case, scenario);
        let mut last = 0;
        for line in &job.script {
            assert_eq!(last, 0, "what comes behind a failure does not run");
            let mut shell = shell(&case, &format!("{}\n{line}", job.before_script.join("\n")));
            for (name, value) in &job.variables {
                shell.env(name, value.replace("$CI_COMMIT_SHA", "abcdef1000000000000000000000000000000000"));
            }
            shell.env("CP_ADMIN_API_TOKEN", &served.token).env("PROD_AUTO_DEPLOY_MAX_STRAGGLERS", "0");
            last = run(&mut shell).code;
        }
        assert_eq!(last, code);
        for file in job.artifacts.paths.iter().chain(job.artifacts.reports.values()) {
            assert!(case.path(file).is_file(), "{file} is kept");
        }
    }
}

/// Writes a script that says in `called` what it was called with.
fn script(case: &Case, path: &str, then: &str) {
    let (folder, name) = path.split_once('/').expect("a folder");
    std::fs::create_dir_all(case.path(folder)).expect("a folder");
    let text = format!("#!/bin/sh\necho \"{name} $*\" >>'{}'\n{then}\n", case.path("called").display());
    let file = case.file(path, text);
    std::fs::set_permissions(file, Permissions::from_mode(0o755)).expect("a script");
}

/// How the action, and the workflows without it, come by rollproof.
#[test]
fn a_binary_that_is_given_is_used_and_one_is_built_only_where_there_is_none() {
    let binary = env!("CARGO_BIN_EXE_rollproof");
    let built =
        "for root; do :; done; mkdir -p \"$root/bin\"; ln -s '{}' \"$root/bin/rollproof\"".replace("{}", binary);
    let gitea = crate::workflow::install();
    let gitlab = yaml::<Pipeline>("docs/ci/gitlab.yml").rollout.before_script.join("\n");
    let ours = yaml::<Action>("action.yml").runs.steps.into_iter().next().and_then(|step| step.run).expect("a command");
    for (name, install) in [("action.yml", &ours), ("gitea.yml", &gitea), ("gitlab.yml", &gitlab)] {
        for (given, in_path, called) in [
            (true, false, "given plan --help"),
            (true, true, "given plan --help"),
            (false, true, "rollproof plan --help"),
            (false, false, "cargo install "),
        ] {
            let case = Case::new();
            script(&case, "bin/cargo", &built);
            script(&case, "tools/given", &format!("exec '{binary}' \"$@\""));
            if in_path {
                script(&case, "bin/rollproof", &format!("exec '{binary}' \"$@\""));
            }
            let given = if given { case.path("tools/given") } else { PathBuf::new() };
            let given = given.display().to_string();
            let in_shell = |command: &str| {
                let mut shell = shell(&case, command);
                shell.env("BINARY", &given).env("ROLLPROOF_BINARY", &given).env("SOURCE", ".");
                run(&mut shell)
            };
            let ran = if name == "gitlab.yml" {
                in_shell(&format!("{install}\nrollproof plan --help"))
            } else {
                assert_eq!(in_shell(install).code, 0, "{name}");
                in_shell("rollproof plan --help")
            };
            assert!(ran.code == 0 && ran.stdout.contains("Usage: rollproof plan"), "{name}: {}", ran.stderr);
            let told = read(&case.path("called"));
            let first = told.lines().next().expect("a call");
            assert!(first.starts_with(called), "{name}: {told}");
            if called.starts_with("cargo") {
                assert!(first.contains(" --locked --profile dist --root "), "{name}: {told}");
            } else {
                assert_eq!(told.lines().count(), 1, "{name}: {told}");
            }
        }
    }
    let case = Case::new();
    let ran = run(shell(&case, &ours).env("BINARY", case.path("none")).env("SOURCE", "."));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("/none is no file that can be run"), "{}", ran.stderr);
}
