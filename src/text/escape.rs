//! Escapes text from evidence, with a function for each kind of reader.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// The first step for every reader: control characters, bidi overrides, invisible and unassigned characters become
/// escapes, so that nothing moves the cursor, hides, or starts a line.
pub fn visible(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    text.chars().for_each(|c| push_visible(&mut escaped, c));
    escaped
}

fn push_visible(escaped: &mut String, c: char) {
    match c {
        '"' | '\'' | '\\' => escaped.push(c),
        _ if is_blank_letter(c) => escaped.extend(c.escape_unicode()),
        _ => escaped.extend(c.escape_debug()),
    }
}

/// Escapes text for a terminal or a CI log, so that it cannot start a workflow command wherever it is inserted.
pub fn for_terminal(text: &str) -> String {
    escape_commands(text, Place::Inside)
}

/// Escapes text that makes up a whole line, or its whole rest after a blank, where fewer characters need escaping.
pub fn for_line(text: &str) -> String {
    escape_commands(text, Place::WholeLine)
}

/// Where text is put.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Anywhere in a line, with anything before and after it.
    Inside,
    /// Alone on its line, or on all of it after a blank.
    WholeLine,
}

/// Escapes text, so that no part of it is a workflow command where it is put.
fn escape_commands(text: &str, place: Place) -> String {
    let has_neighbours = place == Place::Inside;
    let mut escaped = String::with_capacity(text.len());
    let mut first = true;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek();
        let at_edge = has_neighbours && (first || next.is_none());
        let commands = match c {
            ':' => at_edge || next == Some(&':'),
            '#' => matches!(next, Some('#' | '[')) || (has_neighbours && next.is_none()),
            _ => false,
        };
        match c {
            _ if commands => escaped.extend(c.escape_unicode()),
            _ => push_visible(&mut escaped, c),
        }
        first = false;
    }
    escaped
}

/// Text that may have lines of its own, such as an engine's message, after a label: each line is escaped, and none but
/// the first begins where a line of ours does.
pub fn block(label: &str, text: &str) -> String {
    let indent = " ".repeat(label.len());
    let lines = text.split('\n').enumerate().map(|(i, line)| {
        let start = if i == 0 { label } else { &indent };
        format!("{start}{}\n", for_line(line))
    });
    lines.collect()
}

/// Writes a line of plain text, of whatever it is put together: [`line!`] is how to call it.
///
/// # Errors
/// Those of `out`.
pub fn write_line(out: &mut dyn Write, text: fmt::Arguments<'_>) -> io::Result<()> {
    let mut line = for_line(&text.to_string());
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// `writeln!` for a terminal: the line is escaped as a whole, so that it stays one.
macro_rules! line {
    ($out:expr) => { $crate::text::escape::write_line(&mut *$out, format_args!("")) };
    ($out:expr, $($text:tt)+) => { $crate::text::escape::write_line(&mut *$out, format_args!($($text)+)) };
}
pub(crate) use line;

/// Writes JSON over several lines.
///
/// # Errors
/// Those of `out`.
pub fn write_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, AsciiSafeFormatter(PrettyFormatter::new())))?;
    writeln!(out)
}

/// Writes JSON in one line.
///
/// # Errors
/// Those of `out`.
pub fn write_json_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, AsciiSafeFormatter(CompactFormatter)))?;
    writeln!(out)
}

/// JSON whose strings hold the same, and in which nothing moves a cursor, hides, or starts a workflow command.
struct AsciiSafeFormatter<F>(F);

impl<F: Formatter> Formatter for AsciiSafeFormatter<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut written = 0;
        for (at, c) in fragment.char_indices() {
            if is_plain(c) && !fragment[at..].starts_with("##[") {
                continue;
            }
            out.write_all(&fragment.as_bytes()[written..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            written = at + c.len_utf8();
        }
        out.write_all(&fragment.as_bytes()[written..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

/// Whether a character stands in JSON as it is.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') || (!is_blank_letter(c) && c.escape_debug().len() == 1)
}

/// Letters that nobody can see.
pub(crate) const fn is_blank_letter(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// For Markdown: nothing is markup, a link, a mention or the end of a table's cell.
pub fn for_markdown(text: &str) -> String {
    let text = for_terminal(text);
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside_word = before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        let harmless = match c {
            '-' | '.' | ',' | '/' | ' ' | '%' | '=' | '+' | '?' | ';' | '\'' | '(' | ')' => true,
            '_' => inside_word,
            ':' => rest.peek() != Some(&'/'),
            _ => !c.is_ascii_punctuation(),
        };
        if harmless {
            escaped.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "&#{};", u32::from(c));
        }
        before = c;
    }
    // What would become a link without any markup.
    escaped.replace("www.", "www&#46;")
}

/// For an HTML page. Its markup is escaped by the template; this keeps it harmless where a log shows the page.
pub fn for_page(text: &str) -> String {
    visible(text).replace("##[", "#\\u{23}[")
}

/// For the text of a workflow command such as `::error::`.
pub fn for_annotation(text: &str) -> String {
    for_terminal(text).replace('%', "%25")
}

/// For a property of a workflow command, such as its title.
pub fn for_property(text: &str) -> String {
    for_annotation(text).replace(':', "%3A").replace(',', "%2C")
}

/// For text in JUnit XML, where GitLab and Jenkins take `[[ATTACHMENT|path]]` for a file to fetch. The XML itself is
/// escaped by its writer.
pub fn for_junit(text: &str) -> String {
    for_terminal(text).replace("[[", "[\\u{5b}")
}

/// For a message in SARIF, which knows links, `[text](target)`, and placeholders, `{0}`.
pub fn for_sarif(text: &str) -> String {
    for_terminal(text).replace("](", "]\\u{28}").replace('{', "{{").replace('}', "}}")
}

/// A place such as `input#/pointer`, in quotation marks where it holds white space, which would not be seen at its end.
pub fn place(place: &str) -> Cow<'_, str> {
    if place.contains(char::is_whitespace) { Cow::Owned(format!("\"{place}\"")) } else { Cow::Borrowed(place) }
}

/// The first `most` characters of a text, with an ellipsis in place of the last where something was cut off.
pub fn clipped(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.chars().take(most.saturating_sub(1)).chain(['…']).collect()),
    }
}

/// How many names stand in one line before it is shortened.
pub const MAX_NAMES: usize = 10;

/// Names in a row, shortened.
pub fn names_of(names: impl ExactSizeIterator<Item = impl ToString>) -> String {
    let more = names.len().saturating_sub(MAX_NAMES);
    let mut shown = names.take(MAX_NAMES).map(|name| name.to_string()).collect::<Vec<_>>().join(", ");
    if more > 0 {
        shown.push_str(&format!(" and {more} more"));
    }
    shown
}
