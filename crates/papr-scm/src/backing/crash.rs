//! A backing that can lose power, for proofs of durability.
//!
//! Beside the volatile pages, to which the guest stores, it keeps a durable image: what the last
//! completed sync made durable. At a power loss a subset of what was stored since gets there too,
//! drawn from a seed and torn at 512-byte sectors: a real page cache writes pages back whenever it
//! likes. Faults can be injected into syncs. Both images are memory files, so only pages that were
//! ever touched cost anything.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use host_file::Access;
use rustix::fs::{MemfdFlags, memfd_create};

use super::cache::next_data;
use super::{Backing, Durability, HostRegion, IMAGE_MODE};
use crate::sync::{Arc, Condvar, Mutex, PoisonError, lock};

const PAGE: usize = 4096;
const SECTOR: usize = 512;
const LANES: usize = 2;

/// What happens to one sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this error number, and what it should have written is *forgotten*: as in
    /// Linux, the pages count as clean afterwards and a later sync does not write them.
    Error(i32),
    /// It takes this much longer.
    Slow(Duration),
    /// The thread that runs it dies.
    ThreadDies,
}

/// What a power loss did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PowerLoss {
    /// Pages that were stored to since they were last made durable.
    pub dirty: usize,
    /// Of these, pages that survived whole.
    pub kept: usize,
    /// Of these, pages of which some sectors survived.
    pub torn: usize,
}

/// A device whose power can fail.
#[derive(Debug)]
pub struct CrashBacking {
    volatile: File,
    region: Arc<HostRegion>,
    label_size: u64,
    durable: Mutex<Durable>,
    faults: Mutex<Faults>,
    released: Condvar,
}

#[derive(Debug)]
struct Durable {
    image: File,
    /// Pages that a failed sync forgot, with what they held.
    forgotten: BTreeMap<u64, Vec<u8>>,
    /// How many syncs have begun, and the number of the latest that wrote each page: of two that
    /// overlap, the one that began first may end last.
    begun: u64,
    written: BTreeMap<u64, u64>,
    /// How many syncs have failed, and of how many each sync slot has heard. Linux too tells every
    /// open file once.
    errors: u64,
    heard: [u64; LANES],
    power: bool,
}

struct DirtyPage {
    offset: u64,
    volatile: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Debug, Default)]
struct Faults {
    next: VecDeque<Fault>,
    always: Duration,
    held: bool,
}

impl CrashBacking {
    /// An empty device.
    ///
    /// # Errors
    /// When the host gives no memory file of that size.
    pub fn new(data_size: u64, label_size: u64) -> io::Result<Self> {
        let length = data_size
            .checked_add(label_size)
            .ok_or(io::ErrorKind::InvalidInput)?;
        Self::from_images(
            memory_file(length)?,
            memory_file(length)?,
            data_size,
            label_size,
        )
    }

    /// A device that holds what an image file holds; all of it is durable.
    ///
    /// # Errors
    /// When the image can't be read, is shorter than its label area, or there is no memory for it.
    pub fn load(path: &Path, label_size: u64) -> io::Result<Self> {
        let image = host_file::regular(path, Access::READ)?;
        let length = image.metadata()?.len();
        let data_size = length
            .checked_sub(label_size)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let backing = Self::new(data_size, label_size)?;
        copy_file(&image, &backing.volatile)?;
        copy_file(&image, &lock(&backing.durable).image)?;
        Ok(backing)
    }

    fn from_images(
        volatile: File,
        image: File,
        data_size: u64,
        label_size: u64,
    ) -> io::Result<Self> {
        let region = Arc::new(HostRegion::map(&volatile, data_size, true)?);
        let durable = Mutex::new(Durable {
            image,
            forgotten: BTreeMap::new(),
            begun: 0,
            written: BTreeMap::new(),
            errors: 0,
            heard: [0; LANES],
            power: true,
        });
        Ok(CrashBacking {
            volatile,
            region,
            label_size,
            durable,
            faults: Mutex::default(),
            released: Condvar::new(),
        })
    }

