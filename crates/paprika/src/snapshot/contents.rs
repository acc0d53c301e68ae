//! What is in a directory that a save replaces or removes: nothing but files that a save writes may
//! be, and none that anybody uses. Only these are deleted, each by its name.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use host_file::{Access, OpenError};
use rustix::fs::{AtFlags, CWD, Dir, unlinkat};
use rustix::io::Errno;

use super::{INITRD_FILE, KERNEL_FILE, MEMORY_FILE, STATE_FILE};
use crate::files::{Identity, NamedFile};

/// All that a save writes.
pub(super) const SAVED: [&str; 4] = [STATE_FILE, MEMORY_FILE, KERNEL_FILE, INITRD_FILE];

/// Permissions of what a save writes.
pub(super) const MODE: u32 = 0o600;

/// Why the contents of a directory must not be deleted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Obstacle {
    /// An entry that no save writes.
    #[error("it holds {0:?}, which no save writes")]
    Foreign(OsString),
    /// A file that somebody has locked, as every monitor does with its NVDIMMs' files.
    #[error("somebody has locked {0:?} in it")]
    Locked(OsString),
    /// A file of this process.
    #[error("{} is in it", .0.what)]
    InUse(NamedFile),
    /// The host does not let it be looked at.
    #[error(transparent)]
    Host(io::Error),
}

/// The files in a directory, seen to be such as may be deleted, and locked so that nobody takes one
/// into use meanwhile.
#[derive(Debug)]
pub(super) struct Contents {
    directory: File,
    locks: Vec<File>,
}

impl Contents {
    /// Looks into an opened directory.
    ///
    /// # Errors
    /// [`Obstacle`]: the first that is found.
    pub(super) fn of(directory: File, in_use: &[NamedFile]) -> Result<Self, Obstacle> {
        let mut locks = Vec::new();
        for name in names(&directory).map_err(Obstacle::Host)? {
            if !SAVED.iter().any(|saved| OsStr::new(saved) == name) {
                return Err(Obstacle::Foreign(name));
            }
            let access = Access::READ.no_follow();
            let file = match host_file::regular_at(&directory, &name, access) {
                Ok(file) => file,
                Err(OpenError::WrongKind { .. }) => return Err(Obstacle::Foreign(name)),
                Err(OpenError::Host(error)) => return Err(Obstacle::Host(error)),
            };
            let found = identity(&file).map_err(Obstacle::Host)?;
            if let Some(used) = in_use.iter().find(|it| it.identity == Some(found)) {
                return Err(Obstacle::InUse(used.clone()));
            }
            // A file system without locks tells nothing, and what this process uses is known.
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                return Err(Obstacle::Locked(name));
            }
            locks.push(file);
        }
        Ok(Self { directory, locks })
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }

    /// Deletes the files, and the directory at `path`, which it is.
    ///
    /// # Errors
    /// What the host says.
    pub(super) fn remove(self, path: &Path) -> io::Result<()> {
        remove(&self.directory, path)
    }
}

/// Deletes what a save writes from an opened directory, and then the directory itself at `path`, if
/// nothing else is in it.
///
/// # Errors
/// What the host says.
pub(super) fn remove(directory: &File, path: &Path) -> io::Result<()> {
    for name in SAVED {
        match unlinkat(directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(unlinkat(CWD, path, AtFlags::REMOVEDIR)?)
}

fn identity(file: &File) -> io::Result<Identity> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

/// The names in a directory, as many as tell whether it is one that a save has made: one more than
/// a save writes.
fn names(directory: &File) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        names.push(name.to_owned());
        if names.len() > SAVED.len() {
            break;
        }
    }
    Ok(names)
}
