//! A file on a DAX file system, mapped with `MAP_SYNC`: the mapping *is* the medium.
//!
//! The file system keeps its own records durable before a page can be stored to, so a store is
//! durable once the CPU has written the cache line back (the guest's `dcbf`/`dcbst` must reach the
//! host's caches for that). A sync is still possible, for labels, and for guests that were told to
//! flush.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;

use super::file::check_length;
use super::{Backing, Durability, FileBacking, HostRegion};
use crate::sync::Arc;

/// A device in a file on a DAX file system.
#[derive(Debug)]
pub struct DaxBacking {
    file: FileBacking,
}

impl DaxBacking {
    /// Takes a file of `data_size + label_size` bytes that is open for reading and writing.
    ///
    /// # Errors
    /// When the file is not of that size, or the host does not map it with `MAP_SYNC`
    /// ([`io::ErrorKind::Unsupported`] where the file system has no DAX).
    pub fn new(file: File, data_size: u64, label_size: u64) -> io::Result<Self> {
        check_length(&file, data_size, label_size)?;
        let region = HostRegion::map_sync(&file, data_size)?;
        Ok(DaxBacking {
            file: FileBacking::with_region(file, region, label_size),
        })
    }
}

impl Backing for DaxBacking {
    fn region(&self) -> &Arc<HostRegion> {
        self.file.region()
    }

    fn label_size(&self) -> u64 {
        self.file.label_size()
    }

    fn read_label(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_label(offset, buf)
    }

    fn write_label(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_label(offset, data)
    }

    fn sync_slots(&self) -> usize {
        self.file.sync_slots()
    }

    fn sync(&self, sync_slot: usize) -> io::Result<()> {
        self.file.sync(sync_slot)
    }

    fn sync_fd(&self, sync_slot: usize) -> Option<BorrowedFd<'_>> {
        self.file.sync_fd(sync_slot)
    }

    fn durability(&self) -> Durability {
        Durability::ByStore
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_dax_is_told_from_other_failures() {
        // Linux refuses MAP_SYNC on every ordinary file system (and on tmpfs) with EOPNOTSUPP.
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(8192 + 512).expect("room for it");
        let error = DaxBacking::new(file, 8192, 512)
            .expect_err("no test machine has DAX for its temporary files");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }
}
