//! Room for a sparse file on its file system.
//!
//! A hole takes no room until something is stored to it. Through a mapping there is no call that
//! could fail then: where the file system is full the store ends in SIGBUS, and the guest with it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, fstat, fstatvfs, seek};
use rustix::io::{Errno, retry_on_intr};

/// The unit of `st_blocks`, in bytes (stat(2)).
const BLOCK: u64 = 512;

/// What a file may still take of its file system, and what that has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the file that have no place yet. Where the file system compresses, an upper bound.
    pub lacks: u64,
    /// Bytes that this user can still take of the file system. A quota may leave less.
    pub free: u64,
}

impl Room {
    /// That of a file now.
    ///
    /// # Errors
    /// What the host says.
    pub fn of(file: impl AsFd) -> io::Result<Self> {
        let file = file.as_fd();
        let stat = fstat(file)?;
        let system = fstatvfs(file)?;
        let length = u64::try_from(stat.st_size).unwrap_or(0);
        let has = u64::try_from(stat.st_blocks).unwrap_or(0) * BLOCK;
        Ok(Self {
            lacks: length.saturating_sub(has),
            free: system.f_bavail.saturating_mul(system.f_frsize),
        })
    }

    /// Whether all of the file finds room.
    pub const fn suffices(&self) -> bool {
        self.lacks <= self.free
    }
}

/// Gives every byte of a file its place (fallocate(2)). Its contents stay as they are.
///
/// # Errors
/// What the host says; some of the room may be taken then, see [`give_back`].
pub(crate) fn take(file: &File, length: u64) -> io::Result<()> {
    Ok(retry_on_intr(|| {
        fallocate(file, FallocateFlags::empty(), 0, length)
    })?)
}

/// Makes holes of all that a file has room for and nothing was ever written to. Its contents stay
/// as they are: what a file system tells as a hole (lseek(2), `SEEK_HOLE`) reads as zeros.
///
/// # Errors
/// What the host says.
pub(crate) fn give_back(file: &File, length: u64) -> io::Result<()> {
    let mut at = 0;
    while at < length {
        let hole = seek(file, SeekFrom::Hole(at))?;
        let end = match seek(file, SeekFrom::Data(hole)) {
            Ok(data) => data.min(length),
            Err(Errno::NXIO) => length,
            Err(error) => return Err(error.into()),
        };
        if hole < end {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            retry_on_intr(|| fallocate(file, flags, hole, end - hole))?;
        }
        at = end.max(hole + 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    const LENGTH: u64 = 8 << 20;

    #[test]
    fn what_is_taken_is_no_longer_lacking_and_what_is_given_back_is_and_contents_stay() {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(LENGTH).expect("a sparse file");
        file.write_all_at(&[7; 4096], 1 << 20)
            .expect("room for a page");
        file.sync_all().expect("synced");
        let lacks = || Room::of(&file).expect("a file").lacks;
        let sparse = lacks();
        assert!(sparse > LENGTH / 2, "{sparse}");
        take(&file, LENGTH).expect("room for a few megabytes");
        assert_eq!(lacks(), 0);
        give_back(&file, LENGTH).expect("holes");
        assert!(lacks() > LENGTH / 2, "{}", lacks());
        let mut page = [0; 4096];
        file.read_exact_at(&mut page, 1 << 20).expect("inside");
        assert_eq!(page, [7; 4096]);
        assert_eq!(file.metadata().expect("a file").len(), LENGTH);
    }
}
