//! The files below a folder. Links are followed, and none leads anywhere twice. What begins with two dots is left out.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// What was found below a folder.
#[derive(Debug, Default)]
pub struct Below {
    /// The files that were wanted, by path.
    pub files: Vec<PathBuf>,
    /// Folders, and files that were wanted, that cannot be looked at, and why.
    pub problems: Vec<(PathBuf, String)>,
}

/// The files below a folder that are `wanted` by their path, by name. A folder that a link leads to is looked into once,
/// and not where it is one of those that the link is in.
pub fn files_below(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Below {
    let home = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut seen = HashSet::new();
    let is_new = |entry: &DirEntry| {
        // A volume of Kubernetes keeps its files in folders of such names, and shows them by links.
        if entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b"..") {
            return false;
        }
        if !entry.file_type().is_dir() {
            return true;
        }
        let Ok(path) = entry.path().canonicalize() else { return !entry.path_is_symlink() };
        // What lies below the folder is looked into where it lies, and not where a link leads to it.
        if path.starts_with(&home) {
            return entry.path().strip_prefix(folder).is_ok_and(|below| path == home.join(below));
        }
        seen.insert(path)
    };
    // What stands in its own place is looked into before a link to it.
    let order = |one: &DirEntry, other: &DirEntry| {
        (one.path_is_symlink(), one.file_name()).cmp(&(other.path_is_symlink(), other.file_name()))
    };
    let mut below = Below::default();
    for entry in WalkDir::new(folder).follow_links(true).sort_by(order).into_iter().filter_entry(is_new) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() || !wanted(entry.path()) => {}
            Ok(entry) => below.files.push(entry.into_path()),
            Err(error) if error.loop_ancestor().is_some() => {}
            // A link that leads nowhere harms nobody, unless what it leads to is wanted.
            Err(error) if error.path().is_some_and(|path| leads_nowhere(path) && !wanted(path)) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                below.problems.push((path, why));
            }
        }
    }
    below.files.sort();
    below
}

/// Whether a path is a link to what is not there, or to itself.
fn leads_nowhere(path: &Path) -> bool {
    let denied = |error: std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
    path.is_symlink() && path.metadata().map_or_else(|error| !denied(error), |_| false)
}
