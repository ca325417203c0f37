//! Reads files in a ZIP or tar archive. Nothing is extracted to a path, so that the name of a member cannot do harm. Sizes and
//! numbers are limited.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use zip::{CompressionMethod, ZipArchive};

use crate::io::zstd::Frames;

/// How many members a container may have.
const MAX_MEMBERS: usize = 100_000;

/// How large all members of a container may be together, unpacked, as a multiple of the size limit of a file.
const MAX_TOTAL: u64 = 4;

/// The character between the path of a container and the name of a member.
const SEPARATOR: char = '!';

/// The kind of a container, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A ZIP file.
    Zip,
    /// A tar archive.
    Tar,
    /// A tar archive packed by gzip.
    TarGzip,
    /// A tar archive packed by Zstandard.
    TarZstd,
    /// A container of a kind that is not read.
    Unread,
}

impl Kind {
    const SUFFIXES: [(&'static str, Self); 13] = [
        (".zip", Self::Zip),
        (".tar", Self::Tar),
        (".tar.gz", Self::TarGzip),
        (".tgz", Self::TarGzip),
        (".tar.zst", Self::TarZstd),
        (".tzst", Self::TarZstd),
        (".tar.bz2", Self::Unread),
        (".tbz2", Self::Unread),
        (".tar.xz", Self::Unread),
        (".txz", Self::Unread),
        (".tar.lz4", Self::Unread),
        (".7z", Self::Unread),
        (".rar", Self::Unread),
    ];

    /// The kind of the container at a path; nothing where its name is not that of a container.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        if name.starts_with('.') {
            return None;
        }
        Self::SUFFIXES.iter().find(|(end, _)| name.ends_with(end)).map(|(_, kind)| *kind)
    }
}

/// A member of a container: where its bytes are.
#[derive(Debug, Clone)]
pub struct Member {
    storage: Storage,
    start: u64,
    /// How many bytes it has there, packed or not.
    length: u64,
    /// How it is packed; none where it is not.
    packed: Option<Packed>,
}

/// The file that holds the bytes of a member: the container, which is opened for each read, since a process may not have
/// enough files open; or the spool of unpacked members.
#[derive(Debug, Clone)]
enum Storage {
    Container(Arc<PathBuf>),
    Unpacked(Arc<File>),
}

/// How a ZIP file packs a member.
#[derive(Debug, Clone, Copy)]
struct Packed {
    is_deflated: bool,
    size: u64,
    crc: u32,
}

impl Member {
    /// Its bytes, to at most one byte more than is allowed.
    ///
    /// # Errors
    /// Those of the operating system, and where size or checksum are not what the container says.
    pub fn read(&self, max_bytes: u64) -> io::Result<Vec<u8>> {
        let opened;
        let file = match &self.storage {
            Storage::Unpacked(file) => file,
            Storage::Container(path) => {
                opened = open(path)?;
                &opened
            }
        };
        let part = FilePart { file, at: self.start, left: self.length };
        let mut bytes = Vec::new();
        let limit = max_bytes.saturating_add(1);
        let Some(packed) = self.packed else {
            part.take(limit).read_to_end(&mut bytes)?;
            return check_size(bytes, self.length, max_bytes);
        };
        if packed.is_deflated {
            let max = limit.min(packed.size.saturating_add(1));
            flate2::read::DeflateDecoder::new(BufReader::new(part)).take(max).read_to_end(&mut bytes)?;
        } else {
            part.take(limit).read_to_end(&mut bytes)?;
        }
        let bytes = check_size(bytes, packed.size, max_bytes)?;
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 <= max_bytes && crc.sum() != packed.crc {
            return Err(invalid("its checksum is not the one that its container says"));
        }
        Ok(bytes)
    }
}

/// Refuses bytes of another number than expected, unless the limit cut them short.
fn check_size(bytes: Vec<u8>, size: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 == size || bytes.len() as u64 > max_bytes {
        return Ok(bytes);
    }
    Err(invalid("its size is not the one that its container says"))
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// A part of a file.
struct FilePart<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Read for FilePart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let max = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.file.read_at(&mut buffer[..max], self.at)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Keeps the members of packed tar archives while the process runs, in one file without a name.
#[derive(Debug, Default)]
pub struct Spool {
    file: Mutex<Option<Arc<File>>>,
    end: AtomicU64,
}

impl Spool {
    fn file(&self) -> io::Result<Arc<File>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*file {
            return Ok(Arc::clone(file));
        }
        let new = Arc::new(tempfile::tempfile()?);
        *file = Some(Arc::clone(&new));
        Ok(new)
    }

    /// Keeps a member of a known size.
    fn keep(&self, mut member: impl Read, size: u64) -> io::Result<Member> {
        let file = self.file()?;
        let start = self.end.fetch_add(size, Ordering::Relaxed);
        let (mut buffer, mut at) = (vec![0; 1 << 16], 0);
        while at < size {
            let read = member.read(&mut buffer)?;
            if read == 0 {
                return Err(invalid("it was cut short"));
            }
            file.write_all_at(&buffer[..read], start + at)?;
            at += read as u64;
        }
        Ok(Member { storage: Storage::Unpacked(file), start, length: size, packed: None })
    }
}

