//! The tokens of a file with their exact bytes, and which of them an expression is made of. The engine's spans leave out
//! the quotes of strings and some brackets.

use std::borrow::Cow;
use std::ops::Range;

use regorus::unstable::{Expr, Lexer, Source, Span, TokenKind};

use crate::rego::engine::generated::MAX_COLUMNS;

/// The tokens of a file.
#[derive(Debug)]
pub struct Tokens {
    list: Vec<Range<usize>>,
    source: String,
}

impl Tokens {
    /// Reads them.
    ///
    /// # Errors
    /// The lexer's message.
    pub fn read(source: &Source) -> anyhow::Result<Self> {
        let mut lexer = Lexer::new(source);
        lexer.set_max_col(MAX_COLUMNS);
        let mut list = Vec::new();
        loop {
            let token = lexer.next_token()?;
            let (start, end) = (token.1.start as usize, token.1.end as usize);
            match token.0 {
                TokenKind::Eof => break,
                TokenKind::String | TokenKind::RawString => list.push(start - 1..end + 1),
                _ => list.push(start..end),
            }
        }
        Ok(Self { list, source: source.contents().clone() })
    }

    /// The index of the token that a byte is in, or else the next one.
    pub fn at(&self, byte: usize) -> usize {
        self.list.partition_point(|token| token.end <= byte)
    }

    /// The index of the last token that begins before a byte.
    pub fn before(&self, byte: usize) -> usize {
        self.list.partition_point(|token| token.start < byte).saturating_sub(1)
    }

    pub fn text(&self, index: usize) -> &str {
        self.list.get(index).map_or("", |token| &self.source[token.clone()])
    }

    pub fn start(&self, index: usize) -> usize {
        self.list.get(index).map_or(self.source.len(), |token| token.start)
    }

    pub fn end(&self, index: usize) -> usize {
        self.list.get(index).map_or(self.source.len(), |token| token.end)
    }

    /// The bytes of what a span begins and ends in.
    pub fn range(&self, span: &Span) -> Range<usize> {
        let first = self.at(span.start as usize);
        // An empty string has an empty span, inside its quotes.
        let last = self.before((span.end as usize).max(span.start as usize + 1)).max(first);
        self.start(first)..self.end(last)
    }

    /// The bytes of an expression, without parentheses around it.
    pub fn extent(&self, expr: &Expr) -> Range<usize> {
        let range = self.range(expr.span());
        match expr {
            // Its span begins at its last field.
            Expr::Object { fields, .. } => {
                let Some((_, key, _)) = fields.first() else { return range };
                let mut first = self.at(self.extent(key).start);
                while first > 0 && self.text(first) != "{" {
                    first -= 1;
                }
                // A key that is an object or a set itself begins with a brace of its own.
                if matches!(
                    **key,
                    Expr::Object { .. } | Expr::Set { .. } | Expr::ObjectCompr { .. } | Expr::SetCompr { .. }
                ) {
                    first = first.saturating_sub(1);
                    while first > 0 && self.text(first) != "{" {
                        first -= 1;
                    }
                }
                self.start(first)..range.end
            }
            // Its span ends with the token after it.
            Expr::Set { items, .. } if items.is_empty() => {
                let first = self.at(range.start);
                self.start(first)..self.end(first + 1)
            }
            _ => range,
        }
    }

    /// The end of what follows an expression as long as it is `)` that closes what began at or after `from`.
    pub fn closed(&self, from: usize, expr: &Range<usize>) -> usize {
        let mut open = (self.at(from)..self.at(expr.start)).filter(|index| self.text(*index) == "(").count();
        let mut last = self.before(expr.end);
        while open > 0 && self.text(last + 1) == ")" {
            last += 1;
            open -= 1;
        }
        self.end(last)
    }

    /// Some bytes without comments and on one line, with `word` for each token.
    pub fn on_one_line<'t>(&self, text: &str, range: Range<usize>, word: impl Fn(usize) -> Cow<'t, str>) -> String {
        let gap = |from: usize, to: usize| match text.get(from..to).unwrap_or_default() {
            gap if gap.contains(['\n', '#']) => " ".to_owned(),
            gap => gap.to_owned(),
        };
        let (mut copied, mut done) = (String::new(), range.start);
        for index in self.at(range.start)..self.list.len() {
            if self.end(index) > range.end {
                break;
            }
            copied += &gap(done, self.start(index));
            copied += &word(index);
            done = self.end(index);
        }
        copied + &gap(done, range.end)
    }
}
