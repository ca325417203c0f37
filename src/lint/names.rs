//! Names of packages and rules: what would make a policy that never speaks, or two that overrule each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::declared::bundled::reserved;
use crate::declared::names::{NOT_APPLICABLE, RULES, is_ours};
use crate::lint::program::{DataPath, Program, Report};
use crate::rego::syntax::{Kind, Module, Rule};
use crate::text::suggest::nearest;

/// Names that rules of findings have in other tools, and the name that such a rule has here.
const OTHER_NAMES: [(&str, &str); 33] = [
    ("abort", "halt"),
    ("alert", "warn"),
    ("allow", "deny"),
    ("block", "deny"),
    ("denial", "deny"),
    ("denied", "deny"),
    ("denies", "deny"),
    ("deny_all", "deny"),
    ("disallow", "deny"),
    ("error", "deny"),
    ("errors", "deny"),
    ("fail", "deny"),
    ("failed", "deny"),
    ("failure", "deny"),
    ("failures", "deny"),
    ("forbid", "deny"),
    ("forbidden", "deny"),
    ("info", "note"),
    ("notes", "note"),
    ("notice", "note"),
    ("reject", "deny"),
    ("rejected", "deny"),
    ("stop", "halt"),
    ("stops", "halt"),
    ("undecided", "inconclusive"),
    ("unknown", "inconclusive"),
    ("unsure", "inconclusive"),
    ("violate", "deny"),
    ("violation", "deny"),
    ("violations", "deny"),
    ("warned", "warn"),
    ("warning", "warn"),
    ("warnings", "warn"),
];

/// Packages without a rule of findings that the generated query asks.
const ASKED: [&str; 3] = ["rollproof.lib.modes", "rollproof.lib.summary", "rollproof.lib.waivers"];

/// Checks the packages and rules of every module.
pub fn check(program: &Program<'_>, report: &mut Report) {
    let used = used(program);
    let mut files: BTreeMap<String, &str> = BTreeMap::new();
    for (_, module) in program.checked() {
        for rule in &module.rules {
            let name = format!("{}.{}", module.package, rule.name);
            kinds(program, module, rule, &name, report);
            if let Some(other) = files.insert(name.clone(), &module.file).filter(|other| *other != &*module.file) {
                let what = format!("{name} is defined in {other} too, and the two would merge");
                report.add(module, rule.place, what, "give one of the two files a package of its own");
            }
            if rule.name.starts_with("test_") || rule.name.starts_with("todo_test_") {
                let remedy = "move it to a file whose name ends in _test.rego";
                report.add(module, rule.place, format!("the test {} is not in a file of tests", rule.name), remedy);
            } else if !RULES.contains(&&*rule.name) && rule.name != NOT_APPLICABLE && !used.contains(&name) {
                unused(module, rule, report);
            }
        }
        silent(program, module, report);
        if let Some((what, remedy)) = program.data.conflict(&module.package) {
            report.add(module, module.place, what, remedy);
        }
    }
}

/// Whether all definitions of a rule are of one kind, and that of findings are sets.
fn kinds(program: &Program<'_>, module: &Module, rule: &Rule, name: &str, report: &mut Report) {
    if RULES.contains(&&*rule.name) && rule.kind != Kind::Set {
        let what = format!("{} is not a set of findings, so its result is never reported", rule.name);
        let remedy = format!("write `{} contains finding if {{ ... }}`, or give it another name", rule.name);
        return report.add(module, rule.place, what, remedy);
    }
    if rule.name == NOT_APPLICABLE && rule.kind != Kind::Value {
        let what = format!("{} is not a string, so it is never shown", rule.name);
        let remedy = format!("write `{} := \"...\" if {{ ... }}`, or give it another name", rule.name);
        return report.add(module, rule.place, what, remedy);
    }
    let around = name.match_indices('.').map(|(dot, _)| &name[..dot]);
    if let Some(around) =
        around.filter(|around| around.len() > module.package.len()).find(|around| program.rules.contains_key(*around))
    {
        let what = format!("{name} lies in the rule {around}, which is defined apart");
        return report.add(
            module,
            rule.place,
            what,
            "write the last name in brackets, as a key, or give one another name",
        );
    }
    let Some(symbol) = program.rules.get(name) else { return };
    if symbol.kind != rule.kind {
        report.add(module, rule.place, format!("{name} is defined in two different ways"), "give one another name");
    } else if symbol.arity != rule.args.len() {
        let what = format!("{name} takes {} arguments here, and {} elsewhere", rule.args.len(), symbol.arity);
        report.add(module, rule.place, what, "give one another name");
    }
    let defaults = |rule: &Rule| rule.is_default;
    let several = program.definitions(symbol).filter(|(_, rule)| defaults(rule)).count() > 1;
    if rule.is_default && several {
        report.add(module, rule.place, format!("{name} has more than one default"), "keep one of them");
    }
    if rule.is_default && program.definitions(symbol).all(|(_, rule)| defaults(rule)) {
        let what = format!("{name} has a default and nothing else");
        report.add(module, rule.place, what, "check the spelling of the other definition, or leave `default` out");
    }
}

