//! Policies from folders and files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::engine::Module;
use crate::error::Error;

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

/// The modules of a file, or of every `.rego` file below a folder, by path; unit tests are not among them.
///
/// # Errors
/// [`Error::Policy`] where one cannot be read, or there is none.
fn modules(path: &Path) -> Result<Vec<Module>, Error> {
    let mut files = Vec::new();
    find(path, &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(Error::Policy(format!("{}: there is no policy here", path.display())));
    }
    files.iter().map(|file| module(file)).collect()
}

fn find(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let path = entry.map_err(|error| unreadable(path, &error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() || (name.ends_with(".rego") && !name.ends_with("_test.rego")) {
            find(&path, files)?;
        }
    }
    Ok(())
}

fn module(path: &Path) -> Result<Module, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    Ok(Module { file: path.display().to_string(), text })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Policy(format!("{}: cannot read it: {error}", path.display()))
}
