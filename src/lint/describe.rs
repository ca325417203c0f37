//! METADATA: it can be read, stands where it belongs, and says nothing that is not so.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::declared::bundled::reserved;
use crate::declared::metadata;
use crate::declared::names::{RULES, is_ours};
use crate::declared::params::{Declaration, Kind};
use crate::diagnostic::problem::Place;
use crate::lint::program::{MetadataBlock, Program, Report};
use crate::lint::types::Type;
use crate::rego::syntax::Module;
use crate::text::suggest::{meant, nearest};

/// What a block may hold.
const KEYS: &str = "METADATA is YAML with title, description and custom: remedy, codes, waivable, effective_from, params, needs, facts";

pub fn read(modules: &[Module], known: usize, report: &mut Report) -> Vec<MetadataBlock> {
    let mut said = Vec::new();
    for (i, module) in modules.iter().enumerate() {
        let lines = module.rules.iter().map(|rule| rule.place.line).chain([module.place.line]);
        for block in metadata::read(&module.comments, lines) {
            match block {
                Ok(block) => said.push(MetadataBlock { module: i, block }),
                Err(invalid) if i >= known => {
                    let place = Place { line: invalid.line, column: invalid.column };
                    let remedy =
                        meant(&invalid.what).map_or_else(|| KEYS.into(), |near| format!("did you mean {near:?}?"));
                    report.add(module, place, format!("METADATA: {}", invalid.what), remedy);
                }
                Err(_) => {}
            }
        }
    }
    said
}

/// Checks what the blocks say.
pub fn check(program: &Program<'_>, said: &[MetadataBlock], schema: &Value, report: &mut Report) {
    let document = Type::document(schema);
    let mut seen = BTreeSet::new();
    for MetadataBlock { module: i, block } in said.iter().filter(|said| said.module >= program.known) {
        let module = &program.modules[*i];
        let place = Place { line: block.start, column: 1 };
        let mut add = |what: String, remedy: String| report.add(module, place, what, remedy);
        if !seen.insert((i, block.line)) {
            add("this is the second METADATA of one package or rule".into(), "write one".into());
        }
        let custom = &block.said.custom;
        let of_package = block.line == module.place.line;
        let of_packages = [
            ("params", custom.params.is_empty()),
            ("needs", custom.needs.is_empty()),
            ("facts", custom.facts.is_empty()),
        ];
        for (key, _) in of_packages.into_iter().filter(|(_, empty)| !of_package && !empty) {
            add(
                format!("custom.{key} is of a package, and this is a rule's METADATA"),
                format!("write {key} above `package`"),
            );
        }
        if of_package && !custom.codes.is_empty() {
            add(
                "custom.codes is of a rule, and this is the package's METADATA".into(),
                "write codes above the rule".into(),
            );
        }
        for code in custom.codes.iter().filter(|_| !is_ours(&module.package)) {
            if let Some(prefix) = reserved(code) {
                let what = format!("the code {code:?} begins as those of the bundled policies do");
                add(what, format!("begin it with a name of your own, not with {prefix:?}"));
            }
        }
        let speaks = module.rules.iter().any(|rule| RULES.contains(&&*rule.name));
        for (key, empty) in [("needs", custom.needs.is_empty()), ("facts", custom.facts.is_empty())] {
            if of_package && !empty && !speaks {
                let what = format!("custom.{key} is of a package that speaks, and {} does not", module.package);
                add(what, format!("write {key} in the packages that use this one"));
            }
        }
        for (name, declared) in &custom.params {
            let differs = |other: &&MetadataBlock| {
                other.block.said.custom.params.get(name).is_some_and(|other| other != declared)
            };
            if let Some(other) = said.iter().find(differs) {
                let file = &program.modules[other.module].file;
                let what = format!("{file} declares the parameter {name:?} differently");
                add(what, "declare it in the same way, or give yours another name".into());
            }
            if let Some(default) = declared.default.as_ref().filter(|default| !fits(declared, default)) {
                add(
                    format!("the default of the parameter {name:?} is {default}, which is not of its type"),
                    "mend one of the two".into(),
                );
            }
        }
        for need in &custom.needs {
            if let Some(remedy) = unknown(need, &document) {
                add(format!("evidence never has {need:?}, which custom.needs asks for"), remedy);
            }
        }
    }
    for (_, module) in program.checked() {
        for (line, comment) in &module.comments {
            let word = comment.trim();
            let near = strsim::damerau_levenshtein(&word.to_uppercase(), "METADATA") <= 2;
            if near && word != "METADATA" {
                let place = Place { line: *line, column: 1 };
                report.add(
                    module,
                    place,
                    format!("{word:?} is no METADATA"),
                    "write METADATA, in capitals and alone in its line",
                );
            }
        }
    }
}

fn fits(declared: &Declaration, default: &Value) -> bool {
    match declared.kind {
        Kind::Boolean => default.is_boolean(),
        Kind::Integer => default.is_i64() || default.is_u64(),
        Kind::Number => default.is_number(),
        Kind::String => default.is_string(),
    }
}

/// What a path should have been that evidence cannot have: `labels.NAME`, or keys of the document, arrays walked.
fn unknown(need: &str, document: &Type) -> Option<String> {
    let mut steps: Vec<&str> = need.split('.').collect();
    if steps.first() == Some(&"labels") {
        steps.insert(0, "cohorts");
    }
    let mut at = document.clone();
    for step in steps {
        while let Type::Known(known) = &at {
            match &known.items {
                Some(items) => at = items.clone(),
                None => break,
            }
        }
        let Type::Known(known) = &at else { return None };
        let next = known.fields.get(step).map(|field| &field.of).or(known.rest.as_ref()).cloned();
        let Some(next) = next else {
            let near = nearest(step, known.fields.keys().map(String::as_str));
            let all = known.fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Some(near.map_or_else(
                || format!("it may be labels.NAME, or one of {all}"),
                |near| format!("did you mean {near:?}?"),
            ));
        };
        at = next;
    }
    None
}
