//! One thing that is wrong with an input, and where it stands.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::text::json::Entries;

/// The name of standard input, which is no file.
pub const STDIN: &str = "(standard input)";

/// How many faults are shown at the most.
pub const MAX_FAULTS: usize = 20;

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer to it. Absent where the input is no JSON at all, or no file.
    pub pointer: Option<String>,
    /// Line and column, from 1; the column counts characters.
    pub place: Option<(usize, usize)>,
    /// What is wrong, in words: what was found, and what is allowed.
    pub problem: String,
    /// What to do about it, where that is not plain.
    pub help: Option<String>,
}

impl Fault {
    /// A fault of an input as a whole.
    pub const fn whole(problem: String) -> Self {
        Self { pointer: None, place: None, problem, help: None }
    }

    /// Place and problem in one sentence, for an error that names the file itself.
    pub fn sentence(&self) -> String {
        match self.place {
            Some((line, column)) => format!("line {line}, column {column}: {}", self.problem),
            None => self.problem.clone(),
        }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A fault that the schema cannot express, at a JSON pointer.
pub fn fault_at(bytes: &[u8], pointer: &str, problem: String) -> Fault {
    let place = utf8(bytes).ok().and_then(|text| {
        let root: &RawValue = serde_json::from_str(text).ok()?;
        Some(place(text, offset(text, locate(root, pointer))))
    });
    Fault { pointer: Some(pointer.to_owned()), place, problem, help: None }
}

/// What some editors put before UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The same bytes without a byte-order mark, which is skipped in files that people write.
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BOM).unwrap_or(bytes)
}

/// The text of a file that people write: it is UTF-8, and a byte-order mark before it is skipped.
///
/// # Errors
/// What is wrong with it.
pub fn hand_written(bytes: &[u8]) -> Result<&str, Fault> {
    decoded(without_bom(bytes))
}

fn decoded(bytes: &[u8]) -> Result<&str, Fault> {
    if is_utf16(bytes) {
        return Err(Fault::whole("found UTF-16, but only UTF-8 is read".into()).help("save the file as UTF-8"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let (byte, (line, column)) = (bytes[error.valid_up_to()], place(&valid, valid.len()));
        Fault { place: Some((line, column)), ..Fault::whole(format!("found the byte 0x{byte:02x}, which is no UTF-8")) }
            .help("save the file as UTF-8")
    })
}

/// Whether bytes begin as text in UTF-16 does, with a byte-order mark or with a letter of ASCII.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=0x7f, ..] | [1..=0x7f, 0, ..])
}

/// The text of an input that is not blank, and is UTF-8 without a byte-order mark.
///
/// # Errors
/// What is wrong with it.
pub fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    if bytes.is_empty() {
        return Err(Fault::whole("the file is empty".into()).help("get or write it again, as a whole"));
    }
    let text = decoded(bytes)?;
    if text.starts_with('\u{feff}') {
        return Err(Fault { place: Some((1, 1)), ..Fault::whole("found a byte-order mark".into()) }
            .help("save the file as UTF-8 without a byte-order mark"));
    }
    if text.trim().is_empty() {
        return Err(
            Fault::whole("the file holds nothing but white space".into()).help("get or write it again, as a whole")
        );
    }
    Ok(text)
}

/// Line and column of a byte, from 1.
pub(crate) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Where a raw value stands in the text that it borrows from.
pub(crate) fn offset(text: &str, raw: &RawValue) -> usize {
    (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}

/// The value at a JSON pointer, or the nearest around it.
pub(crate) fn locate<'a>(root: &'a RawValue, pointer: &str) -> &'a RawValue {
    let mut here = root;
    for token in pointer.split('/').skip(1) {
        let key = token.replace("~1", "/").replace("~0", "~");
        let next = match Children::of(here) {
            Some(Children::Object(entries)) => entries.into_iter().rev().find(|(name, _)| *name == key).map(|e| e.1),
            Some(Children::Array(elements)) => key.parse().ok().and_then(|i: usize| elements.get(i).copied()),
            None => None,
        };
        match next {
            Some(next) => here = next,
            None => break,
        }
    }
    here
}

/// What is directly inside an array or object, unparsed; no key is lost.
enum Children<'a> {
    Array(Vec<&'a RawValue>),
    Object(Vec<(Cow<'a, str>, &'a RawValue)>),
}

impl<'a> Children<'a> {
    fn of(raw: &'a RawValue) -> Option<Self> {
        match raw.get().as_bytes().first() {
            Some(b'[') => serde_json::from_str(raw.get()).ok().map(Children::Array),
            Some(b'{') => serde_json::from_str(raw.get()).ok().map(|Entries(entries)| {
                Children::Object(entries.into_iter().map(|(key, value)| (key.name(), value)).collect())
            }),
            _ => None,
        }
    }
}
