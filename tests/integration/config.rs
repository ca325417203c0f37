//! `rollproof.toml` and other files that people write: where the configuration is looked for, how it is encoded, and what is
//! said of what is wrong in it.

use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::support::{Case, Ran, rollproof, run};

const RESPONSE: &str =
    r#"{"ok": true, "results": [{"slug": "acme", "ssm_status": "Success", "verified_on_target": true}]}"#;

/// Denies everything.
const POLICY: &str = "# METADATA\n# title: Mine\n# description: Mine.\npackage mine\n\n# METADATA\n# title: Always\n# \
                      description: Always.\n# custom:\n#   codes: [mine.always]\n#   remedy: None.\ndeny contains finding if {\n\
                      \tnot input.rollout.dry_run\n\tfinding := {\"code\": \"mine.always\", \"message\": \"always\"}\n}\n";

/// A folder with a configuration and its policy, and evidence in `a/b` below it.
fn repository() -> Case {
    let case = Case::new();
    std::fs::create_dir_all(case.path("a/b")).expect("folders");
    case.file("rollproof.toml", "[policies]\npaths = [\"mine.rego\"]\n");
    case.file("mine.rego", POLICY);
    case.file("a/b/response.json", RESPONSE);
    case.file("a/b/fleet.txt", "acme\n");
    case
}

fn verify_in(folder: &Path, more: &[&str]) -> Ran {
    let args = ["verify", "response.json", "--fleet", "fleet.txt", "--format", "json"];
    run(rollproof().args(args).args(more).current_dir(folder))
}

/// Whether the configured policy had its say.
#[track_caller]
fn is_denied(ran: &Ran) -> bool {
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    ran.stdout.contains("mine.always")
}

#[test]
fn the_configuration_is_looked_for_upward_inside_a_repository_alone() {
    let case = repository();
    let folder = case.path("a/b");
    assert!(!is_denied(&verify_in(&folder, &[])), "no repository: the working folder alone");
    std::fs::create_dir(case.path(".git")).expect("a folder");
    assert!(is_denied(&verify_in(&folder, &[])));
    assert!(!is_denied(&verify_in(&folder, &["--config", "/dev/null"])));
    // A worktree or a submodule is a repository of its own: it has a file.
    let git = case.file("a/.git", "gitdir: elsewhere\n");
    assert!(!is_denied(&verify_in(&folder, &[])));
    std::fs::remove_file(git).expect("it is there");
    case.file("a/rollproof.toml", "[policies]\npaths = [\"../mine.rego\"]\n");
    assert!(is_denied(&verify_in(&folder, &[])), "paths are the file's own");
    case.file("a/b/rollproof.toml", "");
    assert!(!is_denied(&verify_in(&folder, &[])), "the nearest counts, and no other");
    std::fs::remove_file(case.path("a/b/rollproof.toml")).expect("it is there");
    // What leads nowhere is no reason to look elsewhere.
    symlink("gone", case.path("a/b/rollproof.toml")).expect("a link");
    let ran = verify_in(&folder, &[]);
    assert!(ran.code == 2 && ran.stderr.contains("rollproof.toml"), "{}", ran.stderr);
}

#[test]
fn the_report_lists_the_configuration_with_its_hash() {
    let case = repository();
    std::fs::create_dir(case.path(".git")).expect("a folder");
    let inputs = |ran: Ran| {
        let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
        report["inputs"].as_array().expect("inputs").iter().filter(|input| input["role"] == "config").cloned().collect()
    };
    let found: Vec<Value> = inputs(verify_in(&case.path("a/b"), &[]));
    let text = std::fs::read(case.path("rollproof.toml")).expect("a file");
    let hash =
        rollproof::internal::Input { name: "".into(), bytes: rollproof::internal::Bytes::Vec(text.clone()) }.sha256();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["name"], "../../rollproof.toml");
    assert_eq!((&found[0]["sha256"], &found[0]["bytes"]), (&hash.into(), &text.len().into()));
    let none: Vec<Value> = inputs(verify_in(&case.path("a/b"), &["--config", "/dev/null"]));
    assert_eq!(none, [] as [Value; 0], "an empty one says nothing");
}

#[test]
fn what_is_wrong_is_shown_in_its_own_line() {
    let case = Case::new();
    case.file("response.json", RESPONSE);
    for (text, place, says) in [
        ("[http]\nplan_timeout_seconds = 1\n\n[policies]\npath = [\"a\"]\n", "line 5", "did you mean \"paths\"?"),
        ("[policies]\npath = \"a\"\n", "line 2", "did you mean \"paths\"?"),
        ("[policies]\npaths = \"a\"\n", "line 2", "expected a sequence"),
        ("[policies]\ncoverage = \"off\"\n", "line 2", "expected a table with the keys mode and reason"),
        ("[policies]\ncoverage = 1\n", "line 2", "expected a table with the keys mode and reason"),
        ("[policies]\npaths = []\n[policies.coverage]\nmode = \"reprot\"\n", "line 4", "did you mean \"report\"?"),
        ("[policies.coverage]\nmode = \"off\"\nresaon = \"r\"\n", "line 3", "did you mean \"reason\"?"),
        ("[policies]\n\n[policies.coverage]\nreason = \"r\"\n", "line 3", "missing field `mode`"),
        ("[params]\na = 1\nb = [1]\n", "line 3", "only true, false, a number or text is allowed"),
        ("[plan]\nprefix = 1\n", "line 2", "expected a string"),
    ] {
        case.file("rollproof.toml", text);
        let ran = case.run(["verify", "response.json"]);
        assert_eq!(ran.code, 2, "{text}: {}", ran.stderr);
        for part in [&*format!("rollproof.toml: TOML parse error at {place},"), says] {
            assert!(ran.stderr.contains(part), "{text}: {part} is not in {}", ran.stderr);
        }
    }
}

