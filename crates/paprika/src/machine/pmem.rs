//! Persistent memory in a machine: where regions go in guest real memory, and their coming and going.

use std::sync::Arc;

use papr::MachineVersion;
use papr_scm::backing::{Backing, Room};
use papr_scm::nvdimm::{Nvdimm, OpenNvdimm, Region};
use papr_scm::{Plug, PlugError, RegionListener, Scm, ScmOptions};
use power::Partition;
use rustix::fs::fstat;
use tracing::error;

use crate::memory::PmemRegion;

/// Regions start on a boundary of this many bytes above RAM, so that the guest can map them with its largest pages.
const REGION_ALIGNMENT: u64 = 1 << 30;

/// Guests that we know have real addresses of 56 bits at most, and their direct mapping half of that to spare.
const ADDRESS_LIMIT: u64 = 1 << 51;

/// Puts regions into guest memory and takes them out.
struct Mapper(Arc<Partition>);

impl RegionListener for Mapper {
    fn attached(&self, region: &Region) {
        let mapping = match PmemRegion::new(Arc::clone(&region.host)) {
            Ok(mapping) => Arc::new(mapping),
            Err(problem) => {
                return error!(drc = ?region.drc, %problem, "an NVDIMM's region can't be watched");
            }
        };
        if let Err(problem) = self.0.memory.map(region.guest_address, mapping) {
            // The plug was checked against RAM and the other regions; the guest would get machine checks there.
            error!(drc = ?region.drc, %problem, "an NVDIMM's region can't be mapped");
        }
    }

    fn detached(&self, region: &Region) {
        let mapping = self.0.memory.unmap(region.guest_address);
        self.0.flush_translations();
        self.0.wait_for_flush();
        drop(mapping);
    }
}

/// Why a machine can't have its persistent memory.
#[derive(Debug, thiserror::Error)]
pub enum PmemError {
    /// The layer could not be set up.
    #[error("the persistent-memory layer can't start: {0}")]
    Start(#[from] std::io::Error),
    /// A device was refused.
    #[error(transparent)]
    Plug(#[from] PlugError),
    /// No addresses left.
    #[error(
        "nvdimm {0}: there is no room for it in the guest's address space; use fewer or smaller devices"
    )]
    NoRoom(String),
}

/// Where regions may be put in guest real memory: above RAM, where no other is.
#[derive(Debug, Clone)]
pub(super) struct AddressSpace {
    ram: u64,
    /// What is taken: first address and the one behind the last.
    taken: Vec<(u64, u64)>,
}

impl AddressSpace {
    /// That of a machine with so many bytes of RAM and these devices.
    pub(super) fn of(ram: u64, scm: &Scm) -> Self {
        let devices = scm.devices();
        let regions = devices.iter().map(|device| device.region());
        let taken = regions.map(|region| {
            (
                region.guest_address,
                region.guest_address.saturating_add(region.host.len()),
            )
        });
        Self {
            ram,
            taken: taken.collect(),
        }
    }

    /// The lowest address with room for `size` bytes, if there is one; the room is taken then.
    fn take(&mut self, size: u64) -> Option<u64> {
        let after = self.taken.iter().map(|&(_, end)| end);
        let mut candidates: Vec<u64> = std::iter::once(self.ram)
            .chain(after)
            .filter_map(|end| end.checked_next_multiple_of(REGION_ALIGNMENT))
            .collect();
        candidates.sort_unstable();
        let (start, end) = candidates.into_iter().find_map(|start| {
            let end = start.checked_add(size)?;
            let free = self
                .taken
                .iter()
                .all(|&(first, last)| end <= first || last <= start);
            (free && end <= ADDRESS_LIMIT).then_some((start, end))
        })?;
        self.taken.push((start, end));
        Some(start)
    }

    /// Whether there is room for so many bytes.
    pub(super) fn has_room(&self, size: u64) -> bool {
        self.clone().take(size).is_some()
    }

    /// Plugs a device where there is room.
    pub(super) fn plug(
        &mut self,
        scm: &Scm,
        nvdimm: &OpenNvdimm,
        how: Plug,
    ) -> Result<Arc<Nvdimm>, PmemError> {
        let address = self.take(nvdimm.backing.region().len());
        let address = address.ok_or_else(|| PmemError::NoRoom(nvdimm.config.id.clone()))?;
        Ok(scm.plug(nvdimm.spec(address), Arc::clone(&nvdimm.backing), how)?)
    }
}

