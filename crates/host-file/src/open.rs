//! The one way to open.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, openat, statat};
use rustix::io::retry_on_intr;

use crate::kind::Kind;

/// What every open has: no waiting for another end, no controlling terminal, closed in children.
const ALWAYS: OFlags = OFlags::NONBLOCK
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Why something was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is there, and of a kind that the caller can't use.
    #[error("it is {found}, not {wanted}")]
    WrongKind {
        /// What it is.
        found: Kind,
        /// What it should be.
        wanted: Kind,
    },
    /// The host refuses.
    #[error(transparent)]
    Host(#[from] io::Error),
}

impl OpenError {
    /// The host's reason; where the kind is wrong, the one that comes nearest to it.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Host(error) => error.kind(),
            Self::WrongKind {
                found: Kind::Directory,
                ..
            } => io::ErrorKind::IsADirectory,
            Self::WrongKind {
                wanted: Kind::Directory,
                ..
            } => io::ErrorKind::NotADirectory,
            Self::WrongKind { .. } => io::ErrorKind::InvalidInput,
        }
    }
}

impl From<OpenError> for io::Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Host(error) => error,
            wrong => Self::new(wrong.kind(), wrong),
        }
    }
}

/// What a regular file is opened for.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    flags: OFlags,
    mode: Mode,
}

impl Access {
    /// Reading.
    pub const READ: Self = Self::of(OFlags::RDONLY);
    /// Writing.
    pub const WRITE: Self = Self::of(OFlags::WRONLY);
    /// Reading and writing.
    pub const READ_WRITE: Self = Self::of(OFlags::RDWR);
    /// Writing at the end, wherever that is at the time.
    pub const APPEND: Self = Self::of(OFlags::WRONLY.union(OFlags::APPEND));

    const fn of(flags: OFlags) -> Self {
        Self {
            flags,
            mode: Mode::empty(),
        }
    }

    const fn with(self, flags: OFlags) -> Self {
        Self {
            flags: self.flags.union(flags),
            mode: self.mode,
        }
    }

    /// A file that is missing is made, with these permissions as far as the umask lets them be.
    #[must_use]
    pub const fn or_create(self, permissions: u32) -> Self {
        Self {
            mode: Mode::from_bits_truncate(permissions),
            ..self.with(OFlags::CREATE)
        }
    }

    /// The file is made, and must not be there before.
    #[must_use]
    pub const fn create_new(self, permissions: u32) -> Self {
        self.or_create(permissions).with(OFlags::EXCL)
    }

    /// A symbolic link at the end of the path is not followed, but refused.
    #[must_use]
    pub const fn no_follow(self) -> Self {
        self.with(OFlags::NOFOLLOW)
    }

    /// Past the host's page cache.
    #[must_use]
    pub const fn direct(self) -> Self {
        self.with(OFlags::DIRECT)
    }
}

/// Opens a regular file, without waiting for anybody.
///
/// # Errors
/// [`OpenError`].
pub fn regular(path: impl AsRef<Path>, access: Access) -> Result<File, OpenError> {
    regular_at(CWD, path, access)
}

/// The same, with a path relative to an opened directory.
///
/// # Errors
/// [`OpenError`].
pub fn regular_at(
    directory: impl AsFd,
    path: impl AsRef<Path>,
    access: Access,
) -> Result<File, OpenError> {
    open(directory, path.as_ref(), access, Kind::Regular)
}

/// Opens a directory, for what can be done relative to it, to lock it or to sync it.
///
/// # Errors
/// [`OpenError`].
pub fn directory(path: impl AsRef<Path>) -> Result<File, OpenError> {
    let access = Access::READ.with(OFlags::DIRECTORY);
    open(CWD, path.as_ref(), access, Kind::Directory)
}

/// The same relative to an opened directory; a symbolic link at the end of the path is refused.
///
/// # Errors
/// [`OpenError`].
pub fn directory_at(directory: impl AsFd, path: impl AsRef<Path>) -> Result<File, OpenError> {
    let access = Access::READ.with(OFlags::DIRECTORY).no_follow();
    open(directory, path.as_ref(), access, Kind::Directory)
}

fn open(
    directory: impl AsFd,
    path: &Path,
    access: Access,
    wanted: Kind,
) -> Result<File, OpenError> {
    let directory = directory.as_fd();
    let exclusive = access.flags.contains(OFlags::EXCL);
    let follow = if access.flags.contains(OFlags::NOFOLLOW) {
        AtFlags::SYMLINK_NOFOLLOW
    } else {
        AtFlags::empty()
    };
    // What is to be new is not opened where it is there. What can't be looked at is for the open to
    // tell: it may be missing, or about to be made.
    if !exclusive && let Ok(stat) = statat(directory, path, follow) {
        check(Kind::of_mode(stat.st_mode), wanted)?;
    }
    let flags = access.flags | ALWAYS;
    // A network file system may be interrupted by a signal here.
    let opened = retry_on_intr(|| openat(directory, path, flags, access.mode));
    let file = File::from(opened.map_err(io::Error::from)?);
    let stat = fstat(&file).map_err(io::Error::from)?;
    check(Kind::of_mode(stat.st_mode), wanted)?;
    Ok(file)
}

fn check(found: Kind, wanted: Kind) -> Result<(), OpenError> {
    if found == wanted {
        Ok(())
    } else {
        Err(OpenError::WrongKind { found, wanted })
    }
}
