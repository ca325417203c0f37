//! Unpacks Zstandard: frames one after another, each with its checksum and its size.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The largest window that Zstandard's own tool reads without being asked to: 128 MiB.
const MAX_WINDOW: u64 = 1 << 27;

/// Unpacks frames one after another.
pub struct Frames<R> {
    packed: R,
    decoder: FrameDecoder,
    /// How many bytes of the current frame were read; none between frames.
    read: Option<u64>,
}

impl<R: BufRead> Frames<R> {
    /// A reader at the beginning of the first frame.
    pub fn new(packed: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self { packed, decoder, read: None }
    }

    /// Begins the next frame; `false` where there is none.
    fn begin_frame(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => {
                    self.read = Some(0);
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.packed).take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    /// Refuses a frame that was read to its end, and whose checksum or size differs from what it says.
    fn check_frame(&self, read: u64) -> io::Result<()> {
        let stored = self.decoder.get_checksum_from_data();
        let size = self.decoder.content_size();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not match"));
        }
        if size != 0 && size != read {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its size does not match its header"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(before) = self.read else {
                if self.begin_frame()? {
                    continue;
                }
                return Ok(0);
            };
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let blocks = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.packed, blocks).map_err(io::Error::other)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                self.read = Some(before + read as u64);
                return Ok(read);
            }
            self.check_frame(before)?;
            self.read = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `zstd -19` makes of `["acme", "bolt"`: with a checksum.
    const FIRST: &[u8] = b"(\xb5/\xfd\x04hy\x00\x00[\x22acme\x22, \x22bolt\x22l\x8es\xbe";

    /// What `zstd --no-check` makes of `, "cobalt"]`.
    const SECOND: &[u8] = b"(\xb5/\xfd\x00XY\x00\x00, \x22cobalt\x22]";

    /// A frame that readers skip.
    const SKIPPED: &[u8] = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc";

    fn unpacked(packed: &[&[u8]]) -> Option<String> {
        let mut text = String::new();
        Frames::new(&*packed.concat()).read_to_string(&mut text).ok()?;
        Some(text)
    }

    #[test]
    fn frames_are_read_one_after_another() {
        let whole = r#"["acme", "bolt", "cobalt"]"#;
        assert_eq!(unpacked(&[FIRST, SKIPPED, SECOND, SKIPPED]).as_deref(), Some(whole));
        let mut text = String::new();
        Frames::new(&*[FIRST, SECOND].concat()).take(4).read_to_string(&mut text).expect("it is text");
        assert_eq!(text, whole[..4]);
    }

    #[test]
    fn what_is_cut_short_or_changed_is_refused() {
        for end in 1..FIRST.len() {
            assert_eq!(unpacked(&[&FIRST[..end]]), None, "the first {end} bytes");
        }
        let mut changed = FIRST.to_vec();
        for at in [FIRST.len() - 6, FIRST.len() - 1] {
            changed[at] ^= 1;
            assert_eq!(unpacked(&[&changed]), None, "byte {at} is another");
            changed[at] ^= 1;
        }
        assert_eq!(unpacked(&[FIRST, b"more"]), None);
        assert_eq!(unpacked(&[FIRST, &SKIPPED[..9]]), None);
    }
}
