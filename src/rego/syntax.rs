//! A Rego file as a tree of our own: what the static checks of `check` work on, with the place of everything.
//!
//! It is made in `engine` alone and knows nothing of it. Parentheses are gone, `a.b` and `a["b"]` are one thing.

use std::sync::Arc;

use crate::diagnostic::problem::Place;

/// What Rego keeps for itself.
pub const KEYWORDS: [&str; 17] = [
    "as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "not", "null",
    "package", "some", "true", "with",
];

/// A Rego file.
#[derive(Debug)]
pub struct Module {
    /// Its path, as a problem names it.
    pub file: Arc<str>,
    /// The package, such as `team.gold`.
    pub package: String,
    /// Where `package` stands.
    pub place: Place,
    /// What it imports; `rego.v1` and keywords are left out.
    pub imports: Vec<Import>,
    /// The definitions of its rules, in order.
    pub rules: Vec<Rule>,
    /// Its comments: line and what follows `#`.
    pub comments: Vec<(u32, String)>,
}

/// An import of `data` or `input`.
#[derive(Debug)]
pub struct Import {
    /// The whole path, such as `data.rollproof.lib.proof`.
    pub path: Vec<String>,
    /// The name that it has in the file.
    pub name: String,
    /// Where it stands.
    pub place: Place,
}

/// What a rule makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Value,
    /// A set, element by element (`contains`).
    Set,
    /// An object, key by key.
    Object,
    /// The result of a call.
    Function,
}

/// A definition of a rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, with dots where it has any.
    pub name: String,
    /// Where it starts.
    pub place: Place,
    /// What it makes.
    pub kind: Kind,
    /// Whether it is what holds where no other definition does.
    pub is_default: bool,
    /// What a function takes.
    pub args: Vec<Expr>,
    /// The keys of an element of an object, and of objects in it, outermost first.
    pub keys: Vec<Expr>,
    /// Whether what lies below its keys are sets, element by element.
    pub of_sets: bool,
    /// The cases, at least one; each but the first is an `else`.
    pub cases: Vec<Case>,
}

/// A case of a rule.
#[derive(Debug)]
pub struct Case {
    /// What it makes; nothing is `true`.
    pub value: Option<Expr>,
    /// Under which conditions; none: always.
    pub body: Vec<Literal>,
}

#[derive(Debug)]
pub struct Literal {
    pub kind: LiteralKind,
    /// What it replaces while it is asked.
    pub with: Vec<With>,
}

