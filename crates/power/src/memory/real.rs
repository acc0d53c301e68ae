//! The map from real addresses to host memory.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, PoisonError, RwLock};

use vm_core::MmioDevice;

use super::code::{CodeEvents, CodeMarks, Watch};
use super::dirty::{DIRTY_PAGE, DirtyPages, Log};
use super::host::{HostMapping, HostSpan, read_host, write_host};
use super::io::{IoRegion, IoRegions, IoTarget};

/// An access outside guest memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("real address {address:#x} (+{length} bytes) is outside guest memory")]
pub struct OutOfMemory {
    /// First byte asked for.
    pub address: u64,
    /// Bytes asked for.
    pub length: usize,
}

/// Why a mapping was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// It reaches beyond the real address space.
    #[error("a mapping at real address {0:#x} reaches beyond the real address space")]
    TooHigh(u64),
    /// Its start or its length is no multiple of [`GRANULE`], or its host memory is not
    /// page-aligned.
    #[error("a mapping at real address {0:#x} is not made of whole 64 KiB granules")]
    Unaligned(u64),
    /// It overlaps another.
    #[error("a mapping at real address {0:#x} overlaps another one")]
    Overlap(u64),
}

/// What mappings are made of: the granule of the soft TLB.
pub const GRANULE: u64 = 1 << 16;
/// Host memory must start on a boundary that keeps every naturally aligned guest access aligned.
const HOST_ALIGNMENT: usize = 4096;

#[derive(Clone)]
struct Region {
    base: u64,
    mapping: Arc<dyn HostMapping>,
    code: Arc<CodeMarks>,
}

impl Region {
    fn len(&self) -> u64 {
        self.mapping.len() as u64
    }
}

/// All of a guest's real memory. Cheap to share; regions may come and go while vCPUs run (see
/// [`RealMemory::unmap`]).
pub struct RealMemory {
    regions: RwLock<Vec<Region>>,
    io: IoRegions,
    /// Whether there is a log.
    logging: AtomicBool,
    log: RwLock<Option<Log>>,
    /// Changes of code, and demands to watch for them.
    code: CodeEvents,
}

impl RealMemory {
    /// Nothing mapped, for a partition of so many vCPUs.
    pub(crate) fn new(vcpus: u32) -> Self {
        Self {
            regions: RwLock::default(),
            io: IoRegions::default(),
            logging: AtomicBool::new(false),
            log: RwLock::default(),
            code: CodeEvents::new(vcpus),
        }
    }

    /// Puts host memory behind the real addresses from `base` on.
    ///
    /// # Errors
    /// [`MapError`] where it would wrap or overlap.
    pub fn map(&self, base: u64, mapping: Arc<dyn HostMapping>) -> Result<(), MapError> {
        let end = base
            .checked_add(mapping.len() as u64)
            .ok_or(MapError::TooHigh(base))?;
        let host_aligned = mapping.start().addr().get().is_multiple_of(HOST_ALIGNMENT);
        if !base.is_multiple_of(GRANULE) || !end.is_multiple_of(GRANULE) || !host_aligned {
            return Err(MapError::Unaligned(base));
        }
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        if regions
            .iter()
            .any(|r| base < r.base + r.len() && r.base < end)
        {
            return Err(MapError::Overlap(base));
        }
        if self.io.any(base, end) {
            return Err(MapError::Overlap(base));
        }
        let code = Arc::new(CodeMarks::new(mapping.len() as u64));
        regions.push(Region {
            base,
            mapping,
            code,
        });
        Ok(())
    }

    /// Has a device answer for `len` bytes at `base`: loads and stores of 1, 2, 4 and 8 bytes,
    /// aligned to their size, reach it on the vCPU's thread. Instructions are not fetched there.
    ///
    /// # Errors
    /// [`MapError`] where it would wrap, or overlap memory or another device.
    pub fn map_io(&self, base: u64, len: u64, device: Arc<dyn MmioDevice>) -> Result<(), MapError> {
        let end = base.checked_add(len).ok_or(MapError::TooHigh(base))?;
        // Held until the region is there, so that memory can't come to lie under it meanwhile.
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        if regions
            .iter()
            .any(|r| base < r.base + r.len() && r.base < end)
        {
            return Err(MapError::Overlap(base));
        }
        self.io.add(IoRegion { base, len, device })
    }

