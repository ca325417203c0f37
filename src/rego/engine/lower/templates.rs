//! Template strings, `$"{x} of {y}"`, which the engine's parser does not know. `<undefined>` stands where an expression
//! has no value. Each becomes a call over comprehensions, which may be empty.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::problem::Problem;
use crate::rego::engine::generated::OURS;
use crate::rego::engine::lower::edits::Edits;
use crate::rego::engine::module::Module;
use crate::rego::engine::places::Lines;

/// How deep template strings may stand in each other.
const MAX_DEPTH: usize = 4;

/// Whether a text may have any, which is quickly seen.
pub fn may_have_any(text: &str) -> bool {
    text.contains("$\"") || text.contains("$`")
}

/// Rewrites those of a file.
///
/// # Errors
/// Where one is not valid.
pub fn rewrite(file: &Module, edits: &mut Edits) -> Result<(), Problem> {
    let mut scan = Scan { text: &file.text, at: 0, names: 0, edits };
    scan.code(None, 0).map_err(|(at, what, remedy)| {
        let name: Arc<str> = file.file.as_str().into();
        Problem::new(&name, Lines::new(&file.text).place_of(at), what, remedy)
    })
}

type Fault = (usize, &'static str, &'static str);

struct Scan<'s> {
    text: &'s str,
    at: usize,
    names: usize,
    edits: &'s mut Edits,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.edits.replace(range, with.into());
    }

    /// Code, up to the end of the file or, in a template string, to the brace that closes it.
    fn code(&mut self, template: Option<usize>, depth: usize) -> Result<(), Fault> {
        let mut braces = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => self.skip_to(b'\n'),
                b'`' => {
                    self.at += 1;
                    self.skip_to(b'`');
                    self.at += 1;
                }
                b'"' => self.string(),
                b'$' if matches!(self.text.as_bytes().get(self.at + 1), Some(b'"' | b'`')) => self.template(depth)?,
                b'{' => {
                    braces += 1;
                    self.at += 1;
                }
                b'}' if braces == 0 && template.is_some() => return Ok(()),
                b'}' => {
                    braces = braces.saturating_sub(1);
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        match template {
            Some(begin) => Err((
                begin,
                "this template string has no end",
                "close its expressions by } and the string by its quote",
            )),
            None => Ok(()),
        }
    }

    fn skip_to(&mut self, byte: u8) {
        let rest = &self.text.as_bytes()[self.at.min(self.text.len())..];
        self.at += rest.iter().position(|other| *other == byte).unwrap_or(rest.len());
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1 + usize::from(byte == b'\\');
            if byte == b'"' || byte == b'\n' {
                return;
            }
        }
    }

    /// A template string, from its `$`.
    fn template(&mut self, depth: usize) -> Result<(), Fault> {
        let begin = self.at;
        if depth == MAX_DEPTH {
            return Err((
                begin,
                "template strings stand too deep in each other",
                "give the inner ones names of their own",
            ));
        }
        let quote = self.text.as_bytes()[begin + 1];
        self.at += 2;
        self.replace(begin..begin + 2, format!("{OURS}template(["));
        let mut parts = 0;
        loop {
            let from = self.at;
            let ended = self.words(begin, quote)?;
            if self.at > from {
                let words = self.text[from..self.at].to_owned();
                let separator = if parts > 0 { ", " } else { "" };
                let quoted = words_of(&words, quote);
                self.replace(from..self.at, format!("{separator}{quoted}{}", "\n".repeat(words.matches('\n').count())));
                parts += 1;
            }
            if ended {
                self.replace(self.at..self.at + 1, "])");
                self.at += 1;
                return Ok(());
            }
            let brace = self.at;
            self.at += 1;
            self.names += 1;
            let name = format!("{OURS}t{}", self.names);
            let separator = if parts > 0 { ", " } else { "" };
            self.replace(brace..brace + 1, format!("{separator}[{name} | {name} := "));
            parts += 1;
            self.code(Some(begin), depth + 1)?;
            if self.text[brace + 1..self.at].trim().is_empty() {
                return Err((
                    brace,
                    "nothing stands in these braces",
                    "write an expression, or \\{ for the brace itself",
                ));
            }
            self.replace(self.at..self.at + 1, "]");
            self.at += 1;
        }
    }

    /// What is no expression; whether the string ends after it.
    fn words(&mut self, begin: usize, quote: u8) -> Result<bool, Fault> {
        loop {
            match self.peek() {
                Some(byte) if byte == quote => return Ok(true),
                Some(b'{') => return Ok(false),
                Some(b'\\') => self.at += 2,
                Some(b'\n') if quote == b'"' => break,
                Some(_) => self.at += 1,
                None => break,
            }
        }
        Err((begin, "this template string has no end", "close it by the quote that it begins with"))
    }
}

/// The words of a template string as a string.
fn words_of(words: &str, quote: u8) -> String {
    if quote == b'"' {
        return format!("\"{}\"", words.replace("\\{", "{"));
    }
    serde_json::to_string(&words.replace("\\{", "{")).unwrap_or_default()
}
