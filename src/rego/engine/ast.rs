//! From the engine's syntax tree to ours. Bounded before the engine's parser sees anything: it takes twice the time for
//! each level of nested literals, and both trees are walked recursively.

use std::sync::Arc;

use regorus::unstable::{
    ArithOp, AssignOp, BoolOp, Lexer, Literal as AstLiteral, Rule as AstRule, RuleAssign, RuleBody, RuleHead, Source,
    Span, TokenKind,
};
use regorus::{Value, unstable as ast};

use crate::diagnostic::problem::{Place, Problem};
use crate::rego::engine::module::Module as File;
use crate::rego::syntax::{
    Case, Comprehension, Expr, ExprKind, Import, Kind, Literal, LiteralKind, Module, Name, Operator, Rule, With,
};

/// How deep brackets may be nested.
const MAX_BRACKETS: usize = 12;

/// How deep expressions may be nested, operators in a row included.
const MAX_DEPTH: usize = 128;

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
    let failed = |error: &anyhow::Error| parse_error(&name, error);
    let source = Source::from_contents(file.file.clone(), file.text.clone()).map_err(|error| failed(&error))?;
    bounded(&name, &source)?;
    let comments = crate::rego::engine::module::comments(&source).map_err(|error| failed(&error))?;
    let module = crate::rego::engine::module::parse(&source).map_err(|error| failed(&error))?;
    let mut convert = Convert { file: Arc::clone(&name), lines: Lines::new(&source), depth: 0 };
    convert.module(&module, comments)
}

/// Bounds the depth of brackets.
fn bounded(file: &Arc<str>, source: &Source) -> Result<(), Problem> {
    let mut lexer = Lexer::new(source);
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
                Lines::new(source).place(&token.1),
                what,
                "give the inner parts names of their own",
            ));
        }
    }
}

/// The engine's message, with the place that it names.
pub fn parse_error(file: &Arc<str>, error: &anyhow::Error) -> Problem {
    let (place, what) = located(&error.to_string()).map_or_else(
        || (Place::default(), crate::rego::engine::module::last_line(error)),
        |(_, line, column, what)| (Place { line, column }, what),
    );
    // How rules were written before version 1 of the language.
    let remedy = if what.contains("keyword is required") {
        "since Rego v1 a rule is written `deny contains finding if { ... }`"
    } else {
        "this is not valid Rego (v1), or is cut off; `opa fmt` may say more"
    };
    Problem::new(file, place, what, remedy)
}

/// File, line, column and message of an error of the engine's, which begins with `--> file:line:column`.
pub fn located(text: &str) -> Option<(String, u32, u32, String)> {
    let begin = text.find("--> ")?;
    let first = text[begin + 4..].lines().next()?;
    let mut parts = first.rsplitn(3, ':');
    let column = parts.next()?.trim().parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    let file = parts.next()?.to_owned();
    let message = text.rsplit_once("error: ").map_or(text, |(_, message)| message);
    Some((file, line, column, message.trim().replace('\n', " ")))
}

/// Where each line starts. The engine's own columns count bytes, and its lines are those of an operator.
struct Lines(Vec<usize>);

impl Lines {
    fn new(source: &Source) -> Self {
        let behind = source.contents().bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(behind).collect())
    }

    fn place(&self, span: &Span) -> Place {
        let start = usize::try_from(span.start).unwrap_or(usize::MAX);
        let line = self.0.partition_point(|begin| *begin <= start);
        let begin = self.0.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = span.source.contents().get(begin..start).unwrap_or_default();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { line: number(line), column: number(before.chars().count() + 1) }
    }
}

struct Convert {
    file: Arc<str>,
    lines: Lines,
    depth: usize,
}

impl Convert {
    fn refuse<T>(&self, span: &Span, what: impl Into<String>, remedy: &str) -> Result<T, Problem> {
        Err(Problem::new(&self.file, self.lines.place(span), what, remedy))
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
            imports.push(Import { path, name, place: self.lines.place(import.refr.span()) });
        }
        let mut rules = Vec::new();
        for rule in &module.policy {
            rules.push(self.rule(rule)?);
        }
        let file = Arc::clone(&self.file);
        Ok(Module { file, package, place: self.lines.place(&module.package.span), imports, rules, comments })
    }

    fn rule(&mut self, rule: &AstRule) -> Result<Rule, Problem> {
        let start = self.lines.place(rule.span());
        match rule {
            AstRule::Default { refr, args, value, .. } => {
                let (name, key) = self.head(refr)?;
                if key.is_some() {
                    return self.refuse(refr.span(), "a default is of a whole rule", "give it no key");
                }
                let kind = if args.is_empty() { Kind::Value } else { Kind::Function };
                let args = self.exprs(args)?;
                let cases = vec![Case { value: Some(self.expr(value)?), body: Vec::new() }];
                Ok(Rule { name, place: start, kind, is_default: true, args, key: None, cases })
            }
            AstRule::Spec { head, bodies, .. } => {
                let (refr, args, assign, element, kind) = match head {
                    RuleHead::Compr { refr, assign, .. } => (refr, None, assign.as_ref(), None, Kind::Value),
                    RuleHead::Set { refr, key, .. } => (refr, None, None, key.as_ref(), Kind::Set),
                    RuleHead::Func { refr, args, assign, .. } => {
                        (refr, Some(args), assign.as_ref(), None, Kind::Function)
                    }
                };
                let (name, key) = self.head(refr)?;
                let kind = if key.is_some() { Kind::Object } else { kind };
                if key.is_some() && (args.is_some() || element.is_some()) {
                    return self.refuse(refr.span(), "this head has a key and more", "write one rule for each thing");
                }
                let args = self.exprs(args.map_or(&[], Vec::as_slice))?;
                let value = assign.map(|assign| &assign.value).or(element);
                let cases = self.cases(value, bodies)?;
                Ok(Rule { name, place: start, kind, is_default: false, args, key, cases })
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

    /// A rule's name, and its key where it is an object's.
    fn head(&mut self, refr: &ast::Expr) -> Result<(String, Option<Expr>), Problem> {
        if let Some(name) = crate::rego::engine::module::path(refr) {
            return Ok((name, None));
        }
        // Only a test has sub-tests of sub-tests; nothing else looks at what it makes.
        let mut refr = refr;
        while let ast::Expr::RefBrack { refr: inner, .. } = refr
            && matches!(**inner, ast::Expr::RefBrack { .. })
            && inner.span().text().trim_start_matches("todo_").starts_with("test_")
        {
            refr = inner;
        }
        if let ast::Expr::RefBrack { refr: inner, index, .. } = refr
            && let Some(name) = crate::rego::engine::module::path(inner)
        {
            return Ok((name, Some(self.expr(index)?)));
        }
        self.refuse(refr.span(), "this head is neither a name nor an object's key", "write it as name or name[key]")
    }

    fn body(&mut self, query: &ast::Query) -> Result<Vec<Literal>, Problem> {
        query.stmts.iter().map(|literal| self.literal(literal)).collect()
    }

    fn literal(&mut self, stmt: &ast::LiteralStmt) -> Result<Literal, Problem> {
        let name = |span: &Span| Name { text: span.text().to_owned(), place: self.lines.place(span) };
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
            with.push(With { value: self.expr(&modifier.r#as)?, place: self.lines.place(&modifier.span) });
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
        Ok(Expr { kind, place: self.lines.place(expr.span()) })
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
                    steps.push(Expr { kind, place: self.lines.place(&field.0) });
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
