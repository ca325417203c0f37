//! `walk` and `in`.

use anyhow::Result;
use regorus::Value;

/// Every path of a value with what lies there, outermost first.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "functions have one form")]
pub fn walk(args: &[Value]) -> Result<Value> {
    let mut found = Vec::new();
    descend(&args[0], &mut Vec::new(), &mut found);
    Ok(Value::from(found))
}

fn descend(value: &Value, path: &mut Vec<Value>, found: &mut Vec<Value>) {
    found.push(Value::from(vec![Value::from(path.clone()), value.clone()]));
    let mut below = |key: Value, value: &Value| {
        path.push(key);
        descend(value, path, found);
        path.pop();
    };
    match value {
        Value::Array(items) => (0_u64..).zip(items.iter()).for_each(|(i, item)| below(Value::from(i), item)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| below(key.clone(), value)),
        Value::Set(items) => items.iter().for_each(|item| below(item.clone(), item)),
        _ => {}
    }
}

/// `x in xs`
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "functions have one form")]
pub fn member(args: &[Value]) -> Result<Value> {
    Ok(Value::from(match &args[1] {
        Value::Array(items) => items.contains(&args[0]),
        Value::Set(items) => items.contains(&args[0]),
        Value::Object(fields) => fields.iter().any(|(_, value)| *value == args[0]),
        _ => false,
    }))
}

/// `k, x in xs`
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "functions have one form")]
pub fn member_at(args: &[Value]) -> Result<Value> {
    let (key, value) = (&args[0], &args[1]);
    Ok(Value::from(match &args[2] {
        Value::Set(items) => key == value && items.contains(value),
        collection @ (Value::Array(_) | Value::Object(_)) => collection[key] == *value,
        _ => false,
    }))
}
