//! Why there is no store, or why it was not written.

use std::io;
use std::path::PathBuf;

/// Nothing of this stops a guest from running: it starts cold.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else could have written what is in it.
    #[error(
        "{path} is not used for compiled code, because {why}; give the store a directory that is yours alone (chmod 700)"
    )]
    Untrusted {
        /// The directory or file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The host refused something.
    #[error("compiled code can't be kept in {path}: {source}")]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process holds the lock and does not let go.
    #[error(
        "{path} is being written by another process for too long; compiled code of this run is not kept"
    )]
    Busy {
        /// The directory.
        path: PathBuf,
    },
}

impl StoreError {
    pub(crate) fn io(path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self::Io {
            path: path.into(),
            source: source.into(),
        }
    }
}
