//! All modules together: which packages and rules there are, and what a path of names in a file means.

use std::collections::{BTreeMap, BTreeSet};

use crate::declared::metadata::{Block, NeedsPrevious};
use crate::declared::names::{FACTS, PREVIOUS};
use crate::declared::params::Declaration;
use crate::diagnostic::problem::{Place, Problem};
use crate::lint::data::Data;
use crate::rego::syntax::{Kind, Module, Rule};
use crate::text::suggest::nearest;

#[derive(Debug)]
pub struct MetadataBlock {
    /// The module's index.
    pub module: usize,
    pub block: Block,
}

/// The package whose `value` gives a parameter by name.
pub const PARAMS: &str = "rollproof.params";

/// The function that gives a parameter's value, or another where it has none.
pub const PARAM_VALUE: &str = "rollproof.lib.params.value";

/// What bundled policies alone are told.
const GIVEN: [&str; 2] = ["rollproof.given", "rollproof.query"];

/// Every module that is loaded, and what they have in common.
#[derive(Debug)]
pub struct Program<'a> {
    /// The modules, bundled ones first.
    pub modules: &'a [Module],
    /// How many of them are not checked, only trusted.
    pub trusted: usize,
    /// The rules, by package and name, such as `team.gold.deny`.
    pub rules: BTreeMap<String, Symbol>,
    pub packages: BTreeSet<&'a str>,
    /// The parameters that are declared.
    pub params: BTreeMap<String, Declaration>,
    /// The facts that are declared.
    pub facts: BTreeSet<String>,
    /// The data beside the policies.
    pub data: &'a Data,
    /// What evidence must hold for packages to say anything, by package.
    pub needs: BTreeMap<&'a str, Vec<String>>,
    /// The packages that read the previous rollout, and whether they can go without it.
    pub previous: BTreeMap<&'a str, NeedsPrevious>,
    /// Whether every file could be read: else something may be missing here that is there.
    pub complete: bool,
}

#[derive(Debug)]
pub struct Symbol {
    /// What it makes.
    pub kind: Kind,
    /// How many arguments a function takes.
    pub arity: usize,
    /// Its definitions: module and rule.
    pub definitions: Vec<(usize, usize)>,
    /// Whether it is always defined, as far as its conditions go.
    pub total: bool,
}

/// A path whose first name is no variable, with imports spelled out: it is below `input` or below `data`.
#[derive(Debug)]
pub struct ResolvedPath<'p> {
    /// Whether it is below `input`.
    pub input: bool,
    /// Its steps as far as they are names, and where each stands.
    pub steps: Vec<(&'p str, Place)>,
}

/// What a path below `data` leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum DataPath {
    /// A rule, and how many steps lead to it.
    Rule(String, usize),
    /// A parameter, or all of them.
    Param(Option<String>),
    /// What bundled policies alone are told: waivers, modes, and what the generated query knows of them.
    Given,
    Fact(String),
    /// Data beside the policies, or what should be there.
    Data,
    /// The previous rollout.
    Previous,
    /// A package, or what is above some.
    Package,
    Nothing,
}

impl<'a> Program<'a> {
    /// Collects the rules. `trusted` modules come first, and are not checked.
    pub fn new(modules: &'a [Module], trusted: usize, blocks: &[MetadataBlock], data: &'a Data) -> Self {
        let mut rules: BTreeMap<String, Symbol> = BTreeMap::new();
        for (m, module) in modules.iter().enumerate() {
            for (r, rule) in module.rules.iter().enumerate() {
                let symbol = rules.entry(format!("{}.{}", module.package, rule.name)).or_insert_with(|| Symbol {
                    kind: rule.kind,
                    arity: rule.args.len(),
                    definitions: Vec::new(),
                    total: false,
                });
                symbol.definitions.push((m, r));
                symbol.total |= is_total(rule);
            }
        }
        Self {
            modules,
            trusted,
            rules,
            packages: modules.iter().map(|module| &*module.package).collect(),
            params: blocks.iter().flat_map(|block| block.block.metadata.custom.params.clone()).collect(),
            facts: blocks.iter().flat_map(|block| block.block.metadata.custom.facts.keys().cloned()).collect(),
            data,
            needs: blocks.iter().fold(BTreeMap::new(), |mut needs: BTreeMap<&str, Vec<String>>, block| {
                let of_package = needs.entry(&*modules[block.module].package).or_default();
                of_package.extend(block.block.metadata.custom.needs.iter().cloned());
                needs
            }),
            previous: blocks
                .iter()
                .filter_map(|block| Some((&*modules[block.module].package, block.block.metadata.custom.previous?)))
                .collect(),
            complete: true,
        }
    }

    /// The modules that are checked, with their index.
    pub fn checked(&self) -> impl Iterator<Item = (usize, &'a Module)> {
        self.modules.iter().enumerate().skip(self.trusted)
    }

    pub fn definitions(&self, symbol: &Symbol) -> impl Iterator<Item = (&'a Module, &'a Rule)> {
        let modules = self.modules;
        symbol.definitions.clone().into_iter().map(move |(m, r)| (&modules[m], &modules[m].rules[r]))
    }

