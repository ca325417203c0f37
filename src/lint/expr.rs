//! What each kind of expression gives, and where its parts do not fit together.

use std::collections::BTreeMap;

use crate::diagnostic::problem::Place;
use crate::lint::type_checker::{Scope, Seen, TypeChecker};
use crate::lint::types::{Difference, Field, Kinds, Type};
use crate::rego::syntax::{Comprehension, Expr, ExprKind, Operator};
use crate::text::suggest::nearest;

impl<'a> TypeChecker<'_, 'a> {
    /// What an expression gives.
    pub fn expr(&mut self, expr: &'a Expr) -> Seen {
        let boolean = |maybe| Seen { of: Type::of(Kinds::BOOLEAN), maybe };
        match &expr.kind {
            ExprKind::String(text) => Seen::always(Type::word(text)),
            ExprKind::Number => Seen::always(Type::of(Kinds::NUMBER)),
            ExprKind::Boolean => boolean(false),
            ExprKind::Null => Seen::always(Type::of(Kinds::NULL)),
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
                let maybe = self.membership(key.as_deref(), value, collection);
                if maybe {
                    self.not_rewritten(expr.place, "what `in` asks for here may be undefined");
                }
                boolean(maybe)
            }
            ExprKind::Assign(left, right) => {
                let seen = self.expr(right);
                self.bind(left, &seen.of);
                boolean(seen.maybe)
            }
            ExprKind::Unify(left, right) => {
                let (a, b) = (self.expr(left), self.expr(right));
                self.comparable(expr.place, &a.of, &b.of);
                self.refine(left, &b.of);
                self.refine(right, &a.of);
                boolean(a.maybe || b.maybe)
            }
        }
    }

    fn many(&mut self, kind: Kinds, items: &'a [Expr]) -> Seen {
        let (mut of, mut maybe): (Option<Type>, bool) = (None, false);
        for item in items {
            let seen = self.expr(item);
            maybe |= seen.maybe;
            of = Type::either(of.as_ref(), Some(&seen.of));
        }
        Seen { of: Type::many(kind, of), maybe }
    }

    fn object(&mut self, fields: &'a [(Expr, Expr)]) -> Seen {
        let (mut known, mut rest, mut maybe) = (BTreeMap::new(), None, false);
        for (key, value) in fields {
            let (name, seen) = (self.expr(key), self.expr(value));
            maybe |= name.maybe || seen.maybe;
            if let ExprKind::String(name) = &key.kind {
                if known.insert(name.clone(), Field { of: seen.of, always: true }).is_some() {
                    self.add(key.place, format!("the key {name:?} is here twice"), "leave one of the two out");
                }
            } else {
                rest = Type::either(rest.as_ref(), Some(&seen.of));
            }
        }
        Seen { of: Type::object(known, rest), maybe }
    }

    fn comprehension(&mut self, kind: Kinds, inner: &'a Comprehension) -> Seen {
        self.scopes.push(Scope::default());
        self.body(&inner.body);
        if let Some(key) = &inner.key {
            self.expr(key);
        }
        let term = self.expr(&inner.term).of;
        self.scopes.pop();
        Seen::always(match kind {
            Kinds::OBJECT => Type::object(BTreeMap::new(), Some(term)),
            _ => Type::many(kind, Some(term)),
        })
    }

    fn operation(&mut self, place: Place, operator: Operator, operands: &'a [Expr]) -> Seen {
        let seen: Vec<Seen> = operands.iter().map(|operand| self.expr(operand)).collect();
        let maybe = seen.iter().any(|seen| seen.maybe);
        let (Some(left), right) = (seen.first(), seen.get(1)) else { return Seen::always(Type::Any) };
        let right = right.unwrap_or(left);
        let allowed = match operator {
            Operator::Equal | Operator::Unequal => {
                self.comparable(place, &left.of, &right.of);
                return Seen { of: Type::of(Kinds::BOOLEAN), maybe };
            }
            Operator::Order => {
                if !left.of.kinds().meets(right.of.kinds()) {
                    self.comparable(place, &left.of, &right.of);
                }
                return Seen { of: Type::of(Kinds::BOOLEAN), maybe };
            }
            Operator::Sets => Kinds::SET,
            Operator::Minus => Kinds::SET.or(Kinds::NUMBER),
            Operator::Arithmetic => Kinds::NUMBER,
        };
        for (operand, seen) in operands.iter().zip(&seen) {
            if !seen.of.kinds().meets(allowed) {
                let what = format!("this is {}, where {allowed} belongs", seen.of.kinds());
                self.add(operand.place, what, "is it another value than was meant?");
            }
        }
        let number = left.of.kinds() == Kinds::NUMBER || operator == Operator::Arithmetic;
        let of = if number { Type::of(Kinds::NUMBER) } else { left.of.join(&right.of) };
        Seen { of, maybe }
    }

    /// Whether `in` may be asked of something undefined.
    pub fn membership(&mut self, key: Option<&'a Expr>, value: &'a Expr, collection: &'a Expr) -> bool {
        let mut maybe = key.is_some_and(|key| self.expr(key).maybe);
        let one = self.expr(value);
        maybe |= one.maybe;
        if let ExprKind::Array(items) | ExprKind::Set(items) = &collection.kind {
            for item in items {
                let seen = self.expr(item);
                maybe |= seen.maybe;
                self.comparable(item.place, &seen.of, &one.of);
            }
            return maybe;
        }
        let all = self.expr(collection);
        let (_, element) = self.elements(&all.of, collection);
        self.comparable(value.place, &one.of, &element);
        maybe || all.maybe
    }

    /// Reports two values that can never be equal.
    pub fn comparable(&mut self, place: Place, a: &Type, b: &Type) {
        match a.never_equals(b) {
            None => {}
            Some(Difference::Kinds(a, b)) => {
                self.add(place, format!("{a} is never {b}"), "compare what can be equal; is the path right?");
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
