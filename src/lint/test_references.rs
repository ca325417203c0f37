//! What unit tests refer to: a name that no policy has would let a test pass that says nothing (`not gold.denied`).

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::problem::{Place, Problem};
use crate::lint::data::Data;
use crate::rego::engine;
use crate::rego::engine::module::Module as File;
use crate::rego::guard::Failure;
use crate::rego::syntax::Module;
use crate::text::suggest::nearest;

/// What a policy is given that no package has.
const GIVEN: [&str; 4] = ["rollproof.params", "rollproof.given", "facts", "previous"];

/// What is wrong with test files beside the `known` ones: what cannot be read, and names that nothing has.
///
/// # Errors
/// Where the engine does not come to an end.
pub fn check_tests(known: Vec<File>, tests: Vec<File>, data: &Data) -> Result<Vec<Problem>, Failure> {
    let many = known.len();
    let (mut modules, mut problems, mut first_test) = (Vec::new(), Vec::new(), 0);
    for (i, read) in engine::parse_all(known.into_iter().chain(tests).collect())?.into_iter().enumerate() {
        match read {
            Ok(module) => {
                first_test += usize::from(i < many);
                modules.push(module);
            }
            Err(problem) => problems.push(problem),
        }
    }
    // A file that cannot be read may have what others refer to.
    if problems.is_empty() {
        let packages = packages(&modules);
        for module in &modules[first_test..] {
            let conflict = data.conflict(&module.package);
            problems.extend(conflict.map(|(what, remedy)| Problem::new(&module.file, module.place, what, remedy)));
            check(module, &packages, data, &mut problems);
        }
        problems.sort();
        problems.dedup();
    }
    Ok(problems)
}

/// The names of the rules of each package.
fn packages(modules: &[Module]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut packages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for module in modules {
        let rules = packages.entry(&module.package).or_default();
        rules.extend(module.rules.iter().filter_map(|rule| rule.name.split('.').next()));
    }
    packages
}

fn check(module: &Module, packages: &BTreeMap<&str, BTreeSet<&str>>, data: &Data, problems: &mut Vec<Problem>) {
    let mut report = |path: &[&str], place: Place| {
        let is_data = matches!(path, ["data", first, ..] if data.has(first));
        problems.extend(unknown(module, packages, path, place).filter(|_| !is_data));
    };
    for import in &module.imports {
        let path: Vec<&str> = import.path.iter().map(String::as_str).collect();
        report(&path, import.place);
    }
    for reference in module.rules.iter().flat_map(crate::rego::syntax::Rule::references) {
        let Some(((root, place), rest)) = reference.split_first() else { continue };
        let import = module.imports.iter().find(|import| import.name == *root);
        let begin = import.map_or_else(|| vec![*root], |import| import.path.iter().map(String::as_str).collect());
        let path: Vec<&str> = begin.into_iter().chain(rest.iter().map(|(step, _)| *step)).collect();
        report(&path, rest.first().map_or(*place, |(_, place)| *place));
    }
}

/// What is wrong with a path, if it is one below `data` that nothing provides.
fn unknown(module: &Module, packages: &BTreeMap<&str, BTreeSet<&str>>, path: &[&str], place: Place) -> Option<Problem> {
    let ["data", path @ ..] = path else { return None };
    let begins = |whole: &str, part: &str| format!("{whole}.").starts_with(&format!("{part}."));
    let text = path.join(".");
    // A package, what packages lie below, or what is given.
    if GIVEN.iter().any(|given| begins(&text, given)) || packages.keys().any(|package| begins(package, &text)) {
        return None;
    }
    let package = packages.keys().filter(|package| begins(&text, package)).max_by_key(|package| package.len());
    let Some(package) = package else {
        let near = nearest(&text, packages.keys().copied());
        let remedy = near.map_or_else(
            || "name the folder or file that has it, too".into(),
            |near| format!("did you mean data.{near}?"),
        );
        return Some(Problem::new(&module.file, place, format!("nothing provides data.{text}"), remedy));
    };
    let name = path.get(package.split('.').count())?;
    let rules = &packages[package];
    if rules.contains(name) {
        return None;
    }
    let remedy = nearest(name, rules.iter().copied()).map_or_else(
        || format!("it has {}", rules.iter().copied().collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean {near:?}?"),
    );
    let what = format!("the package {package} has no rule {name:?}, so this is never defined");
    Some(Problem::new(&module.file, place, what, remedy))
}