/// The contents of a container. Each name begins with the container's path.
#[derive(Debug, Default)]
pub struct Listing {
    /// The members that were wanted.
    pub members: Vec<(PathBuf, Member)>,
    /// The other members.
    pub others: Vec<PathBuf>,
    /// Members that were wanted and cannot be read, or the container itself, and why.
    pub problems: Vec<(PathBuf, String)>,
}

/// Lists a container. `wanted` says by its whole path whether a member is wanted; it may have at most `max_bytes`. Wanted
/// members of a packed tar archive are kept in `spool`.
pub fn list(path: &Path, wanted: &dyn Fn(&Path) -> bool, max_bytes: u64, spool: &Spool) -> Listing {
    let mut builder = ListingBuilder {
        path,
        wanted,
        seen: HashMap::new(),
        listing: Listing::default(),
        left: max_bytes.saturating_mul(MAX_TOTAL),
    };
    let listed = open(path).and_then(|file| {
        let file_length = file.metadata()?.len();
        let reader = BufReader::new(file);
        let limit = max_bytes.saturating_mul(MAX_TOTAL);
        match Kind::of(path) {
            Some(Kind::Zip) => builder.zip(reader, max_bytes),
            Some(Kind::Tar) => builder.tar(reader, &mut |entry| entry.in_place(file_length), max_bytes),
            Some(Kind::TarGzip) => {
                let reader = Limited { reader: flate2::read::MultiGzDecoder::new(reader), left: limit, limit };
                builder.tar(reader, &mut |entry| spool.keep(entry.reader, entry.size), max_bytes)
            }
            Some(Kind::TarZstd) => {
                let reader = Limited { reader: Frames::new(reader), left: limit, limit };
                builder.tar(reader, &mut |entry| spool.keep(entry.reader, entry.size), max_bytes)
            }
            Some(Kind::Unread) | None => Err(invalid(
                "archives of this kind are not read: pack its files as .zip, .tar, .tar.gz or .tar.zst, or unpack them",
            )),
        }
    });
    match listed {
        Ok(()) => builder.finish(),
        // The members before the fault may be half of a rollout, and the other half might turn the verdict.
        Err(error) => Listing {
            problems: vec![(path.to_owned(), format!("it cannot be read as an archive: {error}"))],
            ..Listing::default()
        },
    }
}

/// The container and the member that a path such as `run-17.zip!/response.json` names, if the container is there.
pub fn find(path: &Path, max_bytes: u64) -> Option<io::Result<Member>> {
    let container = path.ancestors().skip(1).find_map(|above| {
        let above = PathBuf::from(above.to_str()?.strip_suffix(SEPARATOR)?);
        (Kind::of(&above).is_some() && above.is_file()).then_some(above)
    })?;
    let listing = list(&container, &|member| member == path, max_bytes, &Spool::default());
    let problem = listing.problems.into_iter().next().map(|(_, problem)| invalid(&problem));
    let member = listing.members.into_iter().next().map(|(_, member)| member);
    Some(match (member, problem) {
        (Some(member), _) => Ok(member),
        (None, Some(problem)) => Err(problem),
        (None, None) => Err(io::Error::new(io::ErrorKind::NotFound, "the archive has no such member")),
    })
}

/// Opens a file; opening a pipe would wait for its writer.
fn open(path: &Path) -> io::Result<File> {
    if path.metadata()?.is_file() { File::open(path) } else { Err(invalid("it is no file")) }
}

/// A reader that fails after the limit.
struct Limited<R> {
    reader: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| too_large_error(self.limit))?;
        Ok(read)
    }
}

fn too_large_error(limit: u64) -> io::Error {
    invalid(&format!("it unpacks to more than {limit} bytes, {MAX_TOTAL} times what --max-input-bytes allows"))
}

/// A file in a tar archive.
struct TarEntry<'a> {
    reader: &'a mut dyn Read,
    container: &'a Arc<PathBuf>,
    start: u64,
    size: u64,
}

impl TarEntry<'_> {
    fn in_place(self, file_length: u64) -> io::Result<Member> {
        if self.start.checked_add(self.size).is_none_or(|end| end > file_length) {
            return Err(invalid("it was cut short"));
        }
        Ok(Member {
            storage: Storage::Container(Arc::clone(self.container)),
            start: self.start,
            length: self.size,
            packed: None,
        })
    }
}

/// The listing of a container while its members are read.
struct ListingBuilder<'a> {
    path: &'a Path,
    wanted: &'a dyn Fn(&Path) -> bool,
    /// How often each name was seen.
    seen: HashMap<PathBuf, usize>,
    listing: Listing,
    /// How many bytes the members that follow may have.
    left: u64,
}

