//! The types of JSON that a filter can give, as far as its text says.

use std::fmt;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};

/// A set of types of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u8);

impl Types {
    /// None: a filter that gives no value.
    pub const NONE: Self = Self(0);
    /// `null`.
    pub const NULL: Self = Self(1);
    /// `true` and `false`.
    pub const BOOLEAN: Self = Self(2);
    /// Numbers.
    pub const NUMBER: Self = Self(4);
    /// Strings.
    pub const STRING: Self = Self(8);
    /// Arrays.
    pub const ARRAY: Self = Self(16);
    /// Objects.
    pub const OBJECT: Self = Self(32);
    /// All of them.
    pub const ANY: Self = Self(63);

    /// The types that are in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether no type is in both.
    pub const fn is_apart(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["null", "a boolean", "a number", "a string", "an array", "an object"];
        let contained: Vec<&str> =
            (0..).zip(names).filter(|(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| name).collect();
        if contained.is_empty() { f.write_str("no value") } else { f.write_str(&contained.join(" or ")) }
    }
}

/// The types that calls of jq's own filters give, whatever their input.
const CALLS: [(&str, usize, Types); 30] = [
    ("true", 0, Types::BOOLEAN),
    ("false", 0, Types::BOOLEAN),
    ("null", 0, Types::NULL),
    ("empty", 0, Types::NONE),
    ("error", 0, Types::NONE),
    ("error", 1, Types::NONE),
    ("not", 0, Types::BOOLEAN),
    ("any", 0, Types::BOOLEAN),
    ("any", 1, Types::BOOLEAN),
    ("any", 2, Types::BOOLEAN),
    ("all", 0, Types::BOOLEAN),
    ("all", 1, Types::BOOLEAN),
    ("all", 2, Types::BOOLEAN),
    ("test", 1, Types::BOOLEAN),
    ("test", 2, Types::BOOLEAN),
    ("startswith", 1, Types::BOOLEAN),
    ("endswith", 1, Types::BOOLEAN),
    ("has", 1, Types::BOOLEAN),
    ("contains", 1, Types::BOOLEAN),
    ("inside", 1, Types::BOOLEAN),
    ("isempty", 1, Types::BOOLEAN),
    ("length", 0, Types::NUMBER),
    ("tonumber", 0, Types::NUMBER),
    ("tostring", 0, Types::STRING),
    ("tojson", 0, Types::STRING),
    ("type", 0, Types::STRING),
    ("ascii_downcase", 0, Types::STRING),
    ("ascii_upcase", 0, Types::STRING),
    ("join", 1, Types::STRING),
    ("keys", 0, Types::ARRAY),
];

/// The types that a term can give.
pub(super) fn of_term(term: &Term<&str>) -> Types {
    match term {
        Term::Num(_) | Term::Neg(_) => Types::NUMBER,
        Term::Str(_, parts) => of_string(parts),
        Term::Arr(_) => Types::ARRAY,
        Term::Obj(_) => Types::OBJECT,
        Term::BinOp(left, op, right) => of_operation(left, op, right),
        Term::TryCatch(body, catch) => of_term(body).or(catch.as_ref().map_or(Types::NONE, |catch| of_term(catch))),
        Term::IfThenElse(branches, otherwise) => {
            let otherwise = otherwise.as_ref().map_or(Types::ANY, |otherwise| of_term(otherwise));
            branches.iter().fold(otherwise, |types, (_, then)| types.or(of_term(then)))
        }
        Term::Def(_, body) | Term::Label(_, body) => of_term(body),
        Term::Call(name, args) => {
            let call = CALLS.iter().find(|(call, arity, _)| call == name && *arity == args.len());
            call.map_or(Types::ANY, |(.., types)| *types)
        }
        Term::Id | Term::Recurse | Term::Break(_) | Term::Fold(..) | Term::Var(_) | Term::Path(..) => Types::ANY,
    }
}

/// A string, unless a part of it gives no value.
fn of_string(parts: &[StrPart<&str, Term<&str>>]) -> Types {
    let is_empty =
        |part: &StrPart<&str, Term<&str>>| matches!(part, StrPart::Term(term) if of_term(term) == Types::NONE);
    if parts.iter().any(is_empty) { Types::NONE } else { Types::STRING }
}

fn of_operation(left: &Term<&str>, op: &BinaryOp<&str>, right: &Term<&str>) -> Types {
    match op {
        BinaryOp::Pipe(_) => of_term(right),
        BinaryOp::Comma | BinaryOp::Alt => of_term(left).or(of_term(right)),
        BinaryOp::Or | BinaryOp::And | BinaryOp::Cmp(_) => Types::BOOLEAN,
        BinaryOp::Math(_) | BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
            Types::ANY
        }
    }
}