/// A name with its place.
#[derive(Debug, Clone)]
pub struct Name {
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// What a condition is.
#[derive(Debug)]
pub enum LiteralKind {
    /// `some a, b`
    Some(Vec<Name>),
    /// `some k, v in xs`
    SomeIn {
        /// Pattern of the key.
        key: Option<Expr>,
        /// Pattern of the value.
        value: Expr,
        /// What is walked.
        collection: Expr,
    },
    /// An expression that must hold.
    Expr(Expr),
    /// An expression that must not.
    Not(Expr),
    /// `every k, v in xs { ... }`
    Every {
        /// The key's name.
        key: Option<Name>,
        /// The value's name.
        value: Name,
        /// What is walked.
        domain: Expr,
        /// What must hold for each.
        body: Vec<Literal>,
    },
}

/// `with target as value`
#[derive(Debug)]
pub struct With {
    /// What is replaced.
    pub target: Expr,
    /// What stands instead.
    pub value: Expr,
}

#[derive(Debug)]
pub struct Expr {
    pub kind: ExprKind,
    /// Where it starts.
    pub place: Place,
}

/// What an expression is.
#[derive(Debug)]
pub enum ExprKind {
    String(String),
    /// A number; its text is of no concern.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`
    Null,
    Var(String),
    /// `[a, b]`
    Array(Vec<Expr>),
    /// `{a, b}`
    Set(Vec<Expr>),
    /// `{a: b}`
    Object(Vec<(Expr, Expr)>),
    /// `[term | body]`
    ArrayComprehension(Box<Comprehension>),
    /// `{term | body}`
    SetComprehension(Box<Comprehension>),
    /// `{key: term | body}`
    ObjectComprehension(Box<Comprehension>),
    /// `f(a, b)`; the function is a path of names.
    Call {
        /// The function, such as `object.get`.
        function: Vec<String>,
        args: Vec<Expr>,
    },
    /// `root.a[b]`; a step that is a name is a string.
    Ref {
        /// What is looked into.
        root: Box<Expr>,
        /// Each step, at least one.
        steps: Vec<Expr>,
    },
    /// `a & b`, `a + b`, `a < b`, `-a`
    Operation {
        operator: Operator,
        /// The operands, one or two.
        operands: Vec<Expr>,
    },
    /// `k, v in xs`
    In {
        key: Option<Box<Expr>>,
        value: Box<Expr>,
        collection: Box<Expr>,
    },
    /// `a := b`
    Assign(Box<Expr>, Box<Expr>),
    /// `a = b`
    Unify(Box<Expr>, Box<Expr>),
}

#[derive(Debug)]
pub struct Comprehension {
    /// The key of an object's.
    pub key: Option<Expr>,
    /// What each element is.
    pub term: Expr,
    /// Under which conditions.
    pub body: Vec<Literal>,
}

/// An operator with operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `&` or `|`, of sets.
    Sets,
    /// `-`, of numbers or sets.
    Minus,
    /// `+`, `*`, `/`, `%`, or a sign.
    Arithmetic,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`, `<=`, `>`, `>=`
    Order,
}

impl Expr {
    /// The names that lead from a root to a place that is known before anything is evaluated, such as `input.cohorts`,
    /// as far as they are known, and the places of each.
    pub fn path(&self) -> Option<Vec<(&str, Place)>> {
        match &self.kind {
            ExprKind::Var(name) => Some(vec![(name, self.place)]),
            ExprKind::Ref { root, steps } => {
                let ExprKind::Var(name) = &root.kind else { return None };
                let known = steps.iter().map_while(|step| match &step.kind {
                    ExprKind::String(key) => Some((&**key, step.place)),
                    _ => None,
                });
                Some(std::iter::once((&**name, root.place)).chain(known).collect())
            }
            _ => None,
        }
    }

    /// The name that it is or begins with.
    pub fn name(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Var(name) => Some(name),
            ExprKind::Ref { root, .. } => root.name(),
            _ => None,
        }
    }

    /// The expressions directly below it, but for those of comprehensions' bodies.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::String(_) | ExprKind::Number | ExprKind::Boolean | ExprKind::Null | ExprKind::Var(_) => {
                Vec::new()
            }
            ExprKind::Array(items) | ExprKind::Set(items) => items.iter().collect(),
            ExprKind::Object(fields) => fields.iter().flat_map(|(key, value)| [key, value]).collect(),
            ExprKind::ArrayComprehension(inner)
            | ExprKind::SetComprehension(inner)
            | ExprKind::ObjectComprehension(inner) => inner.key.iter().chain([&inner.term]).collect(),
            ExprKind::Call { args, .. } => args.iter().collect(),
            ExprKind::Ref { root, steps } => std::iter::once(&**root).chain(steps).collect(),
            ExprKind::Operation { operands, .. } => operands.iter().collect(),
            ExprKind::In { key, value, collection } => {
                key.iter().map(|key| &**key).chain([&**value, &**collection]).collect()
            }
            ExprKind::Assign(left, right) | ExprKind::Unify(left, right) => vec![left, right],
        }
    }

    pub const fn comprehension(&self) -> Option<&Comprehension> {
        match &self.kind {
            ExprKind::ArrayComprehension(inner)
            | ExprKind::SetComprehension(inner)
            | ExprKind::ObjectComprehension(inner) => Some(inner),
            _ => None,
        }
    }
}

impl Literal {
    /// The expressions directly in it.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut found = match &self.kind {
            LiteralKind::Some(_) => Vec::new(),
            LiteralKind::SomeIn { key, value, collection } => key.iter().chain([value, collection]).collect(),
            LiteralKind::Expr(expr) | LiteralKind::Not(expr) => vec![expr],
            LiteralKind::Every { domain, .. } => vec![domain],
        };
        found.extend(self.with.iter().map(|with| &with.value));
        found
    }
}

/// Calls `visit` with every expression of some conditions, outer ones first, those of inner bodies too.
pub fn walk_body<'a>(body: &'a [Literal], visit: &mut dyn FnMut(&'a Expr)) {
    for literal in body {
        for expr in literal.expressions() {
            walk(expr, visit);
        }
        if let LiteralKind::Every { body, .. } = &literal.kind {
            walk_body(body, visit);
        }
    }
}

/// Calls `visit` with an expression and every one below it; the name that a reference begins with is part of it.
pub fn walk<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    visit(expr);
    let named = matches!(&expr.kind, ExprKind::Ref { root, .. } if root.name().is_some());
    for child in expr.children().into_iter().skip(usize::from(named)) {
        walk(child, visit);
    }
    if let Some(inner) = expr.comprehension() {
        walk_body(&inner.body, visit);
    }
}

impl Rule {
    /// Calls `visit` with every expression of the definition.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        for expr in self.args.iter().chain(&self.keys) {
            walk(expr, visit);
        }
        for case in &self.cases {
            if let Some(value) = &case.value {
                walk(value, visit);
            }
            walk_body(&case.body, visit);
        }
    }

    /// Every path of names that the definition looks up or calls, with its place.
    pub fn references(&self) -> Vec<Vec<(&str, Place)>> {
        let mut found = Vec::new();
        self.walk(&mut |expr| match &expr.kind {
            ExprKind::Call { function, .. } => {
                found.push(function.iter().map(|step| (&**step, expr.place)).collect());
            }
            _ => found.extend(expr.path()),
        });
        found
    }
}
