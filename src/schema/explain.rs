//! What is wrong with an input, and where: the slow reading of what the fast pass refused.
//!
//! The two must never disagree; a property test holds them to it.

use std::collections::BTreeSet;
use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::diagnostic::fault::{Fault, MAX_FAULTS, locate, offset, place, utf8};
use crate::schema::published::{MAX_DEPTH, Name, validator};
use crate::text::json::{Entries, escape_pointer, without_place};
use crate::text::suggest::nearest;

/// How much of a wrong value is shown, in characters.
const MAX_FOUND: usize = 60;

/// How many faults are kept until it is known which of them come first.
const MAX_KEPT: usize = 10_000;

/// What is wrong with an input, the first [`MAX_FAULTS`] in the order in which they stand there, and how many more there
/// are.
pub fn explain(bytes: &[u8], name: Name) -> Vec<Fault> {
    explain_by(bytes, name, &name.schema(), |_| Vec::new())
}

/// Reads any JSON in which no key comes twice and nothing is nested deeper than [`MAX_DEPTH`].
///
/// # Errors
/// What is wrong with it.
pub fn json(bytes: &[u8]) -> Result<Value, Vec<Fault>> {
    let text = utf8(bytes).map_err(|fault| vec![fault])?;
    let wrong = |error: &serde_json::Error| vec![syntax(text, error)];
    let root: &RawValue = serde_json::from_str(text).map_err(|error| wrong(&error))?;
    let mut reader = Reader { text, long: None, schema: &Value::Null, faults: Vec::new(), more: 0 };
    reader.value(root, "", Place::ROOT);
    let faults = reader.faults();
    if faults.is_empty() { serde_json::from_str(text).map_err(|error| wrong(&error)) } else { Err(faults) }
}

/// The same by a schema that was changed, and with what no schema can express: faults with their JSON pointers.
pub(crate) fn explain_by(bytes: &[u8], name: Name, schema: &Value, beyond: impl Fn(&str) -> Vec<Fault>) -> Vec<Fault> {
    let text = match utf8(bytes) {
        Ok(text) => text,
        Err(fault) => return vec![fault],
    };
    let root: &RawValue = match serde_json::from_str(text) {
        Ok(root) => root,
        Err(error) => return vec![syntax(text, &error)],
    };
    let long = name.long_array().map(|(at, definition)| {
        let part = schema.pointer(&format!("/$defs/{definition}")).unwrap_or(&Value::Null);
        (at, Rules { validator: validator(schema, Some(definition)), root: part })
    });
    let mut reader = Reader { text, long, schema, faults: Vec::new(), more: 0 };
    let value = reader.value(root, "", Place { depth: 0, schemas: &[schema] });
    for fault in beyond(text) {
        reader.keep(locate(root, fault.pointer.as_deref().unwrap_or_default()), fault);
    }
    if name == Name::Response && value.as_object().is_some_and(|object| object.keys().all(|key| !describes(key))) {
        let fault = "found an object with none of the keys of a response; \"results\" or \"ok\" at least is expected";
        reader.fault(root, String::new(), fault.into());
    } else {
        reader.validate(&Rules { validator: validator(schema, None), root: schema }, &value, root, "");
    }
    reader.faults()
}

fn describes(key: &str) -> bool {
    matches!(key, "ok" | "error" | "message" | "stragglers" | "results")
}

/// Why a text is no JSON.
pub(crate) fn syntax(text: &str, error: &serde_json::Error) -> Fault {
    let line_start = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let at = (line_start + error.column().saturating_sub(1)).min(text.len());
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let problem = format!("no valid JSON: {}", without_place(error));
    let mut fault = Fault { place: Some(place(text, at)), ..Fault::whole(problem) };
    if error.is_eof() {
        fault = fault.help("the file ends in the middle: get or write it again, as a whole");
    }
    fault
}

/// A part of a schema that values are validated by.
struct Rules<'a> {
    validator: Validator,
    /// The part that the paths of errors begin at.
    root: &'a Value,
}

