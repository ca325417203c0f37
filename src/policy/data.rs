//! Reads data that lies beside policies, as `opa eval --data FOLDER` does: what `data.json` or `data.yaml` holds lies
//! below `data` at the path of its folder below the folder that was named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::declared::names::{FACTS, OURS, PREVIOUS};
use crate::diagnostic::problem::{Place, Problem};
use crate::error::Error;
use crate::io::input::{MAX_WRITTEN, Source};
use crate::lint::data::{Data, DataFile};
use crate::policy::files::{found_below, is_data, unreadable};
use crate::schema::explain;

/// Reads the data in these folders. A file that is found from several of them lies where it was found first.
///
/// # Errors
/// [`Error::Policy`] where a file cannot be read, [`Error::Policies`] where it holds no data, lies where our own does, or
/// gives a value that another file gives too.
pub fn read(folders: &[PathBuf]) -> Result<Data, Error> {
    let (mut seen, mut data, mut problems) = (BTreeSet::new(), Data::default(), Vec::new());
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for path in found_below(folder, &is_data)? {
            if seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                match file(folder, &path)? {
                    Ok(file) => add(&mut data, file, &mut problems),
                    Err(problem) => problems.push(problem),
                }
            }
        }
    }
    if problems.is_empty() { Ok(data) } else { Err(Error::Policies(problems)) }
}

/// What a file holds, below the path at which it lies.
fn file(folder: &Path, path: &Path) -> Result<Result<DataFile, Problem>, Error> {
    let input = Source::Found(path.to_owned()).raw(MAX_WRITTEN).map_err(|error| unreadable(path, &error))?;
    let sha256 = input.sha256();
    let name = path.display().to_string();
    let wrong = |(place, what, remedy): Wrong| Problem::new(&name.as_str().into(), place, what, remedy);
    let value = match parse(path, &input.bytes) {
        Ok(value) => value,
        Err(problem) => return Ok(Err(wrong(problem))),
    };
    let below = path.parent().and_then(|parent| parent.strip_prefix(folder).ok()).unwrap_or(Path::new(""));
    let steps = below.components().map(|step| step.as_os_str().to_string_lossy().into_owned());
    let value = steps.rev().fold(value, |value, step| Value::Object(Map::from_iter([(step, value)])));
    let Value::Object(mounted) = value else {
        let what = "it lies in the folder that is named, so it holds all of data, and that is an object".to_owned();
        return Ok(Err(wrong((Place::default(), what, "give it keys, or move it to a folder below".into()))));
    };
    let ours = [OURS.trim_end_matches('.'), FACTS, PREVIOUS];
    if let Some(key) = ours.into_iter().find(|key| mounted.contains_key(*key)) {
        let what = format!("data.{key} is rollproof's own, and no file gives it");
        let remedy = "give it another key, or move the file to a folder of another name".into();
        return Ok(Err(wrong((Place::default(), what, remedy))));
    }
    Ok(Ok(DataFile { file: name, sha256, mounted }))
}

/// Where a file is wrong, what is wrong, and what to do.
type Wrong = (Place, String, String);

fn parse(path: &Path, bytes: &[u8]) -> Result<Value, Wrong> {
    if path.extension().is_some_and(|extension| extension == "json") {
        return explain::json(bytes).map_err(|faults| {
            let fault = faults.into_iter().next();
            let number = |n: usize| u32::try_from(n).unwrap_or_default();
            let place = fault.as_ref().and_then(|fault| fault.place);
            let place = place
                .map_or_else(Place::default, |(line, column)| Place { line: number(line), column: number(column) });
            let (what, remedy) =
                fault.map_or_else(Default::default, |fault| (fault.problem, fault.help.unwrap_or_default()));
            (place, what, remedy)
        });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| (Place::default(), "it is no UTF-8".to_owned(), "save the file as UTF-8".to_owned()))?;
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    // As Go's library reads it: `yes` is a text, and `010` is 8.
    let options = serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let number = |n: u64| u32::try_from(n).unwrap_or_default();
        let place = error.location().map_or_else(Place::default, |location| Place {
            line: number(location.line()),
            column: number(location.column()),
        });
        (place, error.without_snippet().to_string(), "it is read as YAML 1.2 with one document".into())
    })
}

/// Adds a file to what others hold.
fn add(data: &mut Data, file: DataFile, problems: &mut Vec<Problem>) {
    match merge(&mut data.value, &file.mounted) {
        Ok(()) => data.files.push(file),
        Err(path) => {
            let steps: Vec<&str> = path.iter().map(String::as_str).collect();
            let other = data.files.iter().find(|other| holds(&other.mounted, &steps));
            let other = other.map_or_else(String::new, |other| format!(", and so does {}", other.file));
            let what = format!("it gives data.{}{other}", path.join("."));
            problems.push(Problem::new(
                &file.file.as_str().into(),
                Place::default(),
                what,
                "keep it in one of the two",
            ));
        }
    }
}

/// Merges an object into another; the path at which the two conflict, where they do.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) -> Result<(), Vec<String>> {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (None, value) => drop(into.insert(key.clone(), value.clone())),
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from).map_err(|mut path| {
                path.insert(0, key.clone());
                path
            })?,
            _ => return Err(vec![key.clone()]),
        }
    }
    Ok(())
}

fn holds(object: &Map<String, Value>, steps: &[&str]) -> bool {
    match steps {
        [] => true,
        [step, rest @ ..] => match object.get(*step) {
            Some(Value::Object(below)) => holds(below, rest),
            other => other.is_some() && rest.is_empty(),
        },
    }
}