    /// Takes away the device whose region starts at `base`; whether there was one. Accesses that
    /// are in it go on to their end.
    pub fn unmap_io(&self, base: u64) -> bool {
        self.io.remove(base)
    }

    /// The devices that are mapped where, as it is now.
    pub fn io_regions(&self) -> Vec<IoRegion> {
        self.io.list()
    }

    /// The device that answers for all of `len` bytes at a real address.
    pub(crate) fn io(&self, address: u64, len: u64) -> Option<IoTarget> {
        self.io.find(address, len)
    }

    /// A device is promised accesses of its sizes, aligned to them.
    fn io_for_hypercall(&self, address: u64, bytes: usize) -> Option<IoTarget> {
        let fits = matches!(bytes, 1 | 2 | 4 | 8) && address.is_multiple_of(bytes as u64);
        if fits {
            self.io(address, bytes as u64)
        } else {
            None
        }
    }

    /// A load from a device, as a hypercall does it: whether one answers for all of the bytes.
    pub fn read_io(&self, address: u64, data: &mut [u8]) -> bool {
        let target = self.io_for_hypercall(address, data.len());
        target.map(|target| target.read(data)).is_some()
    }

    /// A store to a device, as a hypercall does it: whether one answers for all of the bytes.
    pub fn write_io(&self, address: u64, data: &[u8]) -> bool {
        let target = self.io_for_hypercall(address, data.len());
        target.map(|target| target.write(data)).is_some()
    }

    /// Takes away the region that starts at `base` and hands back its mapping. The caller must keep
    /// that alive until every vCPU has dropped its cached translations
    /// ([`crate::Partition::flush_translations`]).
    pub fn unmap(&self, base: u64) -> Option<Arc<dyn HostMapping>> {
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        let index = regions.iter().position(|r| r.base == base)?;
        let mapping = regions.swap_remove(index).mapping;
        drop(regions);
        // Its code must not be run once something else is there.
        self.code.announce_all();
        Some(mapping)
    }

    /// What is mapped where, as it is now.
    pub fn regions(&self) -> Vec<(u64, Arc<dyn HostMapping>)> {
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        let regions = regions.iter();
        regions.map(|r| (r.base, Arc::clone(&r.mapping))).collect()
    }

    /// The host memory behind `len` bytes at `address`; None where not all of them are in one
    /// region.
    pub fn span(&self, address: u64, len: usize) -> Option<HostSpan> {
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        regions.iter().find_map(|region| {
            let offset = address.checked_sub(region.base)?;
            let end = offset.checked_add(len as u64)?;
            if end > region.len() {
                return None;
            }
            let address = region.mapping.start().addr().checked_add(offset as usize)?;
            let start: NonNull<u8> = region.mapping.start().with_addr(address);
            Some(HostSpan {
                start,
                len,
                writable: region.mapping.writable(),
            })
        })
    }

