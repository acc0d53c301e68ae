//! What tests make on the host: FIFOs, and file systems that are soon full. For dev-dependencies
//! only: where the host does not let something be made that it should, this panics.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

/// Makes a FIFO that nobody has open: who opens it for reading waits for ever. Answers its path.
///
/// # Panics
/// Where it can't be made.
pub fn fifo(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).expect("a FIFO");
    path.to_owned()
}

/// A small file system (tmpfs) in a directory of its own. Both go when it is dropped.
#[derive(Debug)]
pub struct SmallFileSystem(TempDir);

impl SmallFileSystem {
    /// One of so many MiB; `None`, with a line that says so, where this user may not mount one.
    ///
    /// # Panics
    /// Where there can't be a directory for it.
    pub fn mount(mib: u64) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let options = format!("size={mib}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(directory.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(directory));
        }
        eprintln!("skipped: this user may not mount a file system");
        None
    }

    /// The directory, which has nothing else in it.
    pub const fn directory(&self) -> &TempDir {
        &self.0
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallFileSystem {
    fn drop(&mut self) {
        // What can't be unmounted stays, and so does the directory.
        let _ = Command::new("umount").arg(self.path()).status();
    }
}
