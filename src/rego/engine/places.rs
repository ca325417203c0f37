//! Where something stands in a file: what the engine's messages name, and lines and columns of bytes.

use std::sync::Arc;

use crate::diagnostic::problem::{Place, Problem};
use crate::rego::engine::module::last_line;

/// The engine's message, with the place that it names.
pub fn parse_error(file: &Arc<str>, error: &anyhow::Error) -> Problem {
    let (place, what) = located(&error.to_string())
        .map_or_else(|| (Place::default(), last_line(error)), |(_, line, column, what)| (Place { line, column }, what));
    // How rules were written before version 1 of the language.
    let remedy = if what.contains("keyword is required") {
        "since Rego v1 a rule is written `deny contains finding if { ... }`"
    } else {
        "this is not valid Rego (v1), or is cut off; `opa fmt` may say more"
    };
    Problem::new(file, place, what, remedy)
}

/// File, line, column and message of an error of the engine's, which begins with `--> file:line:column`.
pub fn located(text: &str) -> Option<(String, u32, u32, String)> {
    let begin = text.find("--> ")?;
    let first = text[begin + 4..].lines().next()?;
    let mut parts = first.rsplitn(3, ':');
    let column = parts.next()?.trim().parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    let file = parts.next()?.to_owned();
    let message = text.rsplit_once("error: ").map_or(text, |(_, message)| message);
    Some((file, line, column, message.trim().replace('\n', " ")))
}

/// Where each line of a text starts. The engine's own columns count bytes, and its lines are those of an operator.
pub struct Lines<'t> {
    text: &'t str,
    begins: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub fn new(text: &'t str) -> Self {
        let behind = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, begins: std::iter::once(0).chain(behind).collect() }
    }

    pub fn place_of(&self, start: usize) -> Place {
        let line = self.begins.partition_point(|begin| *begin <= start);
        let begin = self.begins.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(begin..start).unwrap_or_default();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { line: number(line), column: number(before.chars().count() + 1) }
    }
}
