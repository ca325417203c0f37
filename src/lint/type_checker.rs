//! The state of the walk that follows types through a policy.

use std::collections::{BTreeMap, BTreeSet};

use crate::lint::program::{Program, Report};
use crate::lint::types::Type;
use crate::rego::syntax::Module;

/// What the walk before has learned.
#[derive(Default, PartialEq)]
pub struct Learned {
    /// What each rule makes.
    pub results: BTreeMap<String, Type>,
    /// What each function is given.
    pub params: BTreeMap<String, Vec<Type>>,
    /// Rules that have a case whose conditions always hold.
    pub certain: BTreeSet<String>,
}

/// What an expression gives.
#[derive(Debug, Clone)]
pub struct Inferred {
    /// What it may be.
    pub ty: Type,
    /// Whether it may be undefined.
    pub may_be_undefined: bool,
}

impl Inferred {
    pub const fn always(ty: Type) -> Self {
        Self { ty, may_be_undefined: false }
    }
}

/// The variables of a body.
#[derive(Default)]
pub struct Scope {
    /// What each may be.
    pub types: BTreeMap<String, Type>,
    /// References that a condition of this body needs, so that they are defined in the rest of it.
    pub present: BTreeSet<String>,
}

pub struct TypeChecker<'c, 'a> {
    /// All modules.
    pub program: &'c Program<'a>,
    /// The names of the rules that are walked.
    pub used: BTreeSet<String>,
    /// The one that is walked.
    pub module: &'a Module,
    /// What `input` may be.
    pub document: Type,
    /// What `data.previous` may be.
    pub previous: Type,
    pub learned: Learned,
    pub before: Learned,
    pub scopes: Vec<Scope>,
    pub(crate) reporting: bool,
    pub(crate) report: &'c mut Report,
}
