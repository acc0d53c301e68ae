//! What is loaded into a new machine, and where it goes.

mod kernel;
mod layout;

pub use kernel::{Kernel, KernelError};
pub use layout::{Layout, LayoutError};

use std::path::{Path, PathBuf};

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{what} {path:?} can't be read: {source}; check the path and its permissions")]
pub struct FileError {
    what: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

/// Reads a file that the user named.
///
/// # Errors
/// [`FileError`] names it.
pub fn read_file(what: &'static str, path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|source| FileError { what, path: path.to_owned(), source })
}
