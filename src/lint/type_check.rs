//! Follows types from the document's schema through every expression: a path that the document cannot have, a value
//! that can never be what it is compared with, and what may be undefined where the engine needs it to be defined.
//!
//! The rules that are checked, and those that they use, are walked a few times: first silently, so that what calls give to
//! arguments and what rules make is known; then the problems are reported. What is not known is never a problem.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::declared::names::is_ours;
use crate::diagnostic::problem::Place;
use crate::lint::findings;
use crate::lint::graph;
use crate::lint::iteration::is_walk;
use crate::lint::path_types::needed;
use crate::lint::program::{Program, Report};
use crate::lint::type_checker::{Inferred, Learned, Scope, TypeChecker};
use crate::lint::types::{Kinds, Type};
use crate::rego::syntax::{Case, Expr, ExprKind, Kind, Literal, LiteralKind, Operator, Rule, With};
use crate::schema::published;

/// How often everything is walked at most before it is reported: what one walk learns, the next hands on, from a function
/// to the one that it calls.
const ROUNDS: usize = 20;

const fn is_literal(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::String(_) | ExprKind::Number | ExprKind::Boolean | ExprKind::Null)
}

/// Walks every module and reports on those that are checked.
pub fn check(program: &Program<'_>, schema: &Value, report: &mut Report) {
    let Some(first) = program.modules.first() else { return };
    let mut walker = TypeChecker {
        program,
        used: graph::used(program),
        module: first,
        document: Type::document(schema),
        previous: Type::of_closed_schema(published::Name::Report.schema()),
        learned: Learned::default(),
        before: Learned::default(),
        scopes: Vec::new(),
        reporting: false,
        report,
    };
    for _ in 0..ROUNDS {
        walker.all(0);
        let learned = std::mem::take(&mut walker.learned);
        if learned == walker.before {
            break;
        }
        walker.before = learned;
    }
    walker.reporting = true;
    walker.all(program.trusted);
}

