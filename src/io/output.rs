//! Writes files as a whole or not at all, wherever the system lets one file replace another.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, BufWriter, Seek as _, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use signal_hook::consts::SIGXFSZ;
use signal_hook::flag;
use tempfile::NamedTempFile;

use crate::error::Error;
use crate::model::document::Document;
use crate::text::escape::block;

/// Writes a report to a file, or appends it where CI expects that.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn write_report(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    if is_appended_to(path) { append(path, write) } else { replace(path, write) }
}

/// Whether a path is that of a step's summary or outputs, which CI expects to be appended to.
pub fn is_appended_to(path: &Path) -> bool {
    let is_same = |file: &Path| destination(path) == destination(file);
    let files = ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"].into_iter().filter_map(std::env::var_os);
    files.filter(|file| !file.is_empty()).any(|file| is_same(Path::new(&file)))
}

/// Writes a document.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn write_document(path: &Path, document: &Document) -> Result<(), Error> {
    write_json(path, document)
}

/// Writes JSON in one line.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    replace(path, |out| {
        serde_json::to_writer(&mut *out, value)?;
        writeln!(out)
    })
}

/// Writes what policies have printed to standard error.
pub fn show_prints<'p>(prints: impl IntoIterator<Item = &'p String>) {
    let text: String = prints.into_iter().map(|print| block("print: ", print)).collect();
    // Where standard error is closed there is nobody to show it to.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// How many links are followed one after another: as many as the operating system follows.
const MAX_LINKS: usize = 40;

/// Makes a write beyond the size limit of files fail with an error. Without this a signal would end the process.
pub fn ignore_size_signal() {
    // Where the signal cannot be ignored, it ends the process as before.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Writes a file: a new one takes the place of the old one once it is complete, and gets its mode and its owner. A device or a
/// pipe is written to directly, and so is a file that cannot be replaced (a mount).
///
/// # Errors
/// [`Error::Output`] where that fails; an old file then still stands, but for a mount.
pub fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let written = match path.to_str() {
        // If it were opened again, a file that standard output leads to would be written from its beginning.
        Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => write_buffered(io::stdout().lock(), write),
        Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => write_buffered(io::stderr(), write),
        _ if is_special(path) => open(path, is_stream(path)).and_then(|file| write_buffered(file, write)),
        _ => replace_file(path, write),
    };
    written.map_err(|source| Error::Output { path: path.to_owned(), source })
}

/// Whether a path leads to something else than an ordinary file, such as a device or a pipe. It is never replaced.
pub fn is_special(path: &Path) -> bool {
    is_stream(path) || fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// Whether a path names something that this process has open, such as standard output. It is appended to, also where it is an
/// ordinary file.
pub fn is_stream(path: &Path) -> bool {
    ["/dev/fd", "/dev/stdout", "/dev/stderr", "/proc/self/fd"].iter().any(|stream| path.starts_with(stream))
}

/// Adds to the end of a file.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn append(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let written = open(path, true).and_then(|file| write_buffered(file, write));
    written.map_err(|source| Error::Output { path: path.to_owned(), source })
}

fn open(path: &Path, append: bool) -> io::Result<fs::File> {
    OpenOptions::new().append(append).write(true).create(append).open(path)
}

fn replace_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let path = destination(path);
    let file = match fs::metadata(&path) {
        Ok(old) => new_file_like(&path, &old)?,
        Err(_) => new_file_beside(&path)?,
    };
    write_buffered(file.as_file(), write)?;
    file.as_file().sync_all()?;
    match file.persist(&path) {
        Err(error) if error.error.kind() == io::ErrorKind::ResourceBusy => overwrite(&path, error.file.as_file()),
        put => put.map(drop).map_err(|error| error.error),
    }
}

/// A new file in the folder of `path`, with the mode and the owner of the old one as far as this process may set them. Until
/// then only its owner may read it.
fn new_file_like(path: &Path, old: &Metadata) -> io::Result<NamedTempFile> {
    let file = temporary(path, 0o600)?;
    let new = file.as_file().metadata()?;
    let is_owner = (old.uid(), old.gid()) == (new.uid(), new.gid())
        || fchown(file.as_file(), Some(old.uid()), Some(old.gid())).is_ok();
    let is_group = is_owner || old.gid() == new.gid() || fchown(file.as_file(), None, Some(old.gid())).is_ok();
    let mode = old.mode() & 0o777;
    // Where the group differs, it may do no more than everybody.
    let mode = if is_group { mode } else { mode & 0o707 | (mode & 0o7) << 3 };
    // Some file systems know no modes.
    let _ = file.as_file().set_permissions(fs::Permissions::from_mode(mode));
    Ok(file)
}

/// Copies the contents of a file into another one.
fn overwrite(path: &Path, mut from: &fs::File) -> io::Result<()> {
    from.rewind()?;
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    io::copy(&mut from, &mut file)?;
    file.sync_all()
}

/// The path of the file that a path leads to. A link stays a link: its target is written, also where that is not there yet.
pub fn destination(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = folder_of(&path).join(target);
    }
    match (fs::canonicalize(folder_of(&path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// A new file in the folder of `path`, to be put in its place once it is complete.
///
/// # Errors
/// Those of the operating system.
pub fn new_file_beside(path: &Path) -> io::Result<NamedTempFile> {
    // The umask applies to it, as to every new file.
    temporary(path, 0o666)
}

fn temporary(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.permissions(fs::Permissions::from_mode(mode)).prefix(".rollproof-").append(true);
    builder.tempfile_in(folder_of(path))
}

/// The folder that a file is in; `.` where the path has none.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn write_buffered<W: Write>(file: W, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
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
