//! The fast pass over JSON: says what is there, or only that something is wrong ([`Refused`]); `schema::explain` says what.
//!
//! A row is parsed by serde only when its evidence was not seen before. One whose bytes equal those of a row already
//! parsed, but for the plain contents of its slug and its phase, is valid by construction: plain contents hold no
//! quote, no escape and no control character, so the tokens of both rows are the same.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::value::MapDeserializer;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::value::RawValue;

use crate::diagnostic::fault::Fault;
use crate::text::json::{Entries, Key, escape_pointer, plain};
use crate::text::misspelt::misspelt;

/// The fast pass met something that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// How many shapes of rows are remembered. Real responses have a handful.
const MAX_SHAPES: usize = 32;

/// A place in a JSON text.
pub struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the first byte that is no white space.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut scanner = Self { bytes, at: 0 };
        scanner.skip_space();
        scanner
    }

    /// The byte here.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Reads an object: `each` is called after every key and must read the value.
    pub fn object(&mut self, mut each: impl FnMut(&mut Self, &str) -> Result<(), Refused>) -> Result<(), Refused> {
        self.expect(b'{')?;
        let mut keys: BTreeSet<Cow<'a, str>> = BTreeSet::new();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.value::<Key<'a>>()?.name();
            if keys.contains(&key) {
                return Err(Refused);
            }
            self.expect(b':')?;
            each(self, &key)?;
            keys.insert(key);
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Reads an array: `each` must read an element.
    pub fn array(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Refused>) -> Result<(), Refused> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            each(self)?;
            self.skip_space();
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    /// Reads a value with serde.
    pub fn value<T: Deserialize<'a>>(&mut self) -> Result<T, Refused> {
        let mut stream = serde_json::Deserializer::from_slice(&self.bytes[self.at..]).into_iter::<T>();
        let value = stream.next().ok_or(Refused)?.map_err(|_| Refused)?;
        self.at += stream.byte_offset();
        self.skip_space();
        Ok(value)
    }

    /// Reads a string that holds no escape, if there is one.
    pub fn plain_string(&mut self) -> Option<&'a str> {
        let from = self.at + 1;
        let end = (self.peek()? == b'"').then(|| plain(self.bytes, from)).flatten()?;
        self.at = end + 1;
        std::str::from_utf8(&self.bytes[from..end]).ok()
    }

    /// Refuses anything but white space at the end of the text.
    pub fn expect_end(&self) -> Result<(), Refused> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(Refused) }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.at += 1;
            self.skip_space();
        }
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        if self.take(byte) { Ok(()) } else { Err(Refused) }
    }
}

/// A string, borrowed where it holds no escape.
#[derive(Debug, Deserialize)]
pub struct Plain<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The slug and the phase of a row: what it says besides its evidence.
#[derive(Debug, Default)]
pub struct SlugAndPhase<'a> {
    /// `slug`, not trimmed.
    pub slug: Option<Cow<'a, str>>,
    /// `phase`.
    pub phase: Option<Cow<'a, str>>,
}

/// Reads the rows of one array; remembers the shapes of those that it has parsed.
pub struct Rows<'a, T> {
    shapes: Vec<Shape<'a, T>>,
}

/// The bytes of a row around its slug and its phase.
struct Shape<'a, T> {
    head: &'a [u8],
    /// The bytes between slug and phase, and whether the slug comes first; none where the row has no phase.
    middle: Option<(&'a [u8], bool)>,
    tail: &'a [u8],
    payload: T,
}

impl<'a, T: Copy> Rows<'a, T> {
    /// A reader that knows no shape yet.
    pub const fn new() -> Self {
        Self { shapes: Vec::new() }
    }

    /// The next row; `learn` is called with a row of a shape that is not known yet.
    pub fn next<R: ScannedRow<'a>>(
        &mut self,
        scanner: &mut Scanner<'a>,
        learn: impl FnOnce(R) -> Result<T, Refused>,
    ) -> Result<(SlugAndPhase<'a>, T), Refused> {
        for i in 0..self.shapes.len() {
            if let Some((slug_and_phase, end)) = self.shapes[i].matches(scanner.bytes, scanner.at) {
                scanner.at = end;
                let payload = self.shapes[i].payload;
                if i > 0 {
                    self.shapes.swap(i, i - 1);
                }
                return Ok((slug_and_phase, payload));
            }
        }
        let start = scanner.at;
        let mut stream = serde_json::Deserializer::from_slice(&scanner.bytes[start..]).into_iter::<R>();
        let mut row = stream.next().ok_or(Refused)?.map_err(|_| Refused)?;
        scanner.at = start + stream.byte_offset();
        let slug_and_phase = row.take_slug_and_phase();
        let payload = learn(row)?;
        if let Some(shape) = Shape::of(scanner.bytes, start, scanner.at, &slug_and_phase, payload) {
            if self.shapes.len() == MAX_SHAPES {
                self.shapes.pop();
            }
            self.shapes.push(shape);
        }
        Ok((slug_and_phase, payload))
    }
}

/// A row that serde reads.
pub trait ScannedRow<'a>: Deserialize<'a> {
    /// Takes slug and phase out of it.
    fn take_slug_and_phase(&mut self) -> SlugAndPhase<'a>;
}

