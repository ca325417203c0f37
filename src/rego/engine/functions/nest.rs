//! Rules with several keys: each element of a generated set is the keys and what lies below them.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use regorus::Value;

/// What lies below a key.
enum Below {
    Keys(BTreeMap<Value, Self>),
    Values(Vec<Value>),
}

/// Keys with sets below.
///
/// # Errors
/// Where a key has a value and keys below it.
pub fn sets(args: &[Value]) -> Result<Value> {
    nested(args, |values| Ok(Value::from(values.into_iter().collect::<std::collections::BTreeSet<_>>())))
}

/// Keys with one value each.
///
/// # Errors
/// Where one has two.
pub fn values(args: &[Value]) -> Result<Value> {
    nested(args, |values| match <[Value; 1]>::try_from(values) {
        Ok([value]) => Ok(value),
        Err(_) => Err(conflict()),
    })
}

fn conflict() -> anyhow::Error {
    anyhow!("object keys must be unique: one key has two values")
}

/// Joins elements; some keys are there though nothing lies below them.
fn nested(args: &[Value], made: fn(Vec<Value>) -> Result<Value>) -> Result<Value> {
    let mut root = Below::Keys(BTreeMap::new());
    for constant in args[1].as_array()? {
        let keys = constant[0_u64].as_array()?.to_vec();
        root.at(&keys, constant[1_u64] == Value::from(true))?;
    }
    let elements = args[0].as_set().map_err(|_| anyhow!("it is no set"))?;
    for element in elements {
        let parts = element.as_array()?.to_vec();
        let Some((value, keys)) = parts.split_last() else { continue };
        match root.at(keys, true)? {
            Below::Values(values) => values.push(value.clone()),
            Below::Keys(_) => return Err(conflict()),
        }
    }
    value(root, made)
}

impl Below {
    /// What lies at some keys, which are made where they are not there.
    fn at(&mut self, keys: &[Value], of_values: bool) -> Result<&mut Self> {
        let mut at = self;
        for (i, key) in keys.iter().enumerate() {
            let Self::Keys(below) = at else { return Err(conflict()) };
            let last = i + 1 == keys.len() && of_values;
            let new = || if last { Self::Values(Vec::new()) } else { Self::Keys(BTreeMap::new()) };
            at = below.entry(key.clone()).or_insert_with(new);
        }
        Ok(at)
    }
}

fn value(below: Below, made: fn(Vec<Value>) -> Result<Value>) -> Result<Value> {
    match below {
        Below::Values(values) => made(values),
        Below::Keys(keys) => {
            let fields = keys.into_iter().map(|(key, below)| Ok((key, value(below, made)?)));
            Ok(Value::from(fields.collect::<Result<BTreeMap<_, _>>>()?))
        }
    }
}