impl<'a> TypeChecker<'_, 'a> {
    fn all(&mut self, from: usize) {
        for module in self.program.modules.iter().skip(from) {
            self.module = module;
            for rule in &module.rules {
                let name = format!("{}.{}", module.package, rule.name);
                if self.used.contains(&name) {
                    self.rule(rule, &name);
                }
            }
        }
    }

    /// Reports a problem, unless this walk is a silent one.
    pub fn add(&mut self, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        if self.reporting {
            self.report.add(self.module, place, what, remedy);
        }
    }

    fn rule(&mut self, rule: &'a Rule, name: &str) {
        let args = self.before.params.get(name).cloned().unwrap_or_default();
        for case in &rule.cases {
            self.scopes.push(Scope::default());
            for (i, arg) in rule.args.iter().enumerate() {
                self.bind(arg, args.get(i).unwrap_or(&Type::Any));
            }
            self.body(&case.body);
            let (made, defined) = self.head(rule, case);
            let any = rule.args.iter().all(|arg| matches!(arg.kind, ExprKind::Var(_)));
            if any && defined && case.body.iter().all(|literal| self.always_holds(literal)) {
                self.learned.certain.insert(name.to_owned());
            }
            self.scopes.pop();
            let joined = self.learned.results.get(name).map_or_else(|| made.clone(), |before| before.join(&made));
            self.learned.results.insert(name.to_owned(), joined);
        }
    }

    /// What a case makes, and whether it makes something whenever its conditions hold.
    fn head(&mut self, rule: &'a Rule, case: &'a Case) -> (Type, bool) {
        let keys: Vec<Inferred> = rule.keys.iter().map(|key| self.expr(key)).collect();
        let value = case.value.as_ref().map(|value| (value, self.expr(value)));
        let defined = keys.iter().chain(value.iter().map(|(_, seen)| seen)).all(|seen| !seen.may_be_undefined);
        if !defined {
            let place = case.value.as_ref().map_or(rule.place, |value| value.place);
            self.not_rewritten(place, "what a head makes may be undefined");
        }
        let of = value.map_or(Type::of(Kinds::BOOLEAN), |(expr, seen)| {
            if rule.kind == Kind::Set {
                findings::check(self, rule, expr, &seen.ty);
            }
            seen.ty
        });
        let of = match rule.kind {
            Kind::Value | Kind::Function => of,
            Kind::Set => Type::many(Kinds::SET, Some(of)),
            Kind::Object => {
                let below = if rule.of_sets { Type::many(Kinds::SET, Some(of)) } else { of };
                rule.keys.iter().fold(below, |below, _| Type::object(BTreeMap::new(), Some(below)))
            }
        };
        (of, defined)
    }

    /// Whether a condition only gives a name to what is always defined.
    fn always_holds(&mut self, literal: &'a Literal) -> bool {
        match &literal.kind {
            LiteralKind::Expr(Expr { kind: ExprKind::Assign(left, right), .. }) => {
                matches!(left.kind, ExprKind::Var(_)) && !self.without_conditions(right).may_be_undefined
            }
            _ => false,
        }
    }

    /// What an expression gives where no condition beside it is known to hold.
    fn without_conditions(&mut self, expr: &'a Expr) -> Inferred {
        let present: Vec<_> = self.scopes.iter_mut().map(|scope| std::mem::take(&mut scope.present)).collect();
        let seen = self.silently(expr);
        for (scope, present) in self.scopes.iter_mut().zip(present) {
            scope.present = present;
        }
        seen
    }

    pub fn body(&mut self, body: &'a [Literal]) {
        let mut present = BTreeSet::new();
        for literal in body {
            needed(literal, &mut present);
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.present = present;
        }
        for (at, literal) in body.iter().enumerate() {
            self.literal(literal);
            self.unequal(body, at);
        }
    }

    fn literal(&mut self, literal: &'a Literal) {
        for with in &literal.with {
            self.expr(&with.value);
            self.expr(&with.target);
        }
        // Nothing is known of evidence that is replaced as a whole.
        let whole = |with: &With| matches!(&with.target.kind, ExprKind::Var(name) if name == "input");
        let reporting = self.reporting && !literal.with.iter().any(whole);
        let reporting = std::mem::replace(&mut self.reporting, reporting);
        self.condition(literal);
        self.reporting = reporting;
    }

    fn condition(&mut self, literal: &'a Literal) {
        match &literal.kind {
            LiteralKind::Some(names) => {
                for name in names {
                    self.bind_name(&name.text, Type::Any);
                }
            }
            LiteralKind::SomeIn { key, value, collection } => {
                let seen = self.expr(collection);
                let (keys, values) = self.elements(&seen.ty, collection);
                if let Some(key) = key {
                    self.bind(key, &keys);
                }
                self.bind(value, &values);
            }
            LiteralKind::Expr(expr) => match &expr.kind {
                ExprKind::In { key, value, collection } => {
                    self.membership(key.as_deref(), value, collection);
                }
                ExprKind::Call { function, args } if is_walk(function, args) => {
                    self.expr(&args[0]);
                    self.bind(&args[1], &Type::Any);
                }
                _ => {
                    self.expr(expr);
                }
            },
            LiteralKind::Not(expr) => self.negated(expr),
            LiteralKind::Every { key, value, domain, body } => {
                let seen = self.expr(domain);
                let (keys, values) = self.elements(&seen.ty, domain);
                self.scopes.push(Scope::default());
                if let Some(key) = key {
                    self.bind_name(&key.text, keys);
                }
                self.bind_name(&value.text, values);
                self.body(body);
                self.scopes.pop();
            }
        }
    }

    /// Reports a form that only policies of others may have: ours are given to the engine as they are.
    pub fn not_rewritten(&mut self, place: Place, what: &str) {
        if is_ours(&self.module.package) {
            self.add(place, what, "bind it in the body first, as by `x := ...`: bundled policies are not rewritten");
        }
    }

    fn negated(&mut self, expr: &'a Expr) {
        if let ExprKind::Call { function, .. } = &expr.kind
            && **function == ["print"]
        {
            self.add(expr.place, "print gives no answer that `not` could turn", "write print on a line of its own");
        }
        let plain = |expr: &Expr| matches!(expr.kind, ExprKind::Var(_) | ExprKind::Ref { .. }) || is_literal(expr);
        let operands: Vec<&Expr> = match &expr.kind {
            ExprKind::Ref { steps, .. } => steps.iter().collect(),
            ExprKind::Operation { operator: Operator::Equal, operands } if operands.iter().all(plain) => Vec::new(),
            _ if expr.comprehension().is_some() => Vec::new(),
            _ => expr.children(),
        };
        for operand in operands {
            if self.silently(operand).may_be_undefined {
                self.not_rewritten(operand.place, "under `not` this may be undefined");
            }
        }
        if let ExprKind::In { key, value, collection } = &expr.kind {
            self.membership(key.as_deref(), value, collection);
        } else {
            self.expr(expr);
        }
    }

    pub fn silently(&mut self, expr: &'a Expr) -> Inferred {
        let reporting = std::mem::replace(&mut self.reporting, false);
        let seen = self.expr(expr);
        self.reporting = reporting;
        seen
    }

    /// What the elements of a collection may be: keys and values.
    pub fn elements(&mut self, of: &Type, expr: &Expr) -> (Type, Type) {
        of.element().unwrap_or_else(|| {
            self.add(
                expr.place,
                format!("this is {}, and has no elements", of.kinds()),
                "check the spelling of the path",
            );
            (Type::Any, Type::Any)
        })
    }

    fn bind_name(&mut self, name: &str, of: Type) {
        if let Some(scope) = self.scopes.last_mut()
            && name != "_"
        {
            scope.types.insert(name.to_owned(), of);
        }
    }

    /// Gives the variables of a pattern their types.
    pub fn bind(&mut self, pattern: &'a Expr, of: &Type) {
        match &pattern.kind {
            ExprKind::Var(name) => self.bind_name(name, of.clone()),
            ExprKind::Array(items) => {
                let item = of.element().map_or(Type::Any, |(_, value)| value);
                for pattern in items {
                    self.bind(pattern, &item);
                }
            }
            ExprKind::Object(fields) => {
                for (key, pattern) in fields {
                    let step = self.step(&Inferred::always(of.clone()), key, "the object");
                    self.bind(pattern, &step.ty);
                }
            }
            _ => {
                let seen = self.expr(pattern);
                self.comparable(pattern.place, &seen.ty, of);
            }
        }
    }
}
