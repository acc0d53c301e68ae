//! Whether the file of an NVDIMM is the same, and untouched, seen from the machine that lets go of it and from the one that takes it.
//!
//! Only what the file system knows is compared: reading gigabytes while the guest stands still is out of the question. Both look while
//! nobody stores to the file and everything is synced.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{Stat, fstat, stat};

use crate::machine::state::BackingIdentity;

/// That of an open file.
pub(super) fn of_file(file: impl AsFd) -> io::Result<BackingIdentity> {
    Ok(identity(&fstat(file)?))
}

/// That of the file at a path.
pub(super) fn of_path(path: &Path) -> io::Result<BackingIdentity> {
    Ok(identity(&stat(path)?))
}

fn identity(stat: &Stat) -> BackingIdentity {
    BackingIdentity {
        inode: stat.st_ino,
        length: u64::try_from(stat.st_size).unwrap_or(0),
        modified: (stat.st_mtime, stat.st_mtime_nsec as i64),
        changed: (stat.st_ctime, stat.st_ctime_nsec as i64),
        digest: None,
    }
}
