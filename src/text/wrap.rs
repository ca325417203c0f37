//! Lines that are no wider than the reader's: a word, a name, a path or a pointer stays whole, and is wider where it has to
//! be.

use std::borrow::Cow;

use textwrap::{Options, WordSeparator, WordSplitter};

/// The least width that text is fitted to, in columns.
const MIN_WIDTH: usize = 40;

/// Escaped text over as many lines as it takes, indented by `first` and then by `rest`. It is broken at spaces alone.
pub fn wrap<'a>(text: &'a str, width: usize, first: &'a str, rest: &'a str) -> Vec<Cow<'a, str>> {
    broken(text, Options::new(width.max(MIN_WIDTH)).initial_indent(first).subsequent_indent(rest))
}

/// The same in a column of a table, which may be narrow.
pub fn column(text: &str, width: usize) -> Vec<Cow<'_, str>> {
    broken(text, Options::new(width))
}

fn broken<'a>(text: &'a str, options: Options<'a>) -> Vec<Cow<'a, str>> {
    let options = options
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    textwrap::wrap(text, options)
}