struct Reader<'a> {
    text: &'a str,
    /// The one long array: its elements are validated one by one and not kept.
    long: Option<(&'static str, Rules<'a>)>,
    /// The schema of the whole input, or nothing.
    schema: &'a Value,
    /// With the byte at which each stands.
    faults: Vec<(usize, Fault)>,
    /// How many were not kept.
    more: usize,
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'p, 'a> {
    /// How many arrays and objects are around it.
    depth: usize,
    /// What the schema says of it. Where that is nothing, every key is read.
    schemas: &'p [&'a Value],
}

impl Place<'_, '_> {
    const ROOT: Self = Self { depth: 0, schemas: &[] };
}

impl<'a> Reader<'a> {
    /// What was found, the first [`MAX_FAULTS`] in the order in which they stand there, and how many more there are.
    fn faults(self) -> Vec<Fault> {
        let Self { text, mut faults, more, .. } = self;
        faults.sort_by(|a, b| (a.0, &a.1.pointer).cmp(&(b.0, &b.1.pointer)));
        faults.dedup();
        let more = more + faults.len().saturating_sub(MAX_FAULTS);
        let placed = |(at, fault)| Fault { place: Some(place(text, at)), ..fault };
        let mut faults: Vec<Fault> = faults.into_iter().take(MAX_FAULTS).map(placed).collect();
        if more > 0 {
            let are = if more == 1 { "fault is" } else { "faults are" };
            faults.push(Fault::whole(format!("{more} more {are} not listed")));
        }
        faults
    }

    fn fault(&mut self, at: &RawValue, pointer: String, problem: String) {
        self.keep(at, Fault { pointer: Some(pointer), ..Fault::whole(problem) });
    }

    fn keep(&mut self, at: &RawValue, fault: Fault) {
        if self.faults.len() < MAX_KEPT {
            self.faults.push((offset(self.text, at), fault));
        } else {
            self.more += 1;
        }
    }

    /// The value as the validator reads it: a number that is not written as an integer is none, whatever its value.
    fn value(&mut self, raw: &'a RawValue, pointer: &str, place: Place<'_, 'a>) -> Value {
        match raw.get().as_bytes().first() {
            Some(b'[' | b'{') if place.depth >= MAX_DEPTH => {
                let problem = format!(
                    "found arrays and objects nested deeper than {MAX_DEPTH} levels, but {MAX_DEPTH} is the limit"
                );
                self.fault(raw, pointer.to_owned(), problem);
                Value::Null
            }
            Some(b'[') => self.array(raw, pointer, place),
            Some(b'{') => self.object(raw, pointer, place),
            _ => match serde_json::from_str(raw.get()) {
                Ok(Value::Number(number)) if number.is_f64() => 0.5.into(),
                Ok(value) => value,
                Err(error) => {
                    let problem = format!("found {}, which is no valid JSON: {error}", shorten(raw.get()));
                    self.fault(raw, pointer.to_owned(), problem);
                    Value::Null
                }
            },
        }
    }

    fn array(&mut self, raw: &'a RawValue, pointer: &str, place: Place<'_, 'a>) -> Value {
        let nodes = self.nodes(place.schemas);
        let items: Vec<&Value> = nodes.iter().filter_map(|node| node.get("items")).collect();
        let inner = Place { depth: place.depth + 1, schemas: &items };
        let mut elements = Elements { reader: self, pointer, place: inner, kept: Vec::new() };
        let read = serde_json::Deserializer::from_str(raw.get()).deserialize_seq(&mut elements);
        let kept = elements.kept;
        if let Err(error) = read {
            self.fault(raw, pointer.to_owned(), format!("no valid JSON: {error}"));
        }
        Value::Array(kept)
    }

    fn element(&mut self, raw: &'a RawValue, pointer: &str, place: Place<'_, 'a>, kept: &mut Vec<Value>) {
        let value = self.value(raw, pointer, place);
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        match self.long.take() {
            Some((at, rules)) if at == parent => {
                self.validate(&rules, &value, raw, pointer);
                self.long = Some((at, rules));
            }
            other => {
                self.long = other;
                kept.push(value);
            }
        }
    }

