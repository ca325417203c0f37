//! The journal: everything that a rollout did and was answered, one JSON record a line, on disk before anything else
//! happens. The document of a rollout is a fold over it, live or a year later.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rollout;
use crate::collect::is_packed;
use crate::document::{CiWait, HeadReading, ProbeAnswer, Purpose, SwitchReading, Text};
use crate::error::Error;
use crate::lock::{leads_to, lock};
use crate::output::{beside, folder_of};

/// What to do where a journal cannot be appended to.
const IS_RIGHT: &str = "is the path right, and may this user write it? nothing was called, and nothing was written";

/// A line of a journal. Times are RFC 3339, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// The first line: what is to be rolled out.
    Start {
        /// The format's name and version.
        format: Format,
        /// When.
        at: Text,
        /// The plan's name, as it was given.
        plan_name: Text,
        /// The plan's own bytes.
        plan: Text,
        /// The inventory's name and bytes, where one was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inventory: Option<Inventory>,
        /// By how much waiting was shortened in a rehearsal; absent in a real rollout.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_scale: Option<Text>,
        /// Extra fields of rows that are evidence.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence_fields: Vec<Text>,
        /// Which gates are asked. Absent: none, or it is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gates: Option<AskedGates>,
        /// Whether builds are to be probed once every call was made. Absent: no, unless a record `probe` says so.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        probes: bool,
    },
    /// A request is about to be sent.
    Request {
        /// Index of the call.
        call: u32,
        /// Index of the attempt.
        attempt: u16,
        /// What the call is for.
        purpose: Purpose,
        /// The tenants that it names.
        tenants: Vec<Text>,
        /// When.
        at: Text,
    },
    /// An attempt has ended.
    Answer {
        /// Index of the call.
        call: u32,
        /// Index of the attempt.
        attempt: u16,
        /// When.
        at: Text,
        /// How long it took, in milliseconds.
        duration_ms: u64,
        /// The HTTP status, where an answer came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Why no whole answer came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Text>,
        /// The answer as it came, as far as it came, with tokens masked. Of one that is no UTF-8, a backslash is `\\` and
        /// a byte of no character `\xff`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Text>,
        /// Why nothing in the answer may be read: it is no UTF-8, or holds a token in a name. Absent: it may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        malformed: Option<Text>,
        /// Whether the call has ended with it.
        last: bool,
    },
    /// The kill switch was read.
    Switch {
        /// What was read.
        reading: SwitchReading,
    },
    /// The wait for CI has ended.
    Ci {
        /// How.
        wait: CiWait,
    },
    /// The branch's head was read.
    Head {
        /// What was read.
        reading: HeadReading,
    },
    /// The canary soaks from now on.
    Soak {
        /// When.
        at: Text,
    },
    /// The canary has soaked.
    Soaked {
        /// When.
        at: Text,
    },
    /// A policy stopped the rollout.
    Halted {
        /// When.
        at: Text,
        /// Which policies, and why.
        because: Text,
    },
    /// A signal stopped the rollout.
    Interrupted {
        /// When.
        at: Text,
        /// The signal's name.
        signal: Text,
    },
    /// An interrupted rollout goes on.
    Resumed {
        /// When.
        at: Text,
    },
    /// Every call was made.
    Completed {
        /// When.
        at: Text,
    },
    /// Builds are to be probed once every call was made.
    Probe {
        /// When.
        at: Text,
        /// The URL; `{slug}` stands for the tenant.
        url: Text,
    },
    /// Probing begins.
    Probing {
        /// When.
        at: Text,
        /// The URL; `{slug}` stands for the tenant.
        url: Text,
        /// Whom it asks.
        tenants: Vec<Text>,
        /// Whom it never asks, because their slug cannot stand in a URL.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<Text>,
    },
    /// A round of probing has ended.
    Probed {
        /// When.
        at: Text,
        /// What was seen. Whoever is not named was not asked in it.
        answers: Vec<ProbeAnswer>,
    },
}

/// The name and version of the journal's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Format {
    /// Version 1.
    #[serde(rename = "rollproof.journal/v1")]
    V1,
}

/// Which gates a rollout asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AskedGates {
    /// The kill switch, before every call that changes anything.
    KillSwitch,
    /// That, and before the first call the branch's head, the kill switch and CI.
    All,
}

