//! The bundled mappings: each sample gives the rows, the skips or the fleet that stand beside it, and nothing of a
//! folder is forgotten. `tests/interop/mappings.py` writes what is expected, by jq.

use std::path::{Path, PathBuf};

use crate::support::{folders, read, read_json, rollproof, root, run};

/// The expectations in a folder's samples, each with the name of its case.
fn cases(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(folder.join("samples")).expect("a folder");
    let mut cases: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            let case = path.file_name()?.to_str()?.strip_suffix(".expected.json")?.to_owned();
            Some((path, case))
        })
        .collect();
    cases.sort();
    cases
}

fn name(folder: &Path) -> &str {
    folder.file_name().and_then(|name| name.to_str()).expect("a name")
}

#[test]
fn each_sample_gives_what_is_expected_of_it() {
    let mut many = 0;
    for folder in folders(&root().join("mappings")) {
        for (expectation, case) in cases(&folder) {
            let at = |ending: &str| folder.join(format!("samples/{case}.{ending}"));
            let sample = ["json", "jsonl", "csv", "yaml"].map(at).into_iter().find(|path| path.is_file());
            let (plan, expected) = (at("plan.json"), read_json(&expectation));
            let mut command = rollproof();
            command.args(["mapping", "try", name(&folder)]).arg(sample.expect("a sample")).args(["--format", "json"]);
            if plan.is_file() {
                command.arg("--plan").arg(&plan);
            }
            if expected.get("fleet").is_some() {
                command.arg("--fleet");
            }
            let ran = run(&mut command);
            assert_eq!(ran.code, 0, "{}: {}", expectation.display(), ran.stderr);
            let given: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
            for (part, value) in expected.as_object().expect("an object") {
                assert_eq!(&given[part], value, "{}: {part}", expectation.display());
            }
            many += 1;
        }
    }
    assert!(many > 20, "the samples are found");
}

#[test]
fn a_bundled_mapping_is_written_down_and_tested() {
    let (page, script) = (read(&root().join("docs/evidence.md")), read(&root().join("tests/interop/mappings.py")));
    for folder in folders(&root().join("mappings")) {
        let name = name(&folder);
        let readme = read(&folder.join("README.md"));
        assert!(readme.contains("\n## What it must not believe\n"), "{name}: what must it not believe?");
        assert!(page.contains(&format!("](../mappings/{name}/README.md)")), "{name} is not in docs/evidence.md");
        assert!(page.contains(&format!(" --map {name} ")), "{name} has no verdict in docs/evidence.md");
        assert!(script.contains(&format!("\"{name}\"")), "{name} is not in tests/interop/mappings.py");
        let proven = cases(&folder).into_iter().flat_map(|(path, _)| {
            let rows = read_json(&path)["rows"].as_array().cloned().unwrap_or_default();
            rows.into_iter().map(|row| row["row"]["verified_on_target"] == true)
        });
        let (proven, others): (Vec<bool>, Vec<bool>) = proven.partition(|proven| *proven);
        assert!(!proven.is_empty() && !others.is_empty(), "{name}: a sample of each verdict");
    }
}
