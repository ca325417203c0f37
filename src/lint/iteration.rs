//! Names that stand for each key of a collection: those in brackets (`xs[i]`), and those that `walk` gives a value.

use std::collections::BTreeSet;

use crate::diagnostic::problem::Place;
use crate::rego::syntax::{Expr, ExprKind, Literal, LiteralKind};

/// A name in brackets, or in a pattern of `walk`.
#[derive(Debug)]
pub struct Implied {
    pub text: String,
    /// Where it stands first.
    pub place: Place,
    /// Whether it says nothing unless it stands elsewhere too; then it is misspelt.
    pub must_be_used_again: bool,
}

/// The names of a body.
#[derive(Debug, Default)]
pub struct Names {
    /// Those that a place in this body gives a value.
    pub implied: Vec<Implied>,
    /// Those that it declares.
    pub declared: BTreeSet<String>,
    /// Where `some x` declares one that gets its value elsewhere.
    pub given: BTreeSet<Place>,
}

/// Whether a call gives what it walks to a pattern.
pub fn is_walk(function: &[String], args: &[Expr]) -> bool {
    matches!(function, [name] if name == "walk") && args.len() == 2
}

/// The names of a body, but for those of bodies in it.
pub fn names(body: &[Literal]) -> Names {
    let mut names = Names::default();
    for literal in body {
        match &literal.kind {
            LiteralKind::Some(some) => names.declared.extend(some.iter().map(|name| name.text.clone())),
            LiteralKind::SomeIn { key, value, collection } => {
                key.iter().chain([value]).for_each(|part| names.declare(part));
                names.expr(collection);
            }
            LiteralKind::Expr(expr) => {
                match &expr.kind {
                    ExprKind::Assign(left, _) => names.declare(left),
                    ExprKind::Unify(left, right) => {
                        names.pattern(left, true);
                        names.pattern(right, true);
                    }
                    ExprKind::Call { function, args } if is_walk(function, args) => names.pattern(&args[1], false),
                    _ => {}
                }
                names.expr(expr);
            }
            LiteralKind::Every { domain, .. } => names.expr(domain),
            LiteralKind::Not(_) => {}
        }
    }
    let given: BTreeSet<&str> = names.implied.iter().map(|name| &*name.text).collect();
    for literal in body {
        if let LiteralKind::Some(some) = &literal.kind {
            names.given.extend(some.iter().filter(|name| given.contains(&*name.text)).map(|name| name.place));
        }
    }
    names
}

impl Names {
    fn declare(&mut self, pattern: &Expr) {
        variables(pattern, &mut self.declared);
    }

    fn imply(&mut self, name: &str, place: Place, must_be_used_again: bool) {
        if !self.implied.iter().any(|known| known.text == name) {
            self.implied.push(Implied { text: name.to_owned(), place, must_be_used_again });
        }
    }

    fn pattern(&mut self, pattern: &Expr, again: bool) {
        let mut found = BTreeSet::new();
        variables(pattern, &mut found);
        for name in &found {
            self.imply(name, pattern.place, again);
        }
    }

    /// The names in brackets, but for those of comprehensions.
    fn expr(&mut self, expr: &Expr) {
        if let ExprKind::Ref { steps, .. } = &expr.kind {
            for step in steps {
                match &step.kind {
                    ExprKind::Var(name) => self.imply(name, step.place, true),
                    ExprKind::Array(_) => self.pattern(step, true),
                    _ => {}
                }
            }
        }
        if expr.comprehension().is_none() {
            expr.children().into_iter().for_each(|child| self.expr(child));
        }
    }
}

/// The variables of a pattern.
fn variables(pattern: &Expr, found: &mut BTreeSet<String>) {
    match &pattern.kind {
        ExprKind::Var(name) if name != "_" => {
            found.insert(name.clone());
        }
        ExprKind::Array(items) => items.iter().for_each(|item| variables(item, found)),
        ExprKind::Object(fields) => fields.iter().for_each(|(_, value)| variables(value, found)),
        _ => {}
    }
}
