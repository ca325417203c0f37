//! Edits of a text, and where what comes of them was before.

use std::ops::Range;

/// Edits in the order of the text. What is put at one place stands in the order in which it was given.
#[derive(Debug, Default)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub fn replace(&mut self, range: Range<usize>, with: String) {
        self.0.push((range, with));
    }

    /// Does all of them.
    pub fn apply(mut self, text: &str) -> (String, Map) {
        self.0.sort_by_key(|(range, _)| range.start);
        let (mut edited, mut map, mut done) = (String::with_capacity(text.len() * 2), Map(Vec::new()), 0);
        for (range, with) in self.0 {
            map.keep(edited.len(), done);
            edited += text.get(done..range.start).unwrap_or_default();
            map.insert(edited.len(), range.start);
            edited += &with;
            done = done.max(range.end);
        }
        map.keep(edited.len(), done);
        edited += &text[done..];
        (edited, map)
    }
}

/// A part of a text, and where it comes from.
#[derive(Debug, Clone, Copy)]
struct Part {
    begin: usize,
    origin: usize,
    /// Whether it was copied, byte by byte; else all of it stands for the one place.
    kept: bool,
}

/// Where each byte of a text comes from.
#[derive(Debug, Clone)]
pub struct Map(Vec<Part>);

impl Map {
    /// A text that has not changed.
    pub fn same(_: usize) -> Self {
        Self(vec![Part { begin: 0, origin: 0, kept: true }])
    }

    fn keep(&mut self, begin: usize, origin: usize) {
        self.0.push(Part { begin, origin, kept: true });
    }

    fn insert(&mut self, begin: usize, origin: usize) {
        self.0.push(Part { begin, origin, kept: false });
    }

    /// Where a byte was.
    pub fn origin(&self, at: usize) -> usize {
        let part = self.0.partition_point(|part| part.begin <= at);
        let part = part.checked_sub(1).and_then(|part| self.0.get(part));
        part.map_or(at, |part| if part.kept { part.origin + (at - part.begin) } else { part.origin })
    }

    /// This after another.
    pub fn through(self, before: &Self) -> Self {
        // Each kept part may be made of several parts of the text before.
        let mut parts = Vec::new();
        for (i, part) in self.0.iter().enumerate() {
            parts.push(Part {
                origin: before.origin(part.origin),
                kept: part.kept && before.keeps(part.origin),
                ..*part
            });
            if !part.kept {
                continue;
            }
            let length = self.0.get(i + 1).map_or(usize::MAX, |next| next.begin - part.begin);
            let inside = |inner: &&Part| inner.begin > part.origin && inner.begin - part.origin < length;
            for inner in before.0.iter().filter(inside) {
                parts.push(Part { begin: part.begin + (inner.begin - part.origin), ..*inner });
            }
        }
        Self(parts)
    }

    fn keeps(&self, at: usize) -> bool {
        let part = self.0.partition_point(|part| part.begin <= at);
        part.checked_sub(1).and_then(|part| self.0.get(part)).is_none_or(|part| part.kept)
    }
}
