//! Non-volatile memory, where a guest keeps what the next one should find: Linux its last messages
//! before it died.
//!
//! It survives resets. To make it survive the host process the monitor saves [`Platform::nvram`]
//! and puts it back by [`Platform::load_nvram`](crate::Platform::load_nvram).
//!
//! [`Platform::nvram`]: crate::Platform::nvram

mod part;

use std::sync::Mutex;

use papr_dr::sync::lock;

/// Bytes of non-volatile memory.
pub const NVRAM_SIZE: usize = 0x1_0000;

/// A saved content that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "saved NVRAM has {0} bytes, and not the {NVRAM_SIZE} of this machine; start with an empty one"
)]
pub struct NvramSizeError(pub usize);

/// The memory.
#[derive(Debug)]
pub(crate) struct Nvram {
    bytes: Mutex<Vec<u8>>,
}

impl Default for Nvram {
    fn default() -> Self {
        Nvram {
            bytes: Mutex::new(blank()),
        }
    }
}

impl Nvram {
    /// A copy of all bytes.
    pub(crate) fn save(&self) -> Vec<u8> {
        lock(&self.bytes).clone()
    }

    /// Replaces all bytes.
    pub(crate) fn load(&self, saved: &[u8]) -> Result<(), NvramSizeError> {
        if saved.len() != NVRAM_SIZE {
            return Err(NvramSizeError(saved.len()));
        }
        lock(&self.bytes).copy_from_slice(saved);
        Ok(())
    }

    /// A copy of some bytes; `None` where there are none such.
    pub(crate) fn read(&self, at: usize, length: usize) -> Option<Vec<u8>> {
        let bytes = lock(&self.bytes);
        Some(bytes.get(at..at.checked_add(length)?)?.to_vec())
    }

    /// Lets `fill` change some bytes; `None` where there are none such, or where `fill` fails,
    /// which must leave them as they were.
    pub(crate) fn write(
        &self,
        at: usize,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Option<()>,
    ) -> Option<()> {
        let mut bytes = lock(&self.bytes);
        fill(bytes.get_mut(at..at.checked_add(length)?)?)
    }
}

/// Fresh memory: one free partition (CHRP, "NVRAM partitions": signature, checksum, length in
/// blocks of 16 bytes, name), which operating systems divide as they need.
fn blank() -> Vec<u8> {
    const FREE: u8 = 0x7F;
    const BLOCK: usize = 16;
    let [high, low] = ((NVRAM_SIZE / BLOCK) as u16).to_be_bytes();
    let mut header = [b'w'; BLOCK];
    header[..4].copy_from_slice(&[FREE, 0, high, low]);
    header[1] = checksum(&header);
    let mut bytes = header.to_vec();
    bytes.resize(NVRAM_SIZE, 0);
    bytes
}

/// The sum of a header's bytes but the checksum's own, carries added back in.
fn checksum(header: &[u8; 16]) -> u8 {
    header
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != 1)
        .fold(0, |sum: u8, (_, byte)| {
            let (sum, carry) = sum.overflowing_add(*byte);
            sum + u8::from(carry)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_memory_is_one_free_partition() {
        let bytes = Nvram::default().save();
        // The checksum as Linux works it out, in 16-bit sums.
        assert_eq!(bytes[..16], *b"\x7F\x29\x10\x00wwwwwwwwwwww");
        assert_eq!(bytes.len(), NVRAM_SIZE);
    }

    #[test]
    fn what_was_saved_is_loaded_and_nothing_of_another_size() {
        let (old, new) = (Nvram::default(), Nvram::default());
        let hello = |bytes: &mut [u8]| {
            bytes.copy_from_slice(b"hi");
            Some(())
        };
        old.write(0x100, 2, hello).expect("it is there");
        assert_eq!(new.load(&old.save()), Ok(()));
        assert_eq!(new.read(0x100, 2).as_deref(), Some(&b"hi"[..]));
        assert_eq!(new.load(&[0; 5]), Err(NvramSizeError(5)));
    }
}
