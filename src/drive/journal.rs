//! Writes the journal: everything that a rollout did and was answered, one JSON record a line, each on disk before anything
//! else happens. The document of a rollout is a fold over it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::collect::fields::EvidenceFields;
use crate::collect::journal::replay;
use crate::collect::record::{JOURNAL_HELP, Record};
use crate::collect::rollout::state::Rollout;
use crate::error::Error;
use crate::io::input::{Source, is_packed};
use crate::io::lock::{leads_to, lock};
use crate::io::output::{destination, folder_of, new_file_beside};

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Absent: nothing is kept.
    file: Option<File>,
}

impl Journal {
    /// A journal of which nothing is kept.
    pub fn discarding() -> Self {
        Self { path: PathBuf::new(), file: None }
    }

    /// Begins a new journal, and locks it. It is there with its first record or not at all: a process may be killed at any
    /// moment. Where `replaced` is given, the new journal takes its place; that one is locked until then.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is another one already, [`Error::Output`] where it cannot be written.
    pub fn create(path: &Path, start: &Record, replaced: Option<&Self>) -> Result<Self, Error> {
        let failed = |source| Error::Output { path: path.to_owned(), source };
        // A link stays a link.
        let place = if replaced.is_some() { destination(path) } else { path.to_owned() };
        let mut begun = new_file_beside(&place).map_err(failed)?;
        append(begun.as_file_mut(), start).map_err(failed)?;
        lock(begun.as_file(), path)?;
        let persisted = match replaced {
            Some(_) => begun.persist(&place),
            None => begun.persist_noclobber(&place),
        };
        let file = persisted.map_err(|error| match error.error {
            source if source.kind() == io::ErrorKind::AlreadyExists => {
                journal_exists_error(path, "it was made meanwhile")
            }
            source => failed(source),
        })?;
        // The name too must outlive a loss of power.
        File::open(folder_of(&place)).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: Some(file) })
    }

    /// Opens a journal that is there, to append to it, and locks it; nothing where there is none. It is not changed yet.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another process writes it, [`Error::Usage`] where it is not a file that can be appended
    /// to.
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        let unusable = |problem: &dyn std::fmt::Display| {
            Error::conflict(format!("cannot append to the journal {}: {problem}", path.display()), JOURNAL_HELP)
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
        Ok(Some(Self { path: path.to_owned(), file: Some(file) }))
    }

    /// Whether it is packed, and so nothing that can be appended to.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be read.
    pub fn is_packed(&mut self) -> Result<bool, Error> {
        let Some(file) = &mut self.file else { return Ok(false) };
        let mut first = Vec::new();
        let read = file.rewind().and_then(|()| file.take(4).read_to_end(&mut first));
        read.map_err(|source| Error::Output { path: self.path.clone(), source })?;
        Ok(is_packed(&first))
    }

    /// Refuses to let another journal take its place where it holds a call that may have changed something. One that cannot
    /// be read as a whole may hold one.
    ///
    /// # Errors
    /// [`Error::Usage`] where it may hold one, [`Error::Output`] where it cannot be read.
    pub fn check_replaceable(&mut self, max_bytes: u64) -> Result<(), Error> {
        if self.is_packed()? {
            return Err(journal_exists_error(&self.path, "it is packed"));
        }
        let unread = |_| journal_exists_error(&self.path, "it cannot be read");
        let input = Source::File(self.path.clone()).read(max_bytes).map_err(unread)?;
        if input.bytes.is_empty() {
            return Ok(());
        }
        let (rollout, length) = replay(&input, &EvidenceFields::default()).map_err(unread)?;
        if length == input.bytes.len() as u64 && !rollout.may_have_changed_something() {
            return Ok(());
        }
        Err(journal_exists_error(&self.path, "it holds calls that may have changed something"))
    }

    /// Cuts off everything after the last whole record, which ends at `length`, so that records can be appended.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    pub fn truncate_to(mut self, length: u64) -> Result<Self, Error> {
        let mut truncate = || {
            let Some(file) = &mut self.file else { return Ok(()) };
            // A killed process may have written a part of a record.
            file.set_len(length)?;
            let mut last = [b'\n'];
            if length > 0 {
                file.seek(SeekFrom::Start(length - 1))?;
                file.read_exact(&mut last)?;
            }
            // A whole record without a newline gets one, so that the next record has a line of its own.
            if last == [b'\n'] { Ok(()) } else { file.write_all(b"\n") }
        };
        truncate().map_err(|source| Error::Output { path: self.path.clone(), source })?;
        Ok(self)
    }

    /// Appends a record and applies it to the rollout; it is on disk when this returns. It is applied even if it cannot be
    /// written.
    ///
    /// # Errors
    /// [`Error::Output`] where it is not kept; [`Error::Internal`] where no reader would accept it, and nothing is written.
    pub fn append(&mut self, rollout: &mut Rollout, record: &Record) -> Result<(), Error> {
        rollout
            .check_next(record)
            .map_err(|refusal| Error::bug(format!("this journal could not be read again: {refusal}")))?;
        let kept = self.file.as_mut().map_or(Ok(()), |file| append(file, record));
        rollout.follow(record).map_err(|refusal| Error::bug(refusal.to_string()))?;
        kept.map_err(|source| Error::Output { path: self.path.clone(), source })
    }
}

fn journal_exists_error(path: &Path, why: &str) -> Error {
    Error::usage(
        format!("there is a journal already: {}, and {why}", path.display()),
        "go on with it by --resume, or name another with --journal; it is the evidence of a rollout",
    )
}

fn append(file: &mut File, record: &Record) -> io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()
}