    /// The schema's parts that speak of one value, whichever way they are put together.
    fn nodes(&self, schemas: &[&'a Value]) -> Vec<&'a Value> {
        let (mut nodes, mut left) = (Vec::new(), schemas.to_vec());
        while let Some(node) = left.pop() {
            let referred = node.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
            left.extend(referred.and_then(|path| self.schema.pointer(path)));
            left.extend(["then", "else"].iter().filter_map(|key| node.get(key)));
            left.extend(["anyOf", "allOf", "oneOf"].iter().filter_map(|key| node.get(key)?.as_array()).flatten());
            nodes.push(node);
        }
        nodes
    }

    fn object(&mut self, raw: &'a RawValue, pointer: &str, place: Place<'_, 'a>) -> Value {
        let entries = match serde_json::from_str(raw.get()) {
            Ok(Entries(entries)) => entries,
            Err(error) => {
                self.fault(raw, pointer.to_owned(), format!("found a key that is no valid JSON: {error}"));
                return Value::Null;
            }
        };
        let (mut object, mut twice) = (serde_json::Map::new(), BTreeSet::new());
        let nodes = self.nodes(place.schemas);
        let is_open = nodes.iter().any(|node| node.get("properties").is_some())
            && nodes.iter().all(|node| node.get("additionalProperties").is_none());
        let is_free = nodes.iter().any(|node| node.get("additionalProperties").is_some_and(Value::is_object));
        for (key, value) in entries {
            let is_text = key.is_text();
            let key = key.name().into_owned();
            let inner = format!("{pointer}/{}", escape_pointer(&key));
            if is_free && !is_text {
                let problem = "found a key that is no text, for it has half of a surrogate pair";
                self.fault(value, inner.clone(), problem.into());
            }
            let schemas: Vec<&Value> = nodes.iter().filter_map(|node| node.get("properties")?.get(&key)).collect();
            let read = if is_open && schemas.is_empty() {
                // Nobody reads it.
                Value::Null
            } else {
                self.value(value, &inner, Place { depth: place.depth + 1, schemas: &schemas })
            };
            if object.insert(key.clone(), read).is_some() && twice.insert(key) {
                self.fault(value, inner, "found the same key twice in one object, but each is allowed once".into());
            }
        }
        Value::Object(object)
    }

    fn validate(&mut self, rules: &Rules<'a>, value: &Value, raw: &RawValue, pointer: &str) {
        for error in rules.validator.iter_errors(value) {
            self.report(&error, rules.root, raw, pointer);
        }
    }

    fn report(&mut self, error: &ValidationError<'_>, root: &'a Value, raw: &RawValue, pointer: &str) {
        let inner = error.instance_path().to_string();
        if let ValidationErrorKind::AnyOf { context } = error.kind() {
            // Of the alternatives, the one for a value of this type was meant.
            let is_other_type = |error: &ValidationError<'static>| {
                matches!(error.kind(), ValidationErrorKind::Type { .. }) && error.instance_path().to_string() == inner
            };
            if let Some(meant) = context.iter().find(|errors| !errors.iter().any(is_other_type)) {
                for error in meant {
                    self.report(error, root, raw, pointer);
                }
                return;
            }
        }
        let at = locate(raw, &inner);
        let full = format!("{pointer}{inner}");
        let part = self.beside(root, error);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let known = part.and_then(|part| part.get("properties")?.as_object());
                for key in unexpected {
                    let near = nearest(key, known.into_iter().flat_map(|known| known.keys().map(String::as_str)))
                        .map(|near| format!("; did you mean \"{near}\"?"))
                        .unwrap_or_default();
                    let key = escape_pointer(key);
                    let place = locate(at, &format!("/{key}"));
                    self.fault(place, format!("{full}/{key}"), format!("found a key that is not known here{near}"));
                }
            }
            ValidationErrorKind::Required { property } => {
                self.fault(at, full, format!("the key {property} is missing"));
            }
            kind => {
                let found = describe(at.get());
                let words = part.filter(|_| matches!(kind, ValidationErrorKind::OneOfNotValid { .. })).and_then(words);
                let allowed = match &words {
                    Some(words) => one_of(words),
                    None => allowed(kind, part),
                };
                let near = words.as_deref().and_then(|words| near(at.get(), words)).unwrap_or_default();
                self.fault(at, full, format!("found {found}, but {allowed} is allowed{near}"));
            }
        }
    }

    /// The part of the schema that holds the keyword which failed, from the part that was validated by.
    fn beside(&self, root: &'a Value, error: &ValidationError<'_>) -> Option<&'a Value> {
        let path = error.schema_path().to_string();
        let path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        // A part of the schema is referred to by the root that it is compiled with.
        let path = if std::ptr::eq(root, self.schema) { path } else { path.strip_prefix("/$ref").unwrap_or(path) };
        // What was reached by a reference is named by its definition, which only the whole schema has.
        let start = if path.starts_with("/$defs/") { self.schema } else { root };
        path.split('/').skip(1).try_fold(start, |here, token| {
            if token == "$ref" {
                return self.schema.pointer(here.get("$ref")?.as_str()?.strip_prefix('#')?);
            }
            here.get(token).or_else(|| token.parse().ok().and_then(|i: usize| here.get(i)))
        })
    }
}

