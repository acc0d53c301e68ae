//! Writing much to a file while somebody waits: past the host's cache as long as the disk keeps up, into it otherwise.
//!
//! Copying into the page cache costs more than a fast disk needs to take the same bytes (measured: 0.7 s for 600 MiB against 0.45 s), and
//! they have to be written anyway before a snapshot is one. A slow disk is not waited for: what is left goes into the cache.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use host_file::Access;

use super::contents;

/// What addresses, offsets and lengths have to be multiples of; every disk's block divides it.
pub(super) const ALIGNMENT: usize = 4096;
/// Bytes after which the disk is judged.
const TRIAL: u64 = 32 << 20;
/// Bytes a second, for each thread that waits for it, that make a disk fast enough.
const FAST: u64 = 200 << 20;

/// A new file, written from several threads.
pub(super) struct Disk {
    cached: File,
    /// The same file, past the cache; none where the file system has no such way.
    direct: Option<File>,
    /// The other way is better.
    slow: AtomicBool,
    written: AtomicU64,
    /// Nanoseconds that threads have waited for that.
    waited: AtomicU64,
}

impl Disk {
    /// Makes the file, `size` bytes of hole.
    ///
    /// # Errors
    /// What the host says.
    pub(super) fn create(path: &Path, size: u64) -> io::Result<Self> {
        let cached = host_file::regular(path, Access::WRITE.create_new(contents::MODE))?;
        cached.set_len(size)?;
        let direct = host_file::regular(path, Access::WRITE.direct());
        Ok(Self {
            cached,
            direct: direct.ok(),
            slow: AtomicBool::new(false),
            written: AtomicU64::new(0),
            waited: AtomicU64::new(0),
        })
    }

    /// Writes bytes at an offset. Not durable before the file is synced.
    ///
    /// # Errors
    /// What the host says.
    pub(super) fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let aligned =
            (bytes.as_ptr() as usize | bytes.len() | offset as usize).is_multiple_of(ALIGNMENT);
        if let Some(direct) = &self.direct
            && aligned
            && !self.slow.load(Ordering::Relaxed)
        {
            let began = Instant::now();
            match direct.write_all_at(bytes, offset) {
                Ok(()) => {
                    self.judge(bytes.len() as u64, began);
                    return Ok(());
                }
                // The file system took the flag and means it otherwise; what was written is written again.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    self.slow.store(true, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        self.cached.write_all_at(bytes, offset)
    }

    fn judge(&self, bytes: u64, began: Instant) {
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let written = self.written.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let waited = self.waited.fetch_add(nanos, Ordering::Relaxed) + nanos;
        let least = u128::from(FAST) * u128::from(waited) / 1_000_000_000;
        if written >= TRIAL && u128::from(written) < least {
            self.slow.store(true, Ordering::Relaxed);
        }
    }
}

/// The first `length` bytes of a buffer that begin where such a write may.
pub(super) fn aligned(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    buffer.resize(length + ALIGNMENT, 0);
    let skip = buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
    &mut buffer[skip..skip + length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_or_not_and_on_either_way_the_bytes_are_there() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("file");
        let disk = Disk::create(&path, 64 << 10).expect("file");
        let mut buffer = Vec::new();
        let bytes = aligned(&mut buffer, 8192);
        bytes.fill(1);
        disk.write(bytes, 4096).expect("written");
        disk.write(&bytes[1..100], 30_001).expect("written");
        disk.slow.store(true, Ordering::Relaxed);
        disk.write(bytes, 40 << 10).expect("written");
        let found = std::fs::read(&path).expect("file");
        let ones: Vec<usize> = (0..found.len()).filter(|&at| found[at] == 1).collect();
        let expected = (4096..12_288)
            .chain(30_001..30_100)
            .chain(40 << 10..48 << 10);
        assert!(ones.into_iter().eq(expected));
        assert_eq!(found.len(), 64 << 10);
    }

    #[test]
    fn a_disk_that_does_not_keep_up_is_not_waited_for() {
        let directory = tempfile::tempdir().expect("directory");
        let disk = Disk::create(&directory.path().join("file"), 4096).expect("file");
        let now = Instant::now();
        disk.judge(2 * TRIAL, now);
        assert!(!disk.slow.load(Ordering::Relaxed));
        disk.waited.store(60_000_000_000, Ordering::Relaxed);
        disk.judge(1, now);
        assert!(disk.slow.load(Ordering::Relaxed));
    }
}
