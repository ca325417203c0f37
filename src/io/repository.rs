//! The repository around the working folder: the nearest folder upward that holds `.git`, as a folder or, in a worktree
//! or a submodule, as a file.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::fault::STDIN;

/// What only the topmost folder of a repository holds.
const GIT: &str = ".git";

/// Where the working folder stands in its repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// The working folder.
    folder: PathBuf,
    /// How many folders above it the root is. None: it is in no repository.
    above: Option<usize>,
}

impl Repository {
    /// That of the working folder.
    pub fn found() -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        let above = folder.ancestors().position(|folder| is_there(&folder.join(GIT)));
        Self { folder, above }
    }

    /// How many folders above the working folder its root is, if there is one.
    pub const fn above(&self) -> Option<usize> {
        self.above
    }

    /// The name of a file as it is called from the root of the repository. One outside of it has its whole path; without a
    /// repository, and of what is no file, the name is as it was given.
    pub fn name(&self, given: &str) -> String {
        let Some(root) = self.above.and_then(|above| self.folder.ancestors().nth(above)) else {
            return given.trim_start_matches("./").to_owned();
        };
        if given == STDIN {
            return given.to_owned();
        }
        let path = plain(&self.folder.join(given));
        path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned()
    }
}

/// A whole path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Whether something is there, or may be: what cannot be looked at is not passed over.
pub fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
}

#[cfg(test)]
mod tests {
    use super::Repository;

    #[test]
    fn names_are_those_from_the_root() {
        let inside = Repository { folder: "/work/repo/sub/job".into(), above: Some(2) };
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
            assert_eq!(inside.name(given), expected, "{given}");
        }
        let outside = Repository { folder: "/work".into(), above: None };
        assert_eq!(outside.name("./response.json"), "response.json");
        assert_eq!(outside.name("../response.json"), "../response.json");
    }
}
