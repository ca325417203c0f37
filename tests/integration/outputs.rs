//! Outputs that are in the way of something: every command refuses them before it reads, calls or writes anything.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Case, Ran, rollproof, run};

/// Every file, folder and link below a folder, and what it holds.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = fs::symlink_metadata(&path).expect("it is there").file_type();
        if kind.is_symlink() {
            all.insert(path.clone(), fs::read_link(&path).expect("a link").into_os_string().into_encoded_bytes());
        } else if kind.is_dir() {
            all.insert(path.clone(), Vec::new());
            all.extend(contents(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
    all
}

/// What a command writes: its arguments but for its outputs, what it reads, and its outputs, of which `OUT` is the path.
struct Writes {
    args: &'static [&'static str],
    inputs: &'static [&'static str],
    outputs: &'static [&'static [&'static str]],
}

const JUDGED: [&str; 4] = ["rollproof.toml", "policies/own.rego", "waivers.toml", "facts.json"];

/// Every command that writes what its command line names.
const COMMANDS: [Writes; 7] = [
    Writes {
        args: &[
            "verify",
            "response.json",
            "--fleet",
            "fleet.json",
            "--plan",
            "plan.json",
            "--compare",
            "earlier.json",
            "--labels",
            "labels.json",
        ],
        inputs: &[
            "response.json",
            "fleet.json",
            "plan.json",
            "earlier.json",
            "labels.json",
            JUDGED[0],
            JUDGED[1],
            JUDGED[2],
            JUDGED[3],
        ],
        outputs: &[&["--document", "OUT"], &["--report", "json=OUT"], &["--report", "html=OUT"]],
    },
    Writes {
        args: &["run", "--fleet", "fleet.json", "--plan", "plan.json", "--token-file", "token"],
        inputs: &["fleet.json", "plan.json", "token", JUDGED[0], JUDGED[1], JUDGED[2], JUDGED[3]],
        outputs: &[
            &["--document", "OUT"],
            &["--response", "OUT"],
            &["--journal", "OUT"],
            &["--report", "json=OUT"],
            &["--report", "junit=OUT"],
        ],
    },
    Writes {
        args: &["probe", "response.json", "--probe-domain", "x.example"],
        inputs: &["response.json", JUDGED[0], JUDGED[1], JUDGED[2], JUDGED[3]],
        outputs: &[&["--document", "OUT"], &["--report", "sarif=OUT"]],
    },
    Writes { args: &["plan"], inputs: &["rollproof.toml"], outputs: &[&["--out", "OUT"]] },
    Writes {
        args: &["preflight", "enabled"],
        inputs: &["rollproof.toml"],
        outputs: &[&["--report", "json=OUT"], &["--report", "outputs=OUT"]],
    },
    Writes {
        args: &["audit", "archives"],
        inputs: &["archives/day.response.json", JUDGED[0], JUDGED[1], JUDGED[2], JUDGED[3]],
        outputs: &[&["--document", "OUT"], &["--report", "html=OUT"], &["--parquet", "OUT"]],
    },
    Writes {
        args: &["policy", "bundle"],
        inputs: &["rollproof.toml", "policies/own.rego"],
        outputs: &[&["--out", "OUT"]],
    },
];

/// A folder with a file for each input. None of them is valid, so that whoever reads one says so.
fn case() -> Case {
    let case = Case::new();
    for folder in ["policies", "archives"] {
        fs::create_dir(case.path(folder)).expect("a folder");
    }
    symlink(".", case.path("linked")).expect("a link");
    case.file("rollproof.toml", "[waivers]\nfiles = [\"waivers.toml\"]\n");
    for name in [
        "response.json",
        "fleet.json",
        "plan.json",
        "labels.json",
        "token",
        "earlier.json",
        "archives/day.response.json",
    ] {
        case.file(name, name);
    }
    for name in &JUDGED[1..] {
        case.file(name, name);
    }
    case
}

/// Paths that lead to a file which is there, made in the folder.
fn aliases(case: &Case, file: &str, name: &str) -> Vec<String> {
    fs::hard_link(case.path(file), case.path(&format!("{name}-hard"))).expect("a hard link");
    symlink(file, case.path(&format!("{name}-soft"))).expect("a link");
    vec![file.to_owned(), format!("./{file}"), format!("linked/{file}"), format!("{name}-hard"), format!("{name}-soft")]
}

/// The command with paths for its outputs, those that are not given being new files.
fn command(case: &Case, writes: &Writes, paths: &[(usize, &str)]) -> Command {
    let mut command = rollproof();
    command.args(writes.args).current_dir(case.path("")).env("GITHUB_SHA", "abcdef1");
    if writes.inputs.contains(&JUDGED[1]) {
        command.args(["--policy", "policies"]);
    }
    if writes.inputs.contains(&JUDGED[3]) {
        command.args(["--facts", "f=facts.json"]);
    }
    for (i, output) in writes.outputs.iter().enumerate() {
        let path = paths.iter().find(|(which, _)| *which == i).map(|(_, path)| (*path).to_owned());
        // A run has to have its response and its document.
        if path.is_some() || ["--response", "--document"].contains(&output[0]) {
            let path = path.unwrap_or_else(|| format!("new-{i}.out"));
            command.args(output.iter().map(|arg| arg.replace("OUT", &path)));
        }
    }
    command
}

/// It is refused with these words, and nothing is touched.
fn is_refused(case: &Case, mut command: Command, words: &str) {
    let before = contents(&case.path(""));
    let shown = format!("{:?}", command.get_args().collect::<Vec<_>>());
    let ran = run(&mut command);
    assert_eq!(ran.code, 2, "{shown}: {}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(words), "{shown}: {}", ran.stderr);
    assert_eq!(ran.stdout, "", "{shown}");
    assert!(contents(&case.path("")) == before, "{shown}: something was touched");
}

#[test]
fn an_output_is_no_input() {
    for writes in &COMMANDS {
        let case = case();
        for (i, input) in writes.inputs.iter().enumerate() {
            for (j, alias) in aliases(&case, input, &format!("alias-{i}")).into_iter().enumerate() {
                // Its own name meets every output, and each of its other names one of them, in turn.
                let outputs = writes.outputs.len();
                for output in (0..outputs).filter(|output| j == 0 || (i + j) % outputs == *output) {
                    // A folder is refused because it is none.
                    let words =
                        if writes.outputs[output][0] == "--parquet" { "it is no folder" } else { "is the same as" };
                    is_refused(&case, command(&case, writes, &[(output, &alias)]), words);
                }
            }
        }
    }
}

#[test]
fn an_output_is_no_other_output() {
    for writes in &COMMANDS {
        let case = case();
        case.file("old.out", "old");
        symlink("new.out", case.path("dangling")).expect("a link");
        let mut pairs: Vec<(&str, String)> = vec![("new.out", "dangling".into())];
        pairs.extend(["new.out", "./new.out", "linked/new.out"].map(|alias| ("new.out", alias.to_owned())));
        pairs.extend(aliases(&case, "old.out", "old").into_iter().map(|alias| ("old.out", alias)));
        let outputs = writes.outputs.len();
        let couples = (0..outputs).flat_map(|first| (0..outputs).map(move |second| (first, second)));
        let couples: Vec<_> = couples.filter(|(first, second)| first != second).collect();
        for (i, (path, alias)) in pairs.iter().enumerate() {
            // The first meets every couple of outputs, and each of the others three of them, in turn.
            for (j, &(first, second)) in couples.iter().enumerate() {
                if i == 0 || (i * 3..i * 3 + 3).any(|turn| turn % couples.len() == j) {
                    let folder = [first, second].iter().any(|which| writes.outputs[*which][0] == "--parquet");
                    let words = if folder && *path == "old.out" { "it is no folder" } else { "is the same as" };
                    is_refused(&case, command(&case, writes, &[(first, path), (second, alias)]), words);
                }
            }
        }
    }
}

#[test]
fn an_output_can_be_written() {
    for writes in &COMMANDS {
        let case = case();
        fs::create_dir(case.path("read-only")).expect("a folder");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "ro", "tmpfs"]).arg(case.path("read-only")).output();
        let mounted = mount.is_ok_and(|mount| mount.status.success());
        for (output, form) in writes.outputs.iter().enumerate() {
            let mut paths = vec![("plan.json/x", "is no folder")];
            if form[0] != "--parquet" {
                paths.extend([("nodir/x", "there is no folder"), ("archives", "it is a folder"), ("nodir/", "folder")]);
            }
            if mounted {
                paths.push(("read-only/x", "Read-only file system"));
            }
            for (path, words) in paths {
                is_refused(&case, command(&case, writes, &[(output, path)]), words);
            }
        }
        if mounted {
            let _ = Command::new("umount").arg("--lazy").arg(case.path("read-only")).status();
        }
    }
}

