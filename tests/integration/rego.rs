//! The policies' own unit tests, through the engine that the verdict comes from.

use std::path::{Path, PathBuf};

use regorus::unstable::{Parser, Rule, RuleHead, Source};
use regorus::{Engine, Value};

use crate::support::root;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rego") {
            found.push(path);
        }
    }
}

fn policies() -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&root().join("policies"), &mut found);
    found.sort();
    let name = |path: &Path| path.strip_prefix(root()).expect("it is below").display().to_string();
    found.into_iter().map(|path| (name(&path), std::fs::read_to_string(&path).expect("text"))).collect()
}

#[test]
fn every_unit_test_of_the_policies_passes() {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(true);
    let mut tests = Vec::new();
    for (file, text) in policies() {
        let package = engine.add_policy(file.clone(), text.clone()).expect("it parses");
        let source = Source::from_contents(file, text).expect("it is small");
        let mut parser = Parser::new(&source).expect("it parses");
        parser.enable_rego_v1().expect("it is the default");
        for rule in &parser.parse().expect("it parses").policy {
            if let Rule::Spec { head: RuleHead::Compr { refr, .. }, .. } = rule.as_ref() {
                let name = refr.span().text();
                if name.starts_with("test_") {
                    tests.push(format!("{package}.{name}"));
                }
            }
        }
    }
    assert!(tests.len() > 50, "there are {} tests", tests.len());
    let mut failed = Vec::new();
    for test in &tests {
        match engine.eval_rule(test.clone()) {
            Ok(value) if value == Value::from(true) => {}
            Ok(_) => failed.push(test.clone()),
            Err(error) => failed.push(format!("{test}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), tests.len(), failed.join("\n"));
}
