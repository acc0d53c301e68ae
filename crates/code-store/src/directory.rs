//! A directory that only the effective user can write to, and the files in it. Everything is opened relative to the directory's
//! descriptor and judged by what the descriptor says, so that no name can be exchanged between the look and the use.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use host_file::{Access, Distrust, Kind, OpenError, Owner};
use rustix::fs::{AtFlags, CWD, Dir, FileType};

use crate::error::StoreError;

/// Permissions of every file.
const MODE: u32 = 0o600;
const LOCK: &str = "lock";
/// What files that are not complete yet end with.
const PARTIAL: &str = ".partial";

/// An open directory of the cache.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    handle: File,
}

/// A file in the directory, as far as eviction cares.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) modified: SystemTime,
}

/// The directory's lock; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Locked {
    _file: File,
}

/// What makes an opened file or directory untrusted: code is only ever the user's own.
fn fault(file: &File) -> io::Result<Option<&'static str>> {
    let found = host_file::distrust(file, Owner::User)?;
    Ok(found.map(Distrust::in_words))
}

impl Directory {
    /// Opens a directory, and makes it (mode 0700) where it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |error: io::Error| StoreError::io(path, error);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(io)?;
        let handle = host_file::directory_at(CWD, path).map_err(|error| match error {
            OpenError::Host(error) => io(error),
            OpenError::WrongKind { found, .. } => StoreError::Untrusted {
                path: path.into(),
                why: match found {
                    Kind::SymbolicLink => "it is a symbolic link",
                    _ => "it is not a directory",
                },
            },
        })?;
        if let Some(why) = fault(&handle).map_err(io)? {
            return Err(StoreError::Untrusted {
                path: path.into(),
                why,
            });
        }
        Ok(Self {
            path: path.into(),
            handle,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn open_file(&self, name: &str, access: Access) -> Result<File, StoreError> {
        host_file::regular_at(&self.handle, name, access.no_follow()).map_err(|error| {
            let path = self.path.join(name);
            let why = match error {
                OpenError::Host(error) => return StoreError::io(path, error),
                OpenError::WrongKind {
                    found: Kind::SymbolicLink,
                    ..
                } => "it is a symbolic link",
                OpenError::WrongKind { .. } => "it is not a regular file",
            };
            StoreError::Untrusted { path, why }
        })
    }

    fn trusted(&self, name: &str, file: File) -> Result<File, StoreError> {
        let path = self.path.join(name);
        match fault(&file).map_err(|error| StoreError::io(&path, error))? {
            None => Ok(file),
            Some(why) => Err(StoreError::Untrusted { path, why }),
        }
    }

    /// Opens a file for reading; None where there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<File>, StoreError> {
        match self.open_file(name, Access::READ) {
            Ok(file) => self.trusted(name, file).map(Some),
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for the lock of all writers in this directory, for a while.
    pub(crate) fn lock(&self) -> Result<Locked, StoreError> {
        const TRIES: u32 = 100;
        const PAUSE: Duration = Duration::from_millis(20);
        let io = |error: io::Error| StoreError::io(self.path.join(LOCK), error);
        let file = self.open_file(LOCK, Access::READ_WRITE.or_create(MODE))?;
        let file = self.trusted(LOCK, file)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Locked { _file: file }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(io(error)),
            }
        }
        Err(StoreError::Busy {
            path: self.path.clone(),
        })
    }

    /// Puts a file that `fill` writes in the place of `name`, at once. Files that such a call left behind when its process
    /// ended are removed, which is why it asks for the lock.
    pub(crate) fn replace(
        &self,
        _lock: &Locked,
        name: &str,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let io = |error: io::Error| StoreError::io(self.path.join(name), error);
        let partial = format!("{name}{PARTIAL}");
        self.remove(&partial);
        let mut file = self.open_file(&partial, Access::WRITE.create_new(MODE))?;
        // No fsync: what a crash of the host makes of it is found by its digests.
        let done = fill(&mut file).and_then(|()| {
            Ok(rustix::fs::renameat(
                &self.handle,
                &*partial,
                &self.handle,
                name,
            )?)
        });
        if done.is_err() {
            self.remove(&partial);
        }
        done.map_err(io)
    }

    /// Removes a file, where there is one and the host lets us.
    pub(crate) fn remove(&self, name: &str) {
        // What can't be removed is found again the next time.
        let _ = rustix::fs::unlinkat(&self.handle, name, AtFlags::empty());
    }

    /// The regular files whose names end with `suffix`, or with what partial ones of them end with.
    pub(crate) fn list(&self, suffix: &str) -> Result<Vec<Listed>, StoreError> {
        let io = |error: rustix::io::Errno| StoreError::io(&self.path, error);
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.handle).map_err(io)? {
            let entry = entry.map_err(io)?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            let whole = name.strip_suffix(PARTIAL).unwrap_or(name);
            if !whole.ends_with(suffix) {
                continue;
            }
            let stat = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
            let Ok(stat) = stat else { continue };
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                continue;
            }
            let since = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0));
            found.push(Listed {
                name: name.to_owned(),
                bytes: u64::try_from(stat.st_size).unwrap_or(0),
                modified: SystemTime::UNIX_EPOCH + since,
            });
        }
        Ok(found)
    }
}

/// Reads exactly the buffer, or says that the file is shorter.
pub(crate) fn read_exactly(file: &mut File, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
