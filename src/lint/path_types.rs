//! References: what lies at a path, below `input` by the document's schema, below `data` by what the rules there make,
//! in a variable by what it was given; and whether it may be absent.

use std::collections::BTreeSet;

use crate::declared::metadata::NeedsPrevious;
use crate::declared::params;
use crate::diagnostic::problem::Place;
use crate::lint::program::DataPath;
use crate::lint::type_checker::{Inferred, TypeChecker};
use crate::lint::types::{Kinds, Type};
use crate::rego::syntax::{Expr, ExprKind, Literal, LiteralKind};
use crate::text::suggest::nearest;

impl<'a> TypeChecker<'_, 'a> {
    /// What a reference gives.
    pub fn reference(&mut self, root: &'a Expr, steps: &'a [Expr]) -> Inferred {
        let (mut seen, mut path, used) = self.root(root, steps);
        for step in &steps[used..] {
            seen = self.step(&seen, step, &path);
            path.push_str(&step_text(step));
        }
        if seen.may_be_undefined && self.is_present(&path) {
            seen.may_be_undefined = false;
        }
        seen
    }

    /// Where a reference begins, what that is called, and how many steps lead there.
    fn root(&mut self, root: &'a Expr, steps: &'a [Expr]) -> (Inferred, String, usize) {
        let ExprKind::Var(name) = &root.kind else {
            return (self.expr(root), String::new(), 0);
        };
        if let Some(of) = self.scopes.iter().rev().find_map(|scope| scope.types.get(&**name)) {
            return (Inferred::always(of.clone()), name.clone(), 0);
        }
        let known = steps.iter().map_while(|step| match &step.kind {
            ExprKind::String(key) => Some((&**key, step.place)),
            _ => None,
        });
        let path: Vec<(&str, Place)> = std::iter::once((&**name, root.place)).chain(known).collect();
        // What leads nowhere is reported by `scope`.
        let Some(absolute) = self.program.resolve(self.module, &path) else {
            return (Inferred::always(Type::Any), name.clone(), 0);
        };
        // Steps that an import or the package stands for are not in the expression.
        let written = path.len() - 1;
        let hidden = absolute.steps.len().saturating_sub(written);
        let found = if absolute.input { None } else { Some(self.program.find(&absolute.steps)) };
        let of = match found {
            None => Some((self.document.clone(), "input")),
            Some(DataPath::Data | DataPath::Previous) => {
                let is_required = self.program.previous.get(&*self.module.package) == Some(&NeedsPrevious::Required);
                Some((self.program.data.object(&self.previous, is_required), "data"))
            }
            Some(_) => None,
        };
        if let Some((of, root)) = of {
            let mut seen = Inferred::always(of);
            for (step, place) in &absolute.steps[..hidden] {
                seen = self.field(&seen, step, *place, root);
            }
            return (seen, name.clone(), 0);
        }
        match found.unwrap_or(DataPath::Nothing) {
            DataPath::Rule(rule, used) => {
                let total = self.is_total(&rule);
                let of = self.before.results.get(&rule).cloned().unwrap_or(Type::Any);
                let used = used.saturating_sub(hidden);
                let text = steps[..used].iter().fold(name.clone(), |text, step| text + &step_text(step));
                (Inferred { ty: of, may_be_undefined: !total }, text, used)
            }
            DataPath::Param(Some(param)) => {
                let declared = self.program.params.get(&param);
                let of = declared.map_or(Type::Any, |declared| Type::of(param_kind(declared.kind)));
                let may_be_undefined = declared.is_none_or(|declared| declared.default.is_none());
                (Inferred { ty: of, may_be_undefined }, name.clone(), 3_usize.saturating_sub(hidden).min(steps.len()))
            }
            DataPath::Nothing => (Inferred::always(Type::Any), name.clone(), steps.len()),
            // A fact that is declared and not given is an error of its own; what lies in it is not known.
            DataPath::Fact(_) => {
                (Inferred::always(Type::Any), name.clone(), 2_usize.saturating_sub(hidden).min(steps.len()))
            }
            DataPath::Param(None) | DataPath::Given | DataPath::Data | DataPath::Previous | DataPath::Package => {
                (Inferred { ty: Type::Any, may_be_undefined: true }, name.clone(), steps.len())
            }
        }
    }

    /// Whether a reference, or one that goes on from it, is needed by a condition of a body around.
    fn is_present(&self, path: &str) -> bool {
        if path.contains(COMPUTED) {
            return false;
        }
        for scope in self.scopes.iter().rev() {
            if scope.present.contains(path) {
                return true;
            }
            // A name that is declared again is another variable.
            if scope.types.keys().any(|name| mentions(path, name)) {
                return false;
            }
        }
        false
    }

    /// One step into a value.
    pub fn step(&mut self, seen: &Inferred, step: &'a Expr, path: &str) -> Inferred {
        if let ExprKind::String(key) = &step.kind {
            return self.field(seen, key, step.place, path);
        }
        let wild = matches!(&step.kind, ExprKind::Var(name) if name == "_");
        if !wild {
            self.expr(step);
        }
        let (key, value) = seen.ty.element().unwrap_or_else(|| {
            self.add(
                step.place,
                format!("{path} is {}, and has no elements", seen.ty.kinds()),
                "check the spelling of the path",
            );
            (Type::Any, Type::Any)
        });
        self.refine(step, &key);
        Inferred { ty: value, may_be_undefined: true }
    }

    /// What a key holds.
    pub fn field(&mut self, seen: &Inferred, key: &str, place: Place, path: &str) -> Inferred {
        let Type::Known(known) = &seen.ty else { return Inferred { ty: Type::Any, may_be_undefined: true } };
        if let Some(field) = known.fields.get(key) {
            let others = known.kinds != Kinds::OBJECT;
            return Inferred {
                ty: field.ty.clone(),
                may_be_undefined: seen.may_be_undefined || !field.always || others,
            };
        }
        if known.kinds.meets(Kinds::SET) {
            return Inferred { ty: known.items.clone().unwrap_or(Type::Any), may_be_undefined: true };
        }
        if let Some(rest) = &known.rest {
            return Inferred { ty: rest.clone(), may_be_undefined: true };
        }
        let of = if path.is_empty() { "this" } else { path };
        if known.kinds.meets(Kinds::OBJECT) {
            let near = nearest(key, known.fields.keys().map(String::as_str));
            let all = known.fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let remedy = near.map_or_else(|| format!("it has {all}"), |near| format!("did you mean {near:?}?"));
            self.add(place, format!("{of} has no {key:?}, so this is never defined"), remedy);
        } else {
            let what = format!("{of} is {}, and has no {key:?}", known.kinds);
            self.add(place, what, "check the spelling of the path");
        }
        Inferred::always(Type::Any)
    }

    fn is_total(&self, rule: &str) -> bool {
        self.before.certain.contains(rule) || self.program.rules.get(rule).is_some_and(|symbol| symbol.total)
    }

    /// Notes what a function is given, and says what it makes.
    pub fn own_function(&mut self, name: &str, args: &[Inferred]) -> Inferred {
        let given = self.learned.params.entry(name.to_owned()).or_default();
        for (i, arg) in args.iter().enumerate() {
            match given.get_mut(i) {
                Some(before) => *before = before.join(&arg.ty),
                None => given.push(arg.ty.clone()),
            }
        }
        let total = self.is_total(name);
        let of = self.before.results.get(name).cloned().unwrap_or(Type::Any);
        Inferred { ty: of, may_be_undefined: !total || args.iter().any(|arg| arg.may_be_undefined) }
    }
}

