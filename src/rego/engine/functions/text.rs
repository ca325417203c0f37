//! Values as OPA writes them.

use anyhow::Result;
use regorus::Value;

/// A template string: its words, and for each of its expressions an array with the value or without any.
///
/// # Errors
/// Where an expression has several values.
pub fn template(args: &[Value]) -> Result<Value> {
    let mut text = String::new();
    for part in args[0].as_array()? {
        match part {
            Value::String(words) => text += words,
            Value::Array(values) => match values.iter().collect::<Vec<_>>().as_slice() {
                [] => text += "<undefined>",
                [Value::String(words)] => text += words,
                [value] => write(value, &mut text),
                _ => return Err(anyhow::anyhow!("template-strings must not produce multiple outputs")),
            },
            other => write(other, &mut text),
        }
    }
    Ok(Value::from(text))
}

/// A value in Rego's own words.
pub fn write(value: &Value, text: &mut String) {
    let many = |items: &mut dyn Iterator<Item = &Value>, text: &mut String| {
        for (i, item) in items.enumerate() {
            if i > 0 {
                *text += ", ";
            }
            write(item, text);
        }
    };
    match value {
        Value::String(words) => quote(words, text),
        Value::Array(items) => {
            text.push('[');
            many(&mut items.iter(), text);
            text.push(']');
        }
        Value::Set(items) if items.is_empty() => *text += "set()",
        Value::Set(items) => {
            text.push('{');
            many(&mut items.iter_sorted(), text);
            text.push('}');
        }
        Value::Object(fields) => {
            text.push('{');
            for (i, (key, value)) in fields.iter_sorted().enumerate() {
                if i > 0 {
                    *text += ", ";
                }
                write(key, text);
                *text += ": ";
                write(value, text);
            }
            text.push('}');
        }
        other => *text += &serde_json::to_string(other).unwrap_or_default(),
    }
}

/// A string in quotes, as Go writes it.
pub fn quote(words: &str, text: &mut String) {
    text.push('"');
    for c in words.chars() {
        match c {
            '"' => *text += "\\\"",
            '\\' => *text += "\\\\",
            '\u{7}' => *text += "\\a",
            '\u{8}' => *text += "\\b",
            '\u{c}' => *text += "\\f",
            '\n' => *text += "\\n",
            '\r' => *text += "\\r",
            '\t' => *text += "\\t",
            '\u{b}' => *text += "\\v",
            c if u32::from(c) < 0x20 || c == '\u{7f}' => *text += &format!("\\x{:02x}", u32::from(c)),
            c if c.is_control() || (c.is_whitespace() && c != ' ') => *text += &format!("\\u{:04x}", u32::from(c)),
            c => text.push(c),
        }
    }
    text.push('"');
}
