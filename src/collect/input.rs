//! A file, or standard input, read as a whole, and its hash.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::PathBuf;
use std::thread;

use memmap2::{Advice, MmapMut};
use sha2::{Digest as _, Sha256};

use crate::document::{InputFile, Role, Text};
use crate::error::Error;
use crate::schema::Fault;

/// From which size on an input is hashed on a thread of its own, in bytes.
const LARGE: usize = 1 << 16;

/// From which size on an input is read into huge pages, in bytes: hundreds of faults, not tens of thousands.
const HUGE: u64 = 1 << 24;

/// Where to read an input.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Source {
    /// `-` is standard input; all else is a file.
    pub fn new(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path) }
    }

    /// Reads it as a whole, at most `max_bytes`; what is packed (gzip, Zstandard) is unpacked.
    ///
    /// # Errors
    /// [`Error::Evidence`] where it cannot be read or unpacked or is larger, unpacked.
    pub fn read(&self, max_bytes: u64) -> Result<Input, Error> {
        let (name, read) = match self {
            Self::Stdin => ("(standard input)".to_owned(), take(io::stdin().lock(), Vec::new(), max_bytes)),
            Self::File(path) => {
                let read = File::open(path).and_then(|file| {
                    let length = file.metadata()?.len().min(max_bytes);
                    if length < HUGE { take(file, Vec::new(), max_bytes) } else { take_huge(file, length, max_bytes) }
                });
                (path.display().to_string(), read)
            }
        };
        let failed = |fault| Error::Evidence { input: name.clone(), faults: vec![fault] };
        let bytes = read.map_err(|error| failed(unreadable(&error)))?;
        let bytes = unpacked(bytes, max_bytes).map_err(|error| {
            let fault = Fault::whole(format!("it is packed, and cannot be unpacked: {error}"));
            failed(fault.help("was it cut short? `gzip -t` and `zstd -t` tell more"))
        })?;
        if bytes.len() as u64 > max_bytes {
            let problem = format!("it is larger than the limit of {max_bytes} bytes");
            return Err(failed(
                Fault::whole(problem).help("raise the limit with --max-input-bytes if the input is right"),
            ));
        }
        Ok(Input { name: Text::from(name), bytes })
    }
}

/// What gzip or Zstandard packed, unpacked, and at most one byte more than is allowed; all else as it is. The first bytes
/// tell which it is: no JSON and no list of slugs begins so.
fn unpacked(bytes: Bytes, max_bytes: u64) -> io::Result<Bytes> {
    match &*bytes {
        [0x1f, 0x8b, ..] => take(flate2::read::MultiGzDecoder::new(&*bytes), Vec::new(), max_bytes),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => take(zstd::Decoder::with_buffer(&*bytes)?, Vec::new(), max_bytes),
        _ => Ok(bytes),
    }
}

/// Reads what is there behind `start`, and at most one byte more than is allowed.
fn take(reader: impl Read, start: Vec<u8>, max_bytes: u64) -> io::Result<Bytes> {
    let mut bytes = start;
    reader.take((max_bytes - bytes.len() as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Bytes::Vec(bytes))
}

fn take_huge(mut file: File, length: u64, max_bytes: u64) -> io::Result<Bytes> {
    let mut pages = MmapMut::map_anon(usize::try_from(length).map_err(io::Error::other)?)?;
    // Advice that is not taken costs time, no more.
    let _ = pages.advise(Advice::HugePage);
    let mut filled = 0;
    while filled < pages.len() {
        match file.read(&mut pages[filled..]) {
            // It was cut short meanwhile; what is there is judged.
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
    // It has grown meanwhile.
    let mut start = pages.to_vec();
    start.extend(next);
    take(file, start, max_bytes.max(length + 1))
}

fn unreadable(error: &io::Error) -> Fault {
    let help = match error.kind() {
        io::ErrorKind::NotFound => "is the path right?",
        io::ErrorKind::IsADirectory => "name the file in it",
        io::ErrorKind::PermissionDenied => "may this user read it?",
        _ => "try again, or copy the file somewhere else",
    };
    Fault::whole(format!("cannot read it: {error}")).help(help)
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
    /// Does something with the bytes while they are hashed.
    pub fn hashed<T>(&self, role: Role, work: impl FnOnce(&[u8]) -> T) -> (T, InputFile) {
        let (done, sha256) = if self.bytes.len() < LARGE {
            (work(&self.bytes), self.sha256())
        } else {
            thread::scope(|scope| {
                let hashing = scope.spawn(|| self.sha256());
                let done = work(&self.bytes);
                (done, hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        };
        (done, self.file(role, sha256))
    }

    /// SHA-256 of the bytes, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        Sha256::digest(&*self.bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What provenance says of it.
    pub fn file(&self, role: Role, sha256: String) -> InputFile {
        InputFile { role, name: self.name.clone(), bytes: self.bytes.len() as u64, sha256: Text::from(sha256) }
    }
}