    /// The next sync that has no fault yet gets this one.
    pub fn inject(&self, fault: Fault) {
        lock(&self.faults).next.push_back(fault);
    }

    /// Every sync takes this much longer from now on.
    pub fn slow_down(&self, by: Duration) {
        lock(&self.faults).always = by;
    }

    /// No sync ends from now on, until [`release`](Self::release).
    pub fn hold(&self) {
        lock(&self.faults).held = true;
    }

    /// Syncs that were held go on.
    pub fn release(&self) {
        lock(&self.faults).held = false;
        self.released.notify_all();
    }

    /// Cuts the power: no sync of this backing succeeds any more, and what a machine finds when it
    /// starts again is returned, as a backing of its own. The same seed loses the same pages of the
    /// same state.
    ///
    /// # Errors
    /// When the images can't be read or there is no memory for new ones.
    pub fn cut_power(&self, seed: u64) -> io::Result<(Self, PowerLoss)> {
        let mut durable = lock(&self.durable);
        durable.power = false;
        let mut loss = PowerLoss::default();
        let mut random = Random(seed);
        for DirtyPage {
            offset,
            volatile,
            durable: mut after,
        } in self.dirty(&durable)?
        {
            loss.dirty += 1;
            let fate = random.below(3);
            let mut sectors = 0;
            for (new, old) in volatile.chunks(SECTOR).zip(after.chunks_mut(SECTOR)) {
                if fate == 0 || (fate == 1 && random.below(2) == 0) {
                    old.copy_from_slice(new);
                    sectors += 1;
                }
            }
            match sectors * SECTOR >= volatile.len() {
                true => loss.kept += 1,
                false if sectors > 0 => loss.torn += 1,
                false => {}
            }
            durable.image.write_all_at(&after, offset)?;
        }
        let length = self.region.len() + self.label_size;
        let (volatile, image) = (memory_file(length)?, memory_file(length)?);
        copy_file(&durable.image, &volatile)?;
        copy_file(&durable.image, &image)?;
        Ok((
            Self::from_images(volatile, image, self.region.len(), self.label_size)?,
            loss,
        ))
    }

    /// Writes the durable image to a file, which a [`FileBacking`](super::FileBacking) of the same
    /// sizes can open.
    ///
    /// # Errors
    /// What the host says.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let file = host_file::regular(path, Access::WRITE.or_create(IMAGE_MODE))?;
        // What was there goes, holes become holes again.
        file.set_len(0)?;
        file.set_len(self.region.len() + self.label_size)?;
        copy_file(&lock(&self.durable).image, &file)
    }

    /// Reads from the durable image, labels included.
    ///
    /// # Errors
    /// When the range is not within it.
    pub fn read_durable(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        lock(&self.durable).image.read_exact_at(buf, offset)
    }

    /// The pages whose volatile contents are not durable.
    fn dirty(&self, durable: &Durable) -> io::Result<Vec<DirtyPage>> {
        let mut dirty = Vec::new();
        for range in data_ranges(&self.volatile)? {
            for offset in range.clone().step_by(PAGE) {
                let length = (range.end - offset).min(PAGE as u64) as usize;
                let (mut new, mut old) = (vec![0; length], vec![0; length]);
                self.volatile.read_exact_at(&mut new, offset)?;
                durable.image.read_exact_at(&mut old, offset)?;
                if new != old {
                    dirty.push(DirtyPage {
                        offset,
                        volatile: new,
                        durable: old,
                    });
                }
            }
        }
        Ok(dirty)
    }
}

impl Backing for CrashBacking {
    fn region(&self) -> &Arc<HostRegion> {
        &self.region
    }

    fn label_size(&self) -> u64 {
        self.label_size
    }

