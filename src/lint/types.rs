//! What a value may be: read from the document's schema, and followed through expressions by `walk`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use serde_json::Value;

/// Kinds of values, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    pub const NONE: Self = Self(0);
    pub const NULL: Self = Self(1);
    pub const BOOLEAN: Self = Self(2);
    pub const NUMBER: Self = Self(4);
    pub const STRING: Self = Self(8);
    pub const ARRAY: Self = Self(16);
    pub const OBJECT: Self = Self(32);
    pub const SET: Self = Self(64);
    pub const ALL: Self = Self(127);

    const NAMES: [(Self, &'static str); 7] = [
        (Self::NULL, "null"),
        (Self::BOOLEAN, "boolean"),
        (Self::NUMBER, "number"),
        (Self::STRING, "string"),
        (Self::ARRAY, "array"),
        (Self::OBJECT, "object"),
        (Self::SET, "set"),
    ];

    /// The kinds of either.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a kind is in both.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// By name in a schema or a signature.
    pub fn named(name: &str) -> Self {
        if name == "integer" {
            return Self::NUMBER;
        }
        Self::NAMES.into_iter().find(|(_, known)| *known == name).map_or(Self::NONE, |(kind, _)| kind)
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> =
            Self::NAMES.into_iter().filter(|(kind, _)| self.meets(*kind)).map(|(_, name)| name).collect();
        let article = if names.first().is_some_and(|name| name.starts_with(['a', 'o'])) { "an" } else { "a" };
        match names[..] {
            ["null"] => f.write_str("null"),
            _ if names.len() == Self::NAMES.len() => f.write_str("anything"),
            _ => write!(f, "{article} {}", names.join(" or ")),
        }
    }
}

/// What a value may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Nothing is known.
    Any,
    /// Something is.
    Known(Rc<Known>),
}

/// What is known of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    pub kinds: Kinds,
    /// Which strings, where only these.
    pub words: Option<BTreeSet<String>>,
    /// Which keys an object has.
    pub fields: BTreeMap<String, Field>,
    /// What an object's other keys hold; none where there are no others.
    pub rest: Option<Type>,
    /// What arrays and sets hold; none where they are empty.
    pub items: Option<Type>,
}

/// A key of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What it holds.
    pub ty: Type,
    /// Whether it is always there.
    pub always: bool,
}

impl Known {
    const EMPTY: Self = Self { kinds: Kinds::NONE, words: None, fields: BTreeMap::new(), rest: None, items: None };
}

impl Type {
    /// Of some kinds, of which no more is known.
    pub fn of(kinds: Kinds) -> Self {
        if kinds == Kinds::ALL {
            return Self::Any;
        }
        let rest = kinds.meets(Kinds::OBJECT).then_some(Self::Any);
        let items = kinds.meets(Kinds::ARRAY.or(Kinds::SET)).then_some(Self::Any);
        Self::Known(Rc::new(Known { kinds, rest, items, ..Known::EMPTY }))
    }

    /// An array or a set of something.
    pub fn many(kind: Kinds, items: Option<Self>) -> Self {
        Self::Known(Rc::new(Known { kinds: kind, items, ..Known::EMPTY }))
    }

    /// An object with known keys, and perhaps others.
    pub fn object(fields: BTreeMap<String, Field>, rest: Option<Self>) -> Self {
        Self::Known(Rc::new(Known { kinds: Kinds::OBJECT, fields, rest, ..Known::EMPTY }))
    }

    pub fn word(text: &str) -> Self {
        let words = Some(BTreeSet::from([text.to_owned()]));
        Self::Known(Rc::new(Known { kinds: Kinds::STRING, words, ..Known::EMPTY }))
    }

    /// Which kinds it may be of.
    pub fn kinds(&self) -> Kinds {
        match self {
            Self::Any => Kinds::ALL,
            Self::Known(known) => known.kinds,
        }
    }

    /// The type that the document's schema gives `input`, without what engines do not get.
    pub fn document(schema: &Value) -> Self {
        let document = Self::of_schema(schema);
        let Self::Known(known) = document else { return document };
        let mut known = Rc::unwrap_or_clone(known);
        if let Some(cohorts) = known.fields.get_mut("cohorts")
            && let Self::Known(array) = &cohorts.ty
            && let Some(Self::Known(cohort)) = &array.items
        {
            let mut cohort = (**cohort).clone();
            cohort.fields.remove("origins");
            cohorts.ty = Self::many(Kinds::ARRAY, Some(Self::Known(Rc::new(cohort))));
        }
        Self::Known(Rc::new(known))
    }

    /// The type of what is valid by a schema, of which policies read no other keys than those that it names.
    pub fn of_closed_schema(mut schema: Value) -> Self {
        close(&mut schema);
        Self::of_schema(&schema)
    }

    /// The type of what is valid by a schema.
    pub fn of_schema(schema: &Value) -> Self {
        Self::schema(schema, schema, 0)
    }

