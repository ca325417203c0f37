//! What a query gave.

use regorus::Value;
use serde::de::DeserializeOwned;

/// The answer to a query.
#[derive(Debug)]
pub struct Answer(pub(super) Value);

impl Answer {
    /// What lies under a key.
    pub fn get(&self, key: &str) -> Self {
        Self(self.0[key].clone())
    }

    /// What an array of one element holds.
    ///
    /// # Errors
    /// In words, where it is empty: a rule is undefined.
    pub fn only(&self) -> Result<Self, String> {
        match &self.0 {
            Value::Array(array) if array.len() == 1 => Ok(Self(self.0[0].clone())),
            _ => Err("the rule is undefined".into()),
        }
    }

    /// The answer as a Rust type.
    ///
    /// # Errors
    /// In words, where it has another form.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::to_value(&self.0).and_then(serde_json::from_value).map_err(|error| error.to_string())
    }

    /// The elements of an array or a set, one by one.
    ///
    /// # Errors
    /// In words, where it is neither or an element has another form.
    pub fn elements<T: DeserializeOwned>(&self) -> Result<Vec<T>, String> {
        let element = |value: &Value| {
            serde_json::to_value(value).and_then(serde_json::from_value).map_err(|error| error.to_string())
        };
        match &self.0 {
            Value::Array(array) => array.iter().map(element).collect(),
            Value::Set(set) => set.iter().map(element).collect(),
            _ => Err("it is neither an array nor a set".into()),
        }
    }
}
