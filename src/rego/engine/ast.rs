//! From the engine's syntax tree to ours. Bounded before the engine's parser sees anything: it takes twice the time for
//! each level of nested literals, and both trees are walked recursively.

use std::sync::Arc;

use regorus::unstable::{
    ArithOp, AssignOp, BoolOp, Lexer, Literal as AstLiteral, Rule as AstRule, RuleAssign, RuleBody, RuleHead, Source,
    Span, TokenKind,
};
use regorus::{Value, unstable as ast};

use crate::diagnostic::problem::{Place, Problem};
use crate::rego::engine::lower;
use crate::rego::engine::lower::Lowered;
use crate::rego::engine::module::Module as File;
use crate::rego::engine::places::{Lines, parse_error};
use crate::rego::syntax::{
    Case, Comprehension, Expr, ExprKind, Import, Kind, Literal, LiteralKind, Module, Name, Operator, Rule, With,
};

/// How deep brackets may be nested.
const MAX_BRACKETS: usize = 12;

/// How deep expressions may be nested, operators in a row included.
const MAX_DEPTH: usize = 128;

/// How long a line may be, in characters.
const MAX_COLUMNS: usize = 1024;

/// How long a file may be, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Reads a file.
///
/// # Errors
/// What is wrong with it, the first thing only.
pub fn parse(file: &File) -> Result<Module, Problem> {
    let name: Arc<str> = file.file.as_str().into();
    if file.text.len() > MAX_BYTES {
        let what = format!("the file is larger than {} KiB", MAX_BYTES >> 10);
        return Err(Problem::new(&name, Place::default(), what, "split the policy"));
    }
    check_line_width(&name, &file.text)?;
    let lowered = lower::parsable(file)?;
    let back = |problem: Problem| Problem { place: lowered.place(problem.place), ..problem };
    let failed = |error: &anyhow::Error| back(parse_error(&name, error));
    let source = Source::from_contents(file.file.clone(), lowered.text.clone()).map_err(|error| failed(&error))?;
    check_nesting(&name, &source).map_err(back)?;
    reject_generated_names(&name, &source, &lowered).map_err(back)?;
    let comments = crate::rego::engine::module::comments(&source).map_err(|error| failed(&error))?;
    let module = lower::parse(&source).map_err(|error| failed(&error))?;
    let mut convert =
        Convert { file: Arc::clone(&name), lines: Lines::new(&lowered.written), lowered: &lowered, depth: 0 };
    convert.module(&module, comments)
}

/// Keeps the names of what is generated apart.
fn reject_generated_names(file: &Arc<str>, source: &Source, lowered: &Lowered) -> Result<(), Problem> {
    if !lowered.written.contains(crate::rego::engine::generated::OURS) {
        return Ok(());
    }
    let mut lexer = Lexer::new(source);
    lexer.set_max_col(crate::rego::engine::generated::MAX_COLUMNS);
    loop {
        let token = lexer.next_token().map_err(|error| parse_error(file, &error))?;
        let start = token.1.start as usize;
        let is_written = || lowered.written[lowered.byte(start)..].starts_with(token.1.text());
        match token.0 {
            TokenKind::Eof => return Ok(()),
            TokenKind::Ident if token.1.text().starts_with(crate::rego::engine::generated::OURS) && is_written() => {
                let what = format!("{:?} begins as names do that are generated", token.1.text());
                let place = Lines::new(source.contents()).place_of(start);
                return Err(Problem::new(
                    file,
                    place,
                    what,
                    format!("give it a name without {}", crate::rego::engine::generated::OURS),
                ));
            }
            _ => {}
        }
    }
}

/// Bounds the width of lines, as the engine's lexer does of what it is given.
fn check_line_width(file: &Arc<str>, text: &str) -> Result<(), Problem> {
    let wide = (1..).zip(text.lines()).find(|(_, line)| line.chars().count() > MAX_COLUMNS);
    let Some((line, _)) = wide else { return Ok(()) };
    let what = format!("line exceeds maximum column width of {MAX_COLUMNS}");
    Err(Problem::new(file, Place { line, column: 0 }, what, "break the line"))
}

