//! What is loaded into a new machine, and where it goes.

mod bytes;
mod kernel;
mod layout;

pub use bytes::FileBytes;
pub use kernel::{Kernel, KernelError};
pub use layout::{Layout, LayoutError};

use std::fs::File;
use std::path::{Path, PathBuf};

use host_file::Access;

/// Largest kernel or RAM disk, packed or unpacked. No real one comes near; a decompression bomb
/// goes past.
pub const FILE_MAX: u64 = 1 << 30;

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refuses.
    #[error("{what} {path:?} can't be read: {source}; check the path and its permissions")]
    Unreadable {
        /// What it should have been.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// It is larger than anything that makes sense, or has no end.
    #[error("{what} {path:?} is larger than {} MiB, the most that is read; check the path", FILE_MAX >> 20)]
    TooLarge {
        /// What it should have been.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
}

/// Reads a file that the user named, if it is at most [`FILE_MAX`] bytes long.
///
/// # Errors
/// [`FileError`] names it.
pub fn read_file(what: &'static str, path: &Path) -> Result<FileBytes, FileError> {
    let file = host_file::regular(path, Access::READ).map_err(|error| FileError::Unreadable {
        what,
        path: path.to_owned(),
        source: error.into(),
    })?;
    read_opened(what, &file, path)
}

/// The same for a file that is open already; `path` is for messages.
///
/// # Errors
/// [`FileError`] names it.
pub fn read_opened(what: &'static str, file: &File, path: &Path) -> Result<FileBytes, FileError> {
    let unreadable = |source| FileError::Unreadable {
        what,
        path: path.to_owned(),
        source,
    };
    let expected = file.metadata().map_err(unreadable)?.len();
    let bytes = FileBytes::read(file, expected, FILE_MAX).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(FileError::TooLarge {
            what,
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}
