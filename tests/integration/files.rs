//! Files that are none: what is read ends, and every refusal says what was found.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::drive::{ARGS, plan};
use crate::support::{Case, Ran, each_at_once, rollproof};

const RESPONSE: &str =
    r#"{"ok": true, "results": [{"slug": "acme", "ssm_status": "Success", "verified_on_target": true}]}"#;

const POLICY: &str = "# METADATA\n# title: Mine\n# description: Mine.\npackage mine\n\n# METADATA\n# title: Never\n# \
                      description: Never.\n# custom:\n#   codes: [mine.never]\n#   remedy: None.\ndeny contains finding if {\n\
                      \tinput.rollout.dry_run\n\tfinding := {\"code\": \"mine.never\", \"message\": \"never\"}\n}\n";

/// A rollout of one tenant that passes, and its fleet.
fn folder() -> Case {
    let case = Case::new();
    case.file("response.json", RESPONSE);
    case.file("fleet.txt", "acme\n");
    case.file("plan.json", plan("http://127.0.0.1:1").to_string());
    case
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

/// Runs the binary, which has to end by itself.
fn ends(case: &Case, args: &[&str]) -> Ran {
    let mut command = rollproof();
    command.args(args).current_dir(case.path("")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.env("CP_ADMIN_API_TOKEN", "s3cret-t0ken").spawn().expect("it starts");
    for _ in 0..3000 {
        if child.try_wait().expect("it can be asked").is_some() {
            return child.wait_with_output().expect("it ended").into();
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("it can be killed");
    panic!("{args:?} does not end");
}

const VERIFY: [&str; 4] = ["verify", "response.json", "--fleet", "fleet.txt"];

/// Every place in which a file may be named, with what stands before its name.
fn places() -> Vec<(Vec<&'static str>, i32)> {
    let verify = |more: &[&'static str]| [&VERIFY[..], more].concat();
    vec![
        (vec!["verify"], 4),
        (vec!["verify", "response.json", "--fleet"], 4),
        (vec!["verify", "response.json", "--plan"], 4),
        (verify(&["--policy"]), 5),
        (verify(&["--config"]), 2),
        (verify(&["--waivers"]), 2),
        (vec!["explain"], 4),
        (vec!["drill", "serve"], 2),
        (vec!["policy", "check"], 5),
        (vec!["policy", "test"], 5),
        ([&ARGS[..], &["--token-file"]].concat(), 2),
        (vec!["run", "--response", "r", "--document", "d", "--plan"], 4),
    ]
}

#[test]
fn what_is_no_file_is_refused_wherever_it_is_named() {
    let case = folder();
    let _socket = UnixListener::bind(case.path("socket")).expect("a socket");
    std::fs::create_dir(case.path("folder")).expect("a folder");
    for (args, code) in places() {
        for (name, says) in [
            ("/dev/zero", "it is a device, but a file is expected"),
            ("socket", "it is a socket, but a file is expected"),
            ("folder", "it is a folder, but a file is expected"),
            ("gone", "No such file"),
        ] {
            // A folder of policies is one, and has none.
            let is_policy = ["--policy", "check", "test"].contains(args.last().expect("an argument"));
            let says = if is_policy && name == "folder" { "" } else { says };
            let ran = ends(&case, &[&args[..], &[name]].concat());
            let text = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(ran.code == code || says.is_empty(), "{args:?} {name}: {} {}", ran.code, ran.stderr);
            assert!(text.contains(says), "{args:?} {name}: {}", ran.stderr);
        }
    }
}

/// What nothing was written to.
#[test]
fn the_empty_device_is_an_empty_file() {
    let case = folder();
    assert_eq!(ends(&case, &[&VERIFY[..], &["--config", "/dev/null"]].concat()).code, 0);
    for args in [&["verify", "/dev/null"][..], &["verify", "response.json", "--fleet", "/dev/null"]] {
        let ran = ends(&case, args);
        assert_eq!(ran.code, 4, "{}", ran.stderr);
        assert!(!ran.stderr.contains("device"), "{}", ran.stderr);
    }
    let ran = ends(&case, &[&ARGS[..], &["--token-file", "/dev/null"]].concat());
    assert!(ran.code == 2 && ran.stderr.contains("the token file is blank"), "{}", ran.stderr);
}

#[test]
fn a_file_may_be_large_but_not_endless() {
    let case = folder();
    let large = |name: &str, bytes: u64| {
        std::fs::File::create(case.path(name)).and_then(|file| file.set_len(bytes)).expect("a sparse file");
    };
    large("large", (16 << 20) + 1);
    large("token", (64 << 10) + 1);
    for (args, says) in [
        ([&VERIFY[..], &["--config", "large"]].concat(), "larger than the limit of 16777216 bytes"),
        ([&VERIFY[..], &["--policy", "large"]].concat(), "larger than the limit of 16777216 bytes"),
        (vec!["drill", "serve", "large"], "larger than the limit of 16777216 bytes"),
        ([&ARGS[..], &["--token-file", "token"]].concat(), "larger than the limit of 65536 bytes"),
        ([&VERIFY[..], &["--waivers", "large", "--max-input-bytes", "1000"]].concat(), "limit of 1000 bytes"),
    ] {
        let ran = ends(&case, &args);
        assert!([2, 5].contains(&ran.code), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
}

/// A pipe that was found is not waited for; one that was named is read.
#[test]
fn a_pipe_is_read_only_where_it_is_named() {
    let case = folder();
    std::fs::create_dir_all(case.path("policies/mine")).expect("a folder");
    std::fs::create_dir_all(case.path("archive/2026-01-01")).expect("a folder");
    pipe(&case.path("policies/mine/mine.rego"));
    pipe(&case.path("archive/2026-01-01/document.json"));
    for args in [&["policy", "check", "policies"][..], &[&VERIFY[..], &["--policy", "policies"]].concat()] {
        let ran = ends(&case, args);
        assert_eq!(ran.code, 5, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("mine.rego: cannot read it: it is a pipe, which is read only where it is named itself")
        );
    }
    let ran = ends(&case, &["audit", "archive"]);
    assert!(ran.stdout.contains("it is a pipe"), "{}{}", ran.stdout, ran.stderr);
    pipe(&case.path("rollproof.toml"));
    let ran = ends(&case, &VERIFY);
    assert!(ran.code == 2 && ran.stderr.contains("it is a pipe"), "{}", ran.stderr);
    std::fs::remove_file(case.path("rollproof.toml")).expect("it is there");

    let cases = [
        (vec!["verify", "pipe", "--fleet", "fleet.txt"], RESPONSE),
        (vec!["explain", "pipe", "--fleet", "fleet.txt"], RESPONSE),
        (vec!["verify", "response.json", "--fleet", "pipe"], "acme\n"),
        ([&VERIFY[..], &["--config", "pipe"]].concat(), ""),
        ([&VERIFY[..], &["--policy", "pipe"]].concat(), POLICY),
    ];
    each_at_once(cases, |(args, contents)| {
        let case = folder();
        let path = case.path("pipe");
        pipe(&path);
        // Slower than policies may be.
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_secs(2));
            std::fs::write(path, contents).expect("it is read");
        });
        let ran = ends(&case, &args);
        assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
        writer.join().expect("it was read as a whole");
    });
}

/// Links that lead back, to each other, to nothing, and, doubled on each of twenty floors, to a million places.
#[test]
fn links_lead_nowhere_twice() {
    let case = folder();
    for floor in 0..20 {
        std::fs::create_dir_all(case.path(&format!("policies/{floor}"))).expect("a folder");
        for name in ["a", "b"] {
            let target = if floor == 19 { ".".to_owned() } else { format!("../{}", floor + 1) };
            symlink(target, case.path(&format!("policies/{floor}/{name}"))).expect("a link");
        }
    }
    symlink(".", case.path("policies/self")).expect("a link");
    symlink("..", case.path("policies/0/up")).expect("a link");
    symlink("loop", case.path("policies/loop")).expect("a link");
    symlink("nowhere", case.path("policies/dangling")).expect("a link");
    case.file("policies/7/mine.rego", POLICY);
    let ran = ends(&case, &["policy", "check", "policies"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "ok: mine\n"), "{}", ran.stderr);
    let ran = ends(&case, &[&VERIFY[..], &["--policy", "policies"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);

    case.file("policies/7/2026-01-01.response.json", RESPONSE);
    let ran = ends(&case, &["audit", "policies", "--format", "json"]);
    let audit: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    assert_eq!(audit["audit"]["rollouts"].as_array().map(Vec::len), Some(1), "{audit:#}");

    // A link to a policy that is gone is a policy that cannot be read.
    symlink("nowhere", case.path("policies/gone.rego")).expect("a link");
    let ran = ends(&case, &["policy", "check", "policies"]);
    assert!(ran.code == 5 && ran.stderr.contains("gone.rego"), "{}", ran.stderr);
}

/// As Kubernetes mounts a ConfigMap: the files lie in a folder of the day, and links lead to it.
#[test]
fn a_mounted_config_map_is_read_once() {
    let case = folder();
    std::fs::create_dir_all(case.path("policies/..2026_11_27")).expect("a folder");
    case.file("policies/..2026_11_27/mine.rego", POLICY);
    symlink("..2026_11_27", case.path("policies/..data")).expect("a link");
    symlink("..data/mine.rego", case.path("policies/mine.rego")).expect("a link");
    let ran = ends(&case, &["policy", "check", "policies"]);
    assert_eq!((ran.code, &*ran.stdout), (0, "ok: mine\n"), "{}", ran.stderr);
    let ran = ends(&case, &[&VERIFY[..], &["--policy", "policies"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}
