//! A plugged device: identity, region, labels, binds, and its flush engine.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::bound::BoundBlocks;
use super::health;
use super::label::LabelRun;
use crate::abi::BLOCK_SIZE;
use crate::backing::HostRegion;
use crate::flush::{FlushCounters, FlushEngine, SyncFailure};
use crate::sync::{Arc, Mutex, lock};
use papr_dr::{DrcIndex, DrcType};

/// Everything about a device that is not its bytes: what [`Scm::plug`](crate::Scm::plug) is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSpec {
    /// What host-side commands and messages call it.
    pub id: String,
    /// What the guest knows it by.
    pub uuid: Uuid,
    /// Stores need no flush by hypercall.
    pub sync_dax: bool,
    /// The NUMA node that the guest sees it on.
    pub numa_node: u32,
    /// The slot; `None`: the first that is free.
    pub slot: Option<u32>,
    /// Where its data region lies in guest real memory: a multiple of the block size, outside of
    /// all else.
    pub guest_address: u64,
}

/// Where a device's data is, for the guest and for the host.
#[derive(Debug, Clone)]
pub struct Region {
    /// Its connector.
    pub drc: DrcIndex,
    /// First guest real address.
    pub guest_address: u64,
    /// The same bytes in this process. Hold it for as long as a guest can reach it.
    pub host: Arc<HostRegion>,
}

impl Region {
    /// The guest real address of a byte of this process, if it is in the region. Takes no lock and
    /// allocates nothing, so a signal handler may ask (for a page that the host could not bring
    /// in).
    pub fn guest_address_of(&self, host: *const u8) -> Option<u64> {
        let offset = (host.addr() as u64).checked_sub(self.host.as_ptr().addr() as u64)?;
        (offset < self.host.len()).then(|| self.guest_address.wrapping_add(offset))
    }
}

/// A device that is plugged.
#[derive(Debug)]
pub struct Nvdimm {
    spec: DeviceSpec,
    drc: DrcIndex,
    region: Region,
    flush_announced: bool,
    engine: FlushEngine,
    pub(crate) bound: Mutex<BoundBlocks>,
    pub(super) label_run: Mutex<LabelRun>,
    plugged: Instant,
}

impl Nvdimm {
    pub(crate) fn new(
        spec: DeviceSpec,
        slot: u32,
        flush_announced: bool,
        engine: FlushEngine,
    ) -> Self {
        let drc = DrcIndex::new(DrcType::PersistentMemory, slot);
        let host = Arc::clone(engine.backing().region());
        let blocks = host.len() / BLOCK_SIZE;
        Nvdimm {
            drc,
            region: Region {
                drc,
                guest_address: spec.guest_address,
                host,
            },
            flush_announced,
            engine,
            bound: Mutex::new(BoundBlocks::none(blocks)),
            label_run: Mutex::default(),
            plugged: Instant::now(),
            spec,
        }
    }

    /// What host-side commands and messages call it.
    pub fn id(&self) -> &str {
        &self.spec.id
    }

    /// What the guest knows it by.
    pub fn uuid(&self) -> Uuid {
        self.spec.uuid
    }

    /// Its connector.
    pub fn drc(&self) -> DrcIndex {
        self.drc
    }

    /// The NUMA node that the guest sees it on.
    pub fn numa_node(&self) -> u32 {
        self.spec.numa_node
    }

    /// Was it asked for with `sync-dax=on`?
    pub fn sync_dax(&self) -> bool {
        self.spec.sync_dax
    }

    /// May the guest not write it?
    pub fn read_only(&self) -> bool {
        !self.region.host.writable()
    }

    /// Is the guest told to flush by hypercall? What it was told can't be taken back while it runs.
    pub fn flush_announced(&self) -> bool {
        self.flush_announced
    }

    /// Where its data is.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// How many blocks its data has.
    pub fn blocks(&self) -> u64 {
        self.region.host.len() / BLOCK_SIZE
    }

    /// Bytes in its label area.
    pub fn label_size(&self) -> u64 {
        self.engine.backing().label_size()
    }

    /// The guest real address of a block, or of the end for the number of blocks.
    pub fn block_address(&self, block: u64) -> u64 {
        self.region
            .guest_address
            .wrapping_add(block.wrapping_mul(BLOCK_SIZE))
    }

    /// The block at a guest real address, if the address is in the data region.
    pub fn block_at(&self, address: u64) -> Option<u64> {
        let offset = address.checked_sub(self.region.guest_address)?;
        (offset < self.region.host.len()).then_some(offset / BLOCK_SIZE)
    }

    /// Has the guest bound this block?
    pub fn is_bound(&self, block: u64) -> bool {
        lock(&self.bound).contains(block)
    }

    /// The health bitmap ([`abi::health`](crate::abi::health)) and the mask of the bits that mean
    /// something.
    pub fn health(&self) -> (u64, u64) {
        (
            health::bitmap(self.read_only(), self.failure().is_some()),
            health::VALID,
        )
    }

    /// Why its backing counts as failed, if it does.
    pub fn failure(&self) -> Option<SyncFailure> {
        self.engine.failure()
    }

    /// Marks its backing as failed, for good: the monitor found out by other means than a sync (a
    /// page that the host can't bring in, a file that shrank).
    pub fn fail(&self, reason: &str) {
        self.engine.fail(reason);
    }

    /// Its counters as they are now.
    pub fn counters(&self) -> FlushCounters {
        self.engine.counters()
    }

    /// Its flush engine.
    pub fn engine(&self) -> &FlushEngine {
        &self.engine
    }

    /// How long it has been plugged.
    pub fn age(&self) -> Duration {
        self.plugged.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use crate::abi::BLOCK_SIZE;
    use crate::hcall::testing::{ADDRESS, BLOCKS, Machine};

    #[test]
    fn a_host_address_is_found_in_the_guest_only_within_the_region() {
        let device = Machine::new().device();
        let region = device.region();
        let start = region.host.as_ptr();
        let size = (BLOCKS * BLOCK_SIZE) as usize;
        assert_eq!(region.guest_address_of(start), Some(ADDRESS));
        assert_eq!(
            region.guest_address_of(start.wrapping_add(size - 1)),
            Some(ADDRESS + BLOCKS * BLOCK_SIZE - 1)
        );
        assert_eq!(region.guest_address_of(start.wrapping_add(size)), None);
        assert_eq!(region.guest_address_of(start.wrapping_sub(1)), None);
    }
}
