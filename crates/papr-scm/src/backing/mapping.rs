//! A file mapped into this process, which is a region of the guest's memory: a guest's store is a
//! store to the file.
//!
//! One of the two modules with `unsafe`. Everybody who has no CPU to run the guest with (tests, the
//! example, the crash double) goes through `read` and `write`, which check bounds and never race in
//! Rust's sense.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

/// An access that is not within a region, or a write to one that can't be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an access of {length} bytes at offset {offset:#x} is not within the region, or may not write to it"
)]
pub struct OutOfRegion {
    /// Where the access began.
    pub offset: u64,
    /// How many bytes it asked for.
    pub length: usize,
}

/// A mapping that stays until the last `Arc` of it is dropped.
#[derive(Debug)]
pub struct HostRegion {
    start: NonNull<u8>,
    length: usize,
    writable: bool,
}

// SAFETY: the region is plain memory without a home thread. All access from this module is atomic;
// who uses the pointer answers for what they do with it.
unsafe impl Send for HostRegion {}
// SAFETY: as above; nothing in the struct itself ever changes.
unsafe impl Sync for HostRegion {}

impl HostRegion {
    /// Maps the first `length` bytes of a file, shared.
    ///
    /// # Errors
    /// What the host says to the mapping.
    pub fn map(file: &File, length: u64, writable: bool) -> io::Result<Self> {
        Self::map_with(
            file,
            length,
            writable,
            MapFlags::SHARED | MapFlags::NORESERVE,
        )
    }

    /// The same with `MAP_SYNC`: stores are durable once they have left the CPU's caches.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where the file is not on a DAX file system, or what else the host says.
    pub fn map_sync(file: &File, length: u64) -> io::Result<Self> {
        Self::map_with(
            file,
            length,
            true,
            MapFlags::SHARED_VALIDATE | MapFlags::SYNC,
        )
    }

    fn map_with(file: &File, length: u64, writable: bool, flags: MapFlags) -> io::Result<Self> {
        let length =
            usize::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let access = if writable {
            ProtFlags::READ | ProtFlags::WRITE
        } else {
            ProtFlags::READ
        };
        // SAFETY: a fresh mapping at an address of the kernel's choice aliases nothing of ours.
        // That other processes may change the file under it is why all access here is atomic.
        let start = unsafe { mmap(ptr::null_mut(), length, access, flags, file, 0) }?;
        let start =
            NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))?;
        Ok(HostRegion {
            start,
            length,
            writable,
        })
    }

    /// Has the host's cache hold by single pages what is touched through this mapping from now on
    /// (see `super::cache`).
    ///
    /// # Errors
    /// What the host says; nothing has changed then.
    pub(super) fn use_single_pages(&self) -> io::Result<()> {
        // SAFETY: the range is this mapping, which lives as long as `self`, and this advice changes
        // no contents.
        unsafe { madvise(self.start.as_ptr().cast(), self.length, Advice::Random) }?;
        Ok(())
    }

    /// Where the region begins in this process. Valid for [`len`](Self::len) bytes while the region
    /// is held. Other threads (vCPUs) and other processes change what is there at any time.
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Bytes in the region.
    pub fn len(&self) -> u64 {
        self.length as u64
    }

    /// True for a region of no bytes (which can't be made).
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// May it be written? A store through the pointer to a region that may not is a fault of the
    /// host process.
    pub fn writable(&self) -> bool {
        self.writable
    }

    /// Copies from the region.
    ///
    /// # Errors
    /// When a byte of the range is outside. Nothing was copied then.
    pub fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), OutOfRegion> {
        let cells = self.cells(offset, buf.len())?;
        for (byte, cell) in buf.iter_mut().zip(cells) {
            *byte = cell.load(Ordering::Relaxed);
        }
        Ok(())
    }

    /// Copies to the region, as a guest's stores would.
    ///
    /// # Errors
    /// When a byte of the range is outside, or the region may not be written. Nothing was copied
    /// then.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<(), OutOfRegion> {
        if !self.writable {
            return Err(OutOfRegion {
                offset,
                length: data.len(),
            });
        }
        for (byte, cell) in data.iter().zip(self.cells(offset, data.len())?) {
            cell.store(*byte, Ordering::Relaxed);
        }
        Ok(())
    }

    fn cells(&self, offset: u64, length: usize) -> Result<&[AtomicU8], OutOfRegion> {
        let end = offset
            .checked_add(length as u64)
            .filter(|&end| end <= self.len());
        if end.is_none() {
            return Err(OutOfRegion { offset, length });
        }
        // SAFETY: the range was checked to be within the mapping, which lives as long as `self`,
        // and `AtomicU8` has the layout of a byte. Read-only mappings are only ever loaded from
        // (see `write`).
        Ok(unsafe {
            std::slice::from_raw_parts(self.start.as_ptr().add(offset as usize).cast(), length)
        })
    }
}

impl Drop for HostRegion {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map_with` made, and nobody can hold a reference into it
        // any more. It can only fail for ranges that are not mappings.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(writable: bool) -> HostRegion {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(8192).expect("room for it");
        HostRegion::map(&file, 8192, writable).expect("a mapping")
    }

    #[test]
    fn what_is_written_is_read_back() {
        let region = region(true);
        region
            .write(4090, b"0123456789")
            .expect("within the region");
        let mut buf = [0; 10];
        region.read(4090, &mut buf).expect("within the region");
        assert_eq!(&buf, b"0123456789");
    }

    #[test]
    fn no_access_reaches_past_the_end() {
        let region = region(true);
        let mut buf = [0; 8];
        assert!(region.read(8184, &mut buf).is_ok());
        for offset in [8185, 8192, u64::MAX, u64::MAX - 3] {
            assert!(region.read(offset, &mut buf).is_err());
            assert!(region.write(offset, &buf).is_err());
        }
    }

    #[test]
    fn a_region_that_may_not_be_written_refuses_writes() {
        assert!(region(false).write(0, &[1]).is_err());
    }
}
