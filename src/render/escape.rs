//! Text from evidence, made harmless for one kind of reader each.

use std::fmt::Write as _;

/// For a terminal, and the first step for every other reader: control characters, bidi overrides, invisible and
/// unassigned characters become escapes, so that nothing moves the cursor, hides, or starts a line.
pub fn for_terminal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => escaped.push(c),
            _ => escaped.extend(c.escape_debug()),
        }
    }
    escaped
}

/// For Markdown: nothing is markup, a link, a mention or the end of a table's cell.
pub fn for_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in for_terminal(text).chars() {
        if matches!(c, '-' | '.' | ',' | '/' | ' ' | '%' | '=' | '+' | '?' | ';' | '\'') || !c.is_ascii_punctuation() {
            escaped.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "&#{};", u32::from(c));
        }
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