const fn param_kind(kind: params::Kind) -> Kinds {
    match kind {
        params::Kind::Boolean => Kinds::BOOLEAN,
        params::Kind::Integer | params::Kind::Number => Kinds::NUMBER,
        params::Kind::String => Kinds::STRING,
    }
}

/// Every reference that has to be defined for a condition to hold.
pub fn needed(literal: &Literal, present: &mut BTreeSet<String>) {
    // What is replaced there is another thing elsewhere.
    if !literal.with.is_empty() {
        return;
    }
    match &literal.kind {
        LiteralKind::Not(_) | LiteralKind::Some(_) => {}
        LiteralKind::Expr(Expr { kind: ExprKind::In { key, value, collection }, .. }) => {
            for expr in key.iter().map(|key| &**key).chain([&**value, &**collection]) {
                needs(expr, present);
            }
        }
        _ => literal.expressions().into_iter().for_each(|expr| needs(expr, present)),
    }
}

fn needs(expr: &Expr, present: &mut BTreeSet<String>) {
    match &expr.kind {
        // What `in` asks for may be undefined where it is no condition itself.
        ExprKind::In { .. } => {}
        ExprKind::Call { function, .. } if function.len() == 1 && function[0] == "print" => {}
        ExprKind::Ref { root, steps } => {
            if let ExprKind::Var(name) = &root.kind {
                let mut path = name.clone();
                for step in steps {
                    path.push_str(&step_text(step));
                    present.insert(path.clone());
                }
            }
            for step in steps {
                needs(step, present);
            }
        }
        ExprKind::Var(name) => {
            present.insert(name.clone());
        }
        _ if expr.comprehension().is_some() => {}
        _ => expr.children().into_iter().for_each(|child| needs(child, present)),
    }
}

/// A step that is computed equals no other.
pub const COMPUTED: &str = "[...]";

/// A step as `is_present` compares it, and as a message shows it.
pub fn step_text(step: &Expr) -> String {
    match &step.kind {
        ExprKind::String(key) if key.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) => format!(".{key}"),
        ExprKind::String(key) => format!("[{key:?}]"),
        ExprKind::Var(name) if name != "_" => format!("[{name}]"),
        _ => COMPUTED.into(),
    }
}

fn mentions(path: &str, name: &str) -> bool {
    path == name
        || path.starts_with(&format!("{name}."))
        || path.starts_with(&format!("{name}["))
        || path.contains(&format!("[{name}]"))
}
