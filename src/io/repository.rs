//! The repository around the working folder: the nearest folder upward that holds `.git`, as a folder or, in a worktree
//! or a submodule, as a file.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::fault::STDIN;

/// The name in the root folder of a repository by which it is recognized.
const GIT: &str = ".git";

/// The working folder and its repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// The working folder.
    folder: PathBuf,
    /// How many folders above it the root is. None: it is in no repository.
    levels_to_root: Option<usize>,
}

impl Repository {
    /// The repository of the working folder.
    pub fn of_working_folder() -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        let levels_to_root = folder.ancestors().position(|folder| may_exist(&folder.join(GIT)));
        Self { folder, levels_to_root }
    }

    /// How many folders above the working folder its root is, if there is one.
    pub const fn levels_to_root(&self) -> Option<usize> {
        self.levels_to_root
    }

    /// The path of a file from the root of the repository. A file outside of it keeps its whole path. Without a repository, and
    /// for standard input, the name is as it was given.
    pub fn name_from_root(&self, given: &str) -> String {
        let Some(root) = self.levels_to_root.and_then(|levels| self.folder.ancestors().nth(levels)) else {
            return given.trim_start_matches("./").to_owned();
        };
        if given == STDIN {
            return given.to_owned();
        }
        let path = normalized(&self.folder.join(given));
        path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned()
    }
}

/// A whole path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normalized.pop();
            }
            Component::CurDir => {}
            other => normalized.push(other),
        }
    }
    normalized
}

/// Whether something is at a path, or may be: where that cannot be found out, it counts as there.
pub fn may_exist(path: &Path) -> bool {
    fs::symlink_metadata(path).map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
}

#[cfg(test)]
mod tests {
    use super::Repository;

    #[test]
    fn names_are_those_from_the_root() {
        let inside = Repository { folder: "/work/repo/sub/job".into(), levels_to_root: Some(2) };
        for (given, expected) in [
            ("response.json", "sub/job/response.json"),
            ("./a/./b.json", "sub/job/a/b.json"),
            ("../fleet.json", "sub/fleet.json"),
            ("../../plan.json", "plan.json"),
            ("../../../other/plan.json", "/work/other/plan.json"),
            ("/work/repo/plan.json", "plan.json"),
            ("/tmp/plan.json", "/tmp/plan.json"),
            ("(standard input)", "(standard input)"),
        ] {
            assert_eq!(inside.name_from_root(given), expected, "{given}");
        }
        let outside = Repository { folder: "/work".into(), levels_to_root: None };
        assert_eq!(outside.name_from_root("./response.json"), "response.json");
        assert_eq!(outside.name_from_root("../response.json"), "../response.json");
    }
}