/// A file that would be a policy or an archive the next time is in the way already.
#[test]
fn an_output_is_no_input_to_be() {
    let case = case();
    let bundle = |out: &str| command(&case, &COMMANDS[6], &[(0, out)]);
    is_refused(&case, bundle("policies/new.rego"), "is the same as --policy policies");
    is_refused(&case, bundle("linked/policies/new.rego"), "is the same as --policy policies");
    let audit = |out: &str| command(&case, &COMMANDS[5], &[(0, out)]);
    is_refused(&case, audit("archives/audit.json"), "is the same as FOLDER archives");
    assert!(!run(&mut audit("archives/audit.other")).stderr.contains("is the same as"));
}

/// The files that are kept, or brought up to date, in a folder.
#[test]
fn folders_hold_nothing_else() {
    let case = case();
    fs::create_dir(case.path("kept")).expect("a folder");
    fs::hard_link(case.path("policies/own.rego"), case.path("kept/plan.json")).expect("a hard link");
    let mut drill = rollproof();
    drill.args(["drill", "healthy", "--keep", "kept", "--policy", "policies"]).current_dir(case.path(""));
    is_refused(&case, drill, "--keep kept/plan.json is the same as --policy policies");

    let folder = case.path("fixtures/one");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("document.json"), "a document").expect("a file");
    symlink("document.json", folder.join("case.json")).expect("a link");
    let mut test = rollproof();
    test.args(["policy", "test", "policies", "--fixtures", "fixtures", "--update"]).current_dir(case.path(""));
    is_refused(&case, test, "is the same as --fixtures");

    let mut man = rollproof();
    man.args(["man", "plan.json"]).current_dir(case.path(""));
    is_refused(&case, man, "it is no folder");

    fs::create_dir(case.path("tables")).expect("a folder");
    let audit = command(&case, &COMMANDS[5], &[(0, "tables/audit"), (2, "tables")]);
    is_refused(&case, audit, "a folder of its own");
}

