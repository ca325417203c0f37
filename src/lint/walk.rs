//! Follows types from the document's schema through every expression: a path that the document cannot have, a value
//! that can never be what it is compared with, and what may be undefined where the engine needs it to be defined.
//!
//! Functions and rules are walked a few times: first silently, so that what calls give to arguments and what rules make
//! is known; then the problems are reported. What is not known is never a problem.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::diagnostic::problem::Place;
use crate::lint::findings;
use crate::lint::program::{Program, Report};
use crate::lint::reference::needed;
use crate::lint::types::{Kinds, Type};
use crate::lint::walker::{Learned, Scope, Seen, Walker};
use crate::rego::syntax::{Case, Expr, ExprKind, Kind, Literal, LiteralKind, Operator, Rule};

/// How often everything is walked before it is reported: what one walk learns, the next hands on.
const ROUNDS: usize = 5;

/// Walks every module and reports on those that are checked.
pub fn check(program: &Program<'_>, schema: &Value, report: &mut Report) {
    let Some(first) = program.modules.first() else { return };
    let mut walker = Walker {
        program,
        module: first,
        document: Type::document(schema),
        learned: Learned::default(),
        before: Learned::default(),
        scopes: Vec::new(),
        reporting: false,
        report,
    };
    for _ in 0..ROUNDS {
        walker.all(0);
        walker.before = std::mem::take(&mut walker.learned);
    }
    walker.reporting = true;
    walker.all(program.known);
}

impl<'a> Walker<'_, 'a> {
    fn all(&mut self, from: usize) {
        for module in self.program.modules.iter().skip(from) {
            self.module = module;
            for rule in &module.rules {
                self.rule(rule);
            }
        }
    }

    /// Reports a problem, unless this walk is a silent one.
    pub fn add(&mut self, place: Place, what: impl Into<String>, remedy: impl Into<String>) {
        if self.reporting {
            self.report.add(self.module, place, what, remedy);
        }
    }

    fn rule(&mut self, rule: &'a Rule) {
        let name = format!("{}.{}", self.module.package, rule.name);
        let args = self.before.params.get(&name).cloned().unwrap_or_default();
        for case in &rule.cases {
            self.scopes.push(Scope::default());
            for (i, arg) in rule.args.iter().enumerate() {
                self.bind(arg, args.get(i).unwrap_or(&Type::Any));
            }
            self.body(&case.body);
            let (made, defined) = self.head(rule, case);
            let any = rule.args.iter().all(|arg| matches!(arg.kind, ExprKind::Var(_)));
            if any && defined && case.body.iter().all(|literal| self.always_holds(literal)) {
                self.learned.certain.insert(name.clone());
            }
            self.scopes.pop();
            let joined = self.learned.results.get(&name).map_or_else(|| made.clone(), |before| before.join(&made));
            self.learned.results.insert(name.clone(), joined);
        }
    }

    /// What a case makes. Its parts have to be defined: else the engine drops what the rule has made before.
    fn head(&mut self, rule: &'a Rule, case: &'a Case) -> (Type, bool) {
        let key = rule.key.as_ref().map(|key| (key, self.expr(key)));
        let value = case.value.as_ref().map(|value| (value, self.expr(value)));
        for (expr, seen) in [&key, &value].into_iter().flatten() {
            if seen.maybe {
                let what = format!(
                    "what {} makes here may be undefined, and would take with it what it has made before",
                    rule.name
                );
                self.add(expr.place, what, "bind it in the body, as by `x := ...`, and write x in the head");
            }
        }
        let defined = [&key, &value].into_iter().flatten().all(|(_, seen)| !seen.maybe);
        let of = value.map_or(Type::of(Kinds::BOOLEAN), |(expr, seen)| {
            if rule.kind == Kind::Set {
                findings::check(self, rule, expr, &seen.of);
            }
            seen.of
        });
        let of = match rule.kind {
            Kind::Value | Kind::Function => of,
            Kind::Set => Type::many(Kinds::SET, Some(of)),
            Kind::Object => Type::object(BTreeMap::new(), Some(of)),
        };
        (of, defined)
    }

    /// Whether a condition only gives a name to what is always defined.
    fn always_holds(&mut self, literal: &'a Literal) -> bool {
        match &literal.kind {
            LiteralKind::Expr(Expr { kind: ExprKind::Assign(left, right), .. }) => {
                matches!(left.kind, ExprKind::Var(_)) && !self.without_conditions(right).maybe
            }
            _ => false,
        }
    }

    /// What an expression gives where no condition beside it is known to hold.
    fn without_conditions(&mut self, expr: &'a Expr) -> Seen {
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
        for literal in body {
            self.literal(literal);
        }
    }

    fn literal(&mut self, literal: &'a Literal) {
        for with in &literal.with {
            self.expr(&with.value);
        }
        match &literal.kind {
            LiteralKind::Some(names) => {
                for name in names {
                    self.bind_name(&name.text, Type::Any);
                }
            }
            LiteralKind::SomeIn { key, value, collection } => {
                let seen = self.expr(collection);
                let (keys, values) = self.elements(&seen.of, collection);
                if let Some(key) = key {
                    self.bind(key, &keys);
                }
                self.bind(value, &values);
            }
            LiteralKind::Expr(expr) => match &expr.kind {
                ExprKind::In { key, value, collection } => {
                    self.membership(key.as_deref(), value, collection);
                }
                _ => {
                    self.expr(expr);
                }
            },
            LiteralKind::Not(expr) => self.negated(expr),
            LiteralKind::Every { key, value, domain, body } => {
                let seen = self.expr(domain);
                let (keys, values) = self.elements(&seen.of, domain);
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

    /// Under `not` the engine takes an operand that is undefined for false, OPA for undefined.
    fn negated(&mut self, expr: &'a Expr) {
        let plain = |expr: &Expr| {
            matches!(
                expr.kind,
                ExprKind::Var(_)
                    | ExprKind::Ref { .. }
                    | ExprKind::String(_)
                    | ExprKind::Number
                    | ExprKind::Boolean
                    | ExprKind::Null
            )
        };
        let operands: Vec<&Expr> = match &expr.kind {
            ExprKind::Ref { steps, .. } => steps.iter().collect(),
            ExprKind::Operation { operator: Operator::Equal, operands } if operands.iter().all(plain) => Vec::new(),
            _ if expr.comprehension().is_some() => Vec::new(),
            _ => expr.children(),
        };
        for operand in operands {
            if self.silently(operand).maybe {
                let what = "under `not` this may be undefined, which would count as not holding";
                self.add(
                    operand.place,
                    what,
                    "bind it before the `not`, as by `x := ...`, and ask for what is absent apart",
                );
            }
        }
        if let ExprKind::In { key, value, collection } = &expr.kind {
            self.membership(key.as_deref(), value, collection);
        } else {
            self.expr(expr);
        }
    }

    fn silently(&mut self, expr: &'a Expr) -> Seen {
        let reporting = std::mem::replace(&mut self.reporting, false);
        let seen = self.expr(expr);
        self.reporting = reporting;
        seen
    }

    /// What the elements of a collection may be: keys and values.
    pub fn elements(&mut self, of: &Type, expr: &Expr) -> (Type, Type) {
        of.element().unwrap_or_else(|| {
            self.add(expr.place, format!("this is {}, and has no elements", of.kinds()), "is the path misspelt?");
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
                    let step = self.step(&Seen::always(of.clone()), key, "the object");
                    self.bind(pattern, &step.of);
                }
            }
            _ => {
                let seen = self.expr(pattern);
                self.comparable(pattern.place, &seen.of, of);
            }
        }
    }
}
