//! Text from evidence, made harmless for one kind of reader each.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The first step for every reader: control characters, bidi overrides, invisible and unassigned characters become
/// escapes, so that nothing moves the cursor, hides, or starts a line.
pub fn visible(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => escaped.push(c),
            _ => escaped.extend(c.escape_debug()),
        }
    }
    escaped
}

/// For a terminal: neither does anything start a workflow command, which a CI's log would obey wherever it stands.
pub fn for_terminal(text: &str) -> String {
    visible(text).replace("::", "\\u{3a}:").replace("##[", "#\\u{23}[")
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

/// For the text of a workflow command such as `::error::`.
pub fn for_annotation(text: &str) -> String {
    for_terminal(text).replace('%', "%25")
}

/// For a property of a workflow command, such as its title.
pub fn for_property(text: &str) -> String {
    for_annotation(text).replace(':', "%3A").replace(',', "%2C")
}

/// For text in JUnit XML, where GitLab and Jenkins take `[[ATTACHMENT|path]]` for a file to fetch. The XML itself is
/// escaped by who writes it.
pub fn for_junit(text: &str) -> String {
    for_terminal(text).replace("[[", "[\\u{5b}")
}

/// For a message in SARIF, which knows links, `[text](target)`, and placeholders, `{0}`.
pub fn for_sarif(text: &str) -> String {
    for_terminal(text).replace("](", "]\\u{28}").replace('{', "{{").replace('}', "}}")
}

/// At most so many characters, with an ellipsis where something was cut off.
pub fn clipped(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.chars().take(most - 1).chain(['…']).collect()),
    }
}
