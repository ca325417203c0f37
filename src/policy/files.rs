//! Policies from folders and files.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::io::input::{MAX_WRITTEN, Source, remedy};
use crate::io::walk::{Below, files_below};
use crate::rego::engine::module::Module;

/// The modules of files and folders, each once though it is given twice.
///
/// # Errors
/// As [`modules`].
pub fn all(paths: &[PathBuf]) -> Result<Vec<Module>, Error> {
    let (mut seen, mut all) = (BTreeSet::new(), Vec::new());
    for path in paths {
        for module in modules(path)? {
            let file = Path::new(&module.file);
            if seen.insert(file.canonicalize().unwrap_or_else(|_| file.to_owned())) {
                all.push(module);
            }
        }
    }
    Ok(all)
}

/// Tests with the policies beside them.
#[derive(Debug, Clone, Default)]
pub struct TestFiles {
    /// The folders that were named, in which data may lie.
    pub folders: Vec<PathBuf>,
    /// The files of policies that these were read from.
    pub policy_paths: Vec<PathBuf>,
    pub policies: Vec<Module>,
    /// The files of unit tests.
    pub tests: Vec<Module>,
}

impl TestFiles {
    /// Reads unit tests and policies from files and folders. For a file of unit tests, the policies are those of its
    /// folder.
    ///
    /// # Errors
    /// [`Error::Policy`] where one cannot be read.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Error> {
        let (mut tests, mut policies) = (BTreeSet::new(), BTreeSet::new());
        for path in paths {
            let mut found = Vec::new();
            find(path, &is_rego, &mut found)?;
            if !path.is_dir() && is_test(path) {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                find(folder.unwrap_or(Path::new(".")), &is_policy, &mut found)?;
            }
            for file in found {
                if is_test(&file) {
                    tests.insert(file)
                } else {
                    policies.insert(file)
                };
            }
        }
        let named: Vec<&Path> = paths.iter().map(|path| plain(path)).collect();
        let read = |files: &BTreeSet<PathBuf>| {
            files.iter().map(|file| module(file, named.contains(&&**file))).collect::<Result<Vec<_>, _>>()
        };
        let folders = paths.iter().filter(|path| path.is_dir()).cloned().collect();
        Ok(Self {
            folders,
            policies: read(&policies)?,
            tests: read(&tests)?,
            policy_paths: policies.into_iter().collect(),
        })
    }
}

/// The modules of a file, or of every `.rego` file below a folder, by path; unit tests are not among them.
///
/// # Errors
/// [`Error::Policy`] where one cannot be read, or there is none.
fn modules(path: &Path) -> Result<Vec<Module>, Error> {
    let mut files = Vec::new();
    find(path, &is_policy, &mut files)?;
    files.sort();
    if files.is_empty() {
        let problem = format!("{}: there is no policy here", path.display());
        let help = "check the path; a policy is a .rego file, or a folder with .rego files that are not tests";
        return Err(Error::NoPolicy { problem, help: help.into() });
    }
    files.iter().map(|file| module(file, !path.is_dir())).collect()
}

/// Whether a file is of a policy or its tests, by its name.
pub fn is_rego(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rego")
}

/// Whether a file is of data beside policies, by its name.
pub fn is_data(path: &Path) -> bool {
    path.file_name().is_some_and(|name| ["data.json", "data.yaml", "data.yml"].iter().any(|known| name == *known))
}

/// Whether a file is read where its folder is named, by its name.
pub fn is_read(path: &Path) -> bool {
    is_rego(path) || is_data(path)
}

fn is_test(path: &Path) -> bool {
    path.file_name().unwrap_or_default().to_string_lossy().ends_with("_test.rego")
}

fn is_policy(path: &Path) -> bool {
    is_rego(path) && !is_test(path)
}

/// Finds a file, whatever it is called, or what is `wanted` below a folder.
fn find(path: &Path, wanted: &dyn Fn(&Path) -> bool, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    if path.is_dir() {
        files.extend(found_below(path, wanted)?.iter().map(|file| plain(file).to_owned()));
    } else {
        files.push(plain(path).to_owned());
    }
    Ok(())
}

/// What is `wanted` below a folder, by path.
pub(crate) fn found_below(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<PathBuf>, Error> {
    let Below { files, problems } = files_below(folder, wanted);
    match problems.into_iter().next() {
        Some((path, problem)) => {
            let problem = format!("{}: cannot read it: {problem}", path.display());
            Err(Error::NoPolicy { problem, help: "let this user read it".into() })
        }
        None => Ok(files),
    }
}

/// A path as reports show it.
fn plain(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

fn module(path: &Path, is_named: bool) -> Result<Module, Error> {
    let source = if is_named { Source::File(path.to_owned()) } else { Source::Found(path.to_owned()) };
    let text = source.text(MAX_WRITTEN).map_err(|error| unreadable(path, &error))?;
    Ok(Module { file: path.display().to_string(), text })
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Error {
    let problem = format!("{}: cannot read it: {error}", path.display());
    Error::NoPolicy { problem, help: remedy(error).into() }
}