    fn schema(root: &Value, node: &Value, depth: u8) -> Self {
        if depth > 32 {
            return Self::Any;
        }
        let deeper = |node: &Value| Self::schema(root, node, depth + 1);
        if let Some(target) = node["$ref"].as_str().and_then(|path| root.pointer(path.strip_prefix('#')?)) {
            return deeper(target);
        }
        if let Some(parts) = ["anyOf", "oneOf"].iter().find_map(|key| node[key].as_array()) {
            return parts.iter().map(deeper).reduce(|a, b| a.join(&b)).unwrap_or(Self::Any);
        }
        let names: Vec<&str> = match &node["type"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => return Self::Any,
        };
        let kinds = names.into_iter().fold(Kinds::NONE, |kinds, name| kinds.or(Kinds::named(name)));
        let mut known = Known { kinds, ..Known::EMPTY };
        let words: Vec<&Value> =
            node.get("const").into_iter().chain(node["enum"].as_array().into_iter().flatten()).collect();
        if kinds == Kinds::STRING && !words.is_empty() {
            known.words = Some(words.into_iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        if kinds.meets(Kinds::OBJECT) {
            let required: Vec<&str> =
                node["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for (key, of) in node["properties"].as_object().into_iter().flatten() {
                known.fields.insert(key.clone(), Field { ty: deeper(of), always: required.contains(&&**key) });
            }
            known.rest = match &node["additionalProperties"] {
                Value::Bool(false) => None,
                rest @ Value::Object(_) => Some(deeper(rest)),
                _ => Some(Self::Any),
            };
        }
        if kinds.meets(Kinds::ARRAY) {
            known.items = Some(node.get("items").map_or(Self::Any, deeper));
        }
        Self::Known(Rc::new(known))
    }

    /// The type of a value that is of either type.
    pub fn join(&self, other: &Self) -> Self {
        let (Self::Known(a), Self::Known(b)) = (self, other) else { return Self::Any };
        if Rc::ptr_eq(a, b) || a == b {
            return self.clone();
        }
        let strings = |known: &Known| known.kinds.meets(Kinds::STRING);
        let words = match (&a.words, &b.words) {
            (Some(a), Some(b)) if a.len() + b.len() <= 64 => Some(a.union(b).cloned().collect()),
            (Some(words), None) if !strings(b) => Some(words.clone()),
            (None, Some(words)) if !strings(a) => Some(words.clone()),
            _ => None,
        };
        let objects = |known: &Known| known.kinds.meets(Kinds::OBJECT);
        let mut fields = BTreeMap::new();
        for key in a.fields.keys().chain(b.fields.keys()) {
            let field = match (a.fields.get(key), b.fields.get(key)) {
                (Some(a), Some(b)) => Field { ty: a.ty.join(&b.ty), always: a.always && b.always },
                (Some(one), None) => Field { always: one.always && !objects(b), ..one.clone() },
                (None, Some(one)) => Field { always: one.always && !objects(a), ..one.clone() },
                (None, None) => continue,
            };
            fields.insert(key.clone(), field);
        }
        Self::Known(Rc::new(Known {
            kinds: a.kinds.or(b.kinds),
            words,
            fields,
            rest: Self::either(a.rest.as_ref(), b.rest.as_ref()),
            items: Self::either(a.items.as_ref(), b.items.as_ref()),
        }))
    }

    /// The same, where one of the two may be absent.
    pub fn either(a: Option<&Self>, b: Option<&Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.join(b)),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        }
    }

    /// What one of its elements may be, and one of its keys; none where it has no elements by its kind.
    pub fn element(&self) -> Option<(Self, Self)> {
        let Self::Known(known) = self else { return Some((Self::Any, Self::Any)) };
        let (mut key, mut value): (Option<Self>, Option<Self>) = (None, None);
        let mut add = |k: Self, v: Option<&Self>| {
            key = Self::either(key.as_ref(), Some(&k));
            value = Self::either(value.as_ref(), v);
        };
        if known.kinds.meets(Kinds::ARRAY) {
            add(Self::of(Kinds::NUMBER), known.items.as_ref());
        }
        if known.kinds.meets(Kinds::SET) {
            add(known.items.clone().unwrap_or(Self::Any), known.items.as_ref());
        }
        if known.kinds.meets(Kinds::OBJECT) {
            for (name, field) in &known.fields {
                add(Self::word(name), Some(&field.ty));
            }
            if let Some(rest) = &known.rest {
                add(Self::Any, Some(rest));
            }
            if known.fields.is_empty() && known.rest.is_none() {
                add(Self::Any, None);
            }
        }
        key.map(|key| (key, value.unwrap_or(Self::Any)))
    }

    /// Why the two can never be equal, where they cannot.
    pub fn never_equals(&self, other: &Self) -> Option<Difference> {
        let (Self::Known(a), Self::Known(b)) = (self, other) else { return None };
        if !a.kinds.meets(b.kinds) {
            return Some(Difference::Kinds(a.kinds, b.kinds));
        }
        let common = a.kinds.0 & b.kinds.0;
        if common == Kinds::STRING.0
            && let (Some(ours), Some(theirs)) = (&a.words, &b.words)
            && ours.is_disjoint(theirs)
        {
            return Some(Difference::Words(ours.clone(), theirs.clone()));
        }
        None
    }
}

/// Leaves no object of a schema other keys than those that it names, where it names any.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(node) => {
            if node.get("properties").is_some_and(Value::is_object) {
                node.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            node.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Why two values can never be equal.
#[derive(Debug)]
pub enum Difference {
    /// They are of other kinds.
    Kinds(Kinds, Kinds),
    /// They are strings, and one is never the other.
    Words(BTreeSet<String>, BTreeSet<String>),
}
