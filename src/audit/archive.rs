//! What a folder holds: which files are one rollout, told by their names. Nothing is read here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::io::walk::files_below;

/// A rollout's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its name: the path of its evidence from the folder on that was named, or with it where several were.
    pub name: String,
    /// A document, a journal or a response.
    pub evidence: PathBuf,
    /// Its path below the folder that was named.
    pub below: PathBuf,
    /// The rollout plan, which only a response needs.
    pub plan: Option<PathBuf>,
    /// The fleet, which only a response needs.
    pub fleet: Option<PathBuf>,
    /// What the rollout was called then: a report, or the response beside a document.
    pub called: Option<PathBuf>,
}

impl Archive {
    /// The command line that explains its verdict. Evidence that is complete in itself is explained without what lies
    /// beside it.
    pub fn explain(&self, is_complete: bool) -> String {
        let option = |name: &str, path: &Option<PathBuf>| {
            path.as_ref().filter(|_| !is_complete).map_or_else(String::new, |path| format!(" {name} {}", quoted(path)))
        };
        let (plan, fleet) = (option("--plan", &self.plan), option("--fleet", &self.fleet));
        format!("rollproof explain {}{plan}{fleet}", quoted(&self.evidence))
    }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    if path.chars().all(is_plain) && !path.starts_with('-') {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[derive(Debug, Default)]
pub struct Found {
    /// The rollouts, by path.
    pub archives: Vec<Archive>,
    /// Plans and fleets that belong to none.
    pub unpaired: Vec<String>,
    /// Files of which it cannot be told what they are, and why.
    pub unclear: Vec<(String, String)>,
    /// Files whose names are those of no archive, by path.
    pub ignored: Vec<String>,
    /// How many files belong to archives, or could.
    pub files: u64,
}

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Document,
    Journal,
    Response,
    /// Its content will tell.
    Evidence,
    Plan,
    Fleet,
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
    const EVIDENCE: [Self; 4] = [Self::Document, Self::Journal, Self::Response, Self::Evidence];
}

/// The files of one folder whose names have the same rest.
type Unit = BTreeMap<Kind, Vec<PathBuf>>;

/// Looks for archives in folders, and in the folders below.
///
/// # Errors
/// [`Error::Usage`] where a folder is none.
pub fn find(folders: &[PathBuf]) -> Result<Found, Error> {
    let mut units: BTreeMap<(PathBuf, String), Unit> = BTreeMap::new();
    let (mut ignored, mut problems) = (BTreeSet::new(), BTreeMap::new());
    for folder in folders {
        if !folder.is_dir() {
            let problem = format!("{} is no folder", folder.display());
            return Err(Error::usage(problem, "name a folder of archives; `rollproof verify` reads a single one"));
        }
        // Nothing but an archive is wanted, but whatever lies there is listed.
        let others = RefCell::new(Vec::new());
        let below = files_below(folder, &|path| {
            let is_wanted = is_archived(path);
            if !is_wanted {
                others.borrow_mut().push(path.to_owned());
            }
            is_wanted
        });
        ignored.extend(others.into_inner());
        problems.extend(below.problems);
        for path in &below.files {
            let name = name_of(path);
            let Some((kind, rest)) = kind(&name) else { continue };
            let place = (path.parent().unwrap_or(folder).to_owned(), rest);
            let files = units.entry(place).or_default().entry(kind).or_default();
            if !files.contains(path) {
                files.push(path.clone());
            }
        }
    }
    let only = match folders {
        [folder] => Some(&**folder),
        _ => None,
    };
    let name = |path: &Path| {
        let named = only.and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(path);
        named.display().to_string()
    };
    let below =
        |path: &Path| folders.iter().find_map(|folder| path.strip_prefix(folder).ok()).unwrap_or(path).to_owned();
    let mut found = pair(&units, &Names { name: &name, below: &below });
    let unread = problems.iter().map(|(path, why)| (name(path), format!("cannot look at it: {why}")));
    found.unclear.extend(unread);
    found.ignored = ignored.iter().map(|path| name(path)).collect();
    found.files = units.values().flat_map(BTreeMap::values).map(|files| files.len() as u64).sum();
    Ok(found)
}

/// How a path is named, and what of it lies below the folder that was named.
struct Names<'a> {
    name: &'a dyn Fn(&Path) -> String,
    below: &'a dyn Fn(&Path) -> PathBuf,
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a file is and what else its name says; nothing where it is none of ours.
fn kind(name: &str) -> Option<(Kind, String)> {
    let name = name.to_lowercase();
    let packed = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end));
    let (stem, extension) = packed.unwrap_or(&name).rsplit_once('.')?;
    let stem = if extension == "journal" { stem.strip_suffix(".json").unwrap_or(stem) } else { stem };
    let mut kind = (extension == "journal").then_some(Kind::Journal);
    let mut rest = Vec::new();
    for word in stem.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        match Kind::WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)) {
            Some((_, known)) => kind = kind.or(Some(*known)),
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

/// Whether a file would be read as a part of an archive, by its name.
pub fn is_archived(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && kind(&name).is_some()
}

fn pair(units: &BTreeMap<(PathBuf, String), Unit>, names: &Names<'_>) -> Found {
    let name = names.name;
    let mut found = Found::default();
    let mut used: HashSet<&Path> = HashSet::new();
    let none = Unit::new();
    for ((folder, rest), unit) in units {
        let files = |kind| unit.get(&kind).map_or(&[][..], Vec::as_slice);
        let many = |kinds: &[Kind]| kinds.iter().map(|kind| files(*kind).len()).max().unwrap_or_default();
        let evidence: Vec<Kind> = Kind::EVIDENCE.into_iter().filter(|kind| !files(*kind).is_empty()).collect();
        let Some(best) = evidence.first() else { continue };
        let one_too_many =
            many(&[Kind::Document, Kind::Journal, Kind::Response, Kind::Plan, Kind::Fleet, Kind::Report]) > 1
                || (evidence.len() > 1 && evidence.contains(&Kind::Evidence))
                || files(Kind::Evidence).len() > 1;
        let first = files(*best)[0].clone();
        used.extend(unit.values().flatten().map(PathBuf::as_path));
        if one_too_many {
            let names: Vec<String> = unit.values().flatten().map(|path| name(path)).collect();
            let problem = format!("more files than one could be the same part of one rollout: {}", names.join(", "));
            found.unclear.push((name(&first), problem));
            continue;
        }
        // What lies in the folder without a name of its own is meant for all of its archives.
        let shared = if rest.is_empty() { &none } else { units.get(&(folder.clone(), String::new())).unwrap_or(&none) };
        let shared = if shared.keys().any(|kind| Kind::EVIDENCE.contains(kind)) { &none } else { shared };
        let beside = |kind| files(kind).first().or_else(|| shared.get(&kind).and_then(|files| files.first()));
        let response = *best == Kind::Response || *best == Kind::Evidence;
        let (plan, fleet) = if response { (beside(Kind::Plan), beside(Kind::Fleet)) } else { (None, None) };
        used.extend([plan, fleet].into_iter().flatten().map(PathBuf::as_path));
        let earlier = files(Kind::Report).first().or_else(|| files(Kind::Response).first().filter(|_| !response));
        found.archives.push(Archive {
            name: name(&first),
            below: (names.below)(&first),
            evidence: first,
            plan: plan.cloned(),
            fleet: fleet.cloned(),
            called: earlier.cloned(),
        });
    }
    let all = units.values().flat_map(|unit| [Kind::Plan, Kind::Fleet].map(|kind| unit.get(&kind)));
    found.unpaired =
        all.flatten().flatten().filter(|path| !used.contains(path.as_path())).map(|path| name(path)).collect();
    found.archives.sort_by(|a, b| a.name.cmp(&b.name));
    found.unpaired.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_a_file_is() {
        let kind_and_stem = |name| kind(name).map(|(kind, rest)| (kind, rest.clone()));
        let is = |kind, rest: &str| Some((kind, rest.to_owned()));
        assert_eq!(kind_and_stem("response.json"), is(Kind::Response, ""));
        assert_eq!(kind_and_stem("2026-07-01T10-00-00Z.response.json.gz"), is(Kind::Response, "2026-07-01t10-00-00z"));
        assert_eq!(kind_and_stem("plan-2026-07-01.json.zst"), is(Kind::Plan, "2026-07-01"));
        assert_eq!(kind_and_stem("2026-07-01.inventory.txt"), is(Kind::Fleet, "2026-07-01"));
        assert_eq!(kind_and_stem("document.json.journal"), is(Kind::Journal, ""));
        assert_eq!(kind_and_stem("run-7.journal"), is(Kind::Journal, "run-7"));
        assert_eq!(kind_and_stem("2026-07-01.json"), is(Kind::Evidence, "2026-07-01"));
        assert_eq!(kind_and_stem("report.json"), is(Kind::Report, ""));
        assert_eq!(
            [
                kind_and_stem("notes.txt"),
                kind_and_stem("report.html"),
                kind_and_stem("junit.xml"),
                kind_and_stem("README")
            ],
            [None, None, None, None]
        );
    }
}
