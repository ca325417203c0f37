//! Heads. The engine drops what a rule has made before where its head is undefined for one binding, and it has no heads
//! with several keys. What a head makes becomes the element of a comprehension over the rule's body, which both engines
//! leave out where it is undefined: `deny contains c.tier if { BODY }` becomes
//! `deny contains x if { some x in [(c.tier) | BODY] }`.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, Query, Ref, Rule, RuleAssign, RuleBody, RuleHead, Span};

use crate::rego::engine::generated::NESTED;
use crate::rego::engine::lower::nested::{Constants, Nested};
use crate::rego::engine::lower::{Lowering, Refused};
use crate::rego::engine::text::children;

/// A part of a head with several: an expression, or a name after a dot.
pub enum Key<'a> {
    Expr(&'a Expr),
    Name(&'a Span),
}

impl Lowering<'_> {
    pub(super) fn rule(&mut self, rule: &Rule) -> Result<(), Refused> {
        // A default is a constant.
        let Rule::Spec { head, bodies, .. } = rule else { return Ok(()) };
        self.locals = locals(rule);
        match head {
            RuleHead::Compr { refr, assign, .. } => match keys(refr) {
                (_, keys) if keys.is_empty() => self.cases(assign.as_ref(), bodies),
                (name, keys) => self.keyed(
                    &Keyed { name, keys, value: assign.as_ref().map(|assign| &assign.value), set: false },
                    bodies,
                ),
            },
            RuleHead::Func { assign, .. } => self.cases(assign.as_ref(), bodies),
            RuleHead::Set { refr, key: Some(element), .. } => match keys(refr) {
                (name, keys) if keys.is_empty() => {
                    let begin = self.tokens.at(self.tokens.extent(name).end) + 1;
                    self.case(self.tokens.start(begin), element, bodies.first())
                }
                (name, keys) => self.keyed(&Keyed { name, keys, value: Some(element), set: true }, bodies),
            },
            RuleHead::Set { .. } => Ok(()),
        }
    }

    /// The cases of a value or a function: the first, and what follows `else`.
    fn cases(&mut self, assign: Option<&RuleAssign>, bodies: &[RuleBody]) -> Result<(), Refused> {
        if bodies.is_empty() {
            return assign.map_or(Ok(()), |assign| self.case(self.value_begins(assign), &assign.value, None));
        }
        for (i, body) in bodies.iter().enumerate() {
            let own = body.assign.as_ref().or(if i == 0 { assign } else { None });
            match own {
                Some(assign) => self.case(self.value_begins(assign), &assign.value, Some(body))?,
                None => self.rule_body(&body.query)?,
            }
        }
        Ok(())
    }

    /// Where a value begins: after `:=` or `=`.
    fn value_begins(&self, assign: &RuleAssign) -> usize {
        let sign = self.tokens.at(assign.span.start as usize);
        let sign = if matches!(assign.op, AssignOp::Eq | AssignOp::ColEq) && self.tokens.text(sign).ends_with('=') {
            sign + 1
        } else {
            sign
        };
        self.tokens.start(sign)
    }

    /// A case that makes one thing.
    fn case(&mut self, begin: usize, value: &Expr, body: Option<&RuleBody>) -> Result<(), Refused> {
        let conditions = body.map(|body| &body.query).filter(|query| !query.stmts.is_empty());
        if self.is_defined(value) {
            self.expr(value)?;
            return conditions.map_or(Ok(()), |query| self.rule_body(query));
        }
        let name = self.name();
        self.insert(begin, format!("{name} if {{ some {name} in [("));
        self.expr(value)?;
        let end = self.tokens.closed(begin, &self.tokens.extent(value));
        self.close(end, ")", conditions)
    }

    /// A case that makes a key, or several, and what is below.
    fn keyed(&mut self, head: &Keyed<'_>, bodies: &[RuleBody]) -> Result<(), Refused> {
        let Keyed { name, keys, value, set } = head;
        let body = bodies.first().map(|body| &body.query);
        let one_key = keys.len() == 1 && !set;
        let own = self.tokens.extent(name);
        if one_key {
            let defined = |expr: &Expr| self.is_defined(expr);
            let plain = matches!(keys[0], Key::Expr(key) if defined(key)) && value.is_none_or(|value| defined(value));
            if plain {
                if let Some(value) = value {
                    self.expr(value)?;
                }
                return body.map_or(Ok(()), |query| self.rule_body(query));
            }
        }
        let (key_name, value_name) = (self.name(), self.name());
        let mut from = own.end;
        let mut gap = if one_key {
            let made = if value.is_some() { format!(" := {value_name}") } else { String::new() };
            format!("[{key_name}]{made} if {{ some [{key_name}, {value_name}] in [[")
        } else {
            self.nested(head);
            self.insert(own.start, NESTED);
            format!(" contains {key_name} if {{ some {key_name} in [[")
        };
        let mut end = own.end;
        for key in keys {
            let range = match key {
                Key::Expr(expr) => self.tokens.extent(expr),
                Key::Name(span) => self.tokens.range(span),
            };
            // Parentheses around a key go with the bracket.
            self.replace(from..range.start, &gap);
            match key {
                Key::Expr(expr) => self.expr(expr)?,
                Key::Name(span) => self.replace(range.clone(), &format!("{:?}", span.text())),
            }
            (from, end, gap) = (range.end, range.end, ", ".to_owned());
        }
        let Some(value) = value else {
            let bracket = self.tokens.before(end) + 1;
            let close = if self.tokens.text(bracket) == "]" { self.tokens.end(bracket) } else { end };
            self.replace(end..close, "");
            return self.close(close, ", true]", body);
        };
        let range = self.tokens.extent(value);
        self.replace(from..range.start, ", (");
        self.expr(value)?;
        end = self.tokens.closed(from, &range);
        // The parentheses before it went with the gap.
        self.replace(range.end..end, "");
        self.close(end, ")]", body)
    }

    /// The rest of a case whose head is the element of a comprehension now.
    fn close(&mut self, end: usize, bracket: &str, conditions: Option<&Ref<Query>>) -> Result<(), Refused> {
        let statements = conditions.map(|query| query.stmts.as_slice()).unwrap_or_default();
        let (Some(query), Some(first), Some(last)) = (conditions, statements.first(), statements.last()) else {
            self.insert(end, format!("{bracket} | true] }}"));
            return Ok(());
        };
        let begin = self.tokens.range(&first.span).start;
        let in_braces = (self.tokens.at(end)..self.tokens.at(begin)).any(|index| self.tokens.text(index) == "{");
        self.replace(end..begin, &format!("{bracket} | "));
        self.body(query)?;
        let stop = self.tokens.range(&last.span).end;
        let mut brace = self.tokens.before(stop) + 1;
        if !in_braces {
            self.insert(stop, "] }");
            return Ok(());
        }
        while self.tokens.text(brace) == ";" {
            brace += 1;
        }
        self.replace(stop..self.tokens.end(brace), "] }");
        Ok(())
    }

    /// Notes that the elements of a rule are joined, and the keys that are there though nothing lies below them.
    fn nested(&mut self, head: &Keyed<'_>) {
        let constant = |key: &&Key<'_>| match key {
            Key::Expr(Expr::String { .. } | Expr::RawString { .. } | Expr::Number { .. } | Expr::Bool { .. })
            | Key::Name(_) => true,
            Key::Expr(_) => false,
        };
        let constants = head.keys.iter().take_while(constant).map(|key| match key {
            Key::Expr(expr) => self.copy(self.tokens.extent(expr)),
            Key::Name(span) => format!("{:?}", span.text()),
        });
        let mut constants: Vec<String> = constants.collect();
        let all = constants.len() == head.keys.len();
        if all && !head.set {
            constants.pop();
        }
        let name = self.copy(self.tokens.extent(head.name));
        let nested = self.nested.entry(name).or_insert_with(|| Nested { sets: head.set, keys: BTreeSet::new() });
        nested.keys.insert(Constants { keys: constants, has_others: !all, of_sets: all && head.set });
    }

    /// Whether a part of a head is always defined where the body holds.
    fn is_defined(&self, expr: &Expr) -> bool {
        match expr {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::ArrayCompr { .. }
            | Expr::SetCompr { .. }
            | Expr::ObjectCompr { .. } => true,
            Expr::Var { span, .. } => self.locals.contains(span.text()),
            Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => {
                children(expr).into_iter().all(|child| self.is_defined(child))
            }
            _ => false,
        }
    }
}

