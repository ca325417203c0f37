//! What functions are given.

use anyhow::{Result, anyhow};
use regorus::Value;

/// A text that is an argument.
///
/// # Errors
/// In words, where it is none.
pub fn string(args: &[Value], at: usize) -> Result<&str> {
    match args.get(at) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(anyhow!("argument {} must be a string", at + 1)),
    }
}
