//! Finds the rollouts in folders and in the ZIP and tar archives in them: which files are one rollout, their names tell. Of
//! files, only the lists of members are read here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::audit::names::{self, Key, Kind, Pair};
use crate::error::Error;
use crate::io::container::{self, Listing, Member, Spool};
use crate::io::input::Source;
use crate::io::walk::files_below;
use crate::model::audit::Called;
use crate::model::document::text::Text;

/// What the file of `--times` says of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Its environment.
    pub environment: Option<Text>,
    /// What its caller said.
    pub called: Option<Called>,
}

/// A rollout's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its name: the path of its evidence from the folder on that was named, or with it where several were.
    pub name: String,
    /// A document, a journal or a response.
    pub evidence: PathBuf,
    /// Its path below the folder that was named.
    pub below: PathBuf,
    /// The folder that was named, where several were.
    pub root: Option<PathBuf>,
    /// The rollout plan, which only a response needs.
    pub plan: Option<PathBuf>,
    /// The fleet, which only a response needs.
    pub fleet: Option<PathBuf>,
    /// What the rollout was called then: a report, or the response beside a document.
    pub called: Option<PathBuf>,
    /// What the file of `--times` says of it.
    pub stated: Stated,
    /// Its group, if anything tells it.
    pub group: Option<Text>,
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
pub fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    if path.chars().all(is_plain) && !path.starts_with('-') {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

/// The archives of some folders, and the files that belong to none.
#[derive(Debug, Default)]
pub struct FoundArchives {
    /// The rollouts, by path.
    pub archives: Vec<Archive>,
    /// Plans and fleets that belong to no rollout.
    pub unpaired: Vec<String>,
    /// Files that cannot be assigned or looked at, and why.
    pub unclear: Vec<(String, String)>,
    /// Files that are no archives by their names, by path.
    pub ignored: Vec<String>,
    /// How many files belong to archives, or may.
    pub files: u64,
    /// Files in ZIP and tar archives.
    members: HashMap<PathBuf, Member>,
}

impl FoundArchives {
    /// Where to read a file of an archive.
    pub fn source(&self, path: &Path) -> Source {
        match self.members.get(path) {
            Some(member) => Source::Member(path.to_owned(), member.clone()),
            None => Source::Found(path.to_owned()),
        }
    }
}

/// How files are looked for.
#[derive(Debug, Default)]
pub struct Search {
    /// What tells files that belong together, where it is not the convention.
    pub pair: Option<Pair>,
    /// The fleet of every response that has none of its own.
    pub fleet: Option<PathBuf>,
    /// The size limit of each file, unpacked, in bytes.
    pub max_bytes: u64,
}

/// The files of one rollout, by kind.
type RolloutFiles = BTreeMap<Kind, Vec<PathBuf>>;

/// Files as they are found.
#[derive(Default)]
struct Files {
    units: BTreeMap<Key, RolloutFiles>,
    ignored: BTreeSet<PathBuf>,
    problems: BTreeMap<PathBuf, String>,
    members: HashMap<PathBuf, Member>,
    containers: BTreeSet<PathBuf>,
}

impl Files {
    fn add(&mut self, path: &Path, names: &Names<'_>) {
        let Some((kind, key)) = names.read(path) else { return };
        let files = self.units.entry(key).or_default().entry(kind).or_default();
        if !files.iter().any(|file| file == path) {
            files.push(path.to_owned());
        }
    }

    /// Looks into the ZIP and tar archives, on every processor.
    fn open_containers(&mut self, names: &Names<'_>, max_bytes: u64) {
        let spool = Spool::default();
        let containers: Vec<PathBuf> = std::mem::take(&mut self.containers).into_iter().collect();
        let list = |path: &PathBuf| container::list(path, &|member| names.read(member).is_some(), max_bytes, &spool);
        let listings: Vec<Listing> = containers.par_iter().map(list).collect();
        for listing in listings {
            self.ignored.extend(listing.others);
            self.problems.extend(listing.problems);
            for (path, member) in listing.members {
                self.add(&path, names);
                self.members.insert(path, member);
            }
        }
    }
}

/// How paths are told apart, and shown.
struct Names<'a> {
    folders: &'a [PathBuf],
    pair: Option<&'a Pair>,
}