    /// What a path in a file means, if its first name is no variable.
    pub fn resolve<'p>(&self, module: &'p Module, path: &[(&'p str, Place)]) -> Option<ResolvedPath<'p>> {
        let (&(root, place), rest) = path.split_first()?;
        if root == "input" || root == "data" {
            return Some(ResolvedPath { input: root == "input", steps: rest.to_vec() });
        }
        if let Some(import) = module.imports.iter().find(|import| import.name == root) {
            let own = import.path.iter().skip(1).map(|step| (&**step, place));
            let input = import.path.first().is_some_and(|root| root == "input");
            return Some(ResolvedPath { input, steps: own.chain(rest.iter().copied()).collect() });
        }
        self.has_rule_below(&module.package, root).then(|| {
            let package = module.package.split('.').map(|step| (step, place));
            ResolvedPath { input: false, steps: package.chain(path.iter().copied()).collect() }
        })
    }

    /// Whether a package has a rule of this name, or one whose name begins with it and a point.
    pub fn has_rule_below(&self, package: &str, name: &str) -> bool {
        let path = format!("{package}.{name}");
        let below = format!("{path}.");
        self.rules.contains_key(&path)
            || (self.rules.range(below.clone()..).next().is_some_and(|(rule, _)| rule.starts_with(&below))
                && !self.packages.contains(&*path))
    }

    /// What lies at some steps below `data`.
    pub fn find(&self, steps: &[(&str, Place)]) -> DataPath {
        let joined = |steps: &[(&str, Place)]| steps.iter().map(|(step, _)| *step).collect::<Vec<_>>().join(".");
        if steps.len() >= 2 && joined(&steps[..2]) == PARAMS {
            return DataPath::Param(steps.get(2).map(|(name, _)| (*name).to_owned()));
        }
        if steps.len() >= 2 && GIVEN.contains(&&*joined(&steps[..2])) {
            return DataPath::Given;
        }
        if let [(FACTS, _), (name, _), ..] = steps {
            return DataPath::Fact((*name).to_owned());
        }
        if let [(PREVIOUS, _), ..] = steps {
            return DataPath::Previous;
        }
        for many in (1..=steps.len()).rev() {
            let path = joined(&steps[..many]);
            if self.rules.contains_key(&path) {
                return DataPath::Rule(path, many);
            }
        }
        let path = joined(steps);
        let above = if path.is_empty() { String::new() } else { format!("{path}.") };
        let is_package = self.packages.iter().any(|package| *package == path || package.starts_with(&above));
        match steps.first() {
            _ if is_package => DataPath::Package,
            Some((first, _)) if self.data.has(first) => DataPath::Data,
            _ => DataPath::Nothing,
        }
    }

    /// What a path that leads nowhere should have been, in words.
    pub fn near(&self, path: &str) -> String {
        let (package, name) = path.rsplit_once('.').unwrap_or(("", path));
        let below = self.rules.keys().filter_map(|rule| rule.rsplit_once('.')).filter(|(owner, _)| *owner == package);
        if self.packages.contains(package) {
            let names: Vec<&str> = below.map(|(_, rule)| rule).collect();
            return match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("{package} has the rules {}", names.join(", ")),
            };
        }
        let all = self.rules.keys().map(String::as_str).chain(self.packages.iter().copied());
        match nearest(path, all) {
            Some(near) => format!("did you mean data.{near}?"),
            None => "data holds packages, rollproof.params, facts that a policy declares, and what data.json or data.yaml in a \
                     folder of policies holds"
                .into(),
        }
    }
}

/// Whether one of its cases holds whatever it is asked.
fn is_total(rule: &Rule) -> bool {
    use crate::rego::syntax::ExprKind;
    let any = rule.args.iter().all(|arg| matches!(arg.kind, ExprKind::Var(_)));
    match rule.kind {
        Kind::Set | Kind::Object => true,
        Kind::Value | Kind::Function => any && rule.cases.iter().any(|case| case.body.is_empty()),
    }
}

/// The problems and the advice that the checks have found so far.
#[derive(Debug, Default)]
pub struct Report {
    problems: Vec<Problem>,
    advice: Vec<Problem>,
}

impl Report {
    /// A report that begins with problems that were found elsewhere.
    pub const fn with(problems: Vec<Problem>) -> Self {
        Self { problems, advice: Vec::new() }
    }

    /// Whether nothing is wrong so far.
    pub const fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    pub fn add(&mut self, module: &Module, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem::new(&module.file, place, what, remedy));
    }

    /// Adds advice.
    pub fn advise(&mut self, module: &Module, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.advice.push(Problem::new(&module.file, place, what, remedy));
    }

    /// Every problem, by place, each once.
    pub fn problems(self) -> Vec<Problem> {
        sorted(self.problems)
    }

    /// All advice, by place, each once.
    pub fn advice(self) -> Vec<Problem> {
        sorted(self.advice)
    }
}

fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems.dedup();
    problems
}