/// A list of tenants that is independent of the control plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// Its name, as it was given.
    pub name: Text,
    /// Its own bytes.
    pub text: Text,
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Begins a new one, and locks it. It is there with its first record or not at all: a process may be killed at any
    /// moment.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is one already, [`Error::Output`] where it cannot be written.
    pub fn create(path: &Path, start: &Record) -> Result<Self, Error> {
        let failed = |source| Error::Output { path: path.to_owned(), source };
        let mut begun = beside(path).map_err(failed)?;
        append(begun.as_file_mut(), start).map_err(failed)?;
        lock(begun.as_file(), path)?;
        let file = begun.persist_noclobber(path).map_err(|error| match error.error {
            source if source.kind() == io::ErrorKind::AlreadyExists => Error::usage(
                format!("there is a journal already: {}", path.display()),
                "go on with it by --resume, or name another with --journal; it is the evidence of a rollout",
            ),
            source => failed(source),
        })?;
        // The name too must outlive a loss of power.
        File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Opens one that is there, to append to it, and locks it; nothing where there is none. It is not changed yet.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another process writes it, [`Error::Usage`] where it is not a file that can be appended
    /// to.
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        let unusable = |problem: &dyn std::fmt::Display| {
            Error::conflict(format!("cannot append to the journal {}: {problem}", path.display()), IS_RIGHT)
        };
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&error)),
        };
        lock(&file, path)?;
        if !leads_to(path, &file).unwrap_or(false) {
            return Err(Error::conflict(format!("{} was replaced meanwhile", path.display()), "try again"));
        }
        Ok(Some(Self { path: path.to_owned(), file }))
    }

    /// Whether it is packed, and so nothing that can be appended to.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be read.
    pub fn is_packed(&mut self) -> Result<bool, Error> {
        let mut first = Vec::new();
        let read = self.file.rewind().and_then(|()| (&self.file).take(4).read_to_end(&mut first));
        read.map_err(|source| Error::Output { path: self.path.clone(), source })?;
        Ok(is_packed(&first))
    }

    /// Goes on with it, as it was read; `length` is where its last whole record ends.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    pub fn go_on(mut self, length: u64) -> Result<Self, Error> {
        let mut go_on = || {
            // What a killed process wrote of a record is no record.
            self.file.set_len(length)?;
            let mut last = [b'\n'];
            if length > 0 {
                self.file.seek(SeekFrom::Start(length - 1))?;
                self.file.read_exact(&mut last)?;
            }
            // A whole record that lacks its newline gets it, so that the next one has a line of its own.
            if last == [b'\n'] { Ok(()) } else { self.file.write_all(b"\n") }
        };
        go_on().map_err(|source| Error::Output { path: self.path.clone(), source })?;
        Ok(self)
    }

    /// Appends a record and applies it to the rollout; it is on disk when this returns. What happened has happened, and
    /// is applied also where it cannot be kept.
    ///
    /// # Errors
    /// [`Error::Output`] where it is not kept; [`Error::Bug`] where no reader would accept it, and nothing is written.
    pub fn append(&mut self, rollout: &mut Rollout, record: &Record) -> Result<(), Error> {
        rollout.accepts(record).map_err(|refusal| {
            Error::Bug(format!("this journal could not be read again, please report this as a bug: {refusal}"))
        })?;
        let kept = append(&mut self.file, record);
        rollout.follow(record).map_err(|refusal| Error::Bug(refusal.to_string()))?;
        kept.map_err(|source| Error::Output { path: self.path.clone(), source })
    }
}

fn append(file: &mut File, record: &Record) -> io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()
}

/// Reads a journal: its records, and where the last whole one ends. A last line that is cut short was being written
/// when the process was killed; it is no fault. One that is whole counts, with its newline or without.
///
/// # Errors
/// Line and message of the first record that is not valid.
pub fn read(bytes: &[u8]) -> Result<(Vec<Record>, u64), (usize, String)> {
    let mut records = Vec::new();
    let mut length = 0;
    for (i, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match serde_json::from_slice(line) {
            Ok(record) => records.push(record),
            Err(error) if !line.ends_with(b"\n") && !error.is_data() => break,
            Err(error) => return Err((i + 1, error.to_string())),
        }
        length += line.len() as u64;
    }
    Ok((records, length))
}
