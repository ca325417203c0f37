//! What each kind of expression gives, and where its parts do not fit together.

use std::collections::BTreeMap;

use crate::diagnostic::problem::Place;
use crate::lint::type_checker::{Inferred, Scope, TypeChecker};
use crate::lint::types::{Difference, Field, Kinds, Type};
use crate::rego::syntax::{Comprehension, Expr, ExprKind, Operator};
use crate::text::suggest::nearest;

impl<'a> TypeChecker<'_, 'a> {
    /// What an expression gives.
    pub fn expr(&mut self, expr: &'a Expr) -> Inferred {
        let boolean = |may_be_undefined| Inferred { ty: Type::of(Kinds::BOOLEAN), may_be_undefined };
        match &expr.kind {
            ExprKind::String(text) => Inferred::always(Type::word(text)),
            ExprKind::Number => Inferred::always(Type::of(Kinds::NUMBER)),
            ExprKind::Boolean => boolean(false),
            ExprKind::Null => Inferred::always(Type::of(Kinds::NULL)),
            ExprKind::Var(_) => self.reference(expr, &[]),
            ExprKind::Ref { root, steps } => self.reference(root, steps),
            ExprKind::Array(items) => self.many(Kinds::ARRAY, items),
            ExprKind::Set(items) => self.many(Kinds::SET, items),
            ExprKind::Object(fields) => self.object(fields),
            ExprKind::ArrayComprehension(inner) => self.comprehension(Kinds::ARRAY, inner),
            ExprKind::SetComprehension(inner) => self.comprehension(Kinds::SET, inner),
            ExprKind::ObjectComprehension(inner) => self.comprehension(Kinds::OBJECT, inner),
            ExprKind::Call { function, args } => self.call(expr.place, function, args),
            ExprKind::Operation { operator, operands } => self.operation(expr.place, *operator, operands),
            ExprKind::In { key, value, collection } => {
                let may_be_undefined = self.membership(key.as_deref(), value, collection);
                if may_be_undefined {
                    self.not_rewritten(expr.place, "what `in` asks for here may be undefined");
                }
                boolean(may_be_undefined)
            }
            ExprKind::Assign(left, right) => {
                let seen = self.expr(right);
                self.bind(left, &seen.ty);
                boolean(seen.may_be_undefined)
            }
            ExprKind::Unify(left, right) => {
                let (a, b) = (self.expr(left), self.expr(right));
                self.comparable(expr.place, &a.ty, &b.ty);
                self.refine(left, &b.ty);
                self.refine(right, &a.ty);
                boolean(a.may_be_undefined || b.may_be_undefined)
            }
        }
    }

    fn many(&mut self, kind: Kinds, items: &'a [Expr]) -> Inferred {
        let (mut of, mut may_be_undefined): (Option<Type>, bool) = (None, false);
        for item in items {
            let seen = self.expr(item);
            may_be_undefined |= seen.may_be_undefined;
            of = Type::either(of.as_ref(), Some(&seen.ty));
        }
        Inferred { ty: Type::many(kind, of), may_be_undefined }
    }

    fn object(&mut self, fields: &'a [(Expr, Expr)]) -> Inferred {
        let (mut known, mut rest, mut may_be_undefined) = (BTreeMap::new(), None, false);
        for (key, value) in fields {
            let (name, seen) = (self.expr(key), self.expr(value));
            may_be_undefined |= name.may_be_undefined || seen.may_be_undefined;
            if let ExprKind::String(name) = &key.kind {
                if known.insert(name.clone(), Field { ty: seen.ty, always: true }).is_some() {
                    self.add(key.place, format!("the key {name:?} is here twice"), "leave one of the two out");
                }
            } else {
                rest = Type::either(rest.as_ref(), Some(&seen.ty));
            }
        }
        Inferred { ty: Type::object(known, rest), may_be_undefined }
    }

    fn comprehension(&mut self, kind: Kinds, inner: &'a Comprehension) -> Inferred {
        self.scopes.push(Scope::default());
        self.body(&inner.body);
        if let Some(key) = &inner.key {
            self.expr(key);
        }
        let term = self.expr(&inner.term).ty;
        self.scopes.pop();
        Inferred::always(match kind {
            Kinds::OBJECT => Type::object(BTreeMap::new(), Some(term)),
            _ => Type::many(kind, Some(term)),
        })
    }

    fn operation(&mut self, place: Place, operator: Operator, operands: &'a [Expr]) -> Inferred {
        let seen: Vec<Inferred> = operands.iter().map(|operand| self.expr(operand)).collect();
        let may_be_undefined = seen.iter().any(|seen| seen.may_be_undefined);
        let (Some(left), right) = (seen.first(), seen.get(1)) else { return Inferred::always(Type::Any) };
        let right = right.unwrap_or(left);
        let allowed = match operator {
            Operator::Equal | Operator::Unequal => {
                self.comparable(place, &left.ty, &right.ty);
                return Inferred { ty: Type::of(Kinds::BOOLEAN), may_be_undefined };
            }
            Operator::Order => {
                if !left.ty.kinds().meets(right.ty.kinds()) {
                    self.comparable(place, &left.ty, &right.ty);
                }
                return Inferred { ty: Type::of(Kinds::BOOLEAN), may_be_undefined };
            }
            Operator::Sets => Kinds::SET,
            Operator::Minus => Kinds::SET.or(Kinds::NUMBER),
            Operator::Arithmetic => Kinds::NUMBER,
        };
        for (operand, seen) in operands.iter().zip(&seen) {
            if !seen.ty.kinds().meets(allowed) {
                let what = format!("this is {}, where {allowed} belongs", seen.ty.kinds());
                self.add(operand.place, what, "use a value of that type");
            }
        }
        let number = left.ty.kinds() == Kinds::NUMBER || operator == Operator::Arithmetic;
        let of = if number { Type::of(Kinds::NUMBER) } else { left.ty.join(&right.ty) };
        Inferred { ty: of, may_be_undefined }
    }

    /// Whether `in` may be asked of something undefined.
    pub fn membership(&mut self, key: Option<&'a Expr>, value: &'a Expr, collection: &'a Expr) -> bool {
        let mut may_be_undefined = key.is_some_and(|key| self.expr(key).may_be_undefined);
        let one = self.expr(value);
        may_be_undefined |= one.may_be_undefined;
        if let ExprKind::Array(items) | ExprKind::Set(items) = &collection.kind {
            for item in items {
                let seen = self.expr(item);
                may_be_undefined |= seen.may_be_undefined;
                self.comparable(item.place, &seen.ty, &one.ty);
            }
            return may_be_undefined;
        }
        let all = self.expr(collection);
        let (_, element) = self.elements(&all.ty, collection);
        self.comparable(value.place, &one.ty, &element);
        may_be_undefined || all.may_be_undefined
    }

    /// Reports two values that can never be equal.
    pub fn comparable(&mut self, place: Place, a: &Type, b: &Type) {
        match a.never_equals(b) {
            None => {}
            Some(Difference::Kinds(a, b)) => {
                self.add(place, format!("{a} is never {b}"), "compare what can be equal, or correct the path");
            }
            Some(Difference::Words(ours, theirs)) => {
                let (one, known) = if ours.len() == 1 { (ours, theirs) } else { (theirs, ours) };
                let one = one.into_iter().next().unwrap_or_default();
                let near = nearest(&one, known.iter().map(String::as_str));
                let all = known.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
                let remedy =
                    near.map_or_else(|| format!("it is one of {all}"), |near| format!("did you mean {near:?}?"));
                self.add(place, format!("this is never {one:?}"), remedy);
            }
        }
    }

    /// What a variable is, once something else says so.
    pub fn refine(&mut self, expr: &Expr, of: &Type) {
        let ExprKind::Var(name) = &expr.kind else { return };
        if let Some(known) = self.scopes.iter_mut().rev().find_map(|scope| scope.types.get_mut(&**name))
            && *known == Type::Any
        {
            *known = of.clone();
        }
    }
}
