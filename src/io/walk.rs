//! Finds the files below a folder. Links are followed, but no folder is read twice. Names that begin with two dots are left out.

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

/// The files below a folder whose path is `wanted`, by name. A folder that a link leads to is read once, and not at all where
/// the link is inside of it.
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
        // A folder below `folder` is read at its own place, and not where a link leads to it.
        if path.starts_with(&home) {
            return entry.path().strip_prefix(folder).is_ok_and(|below| path == home.join(below));
        }
        seen.insert(path)
    };
    // Links come last.
    let order = |one: &DirEntry, other: &DirEntry| {
        (one.path_is_symlink(), one.file_name()).cmp(&(other.path_is_symlink(), other.file_name()))
    };
    let mut below = Below::default();
    for entry in WalkDir::new(folder).follow_links(true).sort_by(order).into_iter().filter_entry(is_new) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() || !wanted(entry.path()) => {}
            Ok(entry) => below.files.push(entry.into_path()),
            Err(error) if error.loop_ancestor().is_some() => {}
            // A link that leads nowhere is no problem, unless it is wanted.
            Err(error) if error.path().is_some_and(|path| leads_nowhere(path) && !wanted(path)) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                below.problems.push((path, reason));
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
