//! The one place that reads files: as a whole, with a size limit, and no folders or devices. It also hashes them.

use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::thread;

use memmap2::{Advice, MmapMut};

use crate::diagnostic::fault::{Fault, STDIN, hand_written};
use crate::error::Error;
use crate::io::container::{self, Member};
use crate::io::zstd::Frames;
use crate::model::document::text::Text;
use crate::model::document::{InputFile, Role};
use crate::text::digest::sha256;

/// From which size on an input is hashed on a thread of its own, in bytes.
const MIN_HASH_THREAD: usize = 1 << 16;

/// From which size on an input is read into huge pages, in bytes: that is hundreds of page faults, not tens of thousands.
const MIN_HUGE_PAGES: u64 = 1 << 24;

/// How large a file may be that people write, such as a policy, in bytes.
pub const MAX_WRITTEN: u64 = 16 << 20;

/// Where to read an input.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, or a pipe, that somebody named.
    File(PathBuf),
    /// A file that was found in a folder. It may not be a pipe: reading one could wait for ever.
    Found(PathBuf),
    /// A file in a ZIP or tar archive, by the name under which it is known.
    Member(PathBuf, Member),
    /// Standard input.
    Stdin,
}

impl Source {
    /// Standard input for `-`, else a file.
    pub fn new(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path) }
    }

    /// Reads it as a whole, at most `max_bytes`, and unpacks gzip and Zstandard.
    ///
    /// # Errors
    /// [`Error::Evidence`] where it cannot be read or unpacked or is larger, unpacked.
    pub fn read(&self, max_bytes: u64) -> Result<Input, Error> {
        let name = self.name();
        let failed = |fault| Error::Evidence { input: name.clone(), faults: vec![fault] };
        let bytes = self.bytes(max_bytes).map_err(|error| failed(unreadable(&error)))?;
        let bytes = unpacked(bytes, max_bytes).map_err(|error| {
            let fault = Fault::whole(format!("it is packed, and cannot be unpacked: {error}"));
            failed(fault.help("copy it again as a whole; `gzip -t` and `zstd -t` say whether it was cut short"))
        })?;
        if bytes.len() as u64 > max_bytes {
            let problem = format!("it is larger than the limit of {max_bytes} bytes");
            return Err(failed(
                Fault::whole(problem).help("raise the limit with --max-input-bytes if the input is right"),
            ));
        }
        Ok(Input { name: Text::from(name), bytes })
    }

    /// Reads a hand-written text as a whole, at most `max_bytes`; a byte-order mark is skipped.
    ///
    /// # Errors
    /// Those of the operating system, and what is wrong with the text.
    pub fn text(&self, max_bytes: u64) -> io::Result<String> {
        self.raw(max_bytes)?.text().map(str::to_owned)
    }

    /// Reads it as a whole, at most `max_bytes`, and unpacks nothing.
    ///
    /// # Errors
    /// Those of the operating system, and that it is larger.
    pub fn raw(&self, max_bytes: u64) -> io::Result<Input> {
        let bytes = self.bytes(max_bytes)?;
        if bytes.len() as u64 > max_bytes {
            let problem = format!("it is larger than the limit of {max_bytes} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
        }
        Ok(Input { name: Text::from(self.name()), bytes })
    }

    /// Reads at most one byte more than is allowed.
    fn bytes(&self, max_bytes: u64) -> io::Result<Bytes> {
        let file = match self {
            Self::Stdin => return read_limited(io::stdin().lock(), Vec::new(), max_bytes),
            Self::Member(_, member) => return Ok(Bytes::Vec(member.read(max_bytes)?)),
            Self::File(path) => match open(path, true) {
                // It may be the name of a member of an archive, as an audit writes it.
                Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                    let member = container::find(path, max_bytes).ok_or(error)??;
                    return Ok(Bytes::Vec(member.read(max_bytes)?));
                }
                opened => opened?,
            },
            Self::Found(path) => open(path, false)?,
        };
        let length = file.metadata()?.len().min(max_bytes);
        if length < MIN_HUGE_PAGES {
            read_limited(file, Vec::new(), max_bytes)
        } else {
            read_into_huge_pages(file, length, max_bytes)
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Stdin => STDIN.to_owned(),
            Self::File(path) | Self::Found(path) | Self::Member(path, _) => path.display().to_string(),
        }
    }
}

/// Opens a file; a pipe only where it was named: opening a pipe waits for its writer.
fn open(path: &Path, is_named: bool) -> io::Result<File> {
    let check = |metadata: &Metadata| match file_kind(metadata) {
        FileKind::File => Ok(()),
        FileKind::Pipe if is_named => Ok(()),
        FileKind::Pipe => Err("it is a pipe, which is read only where it is named itself".into()),
        FileKind::Other(what) => Err(Cow::Owned(format!("it is {what}, but a file is expected"))),
    };
    let refused = |what: Cow<'static, str>| io::Error::new(io::ErrorKind::InvalidInput, what);
    check(&path.metadata()?).map_err(refused)?;
    let file = File::open(path)?;
    // Something else may have taken its place meanwhile.
    check(&file.metadata()?).map_err(refused)?;
    Ok(file)
}

