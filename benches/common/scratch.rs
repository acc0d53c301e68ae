//! A directory for a benchmark's big files: snapshots, and those of NVDIMMs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The directory, which goes with what is in it when this is dropped.
pub(crate) struct Scratch {
    /// An absolute path, since monitors are told of files in it.
    pub(crate) path: PathBuf,
    name: &'static str,
}

impl Scratch {
    /// For the benchmark `name`, in `parent`.
    ///
    /// # Errors
    /// It can't be created.
    pub(crate) fn new(parent: &Path, name: &'static str) -> Result<Self> {
        let path = parent.join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        let path =
            fs::canonicalize(&path).with_context(|| format!("looking for {}", path.display()))?;
        Ok(Self { path, name })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!(
                "bench {}: {} stays behind: {error}",
                self.name,
                self.path.display()
            );
        }
    }
}