/// A file that people write, and how it is named to the binary.
fn written() -> [(&'static str, &'static str, &'static [&'static str], i32); 6] {
    let waiver = "[[waiver]]\ncode = \"coverage.incomplete\"\ntenants = [\"acme\"]\nreason = \"r\"\nowner = \"o\"\ngranted = \
                  \"2026-01-01\"\nexpires = \"2026-01-02\"\n";
    let json = r#"{"waiver": [{"code": "coverage.incomplete", "tenants": ["acme"], "reason": "r", "owner": "o", "granted": "2026-01-01", "expires": "2026-01-02"}]}"#;
    [
        ("config.toml", "[policies]\npaths = [\"mine.rego\"]\n", &["--config", "config.toml"], 2),
        ("mine.rego", POLICY, &["--policy", "mine.rego"], 5),
        ("waivers.toml", waiver, &["--waivers", "waivers.toml"], 2),
        ("waivers.json", json, &["--waivers", "waivers.json"], 2),
        ("facts.json", "{\"a\": 1}", &["--policy", "needs.rego", "--facts", "mine=facts.json"], 4),
        ("fleet.txt", "acme\n", &[], 4),
    ]
}

#[test]
fn a_byte_order_mark_is_skipped_and_utf_16_is_named_in_what_people_write() {
    for (name, text, args, code) in written() {
        let case = Case::new();
        for (name, text) in [("response.json", RESPONSE), ("fleet.txt", "acme\n"), ("mine.rego", POLICY)] {
            case.file(name, text);
        }
        let needs = "# custom:\n#   facts:\n#     mine:\n#       description: what the team knows\npackage mine\n";
        case.file(
            "needs.rego",
            POLICY.replace("package mine\n", needs).replace("not input.rollout.dry_run", "data.facts.mine.a == 1"),
        );
        case.file(name, text);
        let plain = verify_in(&case.path(""), args);
        assert!(plain.stderr.is_empty() && plain.code < 2, "{name}: {}", plain.stderr);
        case.file(name, format!("\u{feff}{text}"));
        let marked = verify_in(&case.path(""), args);
        let findings = |ran: &Ran| serde_json::from_str::<Value>(&ran.stdout).expect("a report")["findings"].clone();
        assert_eq!((marked.code, &*marked.stderr), (plain.code, ""), "{name}");
        assert_eq!(findings(&marked), findings(&plain), "{name}");
        for mark in [&b"\xff\xfe"[..], b""] {
            let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes);
            case.file(name, [mark, &utf16.collect::<Vec<u8>>()].concat());
            let ran = verify_in(&case.path(""), args);
            assert_eq!(ran.code, code, "{name}: {}", ran.stderr);
            assert!(ran.stderr.contains("found UTF-16, but only UTF-8 is read"), "{name}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_fact_that_is_no_json_is_not_asked_for_again() {
    let case = Case::new();
    case.file("response.json", RESPONSE);
    case.file("fleet.txt", "acme\n");
    let needs = "# custom:\n#   facts:\n#     mine:\n#       description: what the team knows\npackage mine\n";
    case.file("needs.rego", POLICY.replace("package mine\n", needs));
    case.file("facts.json", "{\"a\": 1,}");
    let ran = verify_in(&case.path(""), &["--policy", "needs.rego", "--facts", "mine=facts.json"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("help: a file of facts holds one JSON value"), "{}", ran.stderr);
}

/// A pipe can be read once, so a command that reads its configuration twice would go on with half of it.
#[test]
fn a_configuration_from_a_pipe_is_the_same_as_a_file() {
    let case = Case::new();
    case.file("response.json", RESPONSE);
    case.file("fleet.txt", "acme\n");
    case.file("mine.rego", POLICY);
    case.file("mine_test.rego", "package mine_test\n\nimport data.mine\n\ntest_x if count(mine.deny) == 1 with input as {\"rollout\": {\"dry_run\": false}}\n");
    std::fs::create_dir(case.path("archives")).expect("a folder");
    case.file("archives/2026-07-01.response.json", RESPONSE);
    case.file("archives/2026-07-01.fleet.txt", "acme\n");
    let mine = case.path("mine.rego");
    let text = format!(
        "[policies]\npaths = [{mine:?}]\n[policies.health]\nmode = \"off\"\nreason = \"a\"\n[params]\nbehind_for = 7\nmax_stragglers = 1\n"
    );
    let config = case.file("config.toml", &text).display().to_string();
    let verify = |command: &str| format!("{command} response.json --fleet fleet.txt");
    for command in [
        "policy list".to_owned(),
        "policy list --format json".to_owned(),
        "policy show mine".to_owned(),
        "policy show health --format json".to_owned(),
        "policy check".to_owned(),
        "policy test mine_test.rego".to_owned(),
        "policy bundle --out bundle.tar.gz".to_owned(),
        format!("{} --format json", verify("policy eval mine")),
        format!("{} --format json", verify("verify")),
        format!("{} acme --format json", verify("explain")),
        "audit archives --until 2026-07-31 --format json".to_owned(),
        "audit archives --until 2026-07-31".to_owned(),
    ] {
        let args = |config: &str| {
            command.split(' ').map(str::to_owned).chain(["--config".to_owned(), config.to_owned()]).collect::<Vec<_>>()
        };
        let by_file = case.run(args(&config));
        let by_pipe = case.run_with_input(args("/dev/stdin"), text.as_bytes());
        assert_eq!(by_pipe.code, by_file.code, "{command}: {}{}", by_file.stderr, by_pipe.stderr);
        assert_eq!(by_pipe.stdout.replace("/dev/stdin", &config), by_file.stdout, "{command}");
    }
}

/// An error says where: which key, of which file.
#[test]
fn a_value_that_is_not_allowed_is_named_with_its_key() {
    let case = repository();
    let folder = case.path("");
    case.file("response.json", RESPONSE);
    case.file("fleet.txt", "acme\n");
    for (text, expected) in [
        ("[http]\nplan_timeout_seconds = -1\n", "rollproof.toml: [http] plan_timeout_seconds: found -1, but"),
        ("[http]\nretry_delays_seconds = [1, -2]\n", "rollproof.toml: [http] retry_delays_seconds: found -2, but"),
        ("[gitea]\ntimeout_seconds = -1\n", "rollproof.toml: [gitea] timeout_seconds: found -1, but"),
        ("[gitea]\nretry_delays_seconds = [-3]\n", "rollproof.toml: [gitea] retry_delays_seconds: found -3, but"),
        ("[probe]\ninterval_seconds = -1\n", "rollproof.toml: [probe] interval_seconds: found -1, but"),
        (
            "[probe]\ninterval_seconds = 0.001\n",
            "rollproof.toml: [probe] interval_seconds: found 0.001, but a time of at least 0.01",
        ),
        (
            "[probe]\nrequest_timeout_seconds = 0\n",
            "rollproof.toml: [probe] request_timeout_seconds: found 0, but a time of at least 0.01",
        ),
        (
            "[probe]\ntimeout_seconds = -1\n",
            "rollproof.toml: [probe] timeout_seconds: found -1, but a time of at least 0 ",
        ),
        (
            "[policies.helth]\nmode = \"off\"\nreason = \"a\"\n",
            "rollproof.toml: [policies.helth]: there is no policy of this name",
        ),
        ("[params]\nno_such = 1\n", "rollproof.toml: [params] no_such: no policy has a parameter of this name"),
        ("[params]\nmax_stragglers = -1\n", "rollproof.toml: [params] max_stragglers: found \"-1\", but"),
    ] {
        case.file("rollproof.toml", text);
        let ran = verify_in(&folder, &[]);
        assert_eq!(ran.code, 2, "{text}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{expected} is not in {}", ran.stderr);
    }
}

/// The remedy is that of the cause.
#[test]
fn why_a_file_cannot_be_read_decides_what_to_do() {
    let case = repository();
    case.file("response.json", RESPONSE);
    case.file("fleet.txt", "acme\n");
    case.file("utf16.toml", b"\xff\xfea\0");
    case.file("large.toml", "x".repeat(2000));
    case.file("large.rego", "#".repeat(17 << 20));
    std::fs::create_dir(case.path("empty")).expect("a folder");
    for (args, code, told, untold) in [
        (&["--waivers", "large.toml", "--max-input-bytes", "1000"][..], 2, "--max-input-bytes", "path right?"),
        (&["--waivers", "gone.toml"], 2, "check the path", "evidence"),
        (&["--config", "utf16.toml"], 2, "save the file as UTF-8", "path right?"),
        (&["--config", "gone.toml"], 2, "check the path", "evidence"),
        (&["--policy", "gone.rego"], 5, "check the path", "not the evidence"),
        (&["--policy", "empty"], 5, "check the path", "not the evidence"),
        (&["--policy", "large.rego"], 5, "larger than the limit", "path right?"),
    ] {
        let ran = verify_in(&case.path(""), args);
        assert_eq!(ran.code, code, "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{args:?}: {told} is not in {}", ran.stderr);
        assert!(!ran.stderr.contains(untold), "{args:?}: {untold} is in {}", ran.stderr);
    }
}