    fn read_label(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.volatile.read_exact_at(buf, self.region.len() + offset)
    }

    fn write_label(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.volatile.write_all_at(data, self.region.len() + offset)
    }

    fn sync_slots(&self) -> usize {
        LANES
    }

    fn sync(&self, sync_slot: usize) -> io::Result<()> {
        // What it covers is settled when it begins: who stores later and takes this sync for its
        // own loses data here.
        let (number, covered) = {
            let mut durable = lock(&self.durable);
            durable.begun += 1;
            (durable.begun, self.dirty(&durable)?)
        };
        let (fault, always) = {
            let mut faults = lock(&self.faults);
            while faults.held {
                faults = self
                    .released
                    .wait(faults)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            (faults.next.pop_front(), faults.always)
        };
        thread::sleep(always);
        let error = match fault {
            None => None,
            Some(Fault::Slow(more)) => {
                thread::sleep(more);
                None
            }
            Some(Fault::Error(number)) => Some(io::Error::from_raw_os_error(number)),
            Some(Fault::ThreadDies) => panic!("injected: the thread that runs a sync dies"),
        };
        let mut durable = lock(&self.durable);
        if !durable.power {
            return Err(io::Error::other("the power was cut"));
        }
        for DirtyPage {
            offset,
            volatile: new,
            ..
        } in covered
        {
            let newer = durable.written.get(&offset) > Some(&number);
            if error.is_some() {
                durable.forgotten.insert(offset, new);
            } else if durable.forgotten.get(&offset) != Some(&new) && !newer {
                durable.image.write_all_at(&new, offset)?;
                durable.forgotten.remove(&offset);
                durable.written.insert(offset, number);
            }
        }
        durable.errors += u64::from(error.is_some());
        let errors = durable.errors;
        let heard = std::mem::replace(&mut durable.heard[sync_slot], errors);
        match error {
            Some(error) => Err(error),
            None if heard < errors => Err(io::Error::other("a sync beside this one failed")),
            None => Ok(()),
        }
    }

    fn sync_fd(&self, _lane: usize) -> Option<BorrowedFd<'_>> {
        None
    }

    fn durability(&self) -> Durability {
        Durability::AfterSync
    }
}

fn memory_file(length: u64) -> io::Result<File> {
    let file = File::from(memfd_create("papr-scm-crash", MemfdFlags::CLOEXEC)?);
    file.set_len(length)?;
    Ok(file)
}

/// The ranges of a file that are not holes.
fn data_ranges(file: &File) -> io::Result<Vec<Range<u64>>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    while let Some(range) = next_data(file, ranges.last().map_or(0, |range| range.end))? {
        ranges.push(range);
    }
    Ok(ranges)
}

/// Copies what is not a hole; the target is as long and empty.
fn copy_file(from: &File, to: &File) -> io::Result<()> {
    let mut buf = vec![0; 1 << 20];
    for range in data_ranges(from)? {
        let mut at = range.start;
        while at < range.end {
            let length = (range.end - at).min(buf.len() as u64) as usize;
            from.read_exact_at(&mut buf[..length], at)?;
            to.write_all_at(&buf[..length], at)?;
            at += length as u64;
        }
    }
    Ok(())
}