/// The lock of a file is written, too, and a lock is no file of somebody else.
#[test]
fn a_lock_is_an_output() {
    let case = case();
    is_refused(&case, command(&case, &COMMANDS[1], &[(0, "a"), (1, "a.lock")]), "is the same as");
    is_refused(&case, command(&case, &COMMANDS[1], &[(2, "/dev/null")]), "--journal /dev/null: it is no ordinary file");
    let mut new = rollproof();
    new.args(["policy", "new", "own", "--in", "plan.json"]).current_dir(case.path(""));
    is_refused(&case, new, "it is no folder");
    case.file("new-1.out.lock", "not ours");
    let ran = run(&mut command(&case, &COMMANDS[1], &[]));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("new-1.out.lock is in the way"), "{}", ran.stderr);
    assert_eq!(fs::read(case.path("new-1.out.lock")).expect("it is there"), b"not ours");
    assert!(!case.path("new-1.out").exists(), "no response is written");
}

/// Devices, pipes and what a CI job appends to may be named as often as somebody likes.
#[test]
fn what_is_added_to_may_be_named_twice() {
    let case = Case::new();
    case.file("response.json", r#"{"ok": true, "results": []}"#);
    let verify = |more: &[&str]| {
        let mut verify = rollproof();
        verify.args(["verify", "response.json"]).args(more).current_dir(case.path(""));
        verify.env("GITHUB_STEP_SUMMARY", case.path("summary.md"));
        verify
    };
    let report = |ran: Ran| assert!(!ran.stderr.contains("error"), "{}", ran.stderr);
    report(run(&mut verify(&["--document", "/dev/null", "--report", "json=/dev/null", "--report", "text=/dev/null"])));
    report(run(&mut verify(&["--report", "markdown=summary.md", "--report", "text=summary.md"])));
    assert!(fs::metadata(case.path("summary.md")).expect("it is there").len() > 0);

    let out = File::create(case.path("out.txt")).expect("a file");
    let mut both = verify(&["--report", "json=/dev/stdout", "--report", "markdown=/dev/fd/1", "--format", "text"]);
    both.stdout(out);
    report(run(&mut both));
    let text = fs::read_to_string(case.path("out.txt")).expect("it is there");
    let printed = run(&mut verify(&["--format", "text"])).stdout;
    assert!(text.starts_with('{') && text.ends_with(&printed), "each stands after the one before: {text}");

    let mut same = verify(&["--report", "json=out.txt"]);
    same.stdout(File::options().append(true).open(case.path("out.txt")).expect("a file"));
    let ran = run(&mut same);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("standard output is the same as --report out.txt"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(case.path("out.txt")).expect("it is there"), text);
}
