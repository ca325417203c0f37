//! What a file is and which rollout it belongs to, told by its path: by the convention, or by the expression of `--pair`.

use std::path::{Path, PathBuf};

use regex::{Captures, Regex};

use crate::error::Error;
use crate::io::container;
use crate::text::suggest::nearest;

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A document.
    Document,
    /// A journal.
    Journal,
    /// A response.
    Response,
    /// Its content will tell.
    Evidence,
    /// A rollout plan.
    Plan,
    /// A fleet.
    Fleet,
    /// A report.
    Report,
}

impl Kind {
    /// What the words of a name say.
    const WORDS: [(&'static str, Self); 7] = [
        ("document", Self::Document),
        ("journal", Self::Journal),
        ("response", Self::Response),
        ("plan", Self::Plan),
        ("fleet", Self::Fleet),
        ("inventory", Self::Fleet),
        ("report", Self::Report),
    ];

    /// From the best evidence to the poorest: a document holds all that a journal tells, and that more than a response.
    pub const EVIDENCE: [Self; 4] = [Self::Document, Self::Journal, Self::Response, Self::Evidence];

    fn named(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, kind)| *kind)
    }
}

/// The files of one rollout have the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The folder, and what else the names say.
    Convention(PathBuf, String),
    /// What the captures of `--pair` found.
    Pair(Vec<String>),
}

/// What tells files that belong together, where it is not the convention: `--pair`.
#[derive(Debug, Clone)]
pub struct Pair(Regex);

impl Pair {
    /// Reads a regular expression. Its groups that are named as a kind of file say what a file is, all others which rollout
    /// it belongs to.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn new(text: &str) -> Result<Self, Error> {
        let wrong = |problem: String, near: Option<&str>| {
            let near = near.map_or_else(String::new, |near| format!("did you mean (?<{near}>)? "));
            let help = format!(
                "{near}a regular expression is expected, with a group that is the same for all files of a rollout, and if names do not say what a file is, with the groups (?<response>), (?<fleet>), (?<plan>) and the like: (?:(?<response>out)|(?<fleet>hosts))-([0-9]+)"
            );
            Error::usage(format!("--pair: {problem}"), help)
        };
        let regex = Regex::new(text).map_err(|error| wrong(error.to_string(), None))?;
        let names: Vec<Option<&str>> = regex.capture_names().skip(1).collect();
        let kind = |name: Option<&str>| name.and_then(Kind::named);
        for name in names.iter().flatten().filter(|name| Kind::named(name).is_none()) {
            let near = nearest(name, Kind::WORDS.iter().map(|(known, _)| *known));
            if let Some(near) = near {
                return Err(wrong(format!("(?<{name}>) says nothing of what a file is"), Some(near)));
            }
        }
        if names.iter().all(|name| kind(*name).is_some()) {
            return Err(wrong(format!("there is no group in {text:?} that tells rollouts apart"), None));
        }
        Ok(Self(regex))
    }

    fn read(&self, below: &Path) -> Option<(Option<Kind>, Vec<String>)> {
        let path = below.to_string_lossy();
        let found: Captures<'_> = self.0.captures(&path)?;
        let (mut kind, mut key) = (None, Vec::new());
        for (name, text) in self.0.capture_names().zip(found.iter()).skip(1) {
            match name.and_then(Kind::named) {
                Some(named) => kind = kind.or(text.map(|_| named)),
                None => key.push(text.map_or_else(String::new, |text| text.as_str().to_owned())),
            }
        }
        Some((kind, key))
    }
}

/// What a file is and to which rollout it belongs; nothing where it is none of ours. `below` is its path below the folder
/// that was named.
pub fn read(path: &Path, below: &Path, pair: Option<&Pair>) -> Option<(Kind, Key)> {
    let name = path.file_name()?.to_string_lossy();
    if name.starts_with('.') {
        return None;
    }
    if let Some((kind, key)) = pair.and_then(|pair| pair.read(below)) {
        return Some((by_name(&name, kind)?.0, Key::Pair(key)));
    }
    let (kind, rest) = by_name(&name, None)?;
    Some((kind, Key::Convention(path.parent()?.to_owned(), rest)))
}

/// Whether a file would be read, by its name alone.
pub fn is_archived(path: &Path) -> bool {
    container::Kind::of(path).is_some() || read(path, path, None).is_some()
}

/// What a file is and what else its name says; nothing where it is none of ours.
fn by_name(name: &str, told: Option<Kind>) -> Option<(Kind, String)> {
    let name = name.to_lowercase();
    let packed = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end));
    let (stem, extension) = packed.unwrap_or(&name).rsplit_once('.')?;
    let stem = if extension == "journal" { stem.strip_suffix(".json").unwrap_or(stem) } else { stem };
    let mut kind = told.or((extension == "journal").then_some(Kind::Journal));
    let mut rest = Vec::new();
    for word in stem.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        match Kind::named(word) {
            Some(known) => kind = kind.or(Some(known)),
            None => rest.push(word.to_owned()),
        }
    }
    let ours = match extension {
        "json" | "jsonl" | "ndjson" | "journal" => true,
        "txt" => kind == Some(Kind::Fleet),
        _ => false,
    };
    ours.then(|| (kind.unwrap_or(Kind::Evidence), rest.join("-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_a_file_is() {
        let is = |kind, rest: &str| Some((kind, rest.to_owned()));
        let told = |name| by_name(name, None);
        assert_eq!(told("response.json"), is(Kind::Response, ""));
        assert_eq!(told("2026-07-01T10-00-00Z.response.json.gz"), is(Kind::Response, "2026-07-01t10-00-00z"));
        assert_eq!(told("plan-2026-07-01.json.zst"), is(Kind::Plan, "2026-07-01"));
        assert_eq!(told("2026-07-01.inventory.txt"), is(Kind::Fleet, "2026-07-01"));
        assert_eq!(told("document.json.journal"), is(Kind::Journal, ""));
        assert_eq!(told("run-7.journal"), is(Kind::Journal, "run-7"));
        assert_eq!(told("2026-07-01.json"), is(Kind::Evidence, "2026-07-01"));
        assert_eq!(told("report.json"), is(Kind::Report, ""));
        for other in ["notes.txt", "report.html", "junit.xml", "README", "run.tar.gz", "run.zip"] {
            assert_eq!(told(other), None, "{other}");
        }
    }

    #[test]
    fn an_expression_tells_what_belongs_together() {
        let pair = Pair::new(r"(?:(?<response>out)|(?<fleet>hosts))/(\d+)\.").expect("it is one");
        let told = |path: &str| read(Path::new(path), Path::new(path), Some(&pair));
        let key = Key::Pair(vec!["17".to_owned()]);
        assert_eq!(told("a/out/17.json"), Some((Kind::Response, key.clone())));
        assert_eq!(told("b/hosts/17.txt"), Some((Kind::Fleet, key)));
        let other = Key::Convention("a".into(), "17".to_owned());
        assert_eq!(told("a/17.plan.json"), Some((Kind::Plan, other)), "what it does not match is read by its name");
        assert_eq!(told("a/notes/17.txt"), None);
        for wrong in ["(", "out", "(?<response>out)", r"(?<respnse>out)-(\d+)"] {
            assert!(Pair::new(wrong).is_err(), "{wrong}");
        }
    }
}