/// A head with keys.
struct Keyed<'a> {
    name: &'a Expr,
    keys: Vec<Key<'a>>,
    /// What lies below the last key; nothing is `true`.
    value: Option<&'a Ref<Expr>>,
    /// Whether that is an element of a set there.
    set: bool,
}

/// The name of a head, with its dots, and the keys after it.
pub fn keys(refr: &Expr) -> (&Expr, Vec<Key<'_>>) {
    let (mut at, mut keys, mut first) = (refr, Vec::new(), 0);
    loop {
        at = match at {
            Expr::RefBrack { refr, index, .. } => {
                keys.insert(0, Key::Expr(index));
                first = keys.len();
                refr
            }
            Expr::RefDot { refr, field, .. } => {
                keys.insert(0, Key::Name(&field.0));
                refr
            }
            _ => break,
        };
    }
    // Names before the first bracket belong to the rule's own name.
    let own = keys.len() - first;
    let keys = keys.split_off(own);
    let mut name = refr;
    for _ in 0..keys.len() {
        if let Expr::RefBrack { refr, .. } | Expr::RefDot { refr, .. } = name {
            name = refr;
        }
    }
    (name, keys)
}

/// The variables that a rule binds anywhere.
fn locals(rule: &Rule) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Rule::Spec { head, bodies, .. } = rule else { return found };
    if let RuleHead::Func { args, .. } = head {
        for arg in args {
            pattern(arg, &mut found);
        }
    }
    let mut exprs: Vec<&Expr> = Vec::new();
    match head {
        RuleHead::Compr { refr, assign, .. } | RuleHead::Func { refr, assign, .. } => {
            exprs.push(refr);
            exprs.extend(assign.iter().map(|assign| &*assign.value));
        }
        RuleHead::Set { refr, key, .. } => {
            exprs.push(refr);
            exprs.extend(key.iter().map(|key| &**key));
        }
    }
    for body in bodies {
        exprs.extend(body.assign.iter().map(|assign| &*assign.value));
        in_query(&body.query, &mut found);
    }
    for expr in exprs {
        in_expr(expr, &mut found);
    }
    found
}

