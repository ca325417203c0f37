//! `not`: OPA binds the operands of what is negated before it, so that the whole is undefined where one of them is; the
//! engine takes an undefined operand for one that makes it hold.

use std::ops::Range;

use regorus::unstable::{AssignOp, BoolOp, Expr, Literal, LiteralStmt};

use crate::rego::engine::lower::{Lowering, Refused};
use crate::rego::engine::text::children;

/// A part of what is negated.
enum Part<'a> {
    /// It is bound before.
    Bound(&'a Expr),
    /// It stays.
    Same(&'a Expr),
}

impl<'a> Part<'a> {
    const fn expr(&self) -> &'a Expr {
        match self {
            Self::Bound(expr) | Self::Same(expr) => expr,
        }
    }
}

impl Lowering<'_> {
    /// Whether something is bound before a condition, which then are several.
    pub(super) fn binds_first(&self, statement: &LiteralStmt) -> bool {
        let Literal::NotExpr { expr, .. } = &statement.literal else { return false };
        self.parts(expr).iter().any(|part| matches!(part, Part::Bound(_))) || !self.steps(expr).is_empty()
    }

    pub(super) fn negated(&mut self, statement: &LiteralStmt, expr: &Expr) -> Result<(), Refused> {
        let parts = self.parts(expr);
        if parts.iter().all(|part| matches!(part, Part::Same(_))) {
            return self.steps_first(statement, expr, &parts);
        }
        let with = self.with(statement);
        let begin = self.tokens.start(self.tokens.at(statement.span.start as usize));
        let end = statement.with_mods.first().map_or_else(
            || self.tokens.range(&statement.span).end,
            |with| self.tokens.end(self.tokens.before(with.span.start as usize)),
        );
        let whole = self.tokens.extent(expr);
        // What is asked in the end: the expression with names for its parts.
        let (mut asked, mut copied, mut from, mut first) = (String::new(), whole.start, begin, true);
        let mut before = String::new();
        for part in &parts {
            let range = self.tokens.extent(part.expr());
            asked += &self.copy_between(copied, range.start);
            copied = range.end;
            match part {
                Part::Same(same) => asked += &self.with_steps_bound(same, &with, &mut before)?,
                Part::Bound(bound) => {
                    let name = self.name();
                    let separator = if first { "" } else { "; " };
                    let waiting = std::mem::take(&mut before);
                    let after = if first { "" } else { &*with };
                    self.replace(from..range.start, &format!("{after}{separator}{waiting}{name} := "));
                    self.expr(bound)?;
                    (from, first) = (range.end, false);
                    asked += &name;
                }
            }
        }
        asked += &self.copy_between(copied, whole.end);
        self.replace(from..end, &format!("{with}; {before}not {asked}"));
        Ok(())
    }

    /// Where nothing is bound but what stands in brackets.
    fn steps_first(&mut self, statement: &LiteralStmt, expr: &Expr, parts: &[Part<'_>]) -> Result<(), Refused> {
        if self.steps(expr).is_empty() {
            return parts.iter().try_for_each(|part| self.expr(part.expr()));
        }
        let with = self.with(statement);
        let begin = self.tokens.start(self.tokens.at(statement.span.start as usize));
        let mut before = String::new();
        let mut names = Vec::new();
        for step in self.steps(expr) {
            let range = self.tokens.extent(step);
            let name = self.bind_copy(&range, &with, &mut before)?;
            names.push((range, name));
        }
        self.insert(begin, before);
        for (range, name) in names {
            self.replace(range, &name);
        }
        Ok(())
    }

    /// The text of a part that stays, with names for what stands in its brackets.
    fn with_steps_bound(&mut self, expr: &Expr, with: &str, before: &mut String) -> Result<String, Refused> {
        let whole = self.tokens.extent(expr);
        let (mut text, mut copied) = (String::new(), whole.start);
        for step in self.steps(expr) {
            let range = self.tokens.extent(step);
            text += &self.copy_between(copied, range.start);
            text += &self.bind_copy(&range, with, before)?;
            copied = range.end;
        }
        text += &self.copy_between(copied, whole.end);
        Ok(text)
    }

    fn bind_copy(&mut self, range: &Range<usize>, with: &str, before: &mut String) -> Result<String, Refused> {
        if !self.can_be_copied(range) {
            return Err(Refused {
                at: range.start,
                what: "what stands in these brackets is too much for a condition with `not`".into(),
                remedy: "bind it before, as by `x := ...`, and write x in the brackets".into(),
            });
        }
        let name = self.name();
        *before += &format!("{name} := {}{with}; ", self.copy(range.clone()));
        Ok(name)
    }

    fn copy_between(&self, from: usize, to: usize) -> String {
        if from >= to { String::new() } else { self.copy(from..to) }
    }
}

impl Lowering<'_> {
    /// The parts of what is negated.
    fn parts<'e>(&self, expr: &'e Expr) -> Vec<Part<'e>> {
        let bound = |expr: &'e Expr| if self.is_simple(expr) { Part::Same(expr) } else { Part::Bound(expr) };
        match expr {
            // What is compared for equality may be undefined; what it is computed from may not.
            Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } | Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => {
                let side = |side: &'e Expr| if is_reference(side) { Part::Same(side) } else { bound(side) };
                vec![side(lhs), side(rhs)]
            }
            Expr::Call { params, .. } => params.iter().map(|param| bound(param)).collect(),
            Expr::BoolExpr { .. }
            | Expr::ArithExpr { .. }
            | Expr::BinExpr { .. }
            | Expr::UnaryExpr { .. }
            | Expr::Membership { .. } => children(expr).into_iter().map(bound).collect(),
            Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => vec![bound(expr)],
            Expr::RefDot { .. } | Expr::RefBrack { .. } => match root(expr) {
                call @ Expr::Call { .. } => vec![Part::Bound(call)],
                _ => vec![Part::Same(expr)],
            },
            _ => vec![Part::Same(expr)],
        }
    }

    /// Whether an expression is always defined once its variables are bound, and stands on one line.
    fn is_simple(&self, expr: &Expr) -> bool {
        match expr {
            Expr::String { .. } | Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. } => true,
            Expr::RawString { span, .. } => !span.text().contains('\n'),
            Expr::Var { span, .. } => self.locals.contains(span.text()),
            Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().all(|item| self.is_simple(item)),
            _ => false,
        }
    }

    /// What stands in the brackets of a reference and may be undefined, first to last; of two that are compared, of both.
    fn steps<'e>(&self, expr: &'e Expr) -> Vec<&'e Expr> {
        let mut found = Vec::new();
        match expr {
            Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } | Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => {
                for side in [lhs, rhs].into_iter().filter(|side| is_reference(side)) {
                    found.extend(self.steps(side));
                }
            }
            Expr::RefDot { refr, .. } => found.extend(self.steps(refr)),
            Expr::RefBrack { refr, index, .. } => {
                found.extend(self.steps(refr));
                if !self.is_simple(index) {
                    found.push(index);
                }
            }
            _ => {}
        }
        found
    }
}

fn is_reference(expr: &Expr) -> bool {
    match expr {
        Expr::Var { .. } => true,
        Expr::RefDot { .. } | Expr::RefBrack { .. } => matches!(root(expr), Expr::Var { .. }),
        _ => false,
    }
}

fn root(mut expr: &Expr) -> &Expr {
    while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = expr {
        expr = refr;
    }
    expr
}
