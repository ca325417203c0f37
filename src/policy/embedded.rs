//! The bundled policies, as they lie under `policies/rollproof/`. Nothing registers one but its folder.

use include_dir::{Dir, include_dir};

use super::Subject;
use super::engine::Module;

static POLICIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/policies/rollproof");

/// The bundled modules that judge something or help to, by path; unit tests are not among them.
pub fn modules(subject: Subject) -> Vec<Module> {
    let mut modules = Vec::new();
    collect(&POLICIES, &mut modules);
    // What a module reads as its input, its METADATA says; what reads none helps everybody.
    modules.retain(|module| !module.text.contains(&format!("input: schema[\"{}\"]", subject.other().schema())));
    modules.sort_by(|a, b| a.file.cmp(&b.file));
    modules
}

fn collect(folder: &Dir<'_>, modules: &mut Vec<Module>) {
    for file in folder.files() {
        let path = file.path().to_string_lossy();
        if let (Some(text), true, false) = (file.contents_utf8(), path.ends_with(".rego"), path.ends_with("_test.rego"))
        {
            modules.push(Module { file: format!("policies/rollproof/{path}"), text: text.to_owned() });
        }
    }
    for folder in folder.dirs() {
        collect(folder, modules);
    }
}