impl<'a, T: Copy> Shape<'a, T> {
    fn of(bytes: &'a [u8], start: usize, end: usize, slug_and_phase: &SlugAndPhase<'a>, payload: T) -> Option<Self> {
        let span = |text: &Option<Cow<'a, str>>| match text {
            // A borrowed string lies in `bytes`.
            Some(Cow::Borrowed(text)) => {
                let from = (text.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
                Some((from, from + text.len()))
            }
            _ => None,
        };
        let slug = span(&slug_and_phase.slug)?;
        if slug_and_phase.phase.is_none() {
            return Some(Self { head: &bytes[start..slug.0], middle: None, tail: &bytes[slug.1..end], payload });
        }
        let phase = span(&slug_and_phase.phase)?;
        let (first, second) = if slug < phase { (slug, phase) } else { (phase, slug) };
        Some(Self {
            head: &bytes[start..first.0],
            middle: Some((&bytes[first.1..second.0], slug < phase)),
            tail: &bytes[second.1..end],
            payload,
        })
    }

    fn matches(&self, bytes: &'a [u8], at: usize) -> Option<(SlugAndPhase<'a>, usize)> {
        let first = after(bytes, at, self.head)?;
        let first_end = plain(bytes, first)?;
        let text = |from: usize, to: usize| std::str::from_utf8(&bytes[from..to]).ok().map(Cow::Borrowed);
        let Some((middle, slug_first)) = self.middle else {
            let end = after(bytes, first_end, self.tail)?;
            return Some((SlugAndPhase { slug: Some(text(first, first_end)?), phase: None }, end));
        };
        let second = after(bytes, first_end, middle)?;
        let second_end = plain(bytes, second)?;
        let end = after(bytes, second_end, self.tail)?;
        let (first, second) = (Some(text(first, first_end)?), Some(text(second, second_end)?));
        let (slug, phase) = if slug_first { (first, second) } else { (second, first) };
        let slug_and_phase = SlugAndPhase { slug, phase };
        Some((slug_and_phase, end))
    }
}

/// The place after `expected`, if it stands here.
fn after(bytes: &[u8], at: usize, expected: &[u8]) -> Option<usize> {
    bytes[at..].starts_with(expected).then_some(at + expected.len())
}

/// An object of which a type knows some fields.
pub struct ParsedObject<'a, T> {
    /// The known fields.
    pub value: T,
    /// The keys of all other fields, whose values may be anything.
    pub unknown: Vec<Cow<'a, str>>,
    /// The keys of the known fields that are there.
    pub present: BTreeSet<Cow<'a, str>>,
    /// The names of the fields that the type knows.
    pub fields: &'static [&'static str],
}

/// Reads the fields of an object that a struct knows, and does not look into the others.
///
/// # Errors
/// Where it is no object, has a key twice, or a known field cannot be read.
pub fn parse_known_fields<'a, T: Deserialize<'a>>(text: &'a str) -> Result<ParsedObject<'a, T>, serde_json::Error> {
    let Entries(entries) = serde_json::from_str(text)?;
    let mut keys = BTreeSet::new();
    if let Some((twice, _)) = entries.iter().find(|(key, _)| !keys.insert(key.name())) {
        return Err(serde_json::Error::custom(format!("the key {} twice", twice.json())));
    }
    let (mut unknown, mut fields) = (Vec::new(), &[][..]);
    let value = T::deserialize(KnownFieldsDeserializer { entries, unknown: &mut unknown, known: &mut fields })?;
    let present = keys.into_iter().filter(|key| fields.contains(&&**key)).collect();
    Ok(ParsedObject { value, unknown, present, fields })
}

/// What is wrong with keys that are nearly known ones, with JSON pointers below `around`, and what to rename.
pub fn near_keys<'k>(
    keys: impl IntoIterator<Item = &'k Cow<'k, str>>,
    known: &[&str],
    is_given: impl Fn(&str) -> bool,
    around: &str,
) -> Vec<Fault> {
    let fault = |key: &Cow<'_, str>| {
        let meant = misspelt(key, known.iter().copied(), &is_given)?;
        let problem = format!("found a key that is nearly {meant:?}, but only {meant:?} itself is allowed");
        let help = format!("rename {key:?} to {meant:?}, or leave it out");
        Some(Fault { pointer: Some(format!("{around}/{}", escape_pointer(key))), ..Fault::whole(problem) }.help(help))
    };
    keys.into_iter().filter_map(fault).collect()
}

/// Deserializes a struct from the fields that it knows, and keeps the keys of the others.
struct KnownFieldsDeserializer<'a, 'k> {
    entries: Vec<(Key<'a>, &'a RawValue)>,
    unknown: &'k mut Vec<Cow<'a, str>>,
    known: &'k mut &'static [&'static str],
}

impl<'a> Deserializer<'a> for KnownFieldsDeserializer<'a, '_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(MapDeserializer::new(self.entries.into_iter().map(|(key, value)| (key.name(), value))))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        mut self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.known = fields;
        let unknown = &mut *self.unknown;
        self.entries.retain(|(key, _)| {
            let name = key.name();
            let is_known = fields.contains(&&*name);
            if !is_known {
                unknown.push(name);
            }
            is_known
        });
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
