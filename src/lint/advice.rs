//! Advice: what is allowed and probably not meant. A comparison by `!=` does not hold where one side is absent, so a rule
//! that was to speak of everything but one value is silent about what is missing.

use std::collections::BTreeSet;

use crate::lint::path_types::{COMPUTED, needed, step_text};
use crate::lint::type_checker::TypeChecker;
use crate::lint::types::Type;
use crate::rego::syntax::{Expr, ExprKind, Literal, LiteralKind, Operator};

impl<'a> TypeChecker<'_, 'a> {
    /// Advises on a condition of a body that is a comparison with what may be absent.
    pub fn unequal(&mut self, body: &'a [Literal], at: usize) {
        let Some(Literal { kind: LiteralKind::Expr(expr), with }) = body.get(at) else { return };
        let ExprKind::Operation { operator: Operator::Unequal, operands } = &expr.kind else { return };
        if !self.reporting || !with.is_empty() {
            return;
        }
        let mut others = BTreeSet::new();
        let around = body.iter().enumerate().filter(|(i, _)| *i != at);
        around.for_each(|(_, literal)| needed(literal, &mut others));
        // The comparison itself needs it too, which is what is asked.
        let Some(scope) = self.scopes.last_mut() else { return };
        let present = std::mem::replace(&mut scope.present, others);
        let absent: Vec<(&Expr, String)> = operands.iter().filter_map(|operand| self.optional(operand)).collect();
        if let Some(scope) = self.scopes.last_mut() {
            scope.present = present;
        }
        for (operand, path) in absent {
            let what = format!("where {path} is absent, this comparison does not hold, and the rule is silent");
            let remedy = format!(
                "write `not {path} == ...` if what is absent is meant too; else say so, and bind it first: `x := {path}`"
            );
            self.report.advise(self.module, operand.place, what, remedy);
        }
    }

    /// The path of a field that may be absent although evidence may have it, and that the package does not need.
    fn optional(&mut self, operand: &'a Expr) -> Option<(&'a Expr, String)> {
        let ExprKind::Ref { root, steps } = &operand.kind else { return None };
        let (ExprKind::Var(name), Some(ExprKind::String(_))) = (&root.kind, steps.last().map(|step| &step.kind)) else {
            return None;
        };
        let path = steps.iter().fold(name.clone(), |path, step| path + &step_text(step));
        let seen = self.silently(operand);
        let needs = self.program.needs.get(&*self.module.package);
        let is_needed = needs.into_iter().flatten().any(|need| path.ends_with(&format!(".{need}")));
        let is_known = seen.ty != Type::Any && !path.contains(COMPUTED);
        (seen.may_be_undefined && is_known && !is_needed).then_some((operand, path))
    }
}
