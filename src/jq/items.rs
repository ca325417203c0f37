//! Parses paths of names and `[]` alone, such as `.results[]`. They say where the items of an input are; other filters could
//! leave items out.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::{Opt, Part, Path};

use super::check;
use super::fault::FilterFault;
use super::filter::Filter;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The value under a name, such as `.results`.
    Name(String),
    /// Each element of an array, or each value of an object.
    Each,
}

/// What to write instead of another filter.
const ITEMS_HELP: &str = "the items are a path of names and [] alone, such as .results[], or several with commas between them, so that \
                    none is left out; `skip` says which of them are no tenants";

/// Parses such paths.
///
/// # Errors
/// Where the text is no filter, or a filter of another form.
pub fn parse(text: &str) -> Result<Vec<Vec<Step>>, FilterFault> {
    Filter::compile(text, &[])?;
    let refused = || FilterFault::new(0, format!("found {text:?}, but only paths are allowed"), ITEMS_HELP);
    let term = check::parse(text).ok_or_else(refused)?;
    let mut paths = Vec::new();
    add_paths(&term, &mut paths).ok_or_else(refused)?;
    Ok(paths)
}

fn add_paths(term: &Term<&str>, paths: &mut Vec<Vec<Step>>) -> Option<()> {
    match term {
        Term::BinOp(left, BinaryOp::Comma, right) => {
            add_paths(left, paths)?;
            add_paths(right, paths)
        }
        Term::Id => {
            paths.push(Vec::new());
            Some(())
        }
        Term::Path(head, Path(parts)) if matches!(**head, Term::Id) => {
            paths.push(parts.iter().map(|(part, opt)| step(part, *opt)).collect::<Option<_>>()?);
            Some(())
        }
        _ => None,
    }
}

fn step(part: &Part<Term<&str>>, opt: Opt) -> Option<Step> {
    match (part, opt) {
        (Part::Range(None, None), Opt::Essential) => Some(Step::Each),
        (Part::Index(Term::Str(None, parts)), Opt::Essential) => {
            let text = |part: &StrPart<&str, Term<&str>>| match part {
                StrPart::Str(text) => Some((*text).to_owned()),
                StrPart::Char(c) => Some(c.to_string()),
                StrPart::Term(_) => None,
            };
            parts.iter().map(text).collect::<Option<String>>().map(Step::Name)
        }
        _ => None,
    }
}