fn in_query(query: &Query, found: &mut BTreeSet<String>) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => found.extend(vars.iter().map(|name| name.text().to_owned())),
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value]).for_each(|part| pattern(part, found));
                in_expr(collection, found);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => {
                if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                    pattern(lhs, found);
                }
                in_expr(expr, found);
            }
            Literal::Every { key, value, domain, query, .. } => {
                found.extend(key.iter().chain([value]).map(|name| name.text().to_owned()));
                in_expr(domain, found);
                in_query(query, found);
            }
        }
    }
}

fn in_expr(expr: &Expr, found: &mut BTreeSet<String>) {
    match expr {
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            in_expr(term, found);
            in_query(query, found);
        }
        Expr::ObjectCompr { key, value, query, .. } => {
            in_expr(key, found);
            in_expr(value, found);
            in_query(query, found);
        }
        _ => children(expr).into_iter().for_each(|child| in_expr(child, found)),
    }
}

/// The variables of a pattern.
fn pattern(expr: &Expr, found: &mut BTreeSet<String>) {
    match expr {
        Expr::Var { span, .. } if span.text() != "_" => {
            found.insert(span.text().to_owned());
        }
        Expr::Array { items, .. } => items.iter().for_each(|item| pattern(item, found)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| pattern(value, found)),
        _ => {}
    }
}
