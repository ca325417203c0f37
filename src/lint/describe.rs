//! METADATA: it can be read, stands where it belongs, and says nothing that is not so.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::declared::bundled::reserved;
use crate::declared::metadata;
use crate::declared::metadata::Custom;
use crate::declared::names::{RULES, is_ours};
use crate::declared::params::{Declaration, Kind};
use crate::diagnostic::problem::Place;
use crate::lint::program::{MetadataBlock, Program, Report};
use crate::lint::types::Type;
use crate::rego::syntax::Module;
use crate::text::suggest::{meant, nearest};

/// What a block may hold.
const KEYS: &str = "METADATA is YAML with title, description and custom: remedy, codes, waivable, effective_from, params, needs, facts, previous";

pub fn read(modules: &[Module], known: usize, report: &mut Report) -> Vec<MetadataBlock> {
    let mut blocks = Vec::new();
    for (i, module) in modules.iter().enumerate() {
        let lines = module.rules.iter().map(|rule| rule.place.line).chain([module.place.line]);
        for block in metadata::read(&module.comments, lines) {
            match block {
                Ok(block) => blocks.push(MetadataBlock { module: i, block }),
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
    blocks
}

/// Checks what the blocks say.
pub fn check(program: &Program<'_>, blocks: &[MetadataBlock], schema: &Value, report: &mut Report) {
    let document = Type::document(schema);
    let mut seen = BTreeSet::new();
    for MetadataBlock { module: i, block } in blocks.iter().filter(|block| block.module >= program.trusted) {
        let module = &program.modules[*i];
        let custom = &block.metadata.custom;
        let mut faults = Faults::default();
        if !seen.insert((i, block.line, block.metadata.is_of_subpackages())) {
            faults.add("this is the second METADATA of one package or rule", "write one");
        }
        if block.line == module.place.line {
            of_package(module, custom, &mut faults);
        } else {
            of_rule(custom, &mut faults);
        }
        if !is_ours(&module.package) {
            reserved_codes(custom, &mut faults);
        }
        params(program, blocks, custom, &mut faults);
        for need in &custom.needs {
            if let Some(remedy) = unknown(need, &document) {
                faults.add(format!("evidence never has {need:?}, which custom.needs asks for"), remedy);
            }
        }
        let place = Place { line: block.start, column: 1 };
        faults.0.into_iter().for_each(|(what, remedy)| report.add(module, place, what, remedy));
    }
    for (_, module) in program.checked() {
        misspelt(module, report);
    }
}

/// What is wrong with one block, and what to do about it.
#[derive(Default)]
struct Faults(Vec<(String, String)>);

impl Faults {
    fn add(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push((what.into(), remedy.into()));
    }
}

/// The block of a rule holds nothing that belongs to a package.
fn of_rule(custom: &Custom, faults: &mut Faults) {
    let of_packages = [
        ("params", custom.params.is_empty()),
        ("needs", custom.needs.is_empty()),
        ("facts", custom.facts.is_empty()),
        ("previous", custom.previous.is_none()),
    ];
    for (key, _) in of_packages.into_iter().filter(|(_, is_empty)| !is_empty) {
        let what = format!("custom.{key} is of a package, and this is a rule's METADATA");
        faults.add(what, format!("write {key} above `package`"));
    }
}

/// The block of a package holds nothing that belongs to a rule, nor what only a policy needs.
fn of_package(module: &Module, custom: &Custom, faults: &mut Faults) {
    if !custom.codes.is_empty() {
        faults.add("custom.codes is of a rule, and this is the package's METADATA", "write codes above the rule");
    }
    if module.rules.iter().any(|rule| RULES.contains(&&*rule.name)) {
        return;
    }
    let of_policies = [
        ("needs", custom.needs.is_empty()),
        ("facts", custom.facts.is_empty()),
        ("previous", custom.previous.is_none()),
    ];
    for (key, is_empty) in of_policies {
        if !is_empty {
            let what = format!("custom.{key} is of a package that speaks, and {} does not", module.package);
            faults.add(what, format!("write {key} in the packages that use this one"));
        }
    }
}

fn reserved_codes(custom: &Custom, faults: &mut Faults) {
    for code in &custom.codes {
        if let Some(prefix) = reserved(code) {
            let what = format!("the code {code:?} begins as those of the bundled policies do");
            faults.add(what, format!("begin it with a name of your own, not with {prefix:?}"));
        }
    }
}

/// A parameter is declared alike everywhere, and its default is of its type.
fn params(program: &Program<'_>, blocks: &[MetadataBlock], custom: &Custom, faults: &mut Faults) {
    for (name, declared) in &custom.params {
        let differs = |other: &&MetadataBlock| {
            other.block.metadata.custom.params.get(name).is_some_and(|other| other != declared)
        };
        if let Some(other) = blocks.iter().find(differs) {
            let file = &program.modules[other.module].file;
            let what = format!("{file} declares the parameter {name:?} differently");
            faults.add(what, "declare it in the same way, or give yours another name");
        }
        if let Some(default) = declared.default.as_ref().filter(|default| !fits(declared, default)) {
            let what = format!("the default of the parameter {name:?} is {default}, which is not of its type");
            faults.add(what, "change the default or the type");
        } else if let (Some(default), Some(minimum)) = (&declared.default, declared.minimum) {
            #[expect(clippy::cast_precision_loss, reason = "a limit that a person wrote")]
            let is_below = default.as_f64().is_some_and(|default| default < minimum as f64);
            if is_below {
                let what = format!("the default of the parameter {name:?} is {default}, but its minimum is {minimum}");
                faults.add(what, "change the default or the minimum");
            }
        }
    }
}

/// Comments that were meant to begin a block.
fn misspelt(module: &Module, report: &mut Report) {
    for (line, comment) in &module.comments {
        let word = comment.trim();
        if word != "METADATA" && strsim::damerau_levenshtein(&word.to_uppercase(), "METADATA") <= 2 {
            let place = Place { line: *line, column: 1 };
            let what = format!("{word:?} is no METADATA");
            report.add(module, place, what, "write METADATA, in capitals and alone in its line");
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
        let next = known.fields.get(step).map(|field| &field.ty).or(known.rest.as_ref()).cloned();
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
