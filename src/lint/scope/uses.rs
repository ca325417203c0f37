//! What an expression names: a variable, an import, a path below `data`, a function, a parameter.

use std::collections::BTreeMap;

use crate::declared::names::{RULES, is_ours};
use crate::diagnostic::problem::Place;
use crate::lint::builtins;
use crate::lint::program::{DataPath, PARAM_VALUE};
use crate::lint::scope::{Checker, Reference};
use crate::rego::syntax::{Expr, ExprKind, Kind, Rule};
use crate::text::plural::plural;
use crate::text::suggest::nearest;

/// What a package that reads the previous rollout says about that.
const PREVIOUS_KEY: &str = "say `previous: required` or `previous: optional` under custom in the package's METADATA";

impl<'a> Checker<'_, 'a> {
    /// Whether something provides a path below `data`.
    pub fn provided(&mut self, steps: &[(&str, Place)], place: Place, reference: Reference) {
        let path = steps.iter().map(|(step, _)| *step).collect::<Vec<_>>().join(".");
        let at = steps.last().map_or(place, |(_, place)| *place);
        match self.program.find(steps) {
            DataPath::Rule(..) | DataPath::Param(None) | DataPath::Data => {}
            DataPath::Param(Some(name)) => self.param(&name, at),
            DataPath::Fact(name) => {
                if !self.program.facts.contains(&name) {
                    let near = nearest(&name, self.program.facts.iter().map(String::as_str));
                    let remedy = near.map_or_else(
                        || "declare it in the package's METADATA, in custom.facts".into(),
                        |near| format!("did you mean {near:?}?"),
                    );
                    self.add(at, format!("no policy declares the fact {name:?}"), remedy);
                }
            }
            DataPath::Previous => {
                let speaks = |rule: &Rule| RULES.contains(&&*rule.name);
                if self.module.rules.iter().any(speaks) && !self.program.previous.contains_key(&*self.module.package) {
                    self.add(at, "the METADATA does not say that the package reads the previous rollout", PREVIOUS_KEY);
                }
            }
            DataPath::Given => {
                if !is_ours(&self.module.package) {
                    self.add(
                        at,
                        format!("data.{path} is for bundled policies alone"),
                        "use data.rollproof.lib.params, which reads parameters; waivers and modes are applied to your findings",
                    );
                }
            }
            DataPath::Package if reference == Reference::Import => {}
            DataPath::Package => {
                let what = format!("data.{path} is a package, not a rule");
                self.add(at, what, "name a rule of it, in full");
            }
            DataPath::Nothing => {
                if self.program.complete {
                    self.add(at, format!("nothing provides data.{path}"), self.program.near(&path));
                }
            }
        }
    }

    pub fn param(&mut self, name: &str, place: Place) {
        if self.program.params.contains_key(name) {
            return;
        }
        let near = nearest(name, self.program.params.keys().map(String::as_str));
        let remedy = near.map_or_else(
            || "declare it in the package's METADATA, in custom.params, with type and description".into(),
            |near| format!("did you mean {near:?}?"),
        );
        self.add(place, format!("no policy declares the parameter {name:?}"), remedy);
    }

    /// A name, and what is looked up in it.
    pub fn reference(&mut self, root: &'a Expr, steps: &'a [Expr]) {
        let ExprKind::Var(name) = &root.kind else { return };
        if name == "_" {
            return self.add(root.place, "_ has no value", "give it a name");
        }
        let known = steps.iter().map_while(|step| match &step.kind {
            ExprKind::String(key) => Some((&**key, step.place)),
            _ => None,
        });
        let path: Vec<(&str, Place)> = std::iter::once((&**name, root.place)).chain(known).collect();
        for scope in self.scopes.iter_mut().rev() {
            if let Some(declared) = scope.get_mut(&**name) {
                declared.used |= declared.uses_left == 0;
                declared.uses_left = declared.uses_left.saturating_sub(1);
                return;
            }
        }
        let Some(absolute) = self.program.resolve(self.module, &path) else {
            return self.undeclared(name, root.place);
        };
        self.uses_import(name);
        if absolute.input {
            return;
        }
        self.provided(&absolute.steps, root.place, Reference::Path);
        if let DataPath::Rule(rule, _) = self.program.find(&absolute.steps)
            && self.program.rules.get(&rule).is_some_and(|symbol| symbol.kind == Kind::Function)
        {
            self.add(root.place, format!("{rule} is a function, and is not called"), "give it its arguments");
        }
    }

    pub fn uses_import(&mut self, name: &str) {
        if let Some(import) = self.module.imports.iter().find(|import| import.name == name) {
            self.imported.insert(&import.name);
        }
    }

    fn undeclared(&mut self, name: &str, place: Place) {
        let locals = self.scopes.iter().flat_map(BTreeMap::keys).map(String::as_str);
        let imports = self.module.imports.iter().map(|import| &*import.name);
        let package = format!("{}.", self.module.package);
        let rules = self.program.rules.keys().filter_map(|rule| rule.strip_prefix(&package));
        let near = nearest(name, locals.chain(imports).chain(rules).chain(["input", "data"]));
        let remedy = near.map_or_else(
            || {
                "declare a variable by `some` or `:=` before it is used; write _ for a place that does not matter"
                    .into()
            },
            |near| format!("did you mean {near:?}?"),
        );
        self.add(place, format!("{name:?} is neither a variable, a rule nor an import"), remedy);
    }

    pub fn call(&mut self, place: Place, function: &'a [String], args: &'a [Expr]) {
        let Some(expected) = self.arity(place, function, args) else { return };
        if args.len() != expected {
            let what =
                format!("{} takes {}, and gets {}", function.join("."), plural(expected, "argument"), args.len());
            self.add(place, what, "give it as many as it takes; a result is bound by `:=`");
        }
    }

    /// How many arguments a function takes; nothing where any number is right, or where it was reported that there is no
    /// such function.
    fn arity(&mut self, place: Place, function: &'a [String], args: &'a [Expr]) -> Option<usize> {
        let root = function.first()?;
        if self.scopes.iter().any(|scope| scope.contains_key(root)) {
            self.add(place, format!("{root:?} is a variable, not a function"), "check its spelling");
            return None;
        }
        let path: Vec<(&str, Place)> = function.iter().map(|step| (&**step, place)).collect();
        let Some(absolute) = self.program.resolve(self.module, &path) else {
            return self.arity_of_builtin(place, &function.join("."), args);
        };
        self.uses_import(root);
        let steps = &absolute.steps;
        let DataPath::Rule(rule, used) = self.program.find(steps) else {
            let path = steps.iter().map(|(step, _)| *step).collect::<Vec<_>>().join(".");
            if !absolute.input && self.program.complete {
                self.add(place, format!("there is no function data.{path}"), self.program.near(&path));
            }
            return None;
        };
        let symbol = self.program.rules.get(&rule)?;
        if symbol.kind != Kind::Function || used != steps.len() {
            let what = format!("{} is no function", function.join("."));
            self.add(place, what, "leave the brackets out, or call another");
            return None;
        }
        if rule == PARAM_VALUE {
            self.param_by_name(place, args);
        }
        Some(symbol.arity)
    }

    fn arity_of_builtin(&mut self, place: Place, name: &str, args: &[Expr]) -> Option<usize> {
        if let Some(remedy) = builtins::impure(name) {
            self.add(place, format!("{name} is not deterministic"), remedy);
        } else if let Some(signature) = builtins::signature(name) {
            // What walk finds may be its second argument, or its value.
            let arity = if name == "walk" && args.len() == 1 { 1 } else { signature.args.len() };
            return (name != "print").then_some(arity);
        } else if builtins::is_elsewhere(name) {
            let what = format!("{name} is a function of OPA's that a policy cannot call here");
            let remedy = "`rollproof policy check --help` names those that it can; facts may say what it would";
            self.add(place, what, remedy);
        } else {
            let package = format!("{}.", self.module.package);
            let own = self.program.rules.iter().filter(|(_, symbol)| symbol.kind == Kind::Function);
            let own = own.filter_map(|(rule, _)| rule.strip_prefix(&*package));
            let near = builtins::name_in_rego(name);
            let near = near.or_else(|| nearest(name, builtins::names().map(|name| -> &str { name }).chain(own)));
            let remedy = near.map_or_else(
                || "`rollproof policy check --help` names those that there are".into(),
                |near| format!("did you mean {near:?}?"),
            );
            self.add(place, format!("there is no function {name:?} that a policy may call"), remedy);
        }
        None
    }

    fn param_by_name(&mut self, place: Place, args: &[Expr]) {
        match args.first().map(|arg| (&arg.kind, arg.place)) {
            Some((ExprKind::String(name), place)) => self.param(name, place),
            _ => self.add(place, "the parameter's name is not known before it is evaluated", "write it as a string"),
        }
    }
}
