//! Bodies: what the conditions of a rule, a comprehension or `every` become.

use regorus::unstable::{Expr, Literal, LiteralStmt, Query, WithModifier};

use crate::rego::engine::lower::expressions::import_name;
use crate::rego::engine::lower::{Lowering, Refused};
use crate::rego::engine::module::path;

impl Lowering<'_> {
    /// The conditions of a body that is in braces or brackets.
    pub(super) fn body(&mut self, query: &Query) -> Result<(), Refused> {
        query.stmts.iter().try_for_each(|statement| self.statement(statement))
    }

    /// The one condition of a body without braces, or those of one with them.
    pub(super) fn rule_body(&mut self, query: &Query) -> Result<(), Refused> {
        let [only] = query.stmts.as_slice() else { return self.body(query) };
        let range = self.tokens.range(&only.span);
        let before = self.tokens.at(range.start).checked_sub(1).map_or("", |index| self.tokens.text(index));
        if before == "{" || !self.binds_first(only) {
            return self.body(query);
        }
        self.insert(range.start, "{ ");
        self.statement(only)?;
        self.insert(range.end, " }");
        Ok(())
    }

    fn statement(&mut self, statement: &LiteralStmt) -> Result<(), Refused> {
        match &statement.literal {
            // The engine declares them once more in each round of a loop around, which is an error.
            Literal::SomeVars { span, .. } => self.replace(self.tokens.range(span), "true"),
            Literal::SomeIn { collection, .. } => self.expr(collection)?,
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::Membership { key, value, collection, .. } => {
                    for part in key.iter().chain([value, collection]) {
                        self.expr(part)?;
                    }
                }
                Expr::Call { fcn, params, .. } if params.len() == 2 && path(fcn).as_deref() == Some("walk") => {
                    self.walk_into(expr, fcn, params)?;
                }
                _ => self.expr(expr)?,
            },
            Literal::NotExpr { expr, .. } => self.negated(statement, expr)?,
            Literal::Every { domain, query, .. } => {
                self.expr(domain)?;
                self.body(query)?;
            }
        }
        for with in &statement.with_mods {
            if let Some(package) = self.package_of(&with.refr) {
                self.insert(self.tokens.range(with.refr.span()).start, package);
            }
            self.expr(&with.r#as)?;
        }
        Ok(())
    }

    /// What the name of a rule in `with` lacks: the engine takes it for a function's.
    fn package_of(&self, target: &Expr) -> Option<String> {
        let target = path(target)?;
        let name = target.split('.').next()?;
        let is_imported = || self.ast.imports.iter().any(|import| import_name(import) == Some(name));
        if matches!(name, "input" | "data") || is_imported() {
            return None;
        }
        Some(format!("data.{}.", path(&self.ast.package.refr)?))
    }

    /// What a condition replaces, on one line.
    pub(super) fn with(&self, statement: &LiteralStmt) -> String {
        let with = |with: &WithModifier| {
            let (target, value) = (self.tokens.range(with.refr.span()), self.tokens.extent(&with.r#as));
            let package = self.package_of(&with.refr).unwrap_or_default();
            format!(" with {package}{} as {}", self.copy(target), self.copy(value))
        };
        statement.with_mods.iter().map(with).collect()
    }
}
