//! Everything in the README is run, and what is generated in it is compared.

use std::fmt::Write as _;
use std::process::Command;

use rollproof::policy::Policies;

use crate::support::{Case, golden, rollproof, root, run};

/// The commands and what they print, from every `console` block.
fn commands(readme: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match (inside, line.strip_prefix("$ ")) {
            (_, _) if line.starts_with("```") => inside = line == "```console",
            (true, Some(command)) => commands.push((command.to_owned(), String::new())),
            (true, None) => writeln!(commands.last_mut().expect("a command").1, "{line}").expect("a string"),
            (false, _) => {}
        }
    }
    commands
}

/// The lines of every `sh` block.
fn lines(readme: &str) -> Vec<String> {
    let blocks = readme.split("```sh\n").skip(1);
    blocks.flat_map(|block| block.split("```").next().expect("a block").lines()).map(str::to_owned).collect()
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("text")
}

fn shell(command: &str) -> Command {
    let binary = env!("CARGO_BIN_EXE_rollproof");
    let mut shell = Command::new("sh");
    shell.args(["-euc", &command.replace("cargo run --", "rollproof").replace("rollproof ", &format!("{binary} "))]);
    for (name, value) in rollproof().get_envs() {
        assert!(value.is_none());
        shell.env_remove(name);
    }
    shell
}

#[test]
fn commands_print_what_the_readme_says() {
    let commands = commands(&readme());
    assert!(commands.len() >= 5);
    for (command, expected) in commands {
        if command == "cargo test" {
            continue;
        }
        let ran = run(shell(&command).current_dir(root()));
        let said = format!("{}{}", ran.stdout, ran.stderr);
        if expected.is_empty() {
            assert!(said.contains("\nFAIL  "), "{command}: {said}");
        } else {
            assert_eq!(said, expected, "{command}");
        }
    }
}

#[test]
fn examples_run() {
    let examples = lines(&readme());
    assert!(examples.len() >= 3);
    for example in examples {
        let case = Case::new();
        for name in ["response.json", "fleet.json", "plan.json"] {
            let from = root().join("fixtures/coverage/skipped-tenant-46h").join(name);
            std::fs::copy(from, case.path(name)).expect("it is copied");
        }
        let args =
            ["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json", "--document", "document.json"];
        assert_eq!(case.run(args).code, 1);
        let ran = run(shell(&example).env("GITHUB_STEP_SUMMARY", case.path("summary.md")).current_dir(case.path("")));
        assert_eq!((ran.code, &*ran.stderr), (1, ""), "{example}");
    }
}

/// The chapter about policies of a team's own, from the first command to the verdict.
#[test]
fn a_policy_is_made_and_decides_as_the_readme_says() {
    let readme = readme();
    let block = readme.split("```bash\n").nth(1).and_then(|block| block.split("```").next()).expect("a block");
    let case = Case::new();
    for name in ["response.json", "fleet.json"] {
        std::fs::copy(root().join("fixtures/health/several-with-labels").join(name), case.path(name))
            .expect("it is copied");
    }
    let commands: Vec<&str> = block.lines().collect();
    let (verify, before) = commands.split_last().expect("commands");
    assert!(before.len() == 4 && verify.starts_with("rollproof verify "));
    for command in before {
        let ran = run(shell(command).current_dir(case.path("")));
        assert_eq!((ran.code, &*ran.stderr), (0, ""), "{command}");
    }
    let ran = run(shell(verify).current_dir(case.path("")));
    assert_eq!((ran.code, &*ran.stderr), (1, ""));
    assert!(ran.stdout.contains("gold_health.unhealthy"), "{}", ran.stdout);
}

#[test]
fn what_is_generated_is_current() {
    let policies = Policies::bundled().expect("they load");
    let seed = commands(&readme()).swap_remove(0).0;
    // The plan's hash holds the port of the day.
    let shown = run(shell(&seed).current_dir(root())).stdout;
    let shown: String = shown.split_inclusive('\n').filter(|line| !line.starts_with("  sha256 ")).collect();
    let verdict = format!("```text\n{shown}```\n");
    let mut table = "| policy | says | codes |\n| --- | --- | --- |\n".to_owned();
    let of_audits = Policies::of_audits().expect("they load");
    for package in policies.packages().iter().chain(of_audits.packages()) {
        let name = package.name.trim_start_matches("rollproof.");
        let mut codes: Vec<String> =
            package.codes().flat_map(|(_, codes)| codes).map(|code| format!("`{code}`")).collect();
        codes.sort();
        codes.dedup();
        let codes = codes.join(", ");
        writeln!(table, "| [{name}](policies/rollproof/{name}/README.md) | {} | {codes} |", package.description)
            .expect("a string");
    }
    let mut params = "| parameter | type | default | what it does |\n| --- | --- | --- | --- |\n".to_owned();
    for (name, declared) in policies.declared().iter().chain(of_audits.declared()) {
        let kind = format!("{:?}", declared.kind).to_lowercase();
        let default = declared.default.as_ref().map_or_else(|| "none".into(), ToString::to_string);
        writeln!(params, "| `{name}` | {kind} | {default} | {} |", declared.description.trim()).expect("a string");
    }
    let readme = readme();
    let mut parts = readme.split("<!-- generated: tests/integration/readme.rs -->\n");
    let mut expected = parts.next().expect("a start").to_owned();
    let explained = "rollproof explain fixtures/calls/live-failed-batch/run.journal ember";
    assert!(readme.contains(&format!("$ {explained}\n")), "the README explains a tenant");
    let explained = format!("```text\n{}```\n", run(shell(explained).current_dir(root())).stdout);
    let audit = "rollproof audit fixtures/lag/skipped-for-46-hours --until 2026-07-06T20:00:00Z";
    assert!(readme.contains(&format!("```bash\n{audit}\n```")), "the README audits the sample");
    let audit = format!("```text\n{}```\n", run(shell(audit).current_dir(root())).stdout);
    for (generated, part) in [verdict, table, params, explained, audit].into_iter().zip(parts) {
        let end = part.find("\n\n").expect("a blank line ends what is generated");
        // The verdict has blank lines of its own; it ends with its fence.
        let end = part.strip_prefix("```").map_or(end, |inner| inner.find("```\n").expect("a fence") + 6);
        expected.push_str("<!-- generated: tests/integration/readme.rs -->\n");
        expected.push_str(&generated);
        expected.push_str(&part[end + 1..]);
    }
    golden(&root().join("README.md"), &expected);
}

/// What stands in a `toml` block is a file of waivers or a configuration, and is read as one.
#[test]
fn files_are_read() {
    let readme = readme();
    let blocks = readme.split("```toml\n").skip(1).map(|block| block.split("```").next().expect("a block"));
    let mut seen = 0;
    for block in blocks {
        let case = Case::new();
        for name in ["response.json", "fleet.json", "plan.json"] {
            let from = root().join("fixtures/coverage/skipped-tenant-46h").join(name);
            std::fs::copy(from, case.path(name)).expect("it is copied");
        }
        let mut args = vec!["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json"];
        if block.starts_with("[[waiver]]") {
            case.file("waivers.toml", block);
            args.extend(["--waivers", "waivers.toml"]);
        } else {
            case.file("rollproof.toml", block);
        }
        let ran = case.run(args);
        assert!(ran.code < 2, "{block}\n{}", ran.stderr);
        seen += 1;
    }
    assert!(seen > 1, "there are such blocks");
}
