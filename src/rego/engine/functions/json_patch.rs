//! `json.patch`: JSON Patch (RFC 6902), with paths as arrays and into sets, as OPA has it.

use anyhow::{Result, anyhow, bail};
use regorus::Value;

/// Applies operations one after another.
///
/// # Errors
/// Where one cannot be applied.
pub fn patch(args: &[Value]) -> Result<Value> {
    let Value::Array(operations) = &args[1] else { bail!("argument 2 must be an array") };
    operations.iter().try_fold(args[0].clone(), apply)
}

fn apply(target: Value, operation: &Value) -> Result<Value> {
    let Value::Object(fields) = operation else { bail!("must be an array of JSON-Patch objects") };
    let field = |name: &str| fields.get(&Value::from(name));
    let needed = |name: &str| field(name).cloned().ok_or_else(|| anyhow!("missing required attribute '{name}'"));
    let path = steps(&needed("path")?)?;
    let Value::String(op) = needed("op")? else { bail!("attribute 'op' must be a string") };
    match &*op {
        "add" => insert(target, &path, needed("value")?),
        "remove" => remove(target, &path),
        "replace" => {
            let value = needed("value")?;
            if path.is_empty() {
                return Ok(value);
            }
            insert(remove(target, &path)?, &path, value)
        }
        "move" => {
            let from = steps(&needed("from")?)?;
            let value = at(&target, &from)?;
            insert(remove(target, &from)?, &path, value)
        }
        "copy" => {
            let value = at(&target, &steps(&needed("from")?)?)?;
            insert(target, &path, value)
        }
        "test" => {
            let (found, wanted) = (at(&target, &path)?, needed("value")?);
            if found == wanted { Ok(target) } else { bail!("the value to test for is not there") }
        }
        other => bail!("unrecognized op: '{other}'"),
    }
}

/// A path: text with `/`, where `~1` is `/` and `~0` is `~`, or an array of keys.
fn steps(path: &Value) -> Result<Vec<Value>> {
    match path {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            let steps = text.trim_start_matches('/').split('/');
            Ok(steps.map(|step| Value::from(step.replace("~1", "/").replace("~0", "~"))).collect())
        }
        Value::Array(steps) => Ok(steps.iter().cloned().collect()),
        _ => bail!("a path must be a string or an array"),
    }
}

fn index(step: &Value) -> Result<usize> {
    match step {
        Value::Number(number) => {
            let index = number.as_u64().and_then(|index| usize::try_from(index).ok());
            index.ok_or_else(|| anyhow!("invalid number type for indexing"))
        }
        Value::String(text) if text.len() > 1 && text.starts_with('0') => {
            bail!("leading zeros are not allowed in JSON paths")
        }
        Value::String(text) => text.parse().map_err(|_| anyhow!("invalid string for indexing: {text:?}")),
        _ => bail!("invalid type for indexing"),
    }
}

fn missing(step: &Value) -> anyhow::Error {
    anyhow!("path {step} does not exist")
}

/// What lies at a path.
fn at(target: &Value, path: &[Value]) -> Result<Value> {
    let Some((step, rest)) = path.split_first() else { return Ok(target.clone()) };
    let inner = match target {
        Value::Object(fields) => fields.get(step),
        Value::Array(items) => items.get(index(step)?),
        Value::Set(items) => items.get(step),
        _ => None,
    };
    at(inner.ok_or_else(|| missing(step))?, rest)
}

fn insert(target: Value, path: &[Value], value: Value) -> Result<Value> {
    let Some((step, rest)) = path.split_first() else { return Ok(value) };
    if !rest.is_empty() {
        return below(target, step, |inner| insert(inner, rest, value));
    }
    match target {
        Value::Object(fields) => {
            let others = fields.iter().filter(|(key, _)| *key != step).map(|(key, value)| (key.clone(), value.clone()));
            Ok(Value::from(others.chain([(step.clone(), value)]).collect::<std::collections::BTreeMap<_, _>>()))
        }
        Value::Array(items) => {
            let mut items = items.to_vec();
            let at = if *step == Value::from("-") { items.len() } else { index(step)? };
            if at > items.len() {
                bail!("index for array insertion out of bounds");
            }
            items.insert(at, value);
            Ok(Value::from(items))
        }
        Value::Set(items) => {
            if *step != value {
                bail!("set key {step} does not equal value to be inserted {value}");
            }
            Ok(Value::from(items.iter().cloned().chain([value]).collect::<std::collections::BTreeSet<_>>()))
        }
        other => bail!("expected composite type, found value: {other}"),
    }
}

fn remove(target: Value, path: &[Value]) -> Result<Value> {
    let Some((step, rest)) = path.split_first() else { bail!("the whole value cannot be removed") };
    if !rest.is_empty() {
        return below(target, step, |inner| remove(inner, rest));
    }
    match target {
        Value::Object(fields) => {
            if !fields.contains_key(step) {
                bail!("cannot delete child key {step} that does not exist");
            }
            let others = fields.iter().filter(|(key, _)| *key != step).map(|(key, value)| (key.clone(), value.clone()));
            Ok(Value::from(others.collect::<std::collections::BTreeMap<_, _>>()))
        }
        Value::Array(items) => {
            let mut items = items.to_vec();
            let at = if *step == Value::from("-") { items.len() } else { index(step)? };
            if at >= items.len() {
                bail!("index for array delete out of bounds");
            }
            items.remove(at);
            Ok(Value::from(items))
        }
        Value::Set(items) => {
            if !items.contains(step) {
                bail!("cannot delete child key {step} that does not exist");
            }
            Ok(Value::from(
                items.iter().filter(|item| *item != step).cloned().collect::<std::collections::BTreeSet<_>>(),
            ))
        }
        other => bail!("expected composite type, found value: {other}"),
    }
}

/// Changes what lies at a step.
fn below(target: Value, step: &Value, change: impl FnOnce(Value) -> Result<Value>) -> Result<Value> {
    let inner = at(&target, std::slice::from_ref(step))?;
    let changed = change(inner)?;
    match target {
        Value::Array(items) => {
            let mut items = items.to_vec();
            let at = index(step)?;
            if let Some(item) = items.get_mut(at) {
                *item = changed;
            }
            Ok(Value::from(items))
        }
        Value::Set(_) => {
            let others = remove(target, std::slice::from_ref(step))?;
            insert(others, std::slice::from_ref(&changed), changed.clone())
        }
        other => {
            let step = std::slice::from_ref(step);
            insert(other, step, changed)
        }
    }
}
