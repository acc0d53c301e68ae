//! An ordinary file: the data region first, mapped shared, the label area behind it, as QEMU lays
//! an image out.
//!
//! Stores reach the page cache by the mapping, labels by `pwrite`; one `fdatasync` makes both
//! durable. Linux tells each open file description of a write-back error once, so every sync slot
//! has one of its own: of two syncs through the same, one would hear what went wrong and the other
//! that all is well.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;

use host_file::Access;

use super::{Backing, Durability, HostRegion, cache};
use crate::sync::Arc;

/// A device in a file.
#[derive(Debug)]
pub struct FileBacking {
    file: File,
    /// The same file opened again, for the second sync slot.
    second: Option<File>,
    region: Arc<HostRegion>,
    label_size: u64,
}

impl FileBacking {
    /// Takes a file of `data_size + label_size` bytes that is open for reading, and for writing
    /// where `writable`. Whatever lock the file holds is held until the backing is dropped.
    ///
    /// # Errors
    /// When the file is not of that size, or the host refuses to map it.
    pub fn new(file: File, data_size: u64, label_size: u64, writable: bool) -> io::Result<Self> {
        check_length(&file, data_size, label_size)?;
        let region = Arc::new(HostRegion::map(&file, data_size, writable)?);
        if writable {
            cache::use_single_pages(&file, &region)?;
        }
        Ok(FileBacking {
            second: writable.then(|| second_sync_slot(&file)).flatten(),
            file,
            region,
            label_size,
        })
    }

    /// The same with a region that is mapped already.
    pub(super) fn with_region(file: File, region: HostRegion, label_size: u64) -> Self {
        FileBacking {
            second: second_sync_slot(&file),
            file,
            region: Arc::new(region),
            label_size,
        }
    }

    fn sync_slot(&self, sync_slot: usize) -> &File {
        match &self.second {
            Some(second) if sync_slot > 0 => second,
            _ => &self.file,
        }
    }
}

/// The file of the second sync slot; none where the host does not give it, which costs speed alone.
fn second_sync_slot(file: &File) -> Option<File> {
    open_again(file)
        .inspect_err(|error| tracing::debug!(%error, "the syncs of a backing run one at a time"))
        .ok()
}

/// Opens a writable file again: unlike a duplicate, the new handle has no part in the old one's
/// lock, and hears of write-back errors by itself.
pub(super) fn open_again(file: &File) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(host_file::regular(path, Access::READ_WRITE)?)
}

/// A mapping beyond the end of its file would kill the process when it is touched, so the length is
/// looked at first.
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

    fn sync_slots(&self) -> usize {
        1 + usize::from(self.second.is_some())
    }

    fn sync(&self, sync_slot: usize) -> io::Result<()> {
        // A sync that a signal interrupted has reported nothing yet: it can be asked again.
        rustix::io::retry_on_intr(|| rustix::fs::fdatasync(self.sync_slot(sync_slot)))
            .map_err(io::Error::from)
    }

    fn sync_fd(&self, sync_slot: usize) -> Option<BorrowedFd<'_>> {
        Some(self.sync_slot(sync_slot).as_fd())
    }

    fn durability(&self) -> Durability {
        Durability::AfterSync
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::SeekFrom;

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
        backing.sync(0).expect("a sync");
        let mut bytes = [0; 2];
        file.read_exact_at(&mut bytes, 4095).expect("both bytes");
        assert_eq!(bytes, [7, 8]);
    }

    #[test]
    fn every_lane_syncs_through_an_open_file_of_its_own() {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(4096 + 512).expect("room for it");
        let backing = FileBacking::new(file, 4096, 512, true).expect("a backing");
        assert_eq!(backing.sync_slots(), 2);
        let handles = [0, 1].map(|sync_slot| backing.sync_fd(sync_slot).expect("a file"));
        let inode = |fd| rustix::fs::fstat(fd).expect("a file").st_ino;
        assert_eq!(inode(handles[0]), inode(handles[1]));
        // Each has a position of its own: they are no duplicates of one another.
        rustix::fs::seek(handles[0], SeekFrom::Start(7)).expect("a position");
        assert_eq!(rustix::fs::tell(handles[1]).expect("a position"), 0);
        (0..2).for_each(|sync_slot| backing.sync(sync_slot).expect("a sync"));
    }

    #[test]
    fn a_file_of_another_size_is_not_mapped() {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(4096).expect("room for it");
        assert!(FileBacking::new(file, 4096, 512, true).is_err());
    }
}
