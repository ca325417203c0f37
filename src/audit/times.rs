//! The file of `--times`, which states of archives when they were made, in which environment, and what they were called.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use crate::audit::archive::{Archive, Stated};
use crate::audit::timestamps::moment;
use crate::diagnostic::fault::{Fault, hand_written};
use crate::error::Error;
use crate::io::input::{MAX_WRITTEN, Source};
use crate::model::audit::Called;
use crate::model::document::text::Text;
use crate::text::suggest::{meant, nearest};

/// The columns of the file.
const COLUMNS: [&str; 4] = ["path", "time", "environment", "called"];

/// What an archive was called, in the words of callers and of CI systems.
const WORDS: [(&str, Called); 6] = [
    ("green", Called::Green),
    ("success", Called::Green),
    ("true", Called::Green),
    ("red", Called::Red),
    ("failure", Called::Red),
    ("false", Called::Red),
];

/// A line, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: String,
    time: String,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    called: Option<String>,
}

/// A file of `--times`.
#[derive(Debug)]
pub struct Times {
    name: String,
    /// By path, with the number of the line.
    lines: BTreeMap<PathBuf, (u64, Stated)>,
}

impl Times {
    /// Reads a file, CSV with a header or JSON Lines.
    ///
    /// # Errors
    /// [`Error::Evidence`], with all lines that are wrong.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let input = Source::File(path.to_owned()).read(MAX_WRITTEN)?;
        let name = input.name.to_string();
        let refused = |faults: Vec<Fault>| Error::Evidence { input: name.clone(), faults };
        let text = hand_written(&input.bytes).map_err(|fault| refused(vec![fault]))?;
        let is_json = text.trim_start().starts_with('{');
        let read = if is_json { json_lines(text) } else { csv_lines(text).map_err(|fault| refused(vec![fault]))? };
        let (mut lines, mut faults) = (BTreeMap::new(), Vec::new());
        for (number, line) in read {
            let added =
                line.and_then(stated).and_then(|(path, stated)| match lines.insert(path.clone(), (number, stated)) {
                    None => Ok(()),
                    Some((earlier, _)) => Err(format!("{} stands in line {earlier}, too", path.display())),
                });
            faults.extend(added.err().map(|problem| at_line(number, problem)));
        }
        if faults.is_empty() { Ok(Self { name, lines }) } else { Err(refused(faults)) }
    }

    /// Whether any line names an environment.
    pub fn has_environments(&self) -> bool {
        self.lines.values().any(|(_, stated)| stated.environment.is_some())
    }

    /// Gives each archive what its line states. A line names the evidence of one archive, by the path below its folder or the
    /// path that the audit was given, or a folder, ZIP or tar archive with several; the longest path counts.
    ///
    /// # Errors
    /// [`Error::Evidence`] where a line is for no archive.
    pub fn apply_to(&self, archives: &mut [Archive]) -> Result<(), Error> {
        let mut used: HashSet<&Path> = HashSet::new();
        for archive in archives.iter_mut() {
            let paths = above(&archive.below).into_iter().chain(above(&archive.evidence));
            let lines: Vec<_> = paths.filter_map(|path| self.lines.get_key_value(&path)).collect();
            used.extend(lines.iter().map(|(path, _)| path.as_path()));
            if let Some((_, (_, stated))) = lines.into_iter().max_by_key(|(path, _)| path.components().count()) {
                archive.stated = stated.clone();
            }
        }
        let known: Vec<String> = archives.iter().map(|archive| archive.below.display().to_string()).collect();
        let mut faults = Vec::new();
        for (path, (line, _)) in self.lines.iter().filter(|(path, _)| !used.contains(path.as_path())) {
            let shown = path.display().to_string();
            let near = nearest(&shown, known.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("did you mean {near}? "));
            let help = format!(
                "{near}the path of a rollout's evidence below the folder is expected, or a folder, ZIP or tar archive that it is in"
            );
            faults.push(at_line(*line, format!("no archive is at {shown}")).help(help));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Evidence { input: self.name.clone(), faults }) }
    }
}

fn at_line(line: u64, problem: String) -> Fault {
    Fault { place: usize::try_from(line).ok().map(|line| (line, 1)), ..Fault::whole(problem) }
}

/// A path and what it lies in; a ZIP or tar archive also without the mark that follows its name.
fn above(path: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in path.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        all.push(path.to_owned());
        all.extend(path.to_str().and_then(|path| path.strip_suffix('!')).map(PathBuf::from));
    }
    all
}

/// The lines of a file with their numbers, each read or refused.
type NumberedLines = Vec<(u64, Result<Line, String>)>;

fn json_lines(text: &str) -> NumberedLines {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = |line: &str| {
        serde_json::from_str(line).map_err(|error| {
            let error = error.to_string();
            let near = meant(&error).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            // serde_json counts its line and column within this line of the file.
            format!("{}{near}", error.split(" at line ").next().unwrap_or(&error))
        })
    };
    lines.map(|(number, line)| (number, read(line))).collect()
}

fn csv_lines(text: &str) -> Result<NumberedLines, Fault> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| Fault::whole(error.to_string()))?.clone();
    for (i, column) in header.iter().enumerate() {
        if !COLUMNS.contains(&column) {
            let near = nearest(column, COLUMNS).map_or_else(String::new, |near| format!("did you mean {near}? "));
            let help = format!("{near}the columns are path, time, and if you like environment and called");
            return Err(at_line(1, format!("there is no column {column:?}")).help(help));
        }
        if header.iter().take(i).any(|earlier| earlier == column) {
            return Err(at_line(1, format!("the column {column} is there twice")));
        }
    }
    for column in &COLUMNS[..2] {
        if !header.iter().any(|there| there == *column) {
            let fault = at_line(1, format!("the column {column} is missing"));
            return Err(
                fault.help("the first line names the columns: path, time, and if you like environment and called")
            );
        }
    }
    let mut read = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.deserialize(Some(&header)).map_err(|error| error.to_string());
                read.push((record.position().map_or(0, csv::Position::line), line));
            }
            Err(error) => {
                read.push((error.position().map_or(0, csv::Position::line), Err(error.to_string())));
                break;
            }
        }
    }
    Ok(read)
}

fn stated(line: Line) -> Result<(PathBuf, Stated), String> {
    let path = line.path.trim_start_matches("./").trim_end_matches('/');
    if path.is_empty() {
        return Err("its path is empty".to_owned());
    }
    let at = time(&line.time).map_err(|expected| format!("the time {:?} cannot be read: {expected}", line.time))?;
    let environment = line.environment.filter(|text| !text.trim().is_empty()).map(Text::from);
    let called = line.called.filter(|text| !text.trim().is_empty());
    let called = called.map(|text| {
        let known = WORDS.iter().find(|(word, _)| text.trim().eq_ignore_ascii_case(word)).map(|(_, called)| *called);
        let near = nearest(&text, WORDS.iter().map(|(word, _)| *word));
        let near = near.map_or_else(String::new, |near| format!("did you mean {near}? "));
        known.ok_or_else(|| {
            format!("it was called {text:?}: {near}green (or success, true) or red (or failure, false) is expected")
        })
    });
    Ok((PathBuf::from(path), Stated { at: Some(at), environment, called: called.transpose()? }))
}

/// RFC 3339, a date, or the seconds since 1970.
fn time(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if text.len() == 10 && text.bytes().all(|digit| digit.is_ascii_digit()) {
        let seconds = text.parse().map_err(|_| "seconds since 1970 are expected".to_owned())?;
        return Timestamp::from_second(seconds).map_err(|error| error.to_string());
    }
    moment(text)
}
