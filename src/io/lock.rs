//! One writer for each file: advisory locks, and the files `PATH.lock` beside files that are replaced by renaming. A process
//! that does not get a lock must write nothing at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::io::output;

/// How often the number of the process that holds a lock is looked for, a millisecond apart: the process writes it just after
/// it has got the lock.
const MAX_LOOKS: u32 = 100;

/// A lock file, which names the process that writes the file beside it. It is removed when this is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Locks the file that a path leads to; nothing where that is a device or a pipe, which several processes may write to.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another process has it, or there are no locks here; [`Error::Output`] where the disk is
    /// full.
    pub fn take(guarded: &Path) -> Result<Option<Self>, Error> {
        let Some(path) = lock_path(guarded) else { return Ok(None) };
        loop {
            let opened =
                OpenOptions::new().read(true).write(true).create(true).custom_flags(libc::O_NOFOLLOW).open(&path);
            let mut file = opened.map_err(|source| match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Error::Output { path: path.clone(), source }
                }
                _ => Error::conflict(
                    format!("cannot lock {}: {}: {source}", guarded.display(), path.display()),
                    "let this user write it, or remove it if no rollproof is running; nothing was called or written",
                ),
            })?;
            match file.try_lock() {
                // The process that held it has removed it meanwhile.
                Ok(()) if !leads_to(&path, &file).unwrap_or(false) => {}
                Ok(()) => {
                    if !is_lock(&mut file) {
                        let problem = format!("{} is in the way, a file that rollproof did not write", path.display());
                        let help = format!(
                            "{} is guarded by a file of this name; name another one. Nothing was called or written",
                            guarded.display()
                        );
                        return Err(Error::conflict(problem, help));
                    }
                    // Where this fails, other processes cannot name this one, and no more.
                    let _ = file
                        .set_len(0)
                        .and_then(|()| file.rewind())
                        .and_then(|()| write!(file, "{}", std::process::id()));
                    return Ok(Some(Self { path, _file: file }));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(held_error(guarded, wait_for_holder(&mut file).as_deref()));
                }
                Err(TryLockError::Error(error)) => {
                    if holder(&mut file).is_some_and(|text| text.is_empty()) {
                        let _ = fs::remove_file(&path);
                    }
                    return Err(no_locks_error(guarded, &error));
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still locked: another process that has opened it finds that its name leads elsewhere.
        let _ = fs::remove_file(&self.path);
    }
}

/// The path of the lock of the file that a path leads to; nothing for a device or a pipe.
pub fn lock_path(guarded: &Path) -> Option<PathBuf> {
    if output::is_special(guarded) {
        return None;
    }
    let mut path = output::destination(guarded).into_os_string();
    path.push(".lock");
    Some(path.into())
}

/// Locks an open file for this process, until it is closed.
///
/// # Errors
/// [`Error::Conflict`] where another process has it, or there are no locks here.
pub fn lock(file: &File, path: &Path) -> Result<(), Error> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => held_error(path, None),
        TryLockError::Error(error) => no_locks_error(path, &error),
    })
}

/// Whether a path still leads to this open file.
///
/// # Errors
/// Those of the operating system.
pub fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    let (named, open) = (fs::metadata(path)?, file.metadata()?);
    Ok((named.dev(), named.ino()) == (open.dev(), open.ino()))
}

/// Whether a file is a lock, and not a file that happens to have its name.
fn is_lock(file: &mut File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
        && holder(file).is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The number of the process that holds a lock, as text; nothing where it cannot be read.
fn holder(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.take(32).read_to_string(&mut text)).ok()?;
    Some(text)
}

fn wait_for_holder(file: &mut File) -> Option<String> {
    for _ in 0..MAX_LOOKS {
        if let Some(text) = holder(file).filter(|text| !text.is_empty()) {
            return Some(text);
        }
        thread::sleep(Duration::from_millis(1));
    }
    None
}

fn held_error(path: &Path, holder: Option<&str>) -> Error {
    let who = holder.map_or_else(|| "another process".to_owned(), |number| format!("process {number}"));
    Error::conflict(
        format!("{who} is writing {}", path.display()),
        "wait until it has ended; nothing was called, and nothing was written",
    )
}

fn no_locks_error(path: &Path, error: &io::Error) -> Error {
    Error::conflict(
        format!("cannot lock {}: {error}", path.display()),
        "put it on a file system that has locks: two rollouts must not write one file",
    )
}
