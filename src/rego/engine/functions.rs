//! Functions that OPA has and the engine has not, or answers otherwise, and those that rewritten policies call.

pub(crate) mod args;
pub(crate) mod cidr;
pub(crate) mod encoding;
pub(crate) mod graph;
pub(crate) mod json_patch;
pub(crate) mod nest;
pub(crate) mod sprintf;
pub(crate) mod text;
pub(crate) mod walk;

use anyhow::{Result, anyhow};
use regorus::{Engine, Value};

use crate::rego::engine::generated::OURS;

/// A function: its arguments are as many as it takes.
type Function = fn(&[Value]) -> Result<Value>;

/// Functions that a policy calls by these names.
pub const OPA_FUNCTIONS: [(&str, u8, Function); 14] = [
    ("crypto.sha256", 1, encoding::sha256),
    ("graph.reachable", 2, graph::reachable),
    ("graph.reachable_paths", 2, graph::reachable_paths),
    ("hex.decode", 1, encoding::hex_decode),
    ("hex.encode", 1, encoding::hex_encode),
    ("json.patch", 2, json_patch::patch),
    ("net.cidr_contains", 2, cidr::contains),
    ("net.cidr_contains_matches", 2, cidr::contains_matches),
    ("net.cidr_expand", 1, cidr::expand),
    ("net.cidr_intersects", 2, cidr::intersects),
    ("net.cidr_is_valid", 1, cidr::is_valid),
    ("net.cidr_merge", 1, cidr::merge),
    ("yaml.is_valid", 1, encoding::yaml_is_valid),
    ("yaml.unmarshal", 1, encoding::yaml),
];

/// Functions that only rewritten policies call; their names begin with [`OURS`].
const GENERATED: [(&str, u8, Function); 7] = [
    ("member2", 2, walk::member),
    ("member3", 3, walk::member_at),
    ("nest_sets", 2, nest::sets),
    ("nest_values", 2, nest::values),
    ("sprintf", 2, sprintf::sprintf),
    ("template", 1, text::template),
    ("walk", 1, walk::walk),
];

/// Gives an engine all of them.
///
/// # Errors
/// In words, where it has one already.
pub fn add(engine: &mut Engine) -> Result<(), String> {
    let generated = GENERATED.into_iter().map(|(name, many, function)| (format!("{OURS}{name}"), many, function));
    let known = OPA_FUNCTIONS.into_iter().map(|(name, many, function)| (name.to_owned(), many, function));
    for (name, many, function) in known.chain(generated) {
        let call = {
            let name = name.clone();
            move |args: Vec<Value>| function(&args).map_err(|error| anyhow!("{name}: {error}"))
        };
        engine.add_extension(name, many, Box::new(call)).map_err(|error| error.to_string())?;
    }
    Ok(())
}