/// The rules that another rule uses.
fn used(program: &Program<'_>) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for module in program.modules {
        for rule in &module.rules {
            let own = format!("{}.{}", module.package, rule.name);
            for path in rule.references() {
                if let Some(absolute) = program.resolve(module, &path)
                    && !absolute.input
                    && let DataPath::Rule(name, _) = program.find(&absolute.steps)
                    && name != own
                {
                    used.insert(name);
                }
            }
        }
    }
    used
}

/// A rule that nothing uses must not look like one of findings, nor like a neighbour.
fn unused(module: &Module, rule: &Rule, report: &mut Report) {
    let name = rule.name.to_lowercase();
    if ["exception", "exceptions"].contains(&&*name) {
        let what = format!("nothing uses the rule {:?}, so it waives nothing", rule.name);
        let remedy = "waivers do that here, with a reason, an owner and a last day: name a file of them with --waivers";
        return report.add(module, rule.place, what, remedy);
    }
    let alike = OTHER_NAMES.iter().find(|(alike, _)| *alike == name).map(|(_, meant)| *meant);
    let begins = || {
        let meant = RULES.into_iter().find(|meant| name.starts_with(&format!("{meant}_")));
        meant.or_else(|| name.starts_with("violation").then_some("deny"))
    };
    if let Some(meant) = alike.or_else(begins).or_else(|| nearest(&name, RULES)) {
        let what = format!("nothing uses the rule {:?}, so its findings are never reported", rule.name);
        return report.add(module, rule.place, what, format!("did you mean {meant:?}? else use it, or leave it out"));
    }
    let others = module.rules.iter().map(|other| &*other.name).filter(|other| *other != rule.name);
    let close = others.into_iter().find(|other| other.len() > 3 && strsim::damerau_levenshtein(other, &rule.name) <= 1);
    if let Some(close) = close {
        let what = format!("nothing uses the rule {:?}", rule.name);
        report.add(module, rule.place, what, format!("did you mean {close:?}? else use it, or leave it out"));
    }
}

/// A package speaks, or another uses it.
fn silent(program: &Program<'_>, module: &Module, report: &mut Report) {
    if is_ours(&module.package) && program.trusted > 0 {
        let what = format!("the package {} is in rollproof., which is ours", module.package);
        return report.add(module, module.place, what, "give it a name of your team's");
    }
    if ASKED.contains(&&*module.package) {
        return;
    }
    if matches!(module.package.split('.').next(), Some("facts" | "previous" | "input" | "data")) {
        let what = format!(
            "the package {} lies where facts, the previous rollout or the evidence do, and one would hide the other",
            module.package
        );
        report.add(module, module.place, what, "give it a name of your team's");
    }
    if let Some(prefix) = reserved(&format!("{}.", module.package)).filter(|_| !is_ours(&module.package)) {
        let what = format!("the package {} begins as the codes of a bundled policy do", module.package);
        report.add(module, module.place, what, format!("give it another name than {prefix:?}"));
    }
    let speaks = |other: &&Module| {
        other.package == module.package && other.rules.iter().any(|rule| RULES.contains(&&*rule.name))
    };
    let imports = |other: &&Module| {
        other.package != module.package && {
            let inside = |path: &str| path == module.package || path.starts_with(&format!("{}.", module.package));
            let imported = other.imports.iter().any(|import| inside(&import.path[1..].join(".")));
            let mut paths = other.rules.iter().flat_map(Rule::references);
            let named = paths.any(|path| {
                let steps: Vec<&str> = path.iter().skip(1).map(|(step, _)| *step).collect();
                path.first().is_some_and(|(root, _)| *root == "data") && inside(&steps.join("."))
            });
            imported || named
        }
    };
    let modules: Vec<&Module> = program.modules.iter().collect();
    if !modules.iter().any(speaks) && !modules.iter().any(imports) {
        let what =
            format!("the package {} has none of the rules {}, and no other uses it", module.package, RULES.join(", "));
        report.add(module, module.place, what, "name its rules so, or import it where it is needed");
    }
}
