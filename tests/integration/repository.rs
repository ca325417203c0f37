//! Names of files for services that know a repository alone: from its root, wherever the job's folder is.

use serde_json::Value;

use crate::support::{Case, Ran, rollproof, run};

const RESPONSE: &str = r#"{"ok": true, "results": [{"slug": "north", "verified_on_target": false}]}"#;

/// Runs the binary in a folder of a case, with evidence of a job beside it.
fn job(case: &Case, folder: &str, format: &str, response: &str) -> Ran {
    let folder = case.path(folder);
    std::fs::create_dir_all(folder.join("evidence")).expect("a folder");
    std::fs::write(folder.join("evidence/response.json"), response).expect("a file");
    std::fs::write(folder.join("../fleet.txt"), "north\n").expect("a file");
    let args = ["verify", "./evidence/response.json", "--fleet", "../fleet.txt", "--format", format];
    run(rollproof().args(args).current_dir(folder))
}

fn uris(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("uri").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| uris(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| uris(value, found)),
        _ => {}
    }
}

fn sarif(ran: &Ran) -> Vec<String> {
    let mut found = Vec::new();
    uris(&serde_json::from_str(&ran.stdout).expect("SARIF"), &mut found);
    found.sort();
    found.dedup();
    found
}

#[test]
fn names_of_files_are_those_from_the_root_of_the_repository() {
    // A folder, or a file in a worktree.
    for git in [".git/HEAD", ".git"] {
        let case = Case::new();
        let git = case.path(git);
        std::fs::create_dir_all(git.parent().expect("a folder")).expect("it is made");
        std::fs::write(git, "gitdir: elsewhere").expect("a file");

        let expected = ["jobs/fleet.txt", "jobs/nightly/evidence/response.json"];
        assert_eq!(sarif(&job(&case, "jobs/nightly", "sarif", RESPONSE)), expected);
        let junit = job(&case, "jobs/nightly", "junit", RESPONSE).stdout;
        assert!(junit.contains("at: jobs/nightly/evidence/response.json#/results/0"), "{junit}");

        let broken = "{\"ok\": tru";
        assert_eq!(sarif(&job(&case, "jobs/nightly", "sarif", broken)), expected[1..]);
        let github = job(&case, "jobs/nightly", "github", broken).stdout;
        assert!(github.starts_with("::error file=jobs/nightly/evidence/response.json,line=1,col="), "{github}");
        let junit = job(&case, "jobs/nightly", "junit", broken).stdout;
        assert!(junit.contains(">jobs/nightly/evidence/response.json, line 1"), "{junit}");
        // People stand in the folder.
        let text = job(&case, "jobs/nightly", "text", RESPONSE).stdout;
        assert!(text.contains("  ./evidence/response.json#/results/0"), "{text}");
    }
}

#[test]
fn what_lies_outside_of_the_repository_has_its_whole_path() {
    let case = Case::new();
    std::fs::create_dir_all(case.path("jobs/.git")).expect("a folder");
    let found = sarif(&job(&case, "jobs", "sarif", RESPONSE));
    let [inside, outside] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(inside, "evidence/response.json");
    assert!(outside.starts_with("file:///") && outside.ends_with("/fleet.txt"), "{outside}");
}

#[test]
fn without_a_repository_names_are_as_they_were_given() {
    let case = Case::new();
    let found = sarif(&job(&case, "jobs", "sarif", RESPONSE));
    assert_eq!(found, ["../fleet.txt", "evidence/response.json"]);
}
