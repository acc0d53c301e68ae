//! I/O regions of the real address space: addresses behind which there are registers of devices,
//! not memory. They are looked for where no memory was found, so that memory pays nothing for them.

use std::sync::{Arc, PoisonError, RwLock};

use vm_core::MmioDevice;

use super::real::MapError;

/// A stretch of addresses that a device answers for.
#[derive(Clone)]
pub struct IoRegion {
    /// Its first real address.
    pub base: u64,
    /// Bytes.
    pub len: u64,
    /// Who answers.
    pub device: Arc<dyn MmioDevice>,
}

impl IoRegion {
    /// Whether it overlaps the addresses from `base` to `end`.
    fn overlaps(&self, base: u64, end: u64) -> bool {
        base < self.base + self.len && self.base < end
    }
}

/// An access that a device answers: the device, and the place in it.
pub(crate) struct IoTarget {
    device: Arc<dyn MmioDevice>,
    offset: u64,
}

impl IoTarget {
    /// A load.
    pub(crate) fn read(&self, data: &mut [u8]) {
        self.device.read(self.offset, data);
    }

    /// A store.
    pub(crate) fn write(&self, data: &[u8]) {
        self.device.write(self.offset, data);
    }
}

/// All I/O regions.
#[derive(Default)]
pub(super) struct IoRegions(RwLock<Vec<IoRegion>>);

impl IoRegions {
    /// Adds one that does not wrap, if it overlaps no other.
    pub(super) fn add(&self, region: IoRegion) -> Result<(), MapError> {
        let (base, end) = (region.base, region.base + region.len);
        let mut regions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if regions.iter().any(|other| other.overlaps(base, end)) {
            return Err(MapError::Overlap(base));
        }
        regions.push(region);
        Ok(())
    }

    /// Takes away the one that starts at `base`; whether there was one.
    pub(super) fn remove(&self, base: u64) -> bool {
        let mut regions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = regions.len();
        regions.retain(|region| region.base != base);
        regions.len() != before
    }

    /// Whether any overlaps the addresses from `base` to `end`.
    pub(super) fn any(&self, base: u64, end: u64) -> bool {
        let regions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        regions.iter().any(|region| region.overlaps(base, end))
    }

    /// What there is.
    pub(super) fn list(&self) -> Vec<IoRegion> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Who answers for `len` bytes at `address`; None where not all of them are in one region.
    pub(super) fn find(&self, address: u64, len: u64) -> Option<IoTarget> {
        let regions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        regions.iter().find_map(|region| {
            let offset = address.checked_sub(region.base)?;
            let inside = offset.checked_add(len)? <= region.len;
            inside.then(|| IoTarget {
                device: Arc::clone(&region.device),
                offset,
            })
        })
    }
}
