//! Names: each variable is declared before it is used, bound, and used; each function is there and is called as it
//! should be; each path below `data` leads somewhere. What the engine would notice only when it comes there, or never.

pub(crate) mod uses;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::problem::Place;
use crate::lint::iteration;
use crate::lint::iteration::is_walk;
use crate::lint::program::{DataPath, Program, Report};
use crate::rego::syntax::{
    Comprehension, Expr, ExprKind, KEYWORDS, Kind, Literal, LiteralKind, Module, Name, Rule, With, walk, walk_body,
};

/// Checks the names of every module.
pub fn check(program: &Program<'_>, report: &mut Report) {
    for (_, module) in program.checked() {
        let mut checker = Checker {
            program,
            module,
            report,
            scopes: Vec::new(),
            imported: BTreeSet::new(),
            iterated: BTreeSet::new(),
        };
        checker.imports();
        for rule in &module.rules {
            checker.rule(rule);
        }
        checker.unused_imports();
    }
}

pub struct Checker<'c, 'a> {
    program: &'c Program<'a>,
    module: &'a Module,
    report: &'c mut Report,
    scopes: Vec<Scope>,
    imported: BTreeSet<&'a str>,
    /// Where `some x` stands for a name that something else gives a value.
    iterated: BTreeSet<Place>,
}

type Scope = BTreeMap<String, Declared>;

struct Declared {
    place: Place,
    used: bool,
    /// How often it has to be mentioned before that is a use.
    uses_left: usize,
}

/// Where a path below `data` stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// In an import, which may name a package.
    Import,
    /// In an expression, which names a rule.
    Path,
}

/// What declares a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variable {
    /// The arguments of a function, in which a name may stand twice.
    Argument,
    /// A statement of a body.
    Local,
}