impl ListingBuilder<'_> {
    /// The whole path of a wanted member that can be read. Every other member is listed; `problem` says why it cannot be read.
    fn accept(&mut self, name: &str, problem: Option<&str>) -> Option<PathBuf> {
        let path = PathBuf::from(format!("{}{SEPARATOR}/{}", self.path.display(), name.trim_start_matches('/')));
        let is_container = Kind::of(&path).is_some();
        let problem = if is_container {
            Some("it is an archive in an archive, which is not opened: unpack it beside the outer one")
        } else {
            problem
        };
        if !is_container && !(self.wanted)(&path) {
            self.listing.others.push(path);
            return None;
        }
        *self.seen.entry(path.clone()).or_default() += 1;
        match problem {
            None => Some(path),
            Some(problem) => {
                self.listing.problems.push((path, problem.to_owned()));
                None
            }
        }
    }

    fn zip(&mut self, reader: BufReader<File>, max_bytes: u64) -> io::Result<()> {
        let mut archive =
            ZipArchive::new(reader).map_err(|error| invalid(&format!("{error}; `unzip -t` tells more")))?;
        if archive.len() > MAX_MEMBERS {
            return Err(too_many_error());
        }
        if archive.has_duplicate_names() {
            return Err(invalid("two of its members have one name"));
        }
        if archive.has_overlapping_entries().map_err(io::Error::other)? {
            return Err(invalid("its members overlap, as in an archive that is made to unpack to more than it holds"));
        }
        let limit = self.left;
        let container = Arc::new(self.path.to_owned());
        for i in 0..archive.len() {
            let entry = archive.by_index_raw(i).map_err(io::Error::other)?;
            if entry.is_dir() {
                continue;
            }
            let method = entry.compression();
            let problem = if entry.encrypted() {
                Some("it is encrypted: decrypt it, and pack it without a password".to_owned())
            } else if entry.is_symlink() {
                Some(LINK_PROBLEM.to_owned())
            } else if ![CompressionMethod::Stored, CompressionMethod::Deflated].contains(&method) {
                Some(format!(
                    "its method of compression is not read ({method}): pack it with deflate, which `zip` does"
                ))
            } else {
                None
            };
            let Some(path) = self.accept(&entry.name().map_err(io::Error::other)?, problem.as_deref()) else {
                continue;
            };
            self.left = self.left.checked_sub(entry.size().min(max_bytes)).ok_or_else(|| too_large_error(limit))?;
            let start = entry.data_start().ok_or_else(|| invalid("the place of a member is not known"))?;
            let packed =
                Packed { is_deflated: method == CompressionMethod::Deflated, size: entry.size(), crc: entry.crc32() };
            let storage = Storage::Container(Arc::clone(&container));
            self.listing
                .members
                .push((path, Member { storage, start, length: entry.compressed_size(), packed: Some(packed) }));
        }
        Ok(())
    }

    fn tar(
        &mut self,
        reader: impl Read,
        keep: &mut dyn FnMut(TarEntry<'_>) -> io::Result<Member>,
        max_bytes: u64,
    ) -> io::Result<()> {
        let mut archive = tar::Archive::new(reader);
        let container = Arc::new(self.path.to_owned());
        let mut count = 0;
        for entry in archive.entries()? {
            let mut entry = entry?;
            count += 1;
            if count > MAX_MEMBERS {
                return Err(too_many_error());
            }
            let (kind, size, start) = (entry.header().entry_type(), entry.size(), entry.raw_file_position());
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            let problem = if kind.is_symlink() || kind.is_hard_link() {
                Some(LINK_PROBLEM.to_owned())
            } else if !kind.is_file() && !kind.is_contiguous() {
                Some("it is no ordinary file".to_owned())
            } else if size > max_bytes {
                Some(format!("it is larger than the limit of {max_bytes} bytes; --max-input-bytes raises it"))
            } else {
                None
            };
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let Some(path) = self.accept(&name, problem.as_deref()) else { continue };
            let member = keep(TarEntry { reader: &mut entry, container: &container, start, size })?;
            self.listing.members.push((path, member));
        }
        if count == 0 {
            return Err(invalid("nothing is in it; `tar -t` tells more"));
        }
        Ok(())
    }

    /// The listing. Two members with one name are a problem: it is not known which is meant.
    fn finish(self) -> Listing {
        let mut listing = self.listing;
        listing.members.retain(|(path, _)| self.seen.get(path) == Some(&1));
        let twice = self.seen.into_iter().filter(|(_, count)| *count > 1).map(|(path, _)| path);
        listing.problems.extend(twice.map(|path| (path, "its archive has it more than once".to_owned())));
        listing.problems.sort();
        listing
    }
}

const LINK_PROBLEM: &str = "it is a link in an archive, which is not followed: pack the file itself";

fn too_many_error() -> io::Error {
    invalid(&format!("it has more than {MAX_MEMBERS} members"))
}
