//! Why a test failed: the first of its conditions that does not hold, and the values of what stands in it.
//!
//! The conditions are evaluated again, one more each time, as a rule beside the test: the first that makes it undefined is
//! the one.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Literal, LiteralStmt, Query};
use regorus::{Engine, Value};

use crate::rego::engine::generated::TEST_RULE;
use crate::rego::engine::text;
use crate::rego::engine::unit_test::{Step, UnitTest};

/// How many values of one expression are shown.
const MAX_VALUES: usize = 3;

/// How long a value may be, in characters.
const MAX_CHARS: usize = 400;

/// Why a test failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailure {
    /// The line, in the test's file.
    pub line: u32,
    /// What is wrong, if no condition is to blame.
    pub message: Option<String>,
    /// The condition that does not hold.
    pub expression: Option<String>,
    /// What is in it, and the value of that.
    pub values: Vec<(String, String)>,
}

impl TestFailure {
    /// What is wrong, in words.
    pub fn new(line: u32, message: impl Into<String>) -> Self {
        Self { line, message: Some(message.into()), expression: None, values: Vec::new() }
    }
}

/// The conditions of a body.
pub fn steps(query: &Query) -> Vec<Step> {
    query.stmts.iter().map(step).collect()
}

fn step(statement: &LiteralStmt) -> Step {
    let with = |with: &regorus::unstable::WithModifier| {
        format!("with {} as {}", text::of_expr(&with.refr), text::of_expr(&with.r#as))
    };
    let with: Vec<String> = statement.with_mods.iter().map(with).collect();
    let mut step = Step {
        line: statement.span.line,
        text: text::of_span(&statement.span),
        with: with.join(" "),
        shown: Vec::new(),
        names: BTreeSet::new(),
        every: None,
        mentions: BTreeSet::new(),
    };
    match &statement.literal {
        Literal::SomeVars { .. } => {}
        Literal::SomeIn { key, value, collection, .. } => {
            step.show(collection);
            for expr in key.iter().chain([value, collection]) {
                names(expr, &mut step.mentions);
            }
        }
        Literal::Expr { expr, .. } => step.show_operands(expr),
        Literal::NotExpr { expr, .. } => {
            step.show(expr);
            step.show_operands(expr);
        }
        Literal::Every { key, value, domain, query, .. } => {
            step.show(domain);
            let key = key.as_ref().map_or_else(String::new, |key| format!("{}, ", key.text()));
            let body =
                query.stmts.iter().map(|statement| text::of_span(&statement.span)).collect::<Vec<_>>().join("\n");
            step.every = Some((format!("{key}{}", value.text()), text::of_expr(domain), body));
        }
    }
    let shown: BTreeSet<&String> = step.shown.iter().collect();
    step.names.retain(|name| !shown.contains(name));
    let own = step.names.clone();
    step.mentions.extend(own);
    step
}

impl Step {
    fn show(&mut self, expr: &Expr) {
        let text = text::of_expr(expr);
        let mut inside = BTreeSet::new();
        names(expr, &mut inside);
        // A value that is written down says itself what it is.
        let says_itself = text == "set()" || (inside.is_empty() && is_literal(expr));
        if !says_itself && !self.shown.contains(&text) {
            self.shown.push(text);
        }
        self.names.extend(inside);
    }

    fn show_operands(&mut self, expr: &Expr) {
        let operands: Vec<&Expr> = match expr {
            Expr::AssignExpr { lhs, rhs, op, .. } => {
                names(lhs, &mut self.mentions);
                let left = (*op == regorus::unstable::AssignOp::Eq).then_some(&**lhs);
                left.into_iter().chain([&**rhs]).collect()
            }
            Expr::BoolExpr { lhs, rhs, .. } => vec![lhs, rhs],
            Expr::Call { params, .. } => params.iter().map(|param| &**param).collect(),
            Expr::Membership { key, value, collection, .. } => {
                key.iter().map(|key| &**key).chain([&**value, &**collection]).collect()
            }
            other => vec![other],
        };
        for operand in operands {
            self.show(operand);
        }
    }
}

const fn is_literal(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::Array { .. }
            | Expr::Set { .. }
            | Expr::Object { .. }
    )
}

/// The names in an expression, but for those of functions and those inside comprehensions.
pub(crate) fn names(expr: &Expr, found: &mut BTreeSet<String>) {
    match expr {
        Expr::Var { span, .. } if !matches!(span.text(), "_" | "input" | "data") => {
            found.insert(span.text().to_owned());
        }
        Expr::Call { params, .. } => {
            for param in params {
                names(param, found);
            }
        }
        _ => {
            for child in text::children(expr) {
                names(child, found);
            }
        }
    }
}

/// The names of a test's sub-tests, and after how many of its conditions they are known.
pub fn cases(engine: &Engine, unit: &UnitTest) -> (usize, Vec<Vec<Value>>) {
    let head = "contains rollproof__case if {";
    let tail = format!("rollproof__case := [{}]", unit.keys.join(", "));
    // The names are bound where they are mentioned first, as a rule: any sooner, and the engine would complain aloud.
    let bound = |key: &String| unit.steps.iter().position(|step| step.mentions.contains(key));
    let first = unit.keys.iter().filter_map(bound).max().map_or(0, |last| last + 1);
    for known in (first..=unit.steps.len()).chain(0..first) {
        let body = [before(unit, known), tail.clone()].join("\n");
        if let Ok(Value::Set(set)) = ask(engine, unit, head, &body) {
            let case = |case: &Value| Some(case.as_array().ok()?.iter().cloned().collect());
            return (known, set.iter().filter_map(case).collect());
        }
    }
    (0, Vec::new())
}

/// Why a test, or one of its sub-tests, did not hold but had a value.
pub fn why(engine: &Engine, unit: &UnitTest, case: Option<(usize, &Vec<Value>)>, value: &Value) -> TestFailure {
    for (i, step) in unit.steps.iter().enumerate() {
        let body = conditions(unit, i + 1, case);
        if !matches!(ask(engine, unit, "if {", &body), Ok(Value::Undefined)) {
            continue;
        }
        let before = conditions(unit, i, case);
        let mut values = Vec::new();
        let fixed = unit.imports.names.clone();
        let names = step.names.iter().filter(|name| !fixed.contains(*name));
        for shown in step.shown.iter().chain(names) {
            let body = format!("{before}\nrollproof__value := {shown} {}", step.with);
            let value = match ask(engine, unit, "contains rollproof__value if {", &body) {
                Ok(Value::Set(set)) if set.is_empty() => "undefined".into(),
                Ok(Value::Set(set)) => {
                    let more = if set.len() > MAX_VALUES {
                        format!(", and {} more", set.len() - MAX_VALUES)
                    } else {
                        String::new()
                    };
                    set.iter().take(MAX_VALUES).map(short).collect::<Vec<_>>().join(" or ") + &more
                }
                // Nothing but another condition gives it a value.
                _ => continue,
            };
            values.push((shown.clone(), value));
        }
        if let Some((pattern, domain, body)) = &step.every {
            let body = format!(
                "{before}\nsome {pattern} in {domain} {}\ncount([1 |\n{body}\n]) == 0 {}\nrollproof__value := [{pattern}]",
                step.with, step.with
            );
            if let Ok(Value::Set(set)) = ask(engine, unit, "contains rollproof__value if {", &body)
                && let Some(first) = set.first()
            {
                values.push((format!("[{pattern}] that fails"), short(first)));
            }
        }
        return TestFailure { line: step.line, message: None, expression: Some(step.text.clone()), values };
    }
    let value = if *value == Value::Undefined { "undefined".into() } else { short(value) };
    TestFailure::new(unit.line, format!("its value is {value}, and only true passes"))
}

fn before(unit: &UnitTest, many: usize) -> String {
    unit.steps[..many].iter().map(|step| &*step.text).collect::<Vec<_>>().join("\n")
}

/// The first conditions of a test; of a sub-test, once its names are known.
fn conditions(unit: &UnitTest, many: usize, case: Option<(usize, &Vec<Value>)>) -> String {
    let Some((known, names)) = case else { return before(unit, many) };
    if many < known {
        return before(unit, many);
    }
    let names =
        unit.keys.iter().zip(names).filter_map(|(key, name)| Some(format!("{key} == {}", name.to_json_str().ok()?)));
    let mut conditions = vec![before(unit, known)];
    conditions.extend(names);
    conditions.extend(unit.steps[known..many].iter().map(|step| step.text.clone()));
    conditions.join("\n")
}

/// What a rule with this head and body would say in the test's file.
fn ask(engine: &Engine, unit: &UnitTest, head: &str, body: &str) -> anyhow::Result<Value> {
    let mut engine = engine.clone();
    let text = format!("package {}\n{}\n{TEST_RULE} {head}\ntrue\n{body}\n}}\n", unit.package, unit.imports.text);
    engine.add_policy(TEST_RULE.into(), text)?;
    engine.eval_rule(format!("data.{}.{TEST_RULE}", unit.package))
}

/// A value on one line, cut off where it is long.
pub fn short(value: &Value) -> String {
    let json = serde_json::to_value(value).and_then(|value| serde_json::to_string(&value)).unwrap_or_default();
    let mut chars = json.chars();
    let short: String = chars.by_ref().take(MAX_CHARS).collect();
    if chars.next().is_some() { short + "..." } else { short }
}
