//! SHA-256, as reports and files of hashes write it.

use std::io;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes, in hexadecimal digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(Sha256::digest(bytes))
}

/// The SHA-256 of what `write` writes, in hexadecimal digits.
///
/// # Errors
/// Those of `write`.
pub fn sha256_of<E>(write: impl FnOnce(&mut dyn io::Write) -> Result<(), E>) -> Result<String, E> {
    let mut hash = Hash(Sha256::new());
    write(&mut hash)?;
    Ok(hex(hash.0.finalize()))
}

fn hex(hash: impl AsRef<[u8]>) -> String {
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Hash(Sha256);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
