//! Keys and entries of JSON objects, read without looking into their values.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The end of the contents of a string that start at `from`, if they are printable ASCII without an escape.
pub(crate) fn plain(bytes: &[u8], from: usize) -> Option<usize> {
    let end = memchr::memchr2(b'"', b'\\', bytes.get(from..)?)? + from;
    (bytes[end] == b'"' && bytes[from..end].iter().all(|b| matches!(b, 0x20..0x7f))).then_some(end)
}

/// The key of an object, as it stands there. Accepts any JSON string, also one with half a surrogate pair, because unknown keys are not decoded.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a>(&'a RawValue);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('"') { Ok(Self(raw)) } else { Err(D::Error::custom("a key is a string")) }
    }
}

impl<'a> Key<'a> {
    /// What it says. Half a surrogate pair is no text, so that such a key keeps its escapes.
    pub fn name(self) -> Cow<'a, str> {
        let text = self.0.get();
        let plain = &text[1..text.len() - 1];
        if !plain.contains('\\') {
            return Cow::Borrowed(plain);
        }
        serde_json::from_str(text).map_or(Cow::Borrowed(plain), Cow::Owned)
    }

    /// Whether what it says is text, as it is not with half a surrogate pair.
    pub fn is_text(self) -> bool {
        !self.0.get().contains('\\') || serde_json::from_str::<String>(self.0.get()).is_ok()
    }

    pub fn json(self) -> &'a str {
        self.0.get()
    }
}

/// The entries of an object, in order, their values unread.
pub struct Entries<'a>(pub Vec<(Key<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// The first key of a JSON text that an object has twice, as it stands there.
pub fn key_twice(json: &str) -> Option<&str> {
    // The keys of each object that is open, and nothing for an array.
    let mut open: Vec<Option<HashSet<Cow<'_, str>>>> = Vec::new();
    let (bytes, mut at, mut is_key) = (json.as_bytes(), 0, false);
    while let Some(byte) = bytes.get(at) {
        let from = at;
        at += 1;
        match byte {
            b'{' | b'[' => open.push((*byte == b'{').then(HashSet::new)),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                at = end_of_text(bytes, at);
                let text = json.get(from..at)?;
                let name = || serde_json::from_str::<String>(text).map_or(Cow::Borrowed(text), Cow::Owned);
                if let Some(Some(keys)) = open.last_mut().filter(|_| is_key)
                    && !keys.insert(name())
                {
                    return Some(text);
                }
            }
            _ => {}
        }
        is_key = matches!(byte, b'{' | b',') || is_key && byte.is_ascii_whitespace();
    }
    None
}

/// Where a text ends whose contents begin at `at`, after its quotation mark.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => break,
            b'\\' => at += 1,
            _ => {}
        }
    }
    at.min(bytes.len())
}

/// A key as it stands in a JSON pointer (RFC 6901).
pub fn escape_pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The words of an error without its line and column, where those count from somewhere in the middle.
pub fn without_place(error: &serde_json::Error) -> String {
    let mut words = error.to_string();
    if let Some(end) = words.rfind(" at line ") {
        words.truncate(end);
    }
    words
}

/// JSON in one line, with a blank after each comma and colon, where a reader's line may be broken.
pub fn spaced(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        Value::Object(object) => {
            let entry = |(key, value): (&String, &Value)| format!("{}: {}", Value::from(&**key), spaced(value));
            format!("{{{}}}", object.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::key_twice;

    #[test]
    fn a_key_that_an_object_has_twice_is_found() {
        for (json, twice) in [
            (r#"{"a": 1, "a": 2}"#, Some(r#""a""#)),
            (r#"[{"a": {"b": 1 , "b": 2}}]"#, Some(r#""b""#)),
            (r#"{"a": 1, "\u0061": 2}"#, Some(r#""\u0061""#)),
            (r#"{"a": {"x": 1}, "b": [], "a": 2}"#, Some(r#""a""#)),
            (r#"{"a": {"a": "a"}, "b": ["a", "a", {"a": 1}, {"a": 1}]}"#, None),
            (r#"{"a": "}, \"a\": ", "b\"": "a"}"#, None),
            (r#""a""#, None),
            ("", None),
            ("\"\\", None),
        ] {
            assert_eq!(key_twice(json), twice, "{json}");
        }
    }
}
