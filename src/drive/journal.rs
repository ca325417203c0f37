//! The journal: everything that a rollout did and was answered, one JSON record a line, on disk before anything else
//! happens. The document of a rollout is a fold over it, live or a year later.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::collect::record::{IS_RIGHT, Record};
use crate::collect::rollout::state::Rollout;
use crate::error::Error;
use crate::io::input::is_packed;
use crate::io::lock::{leads_to, lock};
use crate::io::output::{beside, folder_of};

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
    /// [`Error::Output`] where it is not kept; [`Error::Internal`] where no reader would accept it, and nothing is written.
    pub fn append(&mut self, rollout: &mut Rollout, record: &Record) -> Result<(), Error> {
        rollout
            .accepts(record)
            .map_err(|refusal| Error::bug(format!("this journal could not be read again: {refusal}")))?;
        let kept = append(&mut self.file, record);
        rollout.follow(record).map_err(|refusal| Error::bug(refusal.to_string()))?;
        kept.map_err(|source| Error::Output { path: self.path.clone(), source })
    }
}

fn append(file: &mut File, record: &Record) -> io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()
}
