//! Data that lies beside policies: where it would hide a package or be hidden by one, and what its keys are.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::declared::names::PREVIOUS;
use crate::lint::types::{Field, Kinds, Type};

/// How many keys an object has at the most whose keys are names; of a larger one they are taken for values.
const MAX_NAMES: usize = 200;

/// How deep data is looked into.
const MAX_DEPTH: u8 = 32;

/// A file, and what it holds, below the path at which it lies in `data`.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// The file.
    pub file: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// An object whose keys lead to what the file holds.
    pub mounted: Map<String, Value>,
}

/// All data that lies beside policies.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// What `data` holds, of all files together.
    pub value: Map<String, Value>,
    /// The files, in the order in which they were read.
    pub files: Vec<DataFile>,
}

impl Data {
    /// What is wrong with a package that lies at, above or below some data, and what to do about it.
    pub fn conflict(&self, package: &str) -> Option<(String, &'static str)> {
        let steps: Vec<&str> = package.split('.').collect();
        let DataFile { file, .. } = self.files.iter().find(|file| meets(&file.mounted, &steps))?;
        let what = format!("the package {package} and data of {file} have one path, and one would hide the other");
        let remedy =
            "data lies at the path of its folder: move the file to a folder of another name, or rename the package";
        Some((what, remedy))
    }

    /// What `data` may hold, with the report of the previous rollout, which is not always there where it is optional.
    pub fn object(&self, previous: &Type, is_always_there: bool) -> Type {
        let mut fields = fields(&self.value, 0);
        fields.insert(PREVIOUS.to_owned(), Field { ty: previous.clone(), always: is_always_there });
        Type::object(fields, None)
    }

    /// Whether a path begins as some data does.
    pub fn has(&self, name: &str) -> bool {
        self.value.contains_key(name)
    }
}

/// Whether a path leads to some value, or beyond it.
fn meets(object: &Map<String, Value>, steps: &[&str]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return true };
    match object.get(*step) {
        None => false,
        Some(Value::Object(below)) => meets(below, rest),
        Some(_) => true,
    }
}

fn fields(object: &Map<String, Value>, depth: u8) -> BTreeMap<String, Field> {
    object.iter().map(|(key, value)| (key.clone(), Field { ty: of(value, depth + 1), always: true })).collect()
}

/// What is known of a value whose words and numbers may be others tomorrow.
fn of(value: &Value, depth: u8) -> Type {
    let joined =
        |values: &mut dyn Iterator<Item = &Value>| values.map(|value| of(value, depth + 1)).reduce(|a, b| a.join(&b));
    match value {
        _ if depth > MAX_DEPTH => Type::Any,
        Value::Null => Type::of(Kinds::NULL),
        Value::Bool(_) => Type::of(Kinds::BOOLEAN),
        Value::Number(_) => Type::of(Kinds::NUMBER),
        Value::String(_) => Type::of(Kinds::STRING),
        Value::Array(items) => Type::many(Kinds::ARRAY, Some(joined(&mut items.iter()).unwrap_or(Type::Any))),
        Value::Object(object) if object.is_empty() => Type::of(Kinds::OBJECT),
        Value::Object(object) if object.len() > MAX_NAMES => {
            Type::object(BTreeMap::new(), joined(&mut object.values()))
        }
        Value::Object(object) => Type::object(fields(object, depth), None),
    }
}