/// Makes the persistent memory of a machine and plugs the devices that it starts with.
pub(super) fn build(
    partition: &Arc<Partition>,
    machine: MachineVersion,
    ram: u64,
    nvdimms: &[OpenNvdimm],
) -> Result<Arc<Scm>, PmemError> {
    let options = ScmOptions {
        flush_hypercall: machine.has_scm_flush(),
        listener: Some(Arc::new(Mapper(Arc::clone(partition)))),
        ..ScmOptions::default()
    };
    let scm = Scm::new(options)?;
    let mut space = AddressSpace::of(ram, &scm);
    for nvdimm in nvdimms {
        space.plug(&scm, nvdimm, Plug::Cold)?;
    }
    Ok(Arc::new(scm))
}

/// Why the host could not give a byte of a mapped file, as far as can be seen afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreachable {
    /// The most common: there was no room for a store to a hole.
    #[error(
        "the file is sparse and its file system is full: make room there, and start the guest again; prealloc=on takes the room when it starts"
    )]
    Full,
    /// Somebody has cut it.
    #[error("the file shrank to {0} bytes: put it back as it was, from a copy")]
    Shrank(u64),
    /// Neither is so, or is any more.
    #[error(
        "mostly the file system of a sparse file is full, or a quota used up; else the file shrank, or its storage failed"
    )]
    Unknown,
}

impl Unreachable {
    /// A file system with less left than this is full: what is freed in between is of that order.
    const LITTLE: u64 = 1 << 20;

    /// Looks at the file of a backing.
    pub(super) fn of(backing: &dyn Backing) -> Self {
        let Some(file) = backing.sync_fd(0) else {
            return Self::Unknown;
        };
        let wanted = backing.region().len() + backing.label_size();
        let length = fstat(file).map(|stat| u64::try_from(stat.st_size).unwrap_or(0));
        if let Ok(length) = length
            && length < wanted
        {
            return Self::Shrank(length);
        }
        match Room::of(file) {
            Ok(room) if room.lacks > 0 && room.free < Self::LITTLE => Self::Full,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn regions_go_to_the_lowest_room_above_ram_and_gaps_are_used_again() {
        let mut space = AddressSpace {
            ram: GIB + 1,
            taken: Vec::new(),
        };
        assert_eq!(space.take(GIB), Some(2 * GIB));
        assert_eq!(space.take(256 << 20), Some(3 * GIB));
        assert_eq!(space.take(2 * GIB), Some(4 * GIB));
        space.taken.retain(|&(start, _)| start != 3 * GIB);
        assert_eq!(space.take(GIB + 1), Some(6 * GIB), "the gap is too small");
        assert_eq!(space.take(GIB), Some(3 * GIB));
    }

    #[test]
    fn what_does_not_fit_into_the_address_space_takes_nothing() {
        let mut space = AddressSpace {
            ram: GIB,
            taken: Vec::new(),
        };
        assert_eq!(space.take(u64::MAX), None);
        assert_eq!(space.take(ADDRESS_LIMIT), None);
        assert_eq!(space.take(ADDRESS_LIMIT - GIB), Some(GIB));
        assert_eq!(space.take(GIB), None);
    }

    #[test]
    fn a_store_that_found_no_room_is_told_from_a_file_that_shrank() {
        use std::os::unix::fs::FileExt;
        let Some(small) = host_fixtures::SmallFileSystem::mount(1) else {
            return;
        };
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(small.path().join("image"))
            .expect("file");
        file.set_len(4 << 20).expect("a sparse file");
        let handle = file.try_clone().expect("handle");
        let backing = papr_scm::backing::FileBacking::new(file, (4 << 20) - 4096, 4096, true);
        let backing = backing.expect("backing");
        let filled = handle
            .write_all_at(&vec![1; 2 << 20], 0)
            .expect_err("no room");
        assert_eq!(filled.kind(), std::io::ErrorKind::StorageFull);
        let why = Unreachable::of(&backing);
        assert_eq!(why, Unreachable::Full);
        assert!(why.to_string().contains("prealloc=on"));
        handle.set_len(4096).expect("cut");
        assert_eq!(Unreachable::of(&backing), Unreachable::Shrank(4096));
    }
}
