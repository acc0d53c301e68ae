//! How the pages of a file lie in the host's cache: one by one.
//!
//! Linux caches in large folios what is read or written in sequence, through a mapping too, and a
//! store through a mapping dirties the whole of one: a sync then writes a MiB for each 4 KiB that
//! the guest has stored (measured: 950 us instead of 110, and with 8 writers on XFS 530 flushes a
//! second instead of 4400). So what is cached is dropped when a device starts, and its mapping gets
//! no readahead, which makes those folios. What the file holds is read ahead here instead, page by
//! page.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Weak};
use std::thread;

use rustix::fs::{Advice, SeekFrom, fadvise, fdatasync, seek};
use rustix::io::{Errno, retry_on_intr};
use thread_role::Role;

use super::HostRegion;
use super::file::open_again;

/// How much is asked for at a time: Linux cuts off what is beyond a device's readahead, which is
/// 128 KiB by default.
const STEP: u64 = 128 << 10;

/// The most that is read ahead. Beyond it a read of what is not cached waits for the disk page by
/// page.
const READ_AHEAD_LIMIT: u64 = 1 << 30;

/// Has the file cached in single pages from now on, and reads it ahead while the device is there.
///
/// # Errors
/// When the file can't be synced, which makes its pages clean. All else is advice: syncs or first
/// reads are slower where the host does not take it, and nothing is wrong.
pub(super) fn use_single_pages(file: &File, region: &Arc<HostRegion>) -> io::Result<()> {
    retry_on_intr(|| fdatasync(file))?;
    let refused = |what: &str, error: io::Error| tracing::debug!(%error, what, "the host does not take advice");
    if let Err(error) = fadvise(file, 0, None, Advice::DontNeed) {
        refused("to drop what it has cached of a backing", error.into());
    }
    if let Err(error) = region.use_single_pages() {
        refused("on how to cache a backing", error);
        return Ok(());
    }
    let here = Arc::downgrade(region);
    // A duplicate would keep the file locked until all is read.
    let started = open_again(file).and_then(|file| {
        thread::Builder::new()
            .name("scm-read-ahead".into())
            .spawn(move || {
                thread_role::begin(Role::ReadAhead);
                read_ahead(&file, &here);
            })
    });
    if let Err(error) = started {
        refused("to read a backing ahead", error);
    }
    Ok(())
}

/// Reads ahead what the data region of a file holds, holes left out, until its device is gone.
fn read_ahead(file: &File, region: &Weak<HostRegion>) {
    let (mut at, mut left) = (0, READ_AHEAD_LIMIT);
    let mut data = 0..0;
    while let Some(length) = region.upgrade().map(|region| region.len()) {
        if at >= data.end {
            match next_data(file, at) {
                Ok(Some(found)) => data = found,
                Ok(None) => return,
                Err(error) => return tracing::debug!(%error, "a backing is not read ahead"),
            }
            at = data.start;
        }
        let step = STEP.min(data.end - at);
        if at >= length || left < step {
            return;
        }
        if let Err(error) = fadvise(file, at, step.try_into().ok(), Advice::WillNeed) {
            return tracing::debug!(%error, "a backing is not read ahead");
        }
        at += step;
        left -= step;
    }
}

/// The next range of a file that is not a hole.
pub(super) fn next_data(file: &File, at: u64) -> io::Result<Option<Range<u64>>> {
    match seek(file, SeekFrom::Data(at)) {
        Ok(start) => Ok(Some(start..seek(file, SeekFrom::Hole(start))?)),
        Err(Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::read_to_string;
    use std::io::IoSliceMut;
    use std::os::unix::fs::FileExt;
    use std::time::Duration;

    use rustix::io::{ReadWriteFlags, preadv2};

    use super::*;

    const SIZE: u64 = 64 << 20;
    const HELD: u64 = 32 << 20;

    /// A file that holds a MiB in its midst, none of it cached, and its region.
    fn sparse() -> (File, Arc<HostRegion>) {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(SIZE).expect("room for it");
        file.write_all_at(&[7; 1 << 20], HELD).expect("room for it");
        fdatasync(&file).expect("a sync");
        fadvise(&file, 0, None, Advice::DontNeed).expect("advice");
        let region = HostRegion::map(&file, SIZE, true).expect("a mapping");
        (file, Arc::new(region))
    }

    /// Is a page of what the file holds cached? Each is looked at once, because looking brings it
    /// in; none where the file system can't tell.
    fn cached(file: &File, between: impl Fn()) -> Option<bool> {
        fadvise(file, 0, None, Advice::Random).expect("advice");
        for page in 0..256 {
            let mut byte = [0];
            let mut bytes = [IoSliceMut::new(&mut byte)];
            match preadv2(file, &mut bytes, HELD + page * 4096, ReadWriteFlags::NOWAIT) {
                Ok(_) => return Some(true),
                Err(Errno::AGAIN) => between(),
                Err(_) => return None,
            }
        }
        Some(false)
    }

    #[test]
    fn what_a_file_holds_is_read_ahead_while_its_device_is_there() {
        let (file, region) = sparse();
        let here = Arc::downgrade(&region);
        drop(region);
        read_ahead(&file, &here);
        assert_ne!(cached(&file, || {}), Some(true), "the device is gone");
        let (file, region) = sparse();
        read_ahead(&file, &Arc::downgrade(&region));
        let wait = || thread::sleep(Duration::from_millis(10));
        assert_ne!(cached(&file, wait), Some(false));
    }

    #[test]
    fn holes_are_left_out() {
        let (file, _region) = sparse();
        let end = HELD + (1 << 20);
        assert_eq!(next_data(&file, 0).expect("a range"), Some(HELD..end));
        assert_eq!(next_data(&file, end).expect("no range"), None);
    }

    #[test]
    fn the_mapping_of_a_device_gets_no_readahead_of_the_host_s() {
        let (file, region) = sparse();
        use_single_pages(&file, &region).expect("a sync");
        let maps = read_to_string("/proc/self/smaps").expect("the mappings");
        let start = format!("{:x}-", region.as_ptr() as usize);
        let flags = maps
            .lines()
            .skip_while(|line| !line.starts_with(&start))
            .find_map(|line| line.strip_prefix("VmFlags:"))
            .expect("the region's flags");
        assert!(flags.split_whitespace().any(|flag| flag == "rr"), "{flags}");
    }
}
