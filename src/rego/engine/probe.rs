//! With which values a rule held: its body, evaluated again as a set of its own variables.

use std::collections::BTreeSet;

use regorus::Value;
use regorus::unstable::{Expr, Literal, Module as Ast, Query, Rule, RuleHead, Span};

use crate::rego::engine::PreparedEngine;
use crate::rego::engine::generated::{BINDINGS_RULE, BOUND, OURS};
use crate::rego::engine::input::Input;
use crate::rego::engine::module::path;
use crate::rego::guard::{Failure, Limits, guarded};

/// How far from rule to rule what gave a finding is followed.
const MAX_DEPTH: usize = 2;

/// The values with which a definition held.
#[derive(Debug, Clone)]
pub struct RuleBindings {
    /// The rule's name.
    pub rule: String,
    /// The file of the definition.
    pub file: String,
    /// The line of the definition.
    pub line: u32,
    /// Variable to value, once for each time that the body held.
    pub values: Vec<serde_json::Value>,
}

/// What a definition alone says.
#[derive(Debug)]
pub struct RuleOutput {
    pub file: String,
    /// The line on which it begins.
    pub line: u32,
    /// The elements that it adds to its rule.
    pub values: Vec<serde_json::Value>,
}

/// A definition's body as a rule of its own.
struct Probe {
    package: String,
    rule: String,
    file: String,
    line: u32,
    text: String,
}

impl PreparedEngine {
    /// What single definitions of rules say on some input, each given by file and line; one that cannot be asked alone
    /// is left out.
    ///
    /// # Errors
    /// Which limit was reached.
    pub fn elements(
        &self,
        places: &[(String, u32)],
        input: &Input,
        limits: Limits,
    ) -> Result<Vec<RuleOutput>, Failure> {
        let (mut engine, input, places) = (self.0.clone(), input.0.clone(), places.to_vec());
        guarded(limits, move || {
            engine.set_input(input);
            let mut elements = Vec::new();
            for module in engine.get_modules().clone() {
                let file = module.package.span.source.get_path();
                for rule in module
                    .policy
                    .iter()
                    .filter(|rule| places.iter().any(|(of, at)| of == file && *at == rule.span().line))
                {
                    let Rule::Spec { head: RuleHead::Set { refr, .. }, .. } = rule.as_ref() else { continue };
                    let (Some(name), Some(package)) = (path(refr), path(&module.package.refr)) else { continue };
                    let Ok(mut result) = engine.eval_rule_in_module(&module, rule, false) else { continue };
                    for step in package.split('.').chain([&*name]) {
                        result = result[step].clone();
                    }
                    let Value::Set(set) = &result else { continue };
                    let values = set.iter().map(serde_json::to_value).collect::<Result<_, _>>();
                    let values = values.map_err(|error| error.to_string())?;
                    elements.push(RuleOutput { file: file.clone(), line: rule.span().line, values });
                }
            }
            Ok(elements)
        })
    }

    /// The values with which definitions held on some input, each given by file and line, and after each those of the
    /// rules of its package that it took an element from.
    ///
    /// # Errors
    /// What the engine says, or which limit was reached.
    pub fn held(&self, places: &[(String, u32)], input: &Input, limits: Limits) -> Result<Vec<RuleBindings>, Failure> {
        let mut engine = self.0.clone();
        let mut probes = Vec::new();
        for module in engine.get_modules().clone() {
            let file = module.package.span.source.get_path().clone();
            let mut seen = BTreeSet::new();
            for (_, line) in places.iter().filter(|(of, _)| *of == file) {
                follow(&module, *line, 0, &mut seen, &mut probes);
            }
        }
        let input = input.0.clone();
        guarded(limits, move || {
            let mut held = Vec::new();
            engine.set_input(input);
            for Probe { package, rule, file, line, text } in probes {
                let mut engine = engine.clone();
                // What cannot stand on its own is not shown; the explanation has the rule's text all the same.
                let read = engine.add_policy("(probe)".into(), text);
                let Ok(values) = read.and_then(|_| engine.eval_rule(format!("data.{package}.{BINDINGS_RULE}"))) else {
                    continue;
                };
                let values = match &values {
                    Value::Set(values) => values.iter().map(serde_json::to_value).collect::<Result<_, _>>(),
                    _ => Ok(Vec::new()),
                };
                held.push(RuleBindings { rule, file, line, values: values.map_err(|error| error.to_string())? });
            }
            Ok(held)
        })
    }
}

