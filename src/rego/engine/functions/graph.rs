//! `graph.reachable` and `graph.reachable_paths`.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use regorus::Value;

/// The nodes that are reached from some.
///
/// # Errors
/// Where the graph is no object, or the nodes are no array and no set.
pub fn reachable(args: &[Value]) -> Result<Value> {
    let graph = graph(args)?;
    let mut queue = starts(args)?;
    let mut reached = BTreeSet::new();
    while let Some(node) = queue.pop() {
        if let Some(edges) = edges(graph, &node)
            && reached.insert(node)
        {
            queue.extend(vertices(edges).filter(|next| !reached.contains(next)));
        }
    }
    Ok(Value::from(reached))
}

/// The paths on which nodes are reached from some.
///
/// # Errors
/// As [`reachable`].
pub fn reachable_paths(args: &[Value]) -> Result<Value> {
    let graph = graph(args)?;
    let mut paths = BTreeSet::new();
    for node in starts(args)? {
        let Some(edges) = edges(graph, &node) else { continue };
        let next: Vec<Value> = vertices(edges).collect();
        if next.is_empty() {
            paths.insert(Value::from(vec![node.clone()]));
        }
        for next in next {
            extend(graph, next, vec![node.clone()], &BTreeSet::from([node.clone()]), &mut paths);
        }
    }
    Ok(Value::from(paths))
}

fn extend(graph: &Value, node: Value, mut path: Vec<Value>, reached: &BTreeSet<Value>, paths: &mut BTreeSet<Value>) {
    let Some(edges) = edges(graph, &node) else {
        paths.insert(Value::from(path));
        return;
    };
    path.push(node.clone());
    let next: Vec<Value> = vertices(edges).collect();
    if next.is_empty() {
        paths.insert(Value::from(path));
        return;
    }
    let mut reached = reached.clone();
    reached.insert(node);
    for next in next {
        if reached.contains(&next) {
            paths.insert(Value::from(path.clone()));
        } else {
            extend(graph, next, path.clone(), &reached, paths);
        }
    }
}

fn graph(args: &[Value]) -> Result<&Value> {
    match &args[0] {
        graph @ Value::Object(_) => Ok(graph),
        _ => Err(anyhow!("argument 1 must be an object")),
    }
}

fn edges<'g>(graph: &'g Value, node: &Value) -> Option<&'g Value> {
    Some(&graph[node]).filter(|edges| **edges != Value::Undefined)
}

fn starts(args: &[Value]) -> Result<Vec<Value>> {
    match &args[1] {
        Value::Array(_) | Value::Set(_) => Ok(vertices(&args[1]).collect()),
        _ => Err(anyhow!("argument 2 must be an array or a set")),
    }
}

fn vertices(edges: &Value) -> impl Iterator<Item = Value> + '_ {
    let items: Vec<Value> = match edges {
        Value::Array(items) => items.iter().cloned().collect(),
        Value::Set(items) => items.iter().cloned().collect(),
        _ => Vec::new(),
    };
    items.into_iter()
}