/// The kind of file that a path leads to.
enum FileKind {
    File,
    Pipe,
    /// A kind that is not read, in words.
    Other(&'static str),
}

fn file_kind(metadata: &Metadata) -> FileKind {
    let file_type = metadata.file_type();
    if file_type.is_file() {
        return FileKind::File;
    }
    if file_type.is_dir() {
        return FileKind::Other("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
        if file_type.is_fifo() {
            return FileKind::Pipe;
        }
        if file_type.is_socket() {
            return FileKind::Other("a socket");
        }
        // It is used as an empty file.
        if Path::new("/dev/null").metadata().is_ok_and(|null| null.rdev() == metadata.rdev()) {
            return FileKind::File;
        }
    }
    FileKind::Other("a device")
}

/// The first bytes of gzip, with which no JSON and no list of slugs begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The first bytes of Zstandard.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Whether bytes are packed.
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP) || bytes.starts_with(&ZSTD)
}

/// Unpacks gzip and Zstandard, to at most one byte more than is allowed; other bytes stay as they are.
fn unpacked(bytes: Bytes, max_bytes: u64) -> io::Result<Bytes> {
    match &*bytes {
        packed if packed.starts_with(&GZIP) => {
            read_limited(flate2::read::MultiGzDecoder::new(&*bytes), Vec::new(), max_bytes)
        }
        packed if packed.starts_with(&ZSTD) => read_limited(Frames::new(packed), Vec::new(), max_bytes),
        _ => Ok(bytes),
    }
}

/// Reads after `start`, to at most one byte more than is allowed.
fn read_limited(reader: impl Read, start: Vec<u8>, max_bytes: u64) -> io::Result<Bytes> {
    let mut bytes = start;
    reader.take((max_bytes - bytes.len() as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Bytes::Vec(bytes))
}

fn read_into_huge_pages(mut file: File, length: u64, max_bytes: u64) -> io::Result<Bytes> {
    let mut pages = MmapMut::map_anon(usize::try_from(length).map_err(io::Error::other)?)?;
    // Advice that is not taken only costs time.
    let _ = pages.advise(Advice::HugePage);
    let mut filled = 0;
    while filled < pages.len() {
        match file.read(&mut pages[filled..]) {
            // The file was cut short meanwhile; what is there is read.
            Ok(0) => return Ok(Bytes::Vec(pages[..filled].to_vec())),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut next = [0];
    if file.read(&mut next)? == 0 {
        return Ok(Bytes::Pages(pages));
    }
    // The file has grown meanwhile.
    let mut start = pages.to_vec();
    start.extend(next);
    read_limited(file, start, max_bytes.max(length + 1))
}

fn unreadable(error: &io::Error) -> Fault {
    let help = match error.kind() {
        io::ErrorKind::InvalidInput => "name a file, or pipe its contents in and name `-`",
        _ => remedy(error),
    };
    Fault::whole(format!("cannot read it: {error}")).help(help)
}

/// What to do about a file that cannot be read.
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::InvalidInput => "name a file",
        io::ErrorKind::InvalidData => "save the file as UTF-8",
        io::ErrorKind::FileTooLarge => "check that it is the right file; a file that people write is smaller",
        io::ErrorKind::PermissionDenied => "let this user read it",
        _ => "try again, or copy the file somewhere else",
    }
}

/// The bytes of an input.
#[derive(Debug)]
pub struct Input {
    /// Its name, as it was given.
    pub name: Text,
    /// Its contents.
    pub bytes: Bytes,
}

/// The contents of an input.
#[derive(Debug)]
pub enum Bytes {
    /// Of a small one, or one whose size was not known.
    Vec(Vec<u8>),
    /// Of a large one.
    Pages(MmapMut),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Vec(bytes) => bytes,
            Self::Pages(pages) => pages,
        }
    }
}

impl Input {
    /// The hand-written text; a byte-order mark is skipped.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn text(&self) -> io::Result<&str> {
        let invalid_data = |fault: Fault| io::Error::new(io::ErrorKind::InvalidData, fault.sentence());
        hand_written(&self.bytes).map_err(invalid_data)
    }

    /// Does `work` with the bytes while they are hashed.
    pub fn hashed_while<T>(&self, role: Role, work: impl FnOnce(&[u8]) -> T) -> (T, InputFile) {
        let (result, sha256) = if self.bytes.len() < MIN_HASH_THREAD {
            (work(&self.bytes), self.sha256())
        } else {
            thread::scope(|scope| {
                let hashing = scope.spawn(|| self.sha256());
                let result = work(&self.bytes);
                (result, hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        };
        (result, self.file(role, sha256))
    }

    /// SHA-256 of the bytes, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        sha256(&*self.bytes)
    }

    /// Its entry in the provenance of a document.
    pub fn file(&self, role: Role, sha256: String) -> InputFile {
        InputFile { role, name: self.name.clone(), bytes: self.bytes.len() as u64, sha256: Text::from(sha256) }
    }
}
