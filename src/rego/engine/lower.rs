//! Rewrites a policy into a form that the engine answers as OPA does: what a team writes stays as it is in findings, in
//! what is shown and in bundles; the engine alone is given the other text.
//!
//! Nothing moves to another line. Most forms are rewritten by what is put between their parts, so a part stays where it
//! was; from where it now stands, [`Lowered::place`] leads back. Two steps: template strings, which the engine's parser
//! does not know ([`templates`]), and then everything else, from the syntax tree.

pub(crate) mod bodies;
pub(crate) mod edits;
pub(crate) mod expressions;
pub(crate) mod heads;
pub(crate) mod metadata;
pub(crate) mod negation;
pub(crate) mod nested;
pub(crate) mod templates;
pub(crate) mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use regorus::unstable::{Module as Ast, Parser, Source};

use crate::diagnostic::problem::{Place, Problem};
use crate::rego::engine::generated::{MAX_COLUMNS, NESTED, OURS};
use crate::rego::engine::lower::edits::{Edits, Map};
use crate::rego::engine::lower::nested::Nested;
use crate::rego::engine::lower::tokens::Tokens;
use crate::rego::engine::module::{Module, Outline};

/// A policy as the engine is given it.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// What the author wrote.
    pub written: Arc<str>,
    /// What the engine is given.
    pub text: String,
    map: Map,
}

impl Lowered {
    /// A text that is as it was written.
    fn same(text: &str) -> Self {
        Self { written: text.into(), text: text.to_owned(), map: Map::same(text.len()) }
    }

    /// What comes of edits of the text that the engine is given so far.
    fn edited(&self, edits: Edits) -> Self {
        let (text, map) = edits.apply(&self.text);
        Self { written: Arc::clone(&self.written), text, map: map.through(&self.map) }
    }

    /// Whether the author's text has this line; rules of ours may stand after its last one.
    pub fn has_line(&self, line: u32) -> bool {
        line as usize <= self.written.lines().count()
    }

    /// The outline of what was written, made of one of what the engine is given.
    pub fn outline(&self, mut outline: Outline) -> Outline {
        outline.rules.retain(|rule| self.has_line(rule.line));
        for rule in &mut outline.rules {
            if let Some(name) = rule.name.strip_prefix(NESTED) {
                rule.name = name.to_owned();
                rule.set = false;
            }
        }
        outline
    }

    /// Whether nothing was rewritten.
    fn is_same(&self) -> bool {
        *self.written == *self.text
    }

    /// Where something that begins at this byte of the engine's text stands in the author's.
    pub fn byte(&self, at: usize) -> usize {
        self.map.origin(at).min(self.written.len())
    }

    /// Where a place in the engine's text is in the author's, which has the same lines.
    pub fn place(&self, place: Place) -> Place {
        if place.column == 0 {
            return place;
        }
        let line = |text: &str| {
            text.split_inclusive('\n').take(place.line.saturating_sub(1) as usize).map(str::len).sum::<usize>()
        };
        let begin = line(&self.text);
        let inner = place.column as usize - 1;
        let at = self.text[begin..].char_indices().nth(inner).map_or(self.text.len(), |(at, _)| begin + at);
        let (begin, at) = (line(&self.written), self.byte(at));
        let before = self.written.get(begin..at).unwrap_or_default();
        Place { line: place.line, column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX) }
    }
}

/// The text that the engine's parser can read: template strings are rewritten.
///
/// # Errors
/// In words with the place, where a template string is not valid.
pub fn parsable(file: &Module) -> Result<Lowered, Problem> {
    let written = Lowered::same(&file.text);
    if !templates::may_have_any(&file.text) {
        return Ok(written);
    }
    let mut edits = Edits::default();
    templates::rewrite(file, &mut edits)?;
    Ok(written.edited(edits))
}

