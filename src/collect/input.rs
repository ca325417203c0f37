//! A file, or standard input, read as a whole, and its hash.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::document::{InputFile, Role, Text};
use crate::error::Error;
use crate::schema::Fault;

/// From which size on an input is hashed on a thread of its own, in bytes.
const LARGE: usize = 1 << 16;

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

    /// Reads it as a whole, at most `max_bytes`.
    ///
    /// # Errors
    /// [`Error::Evidence`] where it cannot be read or is larger.
    pub fn read(&self, max_bytes: u64) -> Result<Input, Error> {
        let (name, read) = match self {
            Self::Stdin => ("(standard input)".to_owned(), take(io::stdin().lock(), 0, max_bytes)),
            Self::File(path) => {
                let read = File::open(path).and_then(|file| {
                    let length = file.metadata()?.len();
                    take(file, length, max_bytes)
                });
                (path.display().to_string(), read)
            }
        };
        let failed = |fault| Error::Evidence { input: name.clone(), faults: vec![fault] };
        let bytes = read.map_err(|error| failed(unreadable(&error)))?;
        if bytes.len() as u64 > max_bytes {
            let problem = format!("it is larger than the limit of {max_bytes} bytes");
            return Err(failed(Fault::whole(problem).help("raise the limit with --max-input-bytes if the input is right")));
        }
        Ok(Input { name: Text::from(name), bytes })
    }
}

fn take(reader: impl Read, length: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    let room = length.min(max_bytes).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
    reader.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
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
    pub bytes: Vec<u8>,
}

impl Input {
    /// Does something with the bytes while they are hashed.
    pub fn hashed<T>(&self, role: Role, work: impl FnOnce(&[u8]) -> T) -> (T, InputFile) {
        let hash = || Sha256::digest(&self.bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (done, sha256) = if self.bytes.len() < LARGE {
            (work(&self.bytes), hash())
        } else {
            thread::scope(|scope| {
                let hashing = scope.spawn(hash);
                let done = work(&self.bytes);
                (done, hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        };
        let file =
            InputFile { role, name: self.name.clone(), bytes: self.bytes.len() as u64, sha256: Text::from(sha256) };
        (done, file)
    }
}
