//! Files that are written as a whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::Error;

/// Writes a file: a new one takes the place of the old once it is complete. What is no ordinary file (a device, a
/// pipe) is written to as it is.
///
/// # Errors
/// [`Error::Output`] where that fails; an old file then still stands.
pub fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    let written = if special { open(path, false).and_then(|file| flushed(file, write)) } else { swap(path, write) };
    written.map_err(|source| Error::Output { path: path.to_owned(), source })
}

/// Adds to the end of a file.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn append(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let written = open(path, true).and_then(|file| flushed(file, write));
    written.map_err(|source| Error::Output { path: path.to_owned(), source })
}

fn open(path: &Path, append: bool) -> io::Result<fs::File> {
    OpenOptions::new().append(append).write(true).create(append).open(path)
}

fn swap(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // A link stays a link: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let file = beside(&path)?;
    flushed(file.as_file(), write)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// A new file in the folder of `path`, to be put in its place once it is complete.
///
/// # Errors
/// Those of the operating system.
pub fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The umask takes away from this what it takes from every new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.prefix(".rollproof-").tempfile_in(folder_of(path))
}

/// The folder that a path is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn flushed<W: Write>(file: W, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = BufWriter::with_capacity(1 << 18, file);
    write(&mut buffer)?;
    buffer.flush()
}

/// Writes to standard output. A reader that has seen enough and closed the pipe is no failure.
///
/// # Errors
/// [`Error::Output`] where that fails otherwise.
pub fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            // What is left in the buffer cannot be written either.
            let _ = out.into_parts();
            Err(Error::Output { path: "(standard output)".into(), source })
        }
        _ => Ok(()),
    }
}