    /// Copies guest memory to `buffer`.
    ///
    /// # Errors
    /// [`OutOfMemory`]; nothing is copied then.
    pub fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), OutOfMemory> {
        let span = self.span(address, buffer.len()).ok_or(OutOfMemory {
            address,
            length: buffer.len(),
        })?;
        read_host(span, buffer);
        Ok(())
    }

    /// Copies `bytes` to guest memory.
    ///
    /// # Errors
    /// [`OutOfMemory`], also where the guest may only read; nothing is copied then.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), OutOfMemory> {
        let span = self
            .span(address, bytes.len())
            .filter(|span| span.writable());
        let span = span.ok_or(OutOfMemory {
            address,
            length: bytes.len(),
        })?;
        write_host(span, bytes);
        self.note_store(address, bytes.len() as u64);
        Ok(())
    }

    /// Starts an empty dirty log of a stretch of memory; one that was there is forgotten.
    pub(crate) fn start_log(&self, range: Range<u64>) -> Result<(), OutOfMemory> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let outside = OutOfMemory {
            address: range.start,
            length,
        };
        let whole_pages = (range.start | range.end).is_multiple_of(DIRTY_PAGE);
        if !whole_pages || length == 0 || self.span(range.start, length).is_none() {
            return Err(outside);
        }
        let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
        *log = Some(Log::new(range));
        self.logging.store(true, Ordering::SeqCst);
        Ok(())
    }

    pub(crate) fn stop_log(&self) {
        let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
        self.logging.store(false, Ordering::SeqCst);
        *log = None;
    }

    /// Takes the marks of the dirty log; None where there is no log.
    pub(crate) fn take_log(&self) -> Option<DirtyPages> {
        self.with_log(Log::take)
    }

    /// Notes what has just been stored to directly: for the dirty log, and where it is code (see
    /// `dirty` and `code`).
    pub(crate) fn note_store(&self, address: u64, len: u64) {
        self.log_store(address, len);
        // `log_store` has fenced: who watches the page from now on reads what was stored.
        self.announce_code(address, len);
    }

    /// Marks in the dirty log what has just been stored to directly, and what is about to be
    /// through the soft TLB (see `dirty`).
    pub(crate) fn log_store(&self, address: u64, len: u64) {
        // Either the log is seen here, or what was stored before is seen by whoever has started it.
        fence(Ordering::SeqCst);
        self.with_log(|log| log.mark(address, len));
    }

    /// Whether stores to any of `len` bytes at `address` are logged.
    pub(crate) fn is_logged(&self, address: u64, len: u64) -> bool {
        self.with_log(|log| log.covers(address, len))
            .unwrap_or(false)
    }

    /// Changes of code, and demands to watch for them.
    pub(crate) fn code(&self) -> &CodeEvents {
        &self.code
    }

    /// Watches the page of code at a real address for vCPU `id`, which has dropped its own store
    /// tags for it; None where there is no memory.
    pub(crate) fn watch_code(&self, real: u64, id: u32) -> Option<Watch> {
        self.with_marks(real, |marks, base| {
            self.code.watch(marks, real - base, real, id)
        })
    }

    /// Whether any page of `len` bytes at a real address holds code that is watched.
    pub(crate) fn has_code(&self, real: u64, len: u64) -> bool {
        self.with_marks(real, |marks, base| marks.any_watched(real - base, len))
            .unwrap_or(false)
    }

    /// As [`RealMemory::has_code`], for the granule that vCPU `id` is about to have a store tag
    /// for.
    pub(crate) fn has_code_for_writer(&self, real: u64, len: u64, id: u32) -> bool {
        let has = self.with_marks(real, |marks, base| {
            marks.note_writer(real - base, id);
            marks.any_watched(real - base, len)
        });
        has.unwrap_or(false)
    }

    /// Announces a store to `len` bytes at a real address, as far as code is watched there; whether
    /// any is.
    pub(crate) fn announce_code(&self, real: u64, len: u64) -> bool {
        let announced = self.with_marks(real, |marks, base| {
            let watched = marks.any_watched(real - base, len);
            if watched {
                self.code.announce(marks, real - base, base, len);
            }
            watched
        });
        announced.unwrap_or(false)
    }

    /// The marks of the mapping that a real address is in, and where it starts.
    fn with_marks<T>(&self, real: u64, f: impl FnOnce(&CodeMarks, u64) -> T) -> Option<T> {
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        let inside = |region: &&Region| {
            let offset = real.checked_sub(region.base);
            offset.is_some_and(|offset| offset < region.len())
        };
        let region = regions.iter().find(inside)?;
        Some(f(&region.code, region.base))
    }

    fn with_log<T>(&self, f: impl FnOnce(&Log) -> T) -> Option<T> {
        if !self.logging.load(Ordering::SeqCst) {
            return None;
        }
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        log.as_ref().map(f)
    }
}