/// What the engine is given of a policy.
///
/// # Errors
/// In words with the place, where a form cannot be rewritten; the author's own text has been checked before.
pub fn lower(file: &Module) -> Result<Lowered, Problem> {
    let parsable = parsable(file)?;
    let name: Arc<str> = file.file.as_str().into();
    let failed = |error: anyhow::Error| {
        let problem = crate::rego::engine::places::parse_error(&name, &error);
        Problem { place: parsable.place(problem.place), ..problem }
    };
    let source = Source::from_contents(file.file.clone(), parsable.text.clone()).map_err(failed)?;
    let ast = parse(&source).map_err(failed)?;
    let tokens = Tokens::read(&source).map_err(failed)?;
    let mut lowering = Lowering::new(&ast, &tokens, &parsable);
    lowering.module().map_err(|Refused { at, what, remedy }| {
        let place = crate::rego::engine::places::Lines::new(&parsable.written).place_of(parsable.byte(at));
        Problem::new(&name, place, what, remedy)
    })?;
    let Lowering { edits, nested, .. } = lowering;
    let mut lowered = parsable.edited(edits);
    if !nested.is_empty() && !lowered.text.ends_with('\n') {
        lowered.text.push('\n');
    }
    lowered.text.extend(nested.iter().map(|(name, nested)| nested.rule(name)));
    Ok(lowered)
}

/// The texts of a team's policies as the engine is given them, and what was rewritten, by file.
///
/// # Errors
/// In words with the place, where a form cannot be rewritten.
pub fn all(modules: &mut [Module]) -> Result<BTreeMap<String, Lowered>, Problem> {
    let mut rewritten = BTreeMap::new();
    for module in modules {
        let lowered = lower(module)?;
        if !lowered.is_same() {
            module.text.clone_from(&lowered.text);
            rewritten.insert(module.file.clone(), lowered);
        }
    }
    Ok(rewritten)
}

/// Parses what the engine is given: its lines may be long.
///
/// # Errors
/// The parser's message.
pub fn parse(source: &Source) -> anyhow::Result<Ast> {
    let mut parser = Parser::new(source)?;
    parser.set_max_col(MAX_COLUMNS);
    parser.enable_rego_v1()?;
    parser.parse()
}

/// What cannot be rewritten.
#[derive(Debug)]
pub struct Refused {
    at: usize,
    what: String,
    remedy: String,
}

/// The rewriting of one file.
pub struct Lowering<'a> {
    ast: &'a Ast,
    tokens: &'a Tokens,
    text: &'a str,
    edits: Edits,
    /// The variables of the rule that is rewritten.
    locals: BTreeSet<String>,
    /// The names that are generated so far.
    names: usize,
    /// The rules with several keys: what joins their elements is added after the last line.
    nested: BTreeMap<String, Nested>,
    metadata: metadata::Annotations,
}

impl<'a> Lowering<'a> {
    fn new(ast: &'a Ast, tokens: &'a Tokens, parsable: &'a Lowered) -> Self {
        Self {
            ast,
            tokens,
            text: &parsable.text,
            edits: Edits::default(),
            locals: BTreeSet::new(),
            names: 0,
            nested: BTreeMap::new(),
            metadata: metadata::Annotations::default(),
        }
    }

    fn module(&mut self) -> Result<(), Refused> {
        if self.text.contains("rego.metadata") {
            self.metadata = metadata::Annotations::read(self.ast).map_err(|what| Refused {
                at: 0,
                what,
                remedy: "the METADATA of this file cannot be read".into(),
            })?;
        }
        for rule in &self.ast.policy {
            self.rule(rule)?;
        }
        Ok(())
    }

    /// A new name.
    fn name(&mut self) -> String {
        self.names += 1;
        format!("{OURS}{}", self.names)
    }

    /// Puts `with` in the place of some bytes, and keeps their line breaks.
    fn replace(&mut self, range: Range<usize>, with: &str) {
        let breaks = self.text.get(range.clone()).unwrap_or_default().matches('\n').count();
        self.edits.replace(range, format!("{with}{}", "\n".repeat(breaks)));
    }

    fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.edits.replace(at..at, text.into());
    }
}

#[cfg(test)]
mod tests;
