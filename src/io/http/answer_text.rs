//! Decodes an answer into the text that is kept and read: one text, so that a journal is read a year later as it was when it
//! was written. Where bytes or masked tokens make the text ambiguous, the answer is malformed and not read.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::io::http::token::masked;

/// An answer's text, without tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedAnswer {
    /// The text that is kept and read.
    pub text: String,
    /// Why it may not be read: it differs in meaning from what the service sent.
    pub malformed: Option<String>,
}

/// Decodes an answer, and masks tokens in it. A mask in a key, in a number, or in a value of the keys `names` makes the answer
/// malformed; without `names` a mask in any value does. In other texts a mask changes nothing that counts.
pub fn decode_answer(bytes: &[u8], is_cut: bool, names: Option<&[&str]>) -> DecodedAnswer {
    let (text, not_utf8) = match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(error) => (Cow::Owned(escaped(bytes)), Some(error.valid_up_to())),
    };
    let kept = masked(&text, is_cut);
    let malformed = if let Some(encoding) = other_encoding(bytes) {
        Some(format!("the answer is {encoding}, but UTF-8 is expected"))
    } else if let Some(at) = not_utf8 {
        Some(format!("the answer is no UTF-8: found the byte 0x{:02x} at offset {at}", bytes[at]))
    } else if kept != text && !reads_alike(&text, &kept, names) {
        Some("the answer holds a token in a name or a value that is read".to_owned())
    } else {
        None
    };
    DecodedAnswer { text: kept.into_owned(), malformed }
}

/// The text of bytes that are no UTF-8, in which different bytes stay different: a backslash is `\\`, and a byte of no
/// character `\xff`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..] => Some("UTF-16"),
        [0xef, 0xbb, 0xbf, ..] => Some("UTF-8 with a byte order mark"),
        _ => None,
    }
}

/// Whether masks left the meaning of a JSON text as it was: only values differ, and none of a key in `names`. A text that is no
/// JSON, with masks or without, is refused later.
fn reads_alike(text: &str, kept: &str, names: Option<&[&str]>) -> bool {
    let is_json = |text| serde_json::from_str::<IgnoredAny>(text).is_ok();
    if !is_json(text) {
        return !is_json(kept);
    }
    let (mut one, mut other) = (Pieces::new(text), Pieces::new(kept));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other => {}
            (Some(Piece::Value(key, _)), Some(Piece::Value(other, _))) if key == other => {
                let key = key.and_then(|key| serde_json::from_str::<String>(key).ok());
                if names.is_none_or(|names| key.is_some_and(|key| names.contains(&key.trim()))) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// A piece of a JSON text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// A key of an object.
    Key(&'a str),
    /// A text, and the key whose value it is.
    Value(Option<&'a str>, &'a str),
    /// The characters between texts.
    Other(&'a str),
}

/// The pieces of a JSON text. They are found without recursion: an answer may be nested deep.
struct Pieces<'a> {
    rest: &'a str,
    /// The last key, where its value comes next.
    key: Option<&'a str>,
}

impl<'a> Pieces<'a> {
    const fn new(text: &'a str) -> Self {
        Self { rest: text, key: None }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let is_text = self.rest.starts_with('"');
        let length = if is_text { text_length(self.rest) } else { self.rest.find('"').unwrap_or(self.rest.len()) };
        let (piece, rest) = self.rest.split_at(length);
        self.rest = rest;
        let key = self.key.take();
        Some(if !is_text {
            // Only white space and the colon stand between a key and its text.
            self.key = key.filter(|_| piece.trim() == ":");
            Piece::Other(piece)
        } else if rest.trim_start().starts_with(':') {
            self.key = Some(piece);
            Piece::Key(piece)
        } else {
            Piece::Value(key, piece)
        })
    }
}

/// The length of the text in quotes that a JSON text begins with.
fn text_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_change_nothing_that_is_read() {
        for (text, kept, alike) in [
            (r#"{"error": "abcd"}"#, r#"{"error": "*"}"#, true),
            (r#"{"error": ["abcd", {"x" : "abcd"}]}"#, r#"{"error": ["*", {"x" : "*"}]}"#, true),
            (r#"{"slug": "abcd"}"#, r#"{"slug": "*"}"#, false),
            (r#"{"\u0073lug" : "abcd"}"#, r#"{"\u0073lug" : "*"}"#, false),
            (r#"{" slug":"abcd"}"#, r#"{" slug":"*"}"#, false),
            (r#"{"slug": null, "error": "abcd"}"#, r#"{"slug": null, "error": "*"}"#, true),
            (r#"{"abcd": 1}"#, r#"{"*": 1}"#, false),
            (r#"{"a": 1234}"#, r#"{"a": *}"#, false),
            (r#"{"a": "b", "c": 1}"#, r#"{"a* 1}"#, false),
            (r#"{"a": "\"abcd"}"#, r#"{"a": "\"*"}"#, true),
            ("<html>abcd</html>", "<html>*</html>", true),
            (r#"{"a": abcd}"#, r#"{"a": 1}"#, false),
        ] {
            assert_eq!(reads_alike(text, kept, Some(&["slug"])), alike, "{text}");
        }
        for text in [r#"{"error": "abcd"}"#, r#"["abcd"]"#, r#"{"x": ["abcd"]}"#] {
            assert!(!reads_alike(text, &text.replace("abcd", "*"), None), "every value is read: {text}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_malformed_and_can_be_told_apart() {
        let read = |bytes: &[u8]| decode_answer(bytes, false, Some(&[]));
        let (one, other) = (read(b"{\"slug\": \"a\xff\"}"), read(b"{\"slug\": \"a\xfe\"}"));
        assert_eq!(one.text, "{\"slug\": \"a\\xff\"}");
        assert_ne!(one.text, other.text);
        assert_eq!(one.malformed.as_deref(), Some("the answer is no UTF-8: found the byte 0xff at offset 11"));
        assert_eq!(read(b"\\\xff").text, "\\\\\\xff");
        for (bytes, encoding) in [
            (&b"\xff\xfe{\0}\0"[..], "UTF-16"),
            (b"\xfe\xff\0{\0}", "UTF-16"),
            (b"{\0}\0", "UTF-16"),
            (b"\0{\0}", "UTF-16"),
            (b"\xff\xfe\0\0{\0\0\0", "UTF-32"),
            (b"\xef\xbb\xbf{}", "byte order mark"),
        ] {
            let malformed = read(bytes).malformed;
            assert!(malformed.as_ref().is_some_and(|why| why.contains(encoding)), "{encoding}: {malformed:?}");
        }
        assert_eq!(read("{\"slug\": \"ä\u{fffd}\"}".as_bytes()).malformed, None);
    }
}