/// The words of an enumeration whose words are described each by an alternative of its own; none where it is none.
fn words(part: &Value) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for one in part.get("oneOf")?.as_array()? {
        match (one.get("const"), one.get("enum").and_then(Value::as_array)) {
            (Some(word), _) => words.push(word.to_string()),
            (None, Some(several)) => words.extend(several.iter().map(ToString::to_string)),
            (None, None) => return None,
        }
    }
    Some(words)
}

fn one_of(words: &[String]) -> String {
    format!("one of {}", words.join(", "))
}

/// The word that was meant, if one is near. All are JSON.
fn near(found: &str, words: &[String]) -> Option<String> {
    let found: String = serde_json::from_str(found).ok()?;
    let words: Vec<&str> = words.iter().map(|word| word.trim_matches('"')).collect();
    nearest(&found, words).map(|near| format!("; did you mean \"{near}\"?"))
}

struct Elements<'r, 'a> {
    reader: &'r mut Reader<'a>,
    pointer: &'r str,
    place: Place<'r, 'a>,
    kept: Vec<Value>,
}

impl<'a> Visitor<'a> for &mut Elements<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut access: A) -> Result<(), A::Error> {
        let mut i = 0;
        while let Some(raw) = access.next_element()? {
            let pointer = format!("{}/{i}", self.pointer);
            self.reader.element(raw, &pointer, self.place, &mut self.kept);
            i += 1;
        }
        Ok(())
    }
}

/// A wrong value in words.
fn describe(raw: &str) -> String {
    match raw.as_bytes().first() {
        Some(b'"') => format!("the string {}", shorten(raw)),
        Some(b'{') => "an object".into(),
        Some(b'[') => "an array".into(),
        Some(b'n') => "null".into(),
        Some(b't' | b'f') => format!("the boolean {raw}"),
        _ => format!("the number {}", shorten(raw)),
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_FOUND).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// What the schema allows, in words.
fn allowed(kind: &ValidationErrorKind, part: Option<&Value>) -> String {
    match kind {
        ValidationErrorKind::Type { kind } => type_words(kind),
        ValidationErrorKind::Enum { options } => {
            one_of(&options.as_array().into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>())
        }
        ValidationErrorKind::Constant { expected_value } => format!("only {expected_value}"),
        ValidationErrorKind::Minimum { limit } => format!("a number from {limit} up"),
        ValidationErrorKind::Maximum { limit } => format!("a number up to {limit}"),
        ValidationErrorKind::Pattern { .. } | ValidationErrorKind::Not { .. } => {
            let described = part.and_then(|part| part.get("description")?.as_str());
            described.unwrap_or("what the schema says").to_owned()
        }
        other => format!("what the schema says ({})", other.keyword()),
    }
}

fn type_words(kind: &TypeKind) -> String {
    let word = |of: JsonType| match of {
        JsonType::Null => "null",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    };
    match kind {
        TypeKind::Single(only) => format!("only {}", word(*only)),
        TypeKind::Multiple(set) => {
            let mut words: Vec<&str> = set.iter().map(word).collect();
            words.sort_by_key(|word| *word == "null");
            words.join(" or ")
        }
    }
}
