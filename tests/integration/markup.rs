//! What the tests need to know of HTML, XML, Markdown and workflow commands: whether they are well-formed, and which parts
//! they consist of.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::html::markup;

/// An opening or closing tag of HTML or XML.
#[derive(Debug)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    closes: bool,
    is_empty: bool,
}

impl Tag {
    /// The value of an attribute, as it is written.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
    }
}

/// Every tag of a text, in which `<` and `>` stand nowhere else.
pub fn tags(text: &str) -> Result<Vec<Tag>, String> {
    static TAG: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^(/?)([A-Za-z][A-Za-z0-9-]*)((?:\s+[A-Za-z][A-Za-z0-9-]*(?:="[^"<>]*")?)*)\s*(/?)$"#)
            .expect("it is one")
    });
    static ATTRIBUTE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"\s([A-Za-z0-9-]+)(?:="([^"]*)")?"#).expect("it is one"));
    let mut tags = Vec::new();
    let mut pieces = text.split('<');
    if pieces.next().is_some_and(|before| before.contains('>')) {
        return Err("a > before the first tag".into());
    }
    for piece in pieces {
        let (tag, after) = piece.split_once('>').ok_or_else(|| format!("no tag: <{piece}"))?;
        if after.contains('>') {
            return Err(format!("a > that ends no tag: {piece}"));
        }
        if tag == "!DOCTYPE html" || tag.starts_with("?xml ") {
            continue;
        }
        let found = TAG.captures(tag).ok_or_else(|| format!("no tag: <{tag}>"))?;
        let attributes = ATTRIBUTE.captures_iter(&found[3]).map(|found| {
            (found[1].to_owned(), found.get(2).map_or_else(String::new, |value| value.as_str().to_owned()))
        });
        tags.push(Tag {
            name: found[2].to_owned(),
            attributes: attributes.collect(),
            closes: !found[1].is_empty(),
            is_empty: !found[4].is_empty() || matches!(&found[2], "meta" | "input"),
        });
    }
    Ok(tags)
}

/// Checks that every element is closed in its place, that no element has an attribute twice and no two the same `id`.
pub fn is_balanced(tags: &[Tag]) -> Result<(), String> {
    let (mut open, mut ids) = (Vec::new(), BTreeSet::new());
    for tag in tags {
        let names: BTreeSet<_> = tag.attributes.iter().map(|(name, _)| name).collect();
        if names.len() < tag.attributes.len() {
            return Err(format!("an attribute is there twice: {tag:?}"));
        }
        if let Some(id) = tag.attribute("id")
            && !ids.insert(id)
        {
            return Err(format!("two elements are {id}"));
        }
        if !tag.closes && !tag.is_empty {
            open.push(&tag.name);
        } else if tag.closes && open.pop() != Some(&tag.name) {
            return Err(format!("</{}> closes another element", tag.name));
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("not closed: {open:?}")) }
}

/// A page without style, script and symbols, which are the same in every one.
pub fn own_markup(page: &str) -> String {
    let page = markup(page);
    let (before, rest) = page.split_once("<svg width=\"0\"").expect("symbols");
    before.to_owned() + rest.split_once("</svg>").expect("their end").1
}

/// The parts that a report in some format consists of, without what it says of a certain rollout.
pub fn shapes(format: &str, text: &str) -> BTreeSet<String> {
    match format {
        "html" => elements(&own_markup(text)),
        "junit" => elements(text),
        "sarif" => keys(&serde_json::from_str(text).expect("SARIF")),
        "markdown" => text.lines().map(line_of_markdown).collect(),
        "github" => text.lines().map(annotation).collect(),
        "summary" => text.split_once("  ").map(|(verdict, _)| verdict.to_owned()).into_iter().collect(),
        "outputs" => text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name.to_owned()).collect(),
        _ => unreachable!("{format}"),
    }
}

/// Elements by the names of their attributes, and by each class; the elements around them are left out.
fn elements(text: &str) -> BTreeSet<String> {
    let mut shapes = BTreeSet::new();
    for tag in tags(text).expect("it is well-formed").into_iter().filter(|tag| !tag.closes) {
        let names: Vec<_> = tag.attributes.iter().map(|(name, _)| &**name).collect();
        shapes.insert(format!("<{} {}>", tag.name, names.join(" ")));
        let classes = tag.attribute("class").into_iter().flat_map(str::split_whitespace);
        shapes.extend(classes.map(|class| format!("<{}.{class}>", tag.name)));
    }
    shapes
}

/// Paths of keys, with the values of those that have few.
fn keys(value: &Value) -> BTreeSet<String> {
    let mut shapes = BTreeSet::new();
    let mut rest = vec![(String::new(), value)];
    while let Some((path, value)) = rest.pop() {
        match value {
            Value::Object(entries) => rest.extend(entries.iter().map(|(key, value)| (format!("{path}/{key}"), value))),
            Value::Array(values) if !values.is_empty() => {
                rest.extend(values.iter().map(|value| (format!("{path}/*"), value)));
            }
            value => {
                let few = ["level", "kind", "status", "decision", "severity", "executionSuccessful"];
                let is_few = few.contains(&path.rsplit('/').next().unwrap_or_default()) || !value.is_string();
                let is_number = value.is_number();
                shapes.insert(if is_few && !is_number { format!("{path}={value}") } else { path });
            }
        }
    }
    shapes
}

/// A line without numbers and without what follows its label.
fn line_of_markdown(line: &str) -> String {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new("[0-9]+").expect("it is one"));
    let plain = |text: &str| NUMBER.replace_all(text, "N").into_owned();
    let bold = |text: &str| text.split("**").nth(1).map(|word| format!("- **{word}**"));
    match line {
        _ if line.starts_with("| ") && !line.contains("---") && !line.contains("Slug") => {
            format!("a row of {} cells", line.split(" | ").count())
        }
        _ if line.starts_with("- **") => bold(line).expect("a word"),
        _ if line.starts_with("**") => "**a policy that weighs less**".to_owned(),
        _ if line.starts_with("### ⚠") => "### Stragglers".to_owned(),
        _ if line.starts_with("- Fleet: nobody") => line.to_owned(),
        _ if line.starts_with("- Fleet: ") => {
            format!("- Fleet{}", if line.contains("outside the fleet") { " and others" } else { "" })
        }
        _ if line.starts_with("- Target tag: ") => match line.split_once(", ") {
            Some(_) => line.to_owned(),
            None => "- Target tag".to_owned(),
        },
        _ if line.trim_start().starts_with(['-', '#']) => plain(line.split(": ").next().expect("a part")),
        _ => plain(line),
    }
}

/// A command, who speaks, and whether a remedy follows.
fn annotation(line: &str) -> String {
    let (command, text) = line.split_once(" title=").expect("a title");
    let (title, text) = text.split_once("::").expect("a text");
    match (title, text.split_once("  ")) {
        ("rollproof", Some((verdict, _))) => format!("{command} {verdict}"),
        ("rollproof", None) => format!("{command} of a policy that weighs less"),
        _ => format!("{command} of a finding{}", if text.contains(". Next: ") { ", with a remedy" } else { "" }),
    }
}
