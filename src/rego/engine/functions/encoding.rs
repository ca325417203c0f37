//! Hashes and encodings.

use anyhow::{Result, anyhow, bail};
use regorus::Value;
use sha2::{Digest, Sha256};

use crate::rego::engine::functions::args::string;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `crypto.sha256(text)`, in hexadecimal digits.
///
/// # Errors
/// Where it is no text.
pub fn sha256(args: &[Value]) -> Result<Value> {
    Ok(Value::from(hex(&Sha256::digest(string(args, 0)?))))
}

/// `hex.encode(text)`
///
/// # Errors
/// Where it is no text.
pub fn hex_encode(args: &[Value]) -> Result<Value> {
    Ok(Value::from(hex(string(args, 0)?.as_bytes())))
}

/// `hex.decode(text)`
///
/// # Errors
/// Where it is not of hexadecimal digits, two to a byte, or the bytes are no text.
pub fn hex_decode(args: &[Value]) -> Result<Value> {
    let text = string(args, 0)?;
    let digits: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    let Some(digits) = digits.filter(|digits| digits.len() % 2 == 0) else { bail!("{text:?} is not hexadecimal") };
    let bytes = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    Ok(Value::from(String::from_utf8(bytes).map_err(|_| anyhow!("the bytes are no UTF-8 text"))?))
}

/// `yaml.unmarshal(text)`
///
/// # Errors
/// Where it is no YAML.
pub fn yaml(args: &[Value]) -> Result<Value> {
    read(string(args, 0)?)
}

/// `yaml.is_valid(text)`
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps, reason = "functions have one form")]
pub fn yaml_is_valid(args: &[Value]) -> Result<Value> {
    Ok(Value::from(string(args, 0).is_ok_and(|text| read(text).is_ok())))
}

fn read(text: &str) -> Result<Value> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    // As Go's library reads it: `yes` is a text, `010` is 8, and the last of two keys counts.
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        strict_booleans: true,
        legacy_octal_numbers: true,
    };
    let value: serde_json::Value =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| anyhow!("{}", error.without_snippet()))?;
    Ok(Value::from(value))
}
