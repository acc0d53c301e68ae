//! What opening devices has done to the host's files, undone unless all goes well.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::backing::room;

/// Files that were created, and room that was taken. Dropped, it removes the ones and gives the
/// other back, unless [`keep`](Self::keep) was called.
#[derive(Debug, Default)]
pub(super) struct Undo {
    created: Vec<Created>,
    taken: Vec<Taken>,
}

#[derive(Debug)]
struct Created {
    path: PathBuf,
    /// Device and inode: what has taken its place meanwhile is not removed.
    identity: (u64, u64),
}

#[derive(Debug)]
struct Taken {
    file: File,
    length: u64,
}

impl Undo {
    /// A file was created.
    ///
    /// # Errors
    /// What the host says when it is looked at.
    pub(super) fn created(&mut self, path: &Path, file: &File) -> io::Result<()> {
        let metadata = file.metadata()?;
        self.created.push(Created {
            path: path.to_owned(),
            identity: (metadata.dev(), metadata.ino()),
        });
        Ok(())
    }

    /// Room for a file that was there before is about to be taken.
    ///
    /// # Errors
    /// Where the process may have no further handle.
    pub(super) fn takes(&mut self, file: &File, length: u64) -> io::Result<()> {
        let file = file.try_clone()?;
        self.taken.push(Taken { file, length });
        Ok(())
    }

    /// All went well.
    pub(super) fn keep(mut self) {
        self.created.clear();
        self.taken.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for Taken { file, length } in &self.taken {
            if let Err(error) = room::give_back(file, *length) {
                tracing::warn!(%error, "room that was taken in vain could not be given back");
            }
        }
        for Created { path, identity } in &self.created {
            let found = path.symlink_metadata();
            if !found.is_ok_and(|found| (found.dev(), found.ino()) == *identity) {
                continue;
            }
            if let Err(error) = std::fs::remove_file(path) {
                tracing::warn!(path = %path.display(), %error, "a file that was created in vain could not be removed");
            }
        }
    }
}
