//! `rego.metadata.rule()` and `rego.metadata.chain()`, as literals: what OPA's own compiler makes of a file's METADATA.

use std::collections::BTreeMap;

use regorus::unstable::{Expr, Module as Ast, Rule, RuleHead};
use serde_json::{Map, Value, json};

use crate::rego::annotation::{Annotation, annotations};
use crate::rego::engine::module::{comments, path};

/// The METADATA of a file, by rule.
#[derive(Debug, Default)]
pub struct Annotations {
    /// Where each rule begins in bytes, its path, and what is said about it.
    rules: Vec<(usize, Vec<String>, Option<Value>)>,
    documents: BTreeMap<Vec<String>, Value>,
    /// What is said about the package, then about all below it.
    package: Vec<Value>,
    package_path: Vec<String>,
}

impl Annotations {
    /// Reads them.
    ///
    /// # Errors
    /// In words, where a block is no YAML.
    pub fn read(ast: &Ast) -> Result<Self, String> {
        let source = &ast.package.span.source;
        let mut read = Self { package_path: steps(&path(&ast.package.refr).unwrap_or_default()), ..Self::default() };
        let blocks = blocks(&comments(source).map_err(|error| error.to_string())?)?;
        let mut before = 0;
        let mut block_of = |line: u32| {
            let found: Vec<Value> =
                blocks.iter().filter(|(at, _)| *at >= before && *at < line).map(|(_, block)| block.clone()).collect();
            before = line;
            found
        };
        for block in block_of(ast.package.span.line) {
            let scope = if block["scope"] == json!("subpackages") { "subpackages" } else { "package" };
            read.package.push(annotation(block, scope));
        }
        read.package.sort_by_key(|block| block["scope"] != json!("package"));
        for rule in &ast.policy {
            let Some(name) = name(rule) else { continue };
            let path: Vec<String> = read.package_path.iter().cloned().chain(steps(&name)).collect();
            let mut of_rule = None;
            for block in block_of(rule.span().line) {
                let entrypoint = block["entrypoint"] == json!(true);
                let scope = block["scope"].as_str().unwrap_or(if entrypoint { "document" } else { "rule" }).to_owned();
                let annotation = annotation(block, &scope);
                match &*scope {
                    "document" => drop(read.documents.insert(path.clone(), annotation)),
                    "package" | "subpackages" => read.package.push(annotation),
                    _ => of_rule = Some(annotation),
                }
            }
            read.rules.push((rule.span().start as usize, path, of_rule));
        }
        Ok(read)
    }

    /// The rule that a byte is in.
    fn rule(&self, at: usize) -> Option<&(usize, Vec<String>, Option<Value>)> {
        self.rules.iter().rev().find(|(begin, ..)| *begin <= at)
    }

    /// What `rego.metadata.rule()` gives at a byte.
    pub fn of_rule(&self, at: usize) -> String {
        self.rule(at).and_then(|(_, _, said)| said.clone()).unwrap_or_else(|| json!({})).to_string()
    }

    /// What `rego.metadata.chain()` gives at a byte.
    pub fn chain(&self, at: usize) -> String {
        let Some((_, path, said)) = self.rule(at) else { return "[]".into() };
        let link = |said: Option<&Value>, path: &[String]| {
            let mut link = Map::new();
            link.extend(said.map(|said| ("annotations".to_owned(), said.clone())));
            link.insert("path".into(), json!(path));
            Value::Object(link)
        };
        let mut chain = vec![link(said.as_ref(), path)];
        chain.extend(self.documents.get(path).map(|said| link(Some(said), path)));
        chain.extend(self.package.iter().map(|said| link(Some(said), &self.package_path)));
        Value::Array(chain).to_string()
    }
}

fn steps(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

/// A rule's name, with what is known of its path.
fn name(rule: &Rule) -> Option<String> {
    let mut refr: &Expr = match rule {
        Rule::Spec {
            head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
            ..
        }
        | Rule::Default { refr, .. } => refr,
    };
    while let Expr::RefBrack { refr: inner, .. } = refr {
        refr = inner;
    }
    path(refr)
}

/// The blocks of a file, by the line of their last comment.
fn blocks(comments: &[(u32, String)]) -> Result<Vec<(u32, Value)>, String> {
    let block = |Annotation { start, end, yaml }: Annotation| {
        let value = serde_saphyr::from_str(&yaml).map_err(|error| format!("line {start}: METADATA: {error}"))?;
        Ok((end, value))
    };
    annotations(comments).into_iter().map(block).collect()
}

/// A block in OPA's own form.
fn annotation(block: Value, scope: &str) -> Value {
    let Value::Object(block) = block else { return json!({"scope": scope}) };
    let mut made = Map::from_iter([("scope".to_owned(), json!(scope))]);
    for (key, value) in block {
        let many = |item: fn(Value) -> Value| match value.clone() {
            Value::Array(items) => Value::Array(items.into_iter().map(item).collect()),
            other => other,
        };
        let value = match &*key {
            "scope" => continue,
            "entrypoint" if value != json!(true) => continue,
            "authors" => many(author),
            "related_resources" => many(resource),
            "schemas" => many(schema),
            _ => value,
        };
        let is_empty = matches!(&value, Value::String(text) if text.is_empty())
            || matches!(&value, Value::Array(items) if items.is_empty())
            || matches!(&value, Value::Object(fields) if fields.is_empty())
            || value.is_null();
        if !is_empty {
            made.insert(key, value);
        }
    }
    Value::Object(made)
}

/// `Jo Doe <jo@example.com>`, or an object of both.
fn author(author: Value) -> Value {
    let Value::String(text) = &author else { return author };
    let mut made = Map::new();
    let words: Vec<&str> = text.split_whitespace().collect();
    let email = words.last().and_then(|last| last.strip_prefix('<')?.strip_suffix('>'));
    let names = &words[..words.len() - usize::from(email.is_some())];
    if !names.is_empty() {
        made.insert("name".into(), json!(names.join(" ")));
    }
    made.extend(email.map(|email| ("email".to_owned(), json!(email))));
    Value::Object(made)
}

fn resource(resource: Value) -> Value {
    if resource.is_string() { json!({"ref": resource}) } else { resource }
}

/// `input: schema["document.schema"]`
fn schema(schema: Value) -> Value {
    let Value::Object(fields) = &schema else { return schema };
    let Some((of, what)) = fields.iter().next() else { return schema };
    let path = steps(of);
    match what {
        Value::String(text) => {
            let text = text.replace("[\"", "\u{0}").replace("\"]", "\u{0}");
            let parts = text.split('\u{0}').enumerate();
            let named = parts.flat_map(|(i, part)| {
                let dots = if i % 2 == 1 { vec![part.to_owned()] } else { steps(part) };
                dots.into_iter().filter(|step| !step.is_empty())
            });
            json!({"path": path, "schema": named.collect::<Vec<_>>()})
        }
        other => json!({"path": path, "definition": other}),
    }
}