impl Names<'_> {
    fn root(&self, path: &Path) -> Option<&PathBuf> {
        self.folders.iter().find(|folder| path.starts_with(folder))
    }

    /// What of a path lies below the folder that was named.
    fn below<'p>(&self, path: &'p Path) -> &'p Path {
        self.root(path).and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(path)
    }

    fn name(&self, path: &Path) -> String {
        if self.folders.len() == 1 { self.below(path) } else { path }.display().to_string()
    }

    fn read(&self, path: &Path) -> Option<(Kind, Key)> {
        names::read(path, self.below(path), self.pair)
    }
}

/// Looks for archives in folders, and in the folders and the ZIP and tar archives below.
///
/// # Errors
/// [`Error::Usage`] where a folder is none.
pub fn find(folders: &[PathBuf], search: &Search) -> Result<FoundArchives, Error> {
    let names = Names { folders, pair: search.pair.as_ref() };
    let mut files = Files::default();
    for folder in folders {
        if !folder.is_dir() {
            let problem = format!("{} is no folder", folder.display());
            return Err(Error::usage(problem, "name a folder of archives; `rollproof verify` reads a single one"));
        }
        // Only archives are read, but every other file is listed.
        let others = RefCell::new(Vec::new());
        let below = files_below(folder, &|path| {
            let is_wanted = container::Kind::of(path).is_some() || names.read(path).is_some();
            if !is_wanted {
                others.borrow_mut().push(path.to_owned());
            }
            is_wanted
        });
        files.ignored.extend(others.into_inner());
        files
            .problems
            .extend(below.problems.into_iter().map(|(path, why)| (path, format!("cannot look at it: {why}"))));
        for path in below.files {
            if container::Kind::of(&path).is_some() {
                files.containers.insert(path);
            } else {
                files.add(&path, &names);
            }
        }
    }
    files.open_containers(&names, search.max_bytes);
    let mut found = pair(&files.units, &names, search.fleet.as_deref());
    // A container that cannot be read counts as one file.
    let unread = files.problems.keys().filter(|path| container::Kind::of(path).is_some()).count() as u64;
    found.unclear.extend(files.problems.into_iter().map(|(path, why)| (names.name(&path), why)));
    found.ignored = files.ignored.iter().map(|path| names.name(path)).collect();
    found.files = files.units.values().flat_map(BTreeMap::values).map(|files| files.len() as u64).sum::<u64>() + unread;
    found.members = files.members;
    Ok(found)
}

fn pair(units: &BTreeMap<Key, RolloutFiles>, names: &Names<'_>, fleet_of_all: Option<&Path>) -> FoundArchives {
    let name = |path: &Path| names.name(path);
    let mut found = FoundArchives::default();
    let mut used: HashSet<&Path> = fleet_of_all.into_iter().collect();
    let none = RolloutFiles::new();
    for (key, unit) in units {
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
        // A plan or a fleet whose name says nothing else is used for every archive of its folder.
        let shared = match key {
            Key::Convention(folder, rest) if !rest.is_empty() => {
                units.get(&Key::Convention(folder.clone(), String::new())).unwrap_or(&none)
            }
            _ => &none,
        };
        let shared = if shared.keys().any(|kind| Kind::EVIDENCE.contains(kind)) { &none } else { shared };
        let beside = |kind| files(kind).first().or_else(|| shared.get(&kind).and_then(|files| files.first()));
        let response = *best == Kind::Response || *best == Kind::Evidence;
        let (plan, fleet) = if response { (beside(Kind::Plan), beside(Kind::Fleet)) } else { (None, None) };
        used.extend([plan, fleet].into_iter().flatten().map(PathBuf::as_path));
        let earlier = files(Kind::Report).first().or_else(|| files(Kind::Response).first().filter(|_| !response));
        let fleet = fleet.map(PathBuf::as_path).or(fleet_of_all.filter(|_| response));
        found.archives.push(Archive {
            name: name(&first),
            below: names.below(&first).to_owned(),
            root: names.root(&first).filter(|_| names.folders.len() > 1).cloned(),
            evidence: first,
            plan: plan.cloned(),
            fleet: fleet.map(Path::to_owned),
            called: earlier.cloned(),
            stated: Stated::default(),
            group: None,
        });
    }
    let all = units.values().flat_map(|unit| [Kind::Plan, Kind::Fleet].map(|kind| unit.get(&kind)));
    found.unpaired =
        all.flatten().flatten().filter(|path| !used.contains(path.as_path())).map(|path| name(path)).collect();
    found.archives.sort_by(|a, b| a.name.cmp(&b.name));
    found.unpaired.sort();
    found
}
