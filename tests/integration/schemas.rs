//! The committed schemas are the generated ones, and what is written is valid against them.

use rollproof::schema::Name;
use serde_json::Value;

use crate::support::{example_fixtures, fixture_args, fixtures, golden, read_json, rollproof, root, run};

#[test]
fn committed_schemas_are_generated() {
    for name in Name::ALL {
        golden(&root().join("schemas").join(name.file()), &name.text());
    }
}

#[test]
fn what_is_written_is_valid() {
    let validator = |name: Name| jsonschema::validator_for(&name.schema()).expect("it compiles");
    let (documents, reports) = (validator(Name::Document), validator(Name::Report));
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let path = folder.path().join("document.json");
    for fixture in fixtures().into_iter().chain(example_fixtures()) {
        let case = read_json(&fixture.join("case.json"));
        if case["exit"] == 4 {
            continue;
        }
        let mut command = rollproof();
        command.args(fixture_args(&fixture, &case)).args(["--format", "json", "--document"]).arg(&path);
        let ran = run(command.current_dir(&fixture));
        let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
        for (validator, value) in [(&reports, &report), (&documents, &read_json(&path))] {
            let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", fixture.display());
        }
    }
}
