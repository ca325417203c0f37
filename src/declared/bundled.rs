//! The bundled policies, as they lie under `policies/rollproof/`. Nothing registers one but its folder.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};

use crate::declared::metadata::Blocks;
use crate::declared::subject::Subject;
use crate::rego::engine::module::Module;

static POLICIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/policies/rollproof");

/// The folder of helpers, which state nothing.
const LIBRARY_FOLDER: &str = "lib";

/// What [`metadata`] says, generated.
const METADATA: &str = include_str!("bundled/metadata.json");

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

/// The bundled policy whose codes begin as this one does: its name is its folder.
pub fn reserved(code: &str) -> Option<&'static str> {
    let prefix = code.split('.').next()?;
    let mut names = POLICIES.dirs().filter_map(|folder| folder.path().to_str());
    names.find(|name| *name == prefix && *name != LIBRARY_FOLDER && code.contains('.'))
}

/// The METADATA blocks of every bundled module, by path. They stand in the modules themselves; to find and read them
/// there would take a quarter of the time of every start.
///
/// # Errors
/// In words: a bug of ours.
pub fn metadata() -> Result<BTreeMap<String, Blocks>, String> {
    serde_json::from_str(METADATA).map_err(|error| format!("the bundled METADATA: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::metadata;
    use crate::rego::engine;

    #[test]
    fn the_generated_metadata_is_what_the_policies_say() {
        let read = |subject| engine::Loaded::new(modules(subject), usize::MAX).expect("they can be read").1;
        let blocks = |outline: crate::rego::engine::module::Outline| {
            let blocks = metadata::blocks(&outline).expect("they are valid");
            (outline.file, blocks)
        };
        let metadata: BTreeMap<_, _> =
            [Subject::Rollout, Subject::Audit].into_iter().flat_map(read).map(blocks).collect();
        let text = serde_json::to_string_pretty(&metadata).expect("it can be written") + "\n";
        if std::env::var_os("ROLLPROOF_UPDATE").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/declared/bundled/metadata.json");
            std::fs::write(path, &text).expect("the file can be written");
        }
        assert!(
            text == METADATA,
            "src/declared/bundled/metadata.json is not as generated; look at the difference after `.ci/refresh`"
        );
    }
}
