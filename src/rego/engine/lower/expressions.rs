//! Expressions: calls of functions that OPA has and the engine has not, or answers otherwise, `in` as a value, and names
//! that are imported.

use std::borrow::Cow;
use std::ops::Range;

use regorus::unstable::{Expr, Import, Ref, Span};

use crate::rego::engine::generated::OURS;
use crate::rego::engine::lower::{Lowering, Refused};
use crate::rego::engine::module::path;
use crate::rego::engine::text::children;

impl Lowering<'_> {
    /// An expression, and everything in it.
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<(), Refused> {
        match expr {
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expr(term)?;
                self.body(query)
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.expr(key)?;
                self.expr(value)?;
                self.body(query)
            }
            Expr::Membership { key, value, collection, .. } => {
                let parts: Vec<&Expr> = key.iter().map(|key| &**key).chain([&**value, &**collection]).collect();
                self.membership(expr, &parts)
            }
            Expr::Call { fcn, params, .. } => self.call(expr, fcn, params),
            Expr::RefDot { refr, .. } if let Expr::Var { span, .. } = refr.as_ref() => {
                self.imported(span);
                Ok(())
            }
            Expr::RefBrack { refr, index, .. } if let Expr::Var { span, .. } = refr.as_ref() => {
                self.imported(span);
                self.expr(index)
            }
            _ => children(expr).into_iter().try_for_each(|child| self.expr(child)),
        }
    }

    /// A step from a name that is imported begins with `data`: else the engine evaluates every rule of the package.
    fn imported(&mut self, name: &Span) {
        if let Some(path) = self.path_of_import(name.text()) {
            match path.strip_suffix(name.text()) {
                Some(above) if above.ends_with('.') => self.insert(self.tokens.range(name).start, above),
                _ => self.replace(self.tokens.range(name), &path),
            }
        }
    }

    /// The path of what is imported from `data` by this name.
    fn path_of_import(&self, name: &str) -> Option<String> {
        let import = self.ast.imports.iter().find(|import| import_name(import) == Some(name))?;
        path(&import.refr).filter(|path| path.starts_with("data.") && !self.locals.contains(name))
    }

    /// Some bytes on one line, as they can stand elsewhere.
    pub(super) fn copy(&self, range: Range<usize>) -> String {
        self.tokens.on_one_line(self.text, range, |index| {
            let name = self.tokens.text(index);
            let is_first = index.checked_sub(1).is_none_or(|before| self.tokens.text(before) != ".");
            let has_step = matches!(self.tokens.text(index + 1), "." | "[");
            let path = (is_first && has_step).then(|| self.path_of_import(name)).flatten();
            path.map_or(Cow::Borrowed(name), Cow::Owned)
        })
    }

    /// `x in xs` as a value: the engine takes it for false where an operand is undefined.
    fn membership(&mut self, expr: &Expr, parts: &[&Expr]) -> Result<(), Refused> {
        let range = self.tokens.extent(expr);
        self.insert(range.start, format!("{OURS}member{}(", parts.len()));
        for (i, part) in parts.iter().enumerate() {
            let of_part = self.tokens.extent(part);
            self.expr(part)?;
            if i + 2 == parts.len() {
                let mut word = self.tokens.before(of_part.end) + 1;
                while self.tokens.text(word) == ")" {
                    word += 1;
                }
                let word = self.tokens.start(word)..self.tokens.end(word);
                self.replace(word, ",");
            }
        }
        self.insert(range.end, ")");
        Ok(())
    }

    fn call(&mut self, expr: &Expr, function: &Ref<Expr>, params: &[Ref<Expr>]) -> Result<(), Refused> {
        let range = self.tokens.extent(expr);
        let name = self.tokens.extent(function);
        match (path(function).as_deref(), params.len()) {
            (Some("sprintf"), 2) => self.replace(name, &format!("{OURS}sprintf")),
            (Some("walk"), 1) => {
                self.replace(name, &format!("{OURS}walk"));
                self.expr(&params[0])?;
                self.insert(range.end, "[_]");
                return Ok(());
            }
            (Some("walk"), _) => {
                return Err(Refused {
                    at: range.start,
                    what: "walk gives values one by one, and stands here where one is needed".into(),
                    remedy: "make it a condition of its own, as by `walk(x, [path, value])`".into(),
                });
            }
            (Some("rego.metadata.rule"), 0) => {
                let literal = self.metadata.of_rule(name.start);
                self.replace(range, &literal);
                return Ok(());
            }
            (Some("rego.metadata.chain"), 0) => {
                let literal = self.metadata.chain(name.start);
                self.replace(range, &literal);
                return Ok(());
            }
            _ => {}
        }
        params.iter().try_for_each(|param| self.expr(param))
    }

    /// `walk(x, pattern)` as a condition: the pattern is bound to each of what is found, or compared with it.
    pub(super) fn walk_into(&mut self, expr: &Expr, function: &Expr, params: &[Ref<Expr>]) -> Result<(), Refused> {
        let [of, pattern] = params else { return Ok(()) };
        let name = self.tokens.extent(function);
        self.replace(name, &format!("{OURS}walk"));
        self.expr(of)?;
        let (end, begin) = (self.tokens.extent(of).end, self.tokens.extent(pattern));
        // A parenthesis that closes the first argument stays.
        let mut comma = self.tokens.before(end) + 1;
        while self.tokens.text(comma) != "," && comma < self.tokens.before(begin.start) {
            comma += 1;
        }
        self.replace(self.tokens.start(comma)..self.tokens.end(comma), ")[_] =");
        self.expr(pattern)?;
        self.replace(begin.end..self.tokens.extent(expr).end, "");
        Ok(())
    }

    /// Whether the text of an expression can be copied as it is.
    pub(super) fn can_be_copied(&self, range: &Range<usize>) -> bool {
        let (first, last) = (self.tokens.at(range.start), self.tokens.before(range.end));
        (first..=last).all(|index| !matches!(self.tokens.text(index), "walk" | "in" | "sprintf" | "metadata" | "not"))
    }
}

/// The name by which a file calls what it imports.
pub fn import_name(import: &Import) -> Option<&str> {
    match (&import.r#as, import.refr.as_ref()) {
        (Some(name), _) => Some(name.text()),
        (None, Expr::RefDot { field, .. }) => Some(field.0.text()),
        (None, _) => None,
    }
}
