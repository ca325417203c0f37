//! Which lines of policies a test reaches. It is looked at in a run of its own, and decides about no test.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Engine;
use regorus::unstable::{Expr, Import, Lexer, Module as Ast, Source, TokenKind};

use crate::rego::engine::module::path;
use crate::rego::engine::unit_test::{UnitTest, set_time_limit, value};
use crate::rego::guard::{Limits, guarded};

/// Lines of a file, by whether they were evaluated.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// The lines that were evaluated.
    pub covered: BTreeSet<u32>,
    /// The lines that were not.
    pub uncovered: BTreeSet<u32>,
}

/// The lines that a test reaches, by file; none where it fails to be evaluated.
pub fn lines(engine: &Engine, unit: &UnitTest, limits: Limits) -> BTreeMap<String, Lines> {
    let (mut engine, unit) = (engine.clone(), unit.clone());
    let report = guarded(limits, move || {
        set_time_limit(&mut engine, limits);
        // A test that fails has reached some lines as well.
        let _ = value(&mut engine, &unit);
        engine.get_coverage_report().map_err(|error| error.to_string())
    });
    let files = report.map(|report| report.files).unwrap_or_default();
    let lines =
        |file: regorus::coverage::File| (file.path, Lines { covered: file.covered, uncovered: file.not_covered });
    files.into_iter().map(lines).collect()
}

/// A file in which every name that an import gives is spelled out: where `tiers.deny` stands for `data.tiers.deny`, the
/// engine evaluates all of `data.tiers`, and every line of it would count as reached.
///
/// # Errors
/// The lexer's.
pub fn spelled_out(text: &str, ast: &Ast) -> anyhow::Result<String> {
    let imports: BTreeMap<String, String> = ast.imports.iter().filter_map(import).collect();
    let source = Source::from_contents(String::new(), text.to_owned())?;
    let mut lexer = Lexer::new(&source);
    let (mut spelled, mut done) = (String::new(), 0);
    let mut before = None;
    loop {
        let token = lexer.next_token()?;
        if token.0 == TokenKind::Eof {
            break;
        }
        let (start, end) = (token.1.start as usize, token.1.end as usize);
        let is_field = before.is_some_and(|dot| dot) && text[..start].ends_with('.');
        let goes_on = text[end..].starts_with(['.', '[']);
        if let (TokenKind::Ident, false, true, Some(path)) = (&token.0, is_field, goes_on, imports.get(token.1.text()))
        {
            spelled += &text[done..start];
            spelled += path;
            done = end;
        }
        before = Some(token.1.text() == ".");
    }
    spelled += &text[done..];
    Ok(spelled)
}

/// The name that an import gives, and what it stands for.
fn import(import: &Import) -> Option<(String, String)> {
    let path = path(&import.refr).filter(|path| path.starts_with("data."))?;
    let last = match import.refr.as_ref() {
        Expr::RefDot { field, .. } => field.0.text(),
        _ => return None,
    };
    Some((import.r#as.as_ref().map_or(last, |name| name.text()).to_owned(), path))
}