/// Bounds the depth of brackets.
fn check_nesting(file: &Arc<str>, source: &Source) -> Result<(), Problem> {
    let mut lexer = Lexer::new(source);
    lexer.set_max_col(crate::rego::engine::generated::MAX_COLUMNS);
    let mut depth = 0_usize;
    loop {
        let token = lexer.next_token().map_err(|error| parse_error(file, &error))?;
        match (&token.0, token.1.text()) {
            (TokenKind::Eof, _) => return Ok(()),
            (TokenKind::String | TokenKind::RawString, _) => {}
            (_, "(" | "[" | "{" | "set(") => depth += 1,
            (_, ")" | "]" | "}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_BRACKETS {
            let what = format!("brackets are nested more than {MAX_BRACKETS} deep");
            return Err(Problem::new(
                file,
                Lines::new(source.contents()).place_of(token.1.start as usize),
                what,
                "give the inner parts names of their own",
            ));
        }
    }
}

struct Convert<'f> {
    file: Arc<str>,
    /// Of what the author wrote.
    lines: Lines<'f>,
    lowered: &'f Lowered,
    depth: usize,
}

impl Convert<'_> {
    fn place(&self, span: &Span) -> Place {
        self.lines.place_of(self.lowered.byte(usize::try_from(span.start).unwrap_or(usize::MAX)))
    }

    fn refuse<T>(&self, span: &Span, what: impl Into<String>, remedy: &str) -> Result<T, Problem> {
        Err(Problem::new(&self.file, self.place(span), what, remedy))
    }

    fn module(&mut self, module: &ast::Module, comments: Vec<(u32, String)>) -> Result<Module, Problem> {
        let refr = &module.package.refr;
        let Some(package) = crate::rego::engine::module::path(refr) else {
            return self.refuse(refr.span(), "a package's name is a path of names", "write it with dots alone");
        };
        let mut imports = Vec::new();
        for import in &module.imports {
            let Some(path) = crate::rego::engine::module::path(&import.refr) else {
                return self.refuse(&import.span, "an import is a path of names", "write it with dots alone");
            };
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            if path.first().is_some_and(|root| root == "rego" || root == "future") {
                continue;
            }
            let name = import.r#as.as_ref().map(|span| span.text().to_owned());
            let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
            imports.push(Import { path, name, place: self.place(import.refr.span()) });
        }
        let mut rules = Vec::new();
        for rule in &module.policy {
            rules.push(self.rule(rule)?);
        }
        let file = Arc::clone(&self.file);
        Ok(Module { file, package, place: self.place(&module.package.span), imports, rules, comments })
    }

    fn rule(&mut self, rule: &AstRule) -> Result<Rule, Problem> {
        let start = self.place(rule.span());
        match rule {
            AstRule::Default { refr, args, value, .. } => {
                let (name, keys) = self.head(refr)?;
                if !keys.is_empty() {
                    return self.refuse(refr.span(), "a default is of a whole rule", "give it no key");
                }
                let kind = if args.is_empty() { Kind::Value } else { Kind::Function };
                let args = self.exprs(args)?;
                let cases = vec![Case { value: Some(self.expr(value)?), body: Vec::new() }];
                Ok(Rule { name, place: start, kind, is_default: true, args, keys, of_sets: false, cases })
            }
            AstRule::Spec { head, bodies, .. } => {
                let (refr, args, assign, element, kind) = match head {
                    RuleHead::Compr { refr, assign, .. } => (refr, None, assign.as_ref(), None, Kind::Value),
                    RuleHead::Set { refr, key, .. } => (refr, None, None, key.as_ref(), Kind::Set),
                    RuleHead::Func { refr, args, assign, .. } => {
                        (refr, Some(args), assign.as_ref(), None, Kind::Function)
                    }
                };
                let (name, keys) = self.head(refr)?;
                if !keys.is_empty() && args.is_some() {
                    return self.refuse(refr.span(), "a function has no keys", "write one function, or an object");
                }
                let of_sets = !keys.is_empty() && kind == Kind::Set;
                let kind = if keys.is_empty() { kind } else { Kind::Object };
                let args = self.exprs(args.map_or(&[], Vec::as_slice))?;
                let value = assign.map(|assign| &assign.value).or(element);
                let cases = self.cases(value, bodies)?;
                Ok(Rule { name, place: start, kind, is_default: false, args, keys, of_sets, cases })
            }
        }
    }

    /// The cases. Rego v1 refuses independent bodies after the first, so each is an `else`.
    fn cases(&mut self, value: Option<&ast::Ref<ast::Expr>>, bodies: &[RuleBody]) -> Result<Vec<Case>, Problem> {
        let mut cases = Vec::new();
        for (i, body) in bodies.iter().enumerate() {
            let own: Option<&RuleAssign> = body.assign.as_ref();
            let assigned = own.map(|assign| &assign.value).or(if i == 0 { value } else { None });
            let value = assigned.map(|value| self.expr(value)).transpose()?;
            cases.push(Case { value, body: self.body(&body.query)? });
        }
        if cases.is_empty() {
            let value = value.map(|value| self.expr(value)).transpose()?;
            cases.push(Case { value, body: Vec::new() });
        }
        Ok(cases)
    }

    /// A rule's name, and its keys where it is an object's.
    fn head(&mut self, refr: &ast::Expr) -> Result<(String, Vec<Expr>), Problem> {
        let (name, keys) = lower::heads::keys(refr);
        let Some(name) = crate::rego::engine::module::path(name) else {
            return self.refuse(
                refr.span(),
                "this head is neither a name nor an object's key",
                "write it as name or name[key]",
            );
        };
        // Only a test has sub-tests of sub-tests; nothing else looks at what it makes.
        let is_test = name.trim_start_matches("todo_").starts_with("test_");
        let keys = keys.into_iter().take(if is_test { 1 } else { usize::MAX }).map(|key| match key {
            lower::heads::Key::Expr(expr) => self.expr(expr),
            lower::heads::Key::Name(span) => {
                Ok(Expr { kind: ExprKind::String(span.text().to_owned()), place: self.place(span) })
            }
        });
        Ok((name, keys.collect::<Result<_, _>>()?))
    }

    fn body(&mut self, query: &ast::Query) -> Result<Vec<Literal>, Problem> {
        query.stmts.iter().map(|literal| self.literal(literal)).collect()
    }

    fn literal(&mut self, stmt: &ast::LiteralStmt) -> Result<Literal, Problem> {
        let name = |span: &Span| Name { text: span.text().to_owned(), place: self.place(span) };
        let kind = match &stmt.literal {
            AstLiteral::SomeVars { vars, .. } => LiteralKind::Some(vars.iter().map(name).collect()),
            AstLiteral::SomeIn { key, value, collection, .. } => LiteralKind::SomeIn {
                key: key.as_ref().map(|key| self.expr(key)).transpose()?,
                value: self.expr(value)?,
                collection: self.expr(collection)?,
            },
            AstLiteral::Expr { expr, .. } => LiteralKind::Expr(self.expr(expr)?),
            AstLiteral::NotExpr { expr, .. } => LiteralKind::Not(self.expr(expr)?),
            AstLiteral::Every { key, value, domain, query, .. } => LiteralKind::Every {
                key: key.as_ref().map(name),
                value: name(value),
                domain: self.expr(domain)?,
                body: self.body(query)?,
            },
        };
        let mut with = Vec::new();
        for modifier in &stmt.with_mods {
            with.push(With { target: self.expr(&modifier.refr)?, value: self.expr(&modifier.r#as)? });
        }
        Ok(Literal { kind, with })
    }

    fn exprs(&mut self, exprs: &[ast::Ref<ast::Expr>]) -> Result<Vec<Expr>, Problem> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn expr(&mut self, expr: &ast::Expr) -> Result<Expr, Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let what = format!("the expression is nested more than {MAX_DEPTH} deep");
            return self.refuse(expr.span(), what, "give its parts names of their own");
        }
        let kind = self.kind(expr)?;
        self.depth -= 1;
        Ok(Expr { kind, place: self.place(expr.span()) })
    }

    fn comprehension(
        &mut self,
        key: Option<&ast::Expr>,
        term: &ast::Expr,
        query: &ast::Query,
    ) -> Result<Box<Comprehension>, Problem> {
        let key = key.map(|key| self.expr(key)).transpose()?;
        Ok(Box::new(Comprehension { key, term: self.expr(term)?, body: self.body(query)? }))
    }

    fn kind(&mut self, expr: &ast::Expr) -> Result<ExprKind, Problem> {
        use ast::Expr as E;
        let text = |value: &Value| value.as_string().map(ToString::to_string).unwrap_or_default();
        Ok(match expr {
            E::String { value, .. } | E::RawString { value, .. } => ExprKind::String(text(value)),
            E::Number { .. } => ExprKind::Number,
            E::Bool { .. } => ExprKind::Boolean,
            E::Null { .. } => ExprKind::Null,
            E::Var { span, .. } => ExprKind::Var(span.text().to_owned()),
            E::Array { items, .. } => ExprKind::Array(self.exprs(items)?),
            E::Set { items, .. } => ExprKind::Set(self.exprs(items)?),
            E::Object { fields, .. } => {
                let field =
                    |(_, key, value): &(Span, ast::Ref<E>, ast::Ref<E>)| Ok((self.expr(key)?, self.expr(value)?));
                ExprKind::Object(fields.iter().map(field).collect::<Result<_, Problem>>()?)
            }
            E::ArrayCompr { term, query, .. } => ExprKind::ArrayComprehension(self.comprehension(None, term, query)?),
            E::SetCompr { term, query, .. } => ExprKind::SetComprehension(self.comprehension(None, term, query)?),
            E::ObjectCompr { key, value, query, .. } => {
                ExprKind::ObjectComprehension(self.comprehension(Some(key), value, query)?)
            }
            E::Call { fcn, params, .. } => {
                let Some(function) = crate::rego::engine::module::path(fcn) else {
                    return self.refuse(fcn.span(), "a function's name is a path of names", "write it with dots alone");
                };
                let function = function.split('.').map(str::to_owned).collect();
                ExprKind::Call { function, args: self.exprs(params)? }
            }
            E::UnaryExpr { expr, .. } => {
                ExprKind::Operation { operator: Operator::Arithmetic, operands: vec![self.expr(expr)?] }
            }
            E::RefDot { .. } | E::RefBrack { .. } => self.reference(expr)?,
            E::BinExpr { lhs, rhs, .. } => self.operation(Operator::Sets, lhs, rhs)?,
            E::BoolExpr { op, lhs, rhs, .. } => {
                let operator = match op {
                    BoolOp::Eq => Operator::Equal,
                    BoolOp::Ne => Operator::Unequal,
                    BoolOp::Lt | BoolOp::Le | BoolOp::Ge | BoolOp::Gt => Operator::Order,
                };
                self.operation(operator, lhs, rhs)?
            }
            E::ArithExpr { op, lhs, rhs, .. } => {
                let operator = if *op == ArithOp::Sub { Operator::Minus } else { Operator::Arithmetic };
                self.operation(operator, lhs, rhs)?
            }
            E::AssignExpr { op, lhs, rhs, .. } => {
                let (left, right) = (Box::new(self.expr(lhs)?), Box::new(self.expr(rhs)?));
                if *op == AssignOp::ColEq { ExprKind::Assign(left, right) } else { ExprKind::Unify(left, right) }
            }
            E::Membership { key, value, collection, .. } => ExprKind::In {
                key: key.as_ref().map(|key| self.expr(key).map(Box::new)).transpose()?,
                value: Box::new(self.expr(value)?),
                collection: Box::new(self.expr(collection)?),
            },
        })
    }

    fn operation(&mut self, operator: Operator, left: &ast::Expr, right: &ast::Expr) -> Result<ExprKind, Problem> {
        Ok(ExprKind::Operation { operator, operands: vec![self.expr(left)?, self.expr(right)?] })
    }

    /// Steps are taken one by one, so that their number costs no depth.
    fn reference(&mut self, expr: &ast::Expr) -> Result<ExprKind, Problem> {
        let (mut root, mut steps) = (expr, Vec::new());
        loop {
            root = match root {
                ast::Expr::RefDot { refr, field, .. } => {
                    let kind = ExprKind::String(field.0.text().to_owned());
                    steps.push(Expr { kind, place: self.place(&field.0) });
                    refr
                }
                ast::Expr::RefBrack { refr, index, .. } => {
                    steps.push(self.expr(index)?);
                    refr
                }
                _ => break,
            };
        }
        steps.reverse();
        Ok(ExprKind::Ref { root: Box::new(self.expr(root)?), steps })
    }
}