/// SplitMix64: a seed gives the same numbers everywhere and for ever.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 1 << 20;
    const LABEL: u64 = 128 << 10;

    fn backing() -> CrashBacking {
        CrashBacking::new(SIZE, LABEL).expect("memory for two images")
    }

    fn byte(backing: &CrashBacking, offset: u64) -> u8 {
        let mut buf = [0];
        backing
            .region()
            .read(offset, &mut buf)
            .expect("within the region");
        buf[0]
    }

    #[test]
    fn what_was_synced_survives_and_what_was_not_is_partly_lost() {
        let before = backing();
        before
            .region()
            .write(0, &[1; PAGE])
            .expect("within the region");
        before.sync(0).expect("a sync");
        for page in 1..=100 {
            before
                .region()
                .write(page * PAGE as u64, &[2; PAGE])
                .expect("within the region");
        }
        let (after, loss) = before.cut_power(42).expect("memory for two images");
        assert_eq!(byte(&after, 0), 1);
        assert_eq!(loss.dirty, 100);
        assert!(
            loss.kept > 0 && loss.torn > 0 && loss.kept + loss.torn < 100,
            "{loss:?}"
        );
        let torn = (1..=100).any(|page| {
            let mut buf = [0; PAGE];
            after
                .region()
                .read(page * PAGE as u64, &mut buf)
                .expect("within the region");
            assert!(
                buf.chunks(SECTOR).all(|s| s.iter().all(|&b| b == s[0])),
                "a sector is torn"
            );
            buf.contains(&0) && buf.contains(&2)
        });
        assert!(torn);
    }

    #[test]
    fn a_seed_loses_the_same_pages_again() {
        let outcome = |seed| {
            let before = backing();
            (0..50).for_each(|p| {
                before
                    .region()
                    .write(p * PAGE as u64, &[3; PAGE])
                    .expect("within the region")
            });
            before.cut_power(seed).expect("memory for two images").1
        };
        assert_eq!(outcome(1), outcome(1));
        assert!((2..10).any(|seed| outcome(seed) != outcome(1)));
    }

    #[test]
    fn a_failed_sync_forgets_its_pages_and_a_later_one_lies() {
        let backing = backing();
        backing.region().write(0, &[5]).expect("within the region");
        backing.inject(Fault::Error(5));
        assert_eq!(
            backing.sync(0).expect_err("injected").raw_os_error(),
            Some(5)
        );
        backing.sync(0).expect("the second sync says all is well");
        let mut buf = [0];
        backing.read_durable(0, &mut buf).expect("within the image");
        assert_eq!(buf, [0], "and yet the byte is not there");
    }

    #[test]
    fn each_lane_hears_of_a_failed_sync_once() {
        let backing = backing();
        backing.region().write(0, &[5]).expect("within the region");
        backing.inject(Fault::Error(5));
        assert!(backing.sync(0).is_err());
        assert!(backing.sync(0).is_ok());
        assert!(backing.sync(1).is_err());
        assert!(backing.sync(1).is_ok());
    }

    #[test]
    fn a_sync_that_ends_late_does_not_write_over_one_that_began_later() {
        let backing = Arc::new(backing());
        let store = |value| backing.region().write(0, &[value]).expect("in the region");
        store(1);
        backing.inject(Fault::Slow(Duration::from_millis(100)));
        let slow = {
            let backing = Arc::clone(&backing);
            thread::spawn(move || backing.sync(0))
        };
        while !lock(&backing.faults).next.is_empty() {
            thread::yield_now();
        }
        store(2);
        backing.sync(1).expect("a sync");
        slow.join().expect("no panic").expect("a sync");
        let mut buf = [0];
        backing.read_durable(0, &mut buf).expect("within the image");
        assert_eq!(buf, [2]);
    }

    #[test]
    fn no_sync_succeeds_after_the_power_was_cut() {
        let backing = backing();
        let _ = backing.cut_power(1).expect("memory for two images");
        assert!(backing.sync(0).is_err());
    }

    #[test]
    fn an_image_goes_through_a_file() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("image");
        let before = backing();
        before
            .region()
            .write(SIZE - 1, &[9])
            .expect("within the region");
        before
            .write_label(LABEL - 1, &[8])
            .expect("within the label area");
        before.sync(0).expect("a sync");
        before.save(&path).expect("room for the image");
        let after = CrashBacking::load(&path, LABEL).expect("the image");
        let mut label = [0];
        after
            .read_label(LABEL - 1, &mut label)
            .expect("within the label area");
        assert_eq!((byte(&after, SIZE - 1), label), (9, [8]));
    }
}