impl<'a> Checker<'_, 'a> {
    fn add(&mut self, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.report.add(self.module, place, what, remedy);
    }

    fn imports(&mut self) {
        let mut seen = BTreeSet::new();
        for import in &self.module.imports {
            if !seen.insert(&*import.name) {
                let what = format!("{:?} is imported twice", import.name);
                self.add(import.place, what, "give one of the two another name with `as`");
            }
            if import.path.len() > 1 && KEYWORDS.contains(&&*import.name) {
                let what = format!("{:?} is a word of Rego, and no name for an import", import.name);
                self.add(import.place, what, "give it another name with `as`");
            } else if self.program.has_rule_below(&self.module.package, &import.name) {
                let what = format!("{:?} is imported, and a rule of this package has that name", import.name);
                self.add(import.place, what, "give one of the two another name");
            }
            let steps: Vec<_> = import.path.iter().skip(1).map(|step| (&**step, import.place)).collect();
            match import.path.first().map(String::as_str) {
                Some("input") => {}
                Some("data") => self.provided(&steps, import.place, Reference::Import),
                _ => self.add(import.place, "an import begins with data or input", "check its spelling"),
            }
        }
    }

    fn unused_imports(&mut self) {
        for import in &self.module.imports {
            if !self.imported.contains(&*import.name) {
                self.add(import.place, format!("the import {:?} is never used", import.name), "use it or leave it out");
            }
        }
    }

    fn rule(&mut self, rule: &'a Rule) {
        for case in &rule.cases {
            self.scopes.push(Scope::new());
            for arg in &rule.args {
                self.declare_pattern(arg, Variable::Argument);
            }
            self.body(&case.body);
            for expr in rule.keys.iter().chain(&case.value) {
                self.expr(expr);
            }
            // What one case of several does not use, another may.
            if rule.cases.len() > 1 || rule.is_default {
                let args: BTreeSet<String> = rule.args.iter().flat_map(variables).map(|name| name.text).collect();
                for (name, declared) in self.scopes.iter_mut().flatten() {
                    declared.used |= args.contains(name);
                }
            }
            self.close();
        }
        if rule.cases.len() > 1 {
            self.unused_args(rule);
        }
    }

    fn unused_args(&mut self, rule: &Rule) {
        let mut used = BTreeSet::new();
        for case in &rule.cases {
            let mut note = |expr: &Expr| {
                used.extend(expr.name().map(str::to_owned));
            };
            if let Some(value) = &case.value {
                walk(value, &mut note);
            }
            walk_body(&case.body, &mut note);
        }
        for name in rule.args.iter().flat_map(variables) {
            if !used.contains(&name.text) {
                self.never_used(&name.text, name.place);
            }
        }
    }

    fn never_used(&mut self, name: &str, place: Place) {
        self.add(
            place,
            format!("{name:?} is never used"),
            "check the spelling of other names; if it is not needed, write _ for it, or leave it out",
        );
    }

    /// Ends a scope.
    fn close(&mut self) {
        for (name, declared) in self.scopes.pop().into_iter().flatten() {
            if !declared.used {
                self.never_used(&name, declared.place);
            }
        }
    }

    fn declare(&mut self, name: &str, place: Place, kind: Variable) {
        if name == "_" {
            return;
        }
        if self.program.resolve(self.module, &[(name, place)]).is_some() {
            let what = format!("the variable {name:?} hides a rule or an import of this name");
            return self.add(place, what, "give it another name");
        }
        let again = self.scopes.last().is_some_and(|scope| scope.contains_key(name));
        if again && kind == Variable::Local {
            return self.add(place, format!("{name:?} is declared twice"), "give one of the two another name");
        }
        let (outer, inner) = self.scopes.split_at(self.scopes.len().saturating_sub(1));
        if outer.iter().any(|scope| scope.contains_key(name)) && !inner.is_empty() {
            // The engine then takes one for the other, or finds it used before it is there.
            return self.add(place, format!("{name:?} hides a variable of the body around"), "give it another name");
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), Declared { place, used: false, uses_left: 0 });
        }
    }

    /// What an expression's own bodies declare must not have the name that the expression is given.
    fn hidden_in(&mut self, expr: &'a Expr, pattern: &Expr) {
        let outer: BTreeSet<String> = variables(pattern).into_iter().map(|name| name.text).collect();
        let mut hides = Vec::new();
        walk(expr, &mut |inner| {
            if let Some(comprehension) = inner.comprehension() {
                let declared = iteration::names(&comprehension.body).declared;
                hides.extend(declared.intersection(&outer).map(|name| (inner.place, name.clone())));
            }
        });
        for (place, name) in hides {
            self.add(place, format!("{name:?} hides a variable of the body around"), "give it another name");
        }
    }

    /// Declares the variables of a pattern and looks at the rest of it.
    fn declare_pattern(&mut self, pattern: &'a Expr, kind: Variable) {
        match &pattern.kind {
            ExprKind::Var(name) => self.declare(name, pattern.place, kind),
            ExprKind::Array(items) => items.iter().for_each(|item| self.declare_pattern(item, kind)),
            ExprKind::Object(fields) => {
                for (key, value) in fields {
                    self.expr(key);
                    self.declare_pattern(value, kind);
                }
            }
            ExprKind::Ref { .. } | ExprKind::Call { .. } | ExprKind::Operation { .. } => {
                self.add(pattern.place, "a name is given its value here, and this is none", "did you mean `==`?");
                self.expr(pattern);
            }
            _ => self.expr(pattern),
        }
    }

    /// The conditions of a body. A name in brackets that nothing declares is declared there: it stands for each key.
    fn body(&mut self, body: &'a [Literal]) {
        let iterated = iteration::names(body);
        self.iterated.extend(&iterated.given);
        for name in &iterated.implied {
            if !self.is_known(&name.text) && !iterated.declared.contains(&name.text) {
                self.declare(&name.text, name.place, Variable::Local);
                if let Some(declared) = self.scopes.last_mut().and_then(|scope| scope.get_mut(&name.text)) {
                    declared.uses_left = usize::from(name.must_be_used_again);
                }
            }
        }
        for literal in body {
            self.literal(literal);
        }
    }

    fn literal(&mut self, literal: &'a Literal) {
        for with in &literal.with {
            self.replaced(with);
        }
        match &literal.kind {
            LiteralKind::Some(names) => {
                for name in names {
                    if self.iterated.contains(&name.place) {
                        self.declare(&name.text, name.place, Variable::Local);
                        continue;
                    }
                    let what = format!("`some {}` gives {:?} no value", name.text, name.text);
                    self.add(
                        name.place,
                        what,
                        "say where it comes from: `some x in xs`, `some i, _ in xs`, or `x := ...`",
                    );
                    self.declare(&name.text, name.place, Variable::Local);
                }
            }
            LiteralKind::SomeIn { key, value, collection } => {
                self.expr(collection);
                for pattern in key.iter().chain([value]) {
                    self.hidden_in(collection, pattern);
                    self.declare_pattern(pattern, Variable::Local);
                }
            }
            LiteralKind::Expr(Expr { kind: ExprKind::Assign(left, right), .. }) => {
                self.expr(right);
                self.hidden_in(right, left);
                self.declare_pattern(left, Variable::Local);
            }
            LiteralKind::Expr(Expr { kind: ExprKind::Call { function, args }, .. }) if is_walk(function, args) => {
                self.expr(&args[0]);
                self.pattern(&args[1]);
            }
            LiteralKind::Expr(expr) => self.expr(expr),
            LiteralKind::Not(expr) => {
                self.wildcards(expr);
                self.expr(expr);
            }
            LiteralKind::Every { key, value, domain, body } => {
                self.expr(domain);
                self.scopes.push(Scope::new());
                for name in key.iter().chain([value]) {
                    self.declare(&name.text, name.place, Variable::Local);
                }
                self.body(body);
                self.close();
            }
        }
    }

    /// Whether a name is one already: of a variable around, a rule or an import.
    fn is_known(&self, name: &str) -> bool {
        name == "_"
            || self.scopes.iter().any(|scope| scope.contains_key(name))
            || self.program.resolve(self.module, &[(name, self.module.place)]).is_some()
    }

    /// `with target as value`: the evidence, what lies below `data`, or a rule; not a function.
    fn replaced(&mut self, with: &'a With) {
        let path = with.target.path().unwrap_or_default();
        let absolute = self.program.resolve(self.module, &path);
        let Some((root, place)) = path.first().copied() else { return };
        let Some(absolute) = absolute else {
            let what = format!("`with` replaces {root:?}, which is neither the evidence nor a rule");
            let remedy = "replace what a function works on: input, data or a rule";
            return self.add(place, what, remedy);
        };
        self.uses_import(root);
        let is_function = |steps: &[(&str, Place)]| match self.program.find(steps) {
            DataPath::Rule(rule, used) if used == steps.len() => {
                self.program.rules.get(&rule).is_some_and(|symbol| symbol.kind == Kind::Function)
            }
            _ => false,
        };
        if !absolute.input && is_function(&absolute.steps) {
            let what = format!("`with` replaces the function {root}, which is for tests");
            return self.add(place, what, "replace what it works on: input, data or a rule");
        }
        if !absolute.input {
            self.provided(&absolute.steps, place, Reference::Path);
        }
        self.expr(&with.value);
    }

    /// Under `not` a wildcard says neither "for none" nor "for all" to most readers.
    fn wildcards(&mut self, expr: &Expr) {
        if let ExprKind::Ref { steps, .. } = &expr.kind
            && let Some(step) = steps.iter().find(|step| step.name() == Some("_"))
        {
            let remedy = "write `every`, or a rule of its own that says what there must not be";
            self.add(step.place, "_ has no value under `not`", remedy);
        }
        if expr.comprehension().is_none() {
            expr.children().into_iter().for_each(|child| self.wildcards(child));
        }
    }

    /// What is found must be equal to this, but for its wildcards.
    fn pattern(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Var(name) if name == "_" => {}
            ExprKind::Array(items) => items.iter().for_each(|item| self.pattern(item)),
            ExprKind::Object(fields) => fields.iter().for_each(|(key, value)| {
                self.expr(key);
                self.pattern(value);
            }),
            _ => self.expr(expr),
        }
    }

    fn comprehension(&mut self, inner: &'a Comprehension) {
        self.scopes.push(Scope::new());
        self.body(&inner.body);
        for expr in inner.key.iter().chain([&inner.term]) {
            self.expr(expr);
        }
        self.close();
    }

    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Var(_) => self.reference(expr, &[]),
            ExprKind::Ref { root, steps } => {
                if matches!(root.kind, ExprKind::Var(_)) {
                    self.reference(root, steps);
                } else {
                    self.expr(root);
                }
                for step in steps {
                    if !matches!(&step.kind, ExprKind::Var(name) if name == "_") {
                        self.expr(step);
                    }
                }
            }
            ExprKind::Call { function, args } => {
                self.call(expr.place, function, args);
                for arg in args {
                    self.expr(arg);
                }
            }
            ExprKind::Assign(..) => {
                self.add(expr.place, "`:=` stands for a value here", "did you mean `==`?");
                expr.children().into_iter().for_each(|child| self.expr(child));
            }
            ExprKind::Unify(left, right) => {
                for side in [left, right] {
                    if !matches!(&side.kind, ExprKind::Var(name) if name == "_") {
                        self.expr(side);
                    }
                }
            }
            ExprKind::Array(items) => {
                // Wildcards may stand in a pattern.
                let wild = |item: &Expr| matches!(&item.kind, ExprKind::Var(name) if name == "_");
                items.iter().filter(|item| !wild(item)).for_each(|item| self.expr(item));
            }
            _ => {
                if let Some(inner) = expr.comprehension() {
                    return self.comprehension(inner);
                }
                expr.children().into_iter().for_each(|child| self.expr(child));
            }
        }
    }
}

fn variables(pattern: &Expr) -> Vec<Name> {
    let mut found = Vec::new();
    walk(pattern, &mut |expr| {
        if let ExprKind::Var(name) = &expr.kind
            && name != "_"
        {
            found.push(Name { text: name.clone(), place: expr.place });
        }
    });
    found
}
