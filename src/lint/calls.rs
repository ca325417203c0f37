//! Calls: what functions make of what they are given, and whether it is what they take.

use crate::diagnostic::problem::Place;
use crate::lint::builtins;
use crate::lint::program::DataPath;
use crate::lint::type_checker::{Inferred, TypeChecker};
use crate::lint::types::{Field, Kinds, Type};
use crate::rego::syntax::{Expr, ExprKind};

/// Where `_` stands in an expression, outside of comprehensions.
fn wildcard(expr: &Expr) -> Option<Place> {
    match &expr.kind {
        ExprKind::Var(name) if name == "_" => Some(expr.place),
        _ if expr.comprehension().is_some() => None,
        _ => expr.children().into_iter().find_map(wildcard),
    }
}

impl<'a> TypeChecker<'_, 'a> {
    /// What a call gives.
    pub fn call(&mut self, place: Place, function: &[String], args: &'a [Expr]) -> Inferred {
        let seen: Vec<Inferred> = args.iter().map(|arg| self.expr(arg)).collect();
        let path: Vec<(&str, Place)> = function.iter().map(|step| (&**step, place)).collect();
        if let Some(absolute) = self.program.resolve(self.module, &path) {
            return match self.program.find(&absolute.steps) {
                DataPath::Rule(rule, _) => self.own_function(&rule, &seen),
                _ => Inferred::always(Type::Any),
            };
        }
        let name = function.join(".");
        let may_be_undefined = seen.iter().any(|seen| seen.may_be_undefined);
        let Some(signature) = builtins::signature(&name) else { return Inferred::always(Type::Any) };
        for ((arg, seen), allowed) in args.iter().zip(&seen).zip(&signature.args) {
            if !seen.ty.kinds().meets(*allowed) && name != "print" {
                let what = format!("{name} takes {allowed} here, and gets {}", seen.ty.kinds());
                self.add(arg.place, what, "pass a value of that type");
            }
        }
        if name == "sprintf" {
            self.sprintf(args);
        }
        if name == "print" {
            self.print(args);
        }
        Inferred { ty: self.result(&name, args, &seen).unwrap_or_else(|| Type::of(signature.gives)), may_be_undefined }
    }

    /// What is printed is a value: OPA refuses to print once for each element, and the engine would not go on where there
    /// is none.
    fn print(&mut self, args: &'a [Expr]) {
        for arg in args {
            if let Some(place) = wildcard(arg) {
                self.add(
                    place,
                    "print takes values, and `_` here is many",
                    "bind one first, as by `some x in xs`; print(x)",
                );
            }
        }
    }

    /// What is known of a result beyond its kind.
    fn result(&mut self, name: &str, args: &'a [Expr], seen: &[Inferred]) -> Option<Type> {
        let first = &seen.first()?.ty;
        let element = || first.element().map(|(_, value)| value);
        Some(match name {
            "object.get" => return self.object_get(args, seen),
            "array.concat" | "object.union" => first.join(&seen.get(1)?.ty),
            "array.slice" | "array.reverse" => first.clone(),
            "sort" => Type::many(Kinds::ARRAY, element()),
            "max" | "min" | "union" | "intersection" | "object.union_n" => element()?,
            "object.keys" => Type::many(Kinds::SET, first.element().map(|(key, _)| key)),
            "object.filter" | "object.remove" | "json.filter" | "json.remove" => {
                let Type::Known(known) = first else { return None };
                let fields =
                    known.fields.iter().map(|(key, field)| (key.clone(), Field { always: false, ..field.clone() }));
                Type::object(fields.collect(), known.rest.clone())
            }
            "split" => Type::many(Kinds::ARRAY, Some(Type::of(Kinds::STRING))),
            "numbers.range" | "numbers.range_step" => Type::many(Kinds::ARRAY, Some(Type::of(Kinds::NUMBER))),
            _ => return None,
        })
    }

    fn object_get(&mut self, args: &'a [Expr], seen: &[Inferred]) -> Option<Type> {
        let [_, key, _] = args else { return None };
        let otherwise = &seen.get(2)?.ty;
        let steps: Vec<&Expr> = match &key.kind {
            ExprKind::Array(steps) => steps.iter().collect(),
            _ => vec![key],
        };
        let mut at = seen.first()?.clone();
        for step in steps {
            let ExprKind::String(name) = &step.kind else {
                // One key of several: what it holds is one of what they hold.
                at = Inferred::always(at.ty.element().map_or(Type::Any, |(_, value)| value));
                continue;
            };
            at = self.field(&at, name, step.place, "what object.get looks into");
        }
        Some(at.ty.join(otherwise))
    }

    /// As many verbs as there are values, and values of their kinds.
    fn sprintf(&mut self, args: &'a [Expr]) {
        let [format, values] = args else { return };
        let ExprKind::String(text) = &format.kind else { return };
        let verbs = match verbs(text) {
            Verbs::Plain(verbs) => verbs,
            Verbs::Chosen => return,
            Verbs::Wrong(verb) => {
                let what = format!("%{verb} prints nothing");
                return self.add(
                    format.place,
                    what,
                    "use %s for strings, %d for whole numbers, %v for all else, %% for %",
                );
            }
        };
        if verbs.iter().any(|verb| !matches!(verb, 's' | 'd' | 'v')) || text.contains("%-") || text.contains("%0") {
            self.not_rewritten(format.place, "the engines print this format differently");
        }
        let ExprKind::Array(values) = &values.kind else { return };
        if verbs.len() != values.len() {
            let many = |many: usize, one: &str, more: &str| format!("{many} {}", if many == 1 { one } else { more });
            let (places, given) = (many(verbs.len(), "place", "places"), many(values.len(), "value is", "values are"));
            let what = format!("the format has {places}, and {given} given");
            return self.add(format.place, what, "give one value for each %s, %d or %v");
        }
        for (verb, value) in verbs.into_iter().zip(values) {
            let of = self.expr(value).ty;
            let allowed = match verb {
                's' => Kinds::STRING,
                'q' | 'x' | 'X' => Kinds::STRING.or(Kinds::NUMBER),
                'v' | 'T' => Kinds::ALL,
                _ => Kinds::NUMBER,
            };
            if !of.kinds().meets(allowed) {
                self.add(value.place, format!("%{verb} prints {allowed}, and gets {}", of.kinds()), "write %v");
            }
        }
    }
}

/// The verbs of a format.
enum Verbs {
    /// One for each value, in order.
    Plain(Vec<char>),
    /// Some say themselves which value they print, or how wide.
    Chosen,
    /// One that there is not.
    Wrong(String),
}

fn verbs(format: &str) -> Verbs {
    let mut verbs = Vec::new();
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            continue;
        }
        while rest.next_if(|c| "+-# 0123456789.".contains(*c)).is_some() {}
        match rest.next() {
            Some('%') => {}
            Some('*' | '[') => return Verbs::Chosen,
            Some(verb) if "vTdboOxXcqUeEfFgGs".contains(verb) => verbs.push(verb),
            other => return Verbs::Wrong(other.map_or_else(String::new, String::from)),
        }
    }
    Verbs::Plain(verbs)
}
