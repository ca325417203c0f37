//! What the static checks of policies found, as a published format: `rollproof.check/v1`, which may grow by optional keys
//! and no more.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::problem::Problem;
use crate::rego::engine::module::Module;
use crate::text::suggest::{nearest, suggested};

/// The name and version of the format.
const FORMAT: &str = "rollproof.check/v1";

/// What the static checks of policies found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Checked {
    /// The format's name and version.
    #[schemars(extend("const" = FORMAT))]
    pub format: &'static str,
    /// Whether the policies can be used: there is no problem.
    pub sound: bool,
    /// The policies that can be used, by package; none where there is a problem.
    pub policies: Vec<String>,
    /// What keeps the policies from being used, by file and line.
    pub problems: Vec<PolicyProblem>,
    /// What is probably not meant, by file and line.
    pub advice: Vec<PolicyProblem>,
}

/// Something that was found in a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PolicyProblem {
    /// The file.
    pub file: String,
    /// The line, from 1. Absent: the whole file is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub line: Option<u32>,
    /// The column, from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub column: Option<u32>,
    /// Where the word that stands there ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
    /// The line as it was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected: Option<String>,
}

/// Where something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct End {
    /// The line, from 1.
    #[schemars(range(min = 1))]
    pub line: u32,
    /// The column after its last character, from 1, in characters.
    #[schemars(range(min = 1))]
    pub column: u32,
}

impl Checked {
    /// What was found in the policies of some files.
    pub fn new(modules: &[Module], policies: Vec<String>, problems: &[Problem], advice: &[Problem]) -> Self {
        let texts: BTreeMap<&str, &str> = modules.iter().map(|module| (&*module.file, &*module.text)).collect();
        let found = |problems: &[Problem]| problems.iter().map(|problem| PolicyProblem::new(problem, &texts)).collect();
        Self { format: FORMAT, sound: problems.is_empty(), policies, problems: found(problems), advice: found(advice) }
    }
}

impl PolicyProblem {
    fn new(problem: &Problem, texts: &BTreeMap<&str, &str>) -> Self {
        let Problem { file, place, what, remedy } = problem;
        let positive = |number: u32| (number > 0).then_some(number);
        let line = texts.get(&**file).and_then(|text| text.lines().nth((place.line as usize).checked_sub(1)?));
        let word = line.and_then(|line| word(line, place.column));
        Self {
            file: file.to_string(),
            line: positive(place.line),
            column: positive(place.column),
            end: word.map(|word| End { line: place.line, column: place.column + count(word) }),
            problem: what.clone(),
            remedy: remedy.clone(),
            corrected: line.and_then(|line| {
                let meant = suggested(remedy)?;
                corrected(line, place.column, meant).or_else(|| corrected_name(line, what, meant))
            }),
        }
    }
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// A line from a column on.
fn rest(line: &str, column: u32) -> Option<&str> {
    let skipped = usize::try_from(column.checked_sub(1)?).ok()?;
    match line.char_indices().nth(skipped) {
        Some((at, _)) => line.get(at..),
        None => None,
    }
}

/// What stands at a column: a name, a string, or one character.
fn word(line: &str, column: u32) -> Option<&str> {
    let rest = rest(line, column)?;
    let end = match rest.chars().next()? {
        '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
        first if is_of_name(first) => rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()),
        first => first.len_utf8(),
    };
    rest.get(..end)
}

const fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The line with the name that was meant in the place of the one that stands at a column; nothing where another one does.
fn corrected(line: &str, column: u32, meant: &str) -> Option<String> {
    let rest = rest(line, column)?;
    let before = &line[..line.len() - rest.len()];
    let dotted = rest.find(|c| !is_of_name(c) && c != '.').unwrap_or(rest.len());
    let words = [word(line, column)?, rest[..dotted].trim_end_matches('.')];
    let bare = |word: &str| word.trim_matches('"').to_owned();
    let is_like = |word: &&str| bare(word) != meant && nearest(&bare(word), [meant]).is_some();
    let found = words.into_iter().find(is_like)?;
    let meant = if found.starts_with('"') { format!("{meant:?}") } else { meant.to_owned() };
    Some(format!("{before}{meant}{}", &rest[found.len()..]))
}

/// The same with a name in quotation marks of what is wrong, where that stands once in the line.
fn corrected_name(line: &str, what: &str, meant: &str) -> Option<String> {
    let named = what.split('"').skip(1).step_by(2).find(|named| *named != meant && !named.is_empty())?;
    let is_whole = |at: &usize| {
        let (before, after) = (&line[..*at], &line[at + named.len()..]);
        !before.ends_with(is_of_name) && !after.starts_with(is_of_name)
    };
    let mut places = line.match_indices(named).map(|(at, _)| at).filter(is_whole);
    match (places.next(), places.next()) {
        (Some(at), None) => Some(format!("{}{meant}{}", &line[..at], &line[at + named.len()..])),
        _ => None,
    }
}
