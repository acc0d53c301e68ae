//! An ordinary file: the data region first, mapped shared, the label area behind it, as QEMU lays an image out.
//!
//! Stores reach the page cache by the mapping, labels by `pwrite`; one `fdatasync` makes both durable.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;

use super::{Backing, Durability, HostRegion};
use crate::sync::Arc;

/// A device in a file.
#[derive(Debug)]
pub struct FileBacking {
    file: File,
    region: Arc<HostRegion>,
    label_size: u64,
}

impl FileBacking {
    /// Takes a file of `data_size + label_size` bytes that is open for reading, and for writing where `writable`.
    /// Whatever lock the file holds is held until the backing is dropped.
    ///
    /// # Errors
    /// When the file is not of that size, or the host refuses to map it.
    pub fn new(file: File, data_size: u64, label_size: u64, writable: bool) -> io::Result<Self> {
        check_length(&file, data_size, label_size)?;
        if writable {
            leave_large_folios(&file)?;
        }
        let region = Arc::new(HostRegion::map(&file, data_size, writable)?);
        Ok(FileBacking {
            file,
            region,
            label_size,
        })
    }

    /// The same with a region that is mapped already.
    pub(super) fn with_region(file: File, region: HostRegion, label_size: u64) -> Self {
        FileBacking {
            file,
            region: Arc::new(region),
            label_size,
        }
    }
}

/// Drops the file's clean pages from the host's cache, after a sync that makes all of them clean.
///
/// A file that was written with large writes (copied, filled) is cached in large folios, and a store through a mapping
/// dirties the whole of one: a sync then writes hundreds of KiB for each 4 KiB stored (measured: 230 us a page instead of
/// 9). Pages that faults bring back are single.
fn leave_large_folios(file: &File) -> io::Result<()> {
    rustix::io::retry_on_intr(|| rustix::fs::fdatasync(file))?;
    // Advice: where a page is in use elsewhere, or the file system keeps it, syncs are slower and nothing is wrong.
    if let Err(error) = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed) {
        tracing::debug!(%error, "the backing's pages stay in the host's cache as they are");
    }
    Ok(())
}

/// A mapping beyond the end of its file would kill the process when it is touched, so the length is looked at first.
pub(super) fn check_length(file: &File, data_size: u64, label_size: u64) -> io::Result<()> {
    let length = file.metadata()?.len();
    if data_size.checked_add(label_size) == Some(length) && data_size > 0 {
        return Ok(());
    }
    let text = format!(
        "the file has {length} bytes, not {data_size} of data and {label_size} of label area"
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

impl Backing for FileBacking {
    fn region(&self) -> &Arc<HostRegion> {
        &self.region
    }

    fn label_size(&self) -> u64 {
        self.label_size
    }

    fn read_label(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, self.region.len() + offset)
    }

    fn write_label(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, self.region.len() + offset)
    }

    fn sync(&self) -> io::Result<()> {
        // A sync that a signal interrupted has reported nothing yet: it can be asked again.
        rustix::io::retry_on_intr(|| rustix::fs::fdatasync(&self.file)).map_err(io::Error::from)
    }

    fn sync_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }

    fn durability(&self) -> Durability {
        Durability::AfterSync
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_area_lies_behind_the_data() {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(4096 + 512).expect("room for it");
        let backing = FileBacking::new(file.try_clone().expect("a second handle"), 4096, 512, true)
            .expect("a backing");
        backing
            .region()
            .write(4095, &[7])
            .expect("the last byte of data");
        backing
            .write_label(0, &[8])
            .expect("the first byte of label");
        backing.sync().expect("a sync");
        let mut bytes = [0; 2];
        file.read_exact_at(&mut bytes, 4095).expect("both bytes");
        assert_eq!(bytes, [7, 8]);
    }

    #[test]
    fn a_file_of_another_size_is_not_mapped() {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(4096).expect("room for it");
        assert!(FileBacking::new(file, 4096, 512, true).is_err());
    }
}