fn follow(module: &Ast, line: u32, depth: usize, seen: &mut BTreeSet<u32>, probes: &mut Vec<Probe>) {
    for rule in module.policy.iter().filter(|rule| rule.span().line == line) {
        let Rule::Spec { head: RuleHead::Set { refr, .. }, bodies, .. } = rule.as_ref() else { continue };
        let (Some(name), Some(package), [body]) = (path(refr), path(&module.package.refr), bodies.as_slice()) else {
            continue;
        };
        if !seen.insert(line) {
            continue;
        }
        let (mut names, mut sources) = (BTreeSet::new(), BTreeSet::new());
        let query = conditions(&body.query);
        variables(query, &mut names, &mut sources);
        names.retain(|name| !name.starts_with(OURS));
        let imports: String = module.imports.iter().map(|import| format!("{}\n", import.span.text())).collect();
        let body: String = query.stmts.iter().map(|statement| format!("\t{}\n", whole(&statement.span))).collect();
        let bound: Vec<String> = names.iter().map(|name| format!("{name:?}: {name}")).collect();
        probes.push(Probe {
            rule: name,
            file: module.package.span.source.get_path().clone(),
            line,
            text: format!(
                "package {package}\n\n{imports}\n{BINDINGS_RULE} contains {BOUND} if {{\n{body}\t{BOUND} := {{{}}}\n}}\n",
                bound.join(", ")
            ),
            package,
        });
        if depth < MAX_DEPTH {
            for other in &module.policy {
                if let Rule::Spec { head: RuleHead::Set { refr, .. }, .. } = other.as_ref()
                    && path(refr).is_some_and(|name| sources.contains(&name))
                {
                    follow(module, other.span().line, depth + 1, seen, probes);
                }
            }
        }
    }
}

/// The conditions that the author wrote: a head that may be undefined is an element of a comprehension over them.
fn conditions(query: &Query) -> &Query {
    if let [only] = query.stmts.as_slice()
        && let Literal::SomeIn { value, collection, .. } = &only.literal
        && matches!(value.as_ref(), Expr::Var { span, .. } if span.text().starts_with(OURS))
        && let Expr::ArrayCompr { query, .. } = collection.as_ref()
    {
        return query;
    }
    query
}

/// The text of a statement. The span of one that begins or ends with a string leaves its outer quote out.
fn whole(span: &Span) -> &str {
    let (text, mut from, mut to) = (span.source.contents().as_str(), span.start as usize, span.end as usize);
    let quote = |at: usize| matches!(text.as_bytes().get(at), Some(b'"' | b'`'));
    from -= usize::from(from > 0 && quote(from - 1));
    to += usize::from(quote(to));
    text.get(from..to).unwrap_or_default()
}

/// The variables that the statements of a body bind, and the names that it takes elements from.
fn variables(query: &Query, names: &mut BTreeSet<String>, sources: &mut BTreeSet<String>) {
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => names.extend(vars.iter().map(|span| span.text().to_owned())),
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value]).for_each(|pattern| bound(pattern, names));
                sources.extend(path(collection));
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { lhs, .. } = expr.as_ref() {
                    bound(lhs, names);
                }
            }
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
}

/// The variables of a pattern.
fn bound(pattern: &Expr, names: &mut BTreeSet<String>) {
    match pattern {
        Expr::Var { span, .. } if span.text() != "_" => {
            names.insert(span.text().to_owned());
        }
        Expr::Array { items, .. } => items.iter().for_each(|item| bound(item, names)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| bound(value, names)),
        _ => {}
    }
}
