//! What the vCPUs of one logical partition share: real memory, the process table, the LPCR fields that hypercalls set, time,
//! and the means to drop cached translations on all of them.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cpu::translation::Invalidation;
use crate::memory::{DirtyPages, OutOfMemory, RealMemory};
use crate::signals::{FLUSH, Signals};
use crate::time::TimeBase;

/// The state that the vCPUs of a partition share.
pub struct Partition {
    /// Guest real memory.
    pub memory: RealMemory,
    /// The time base.
    pub time_base: TimeBase,
    /// Process table: real address in the high bits, log2 of its size in bytes in the low ones; 0: none.
    process_table: AtomicU64,
    interrupt_little_endian: AtomicBool,
    interrupts_relocated: AtomicBool,
    /// Counts demands to drop translations.
    flush_epoch: AtomicU64,
    /// The last of them, oldest first: the newest is that of the current epoch.
    invalidations: Mutex<VecDeque<Invalidation>>,
    vcpus: Vec<Arc<Signals>>,
}

/// Demands to drop translations that are remembered; who has missed more drops everything.
const INVALIDATIONS: usize = 64;

const TABLE_SIZE_MASK: u64 = 0xff;

impl Partition {
    /// A partition with wires for `vcpus` vCPUs and no memory yet.
    pub fn new(vcpus: u32) -> Arc<Self> {
        Arc::new(Self {
            memory: RealMemory::new(vcpus),
            time_base: TimeBase::default(),
            process_table: AtomicU64::new(0),
            interrupt_little_endian: AtomicBool::new(false),
            interrupts_relocated: AtomicBool::new(false),
            flush_epoch: AtomicU64::new(0),
            invalidations: Mutex::default(),
            vcpus: (0..vcpus).map(|_| Arc::new(Signals::default())).collect(),
        })
    }

    /// The wires into vCPU `id`; None where there is no such vCPU.
    pub fn signals(&self, id: u32) -> Option<&Arc<Signals>> {
        self.vcpus.get(id as usize)
    }

    /// How many vCPUs there are.
    pub fn vcpus(&self) -> u32 {
        self.vcpus.len() as u32
    }

    /// Sets the process table (base real address, log2 of its size in bytes), or none, and drops all translations.
    pub fn set_process_table(&self, table: Option<(u64, u32)>) {
        let value = table.map_or(0, |(base, size)| {
            (base & !TABLE_SIZE_MASK) | u64::from(size) & TABLE_SIZE_MASK
        });
        self.process_table.store(value, Ordering::SeqCst);
        self.flush_translations();
    }

    /// The process table: real address, and log2 of its size in bytes.
    pub fn process_table(&self) -> Option<(u64, u32)> {
        let value = self.process_table.load(Ordering::SeqCst);
        (value != 0).then_some((value & !TABLE_SIZE_MASK, (value & TABLE_SIZE_MASK) as u32))
    }

    /// LPCR\[ILE\].
    pub fn set_interrupt_little_endian(&self, little: bool) {
        self.interrupt_little_endian.store(little, Ordering::SeqCst);
    }

    /// LPCR\[ILE\].
    pub fn interrupt_little_endian(&self) -> bool {
        self.interrupt_little_endian.load(Ordering::Relaxed)
    }

    /// LPCR\[AIL\]: 3 (true) or 0.
    pub fn set_interrupts_relocated(&self, relocated: bool) {
        self.interrupts_relocated.store(relocated, Ordering::SeqCst);
    }

    /// LPCR\[AIL\]: 3 (true) or 0.
    pub fn interrupts_relocated(&self) -> bool {
        self.interrupts_relocated.load(Ordering::Relaxed)
    }

    /// Demands that every vCPU drop its cached translations; they have all done so once [`Partition::wait_for_flush`] returns.
    pub fn flush_translations(&self) {
        self.invalidate(Invalidation::All);
    }

    /// Demands that every vCPU drop some of its cached translations.
    pub(crate) fn invalidate(&self, what: Invalidation) {
        let mut invalidations = self.invalidations();
        if invalidations.len() >= INVALIDATIONS {
            invalidations.pop_front();
        }
        invalidations.push_back(what);
        self.flush_epoch.fetch_add(1, Ordering::SeqCst);
        drop(invalidations);
        for vcpu in &self.vcpus {
            vcpu.raise(FLUSH);
        }
    }

    fn invalidations(&self) -> std::sync::MutexGuard<'_, VecDeque<Invalidation>> {
        self.invalidations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out the demands of the epochs after `epoch`, or one for everything where they are not remembered; the epoch they
    /// lead to.
    pub(crate) fn invalidations_since(
        &self,
        epoch: u64,
        mut carry_out: impl FnMut(Invalidation),
    ) -> u64 {
        let invalidations = self.invalidations();
        let now = self.flush_epoch();
        let missed = usize::try_from(now.wrapping_sub(epoch)).unwrap_or(usize::MAX);
        match invalidations.len().checked_sub(missed) {
            Some(first) => invalidations.range(first..).copied().for_each(carry_out),
            None => carry_out(Invalidation::All),
        }
        now
    }

    pub(crate) fn flush_epoch(&self) -> u64 {
        self.flush_epoch.load(Ordering::SeqCst)
    }

    /// Whether every vCPU that runs guest code has dropped what was cached before now.
    pub(crate) fn flush_done(&self) -> bool {
        let epoch = self.flush_epoch();
        fence(Ordering::SeqCst);
        self.vcpus.iter().all(|v| {
            !v.in_guest.load(Ordering::SeqCst) || v.flushed.load(Ordering::SeqCst) >= epoch
        })
    }

    /// Waits, on a thread that runs no vCPU, until the translations cached before now are gone everywhere.
    pub fn wait_for_flush(&self) {
        while !self.flush_done() {
            std::thread::yield_now();
        }
    }

    /// Starts logging which pages of a stretch of real memory are stored to, by guest or monitor; none is dirty yet. Stores that
    /// are not visible in memory when this returns are in the log. Stores made through host addresses of a mapping are not: their
    /// maker copies them himself.
    ///
    /// Call it on a thread that runs no vCPU: it waits for those that run guest code to look up (some microseconds).
    ///
    /// # Errors
    /// [`OutOfMemory`] where the stretch is not whole pages of one mapping.
    pub fn start_dirty_log(&self, range: Range<u64>) -> Result<(), OutOfMemory> {
        self.memory.start_log(range)?;
        self.flush_translations();
        self.wait_for_flush();
        Ok(())
    }

    /// The pages stored to since the log was started, or since this was last called; None where there is no log. Read them after
    /// this returns: what is stored later makes them dirty again. As [`Partition::start_dirty_log`], it waits for running vCPUs.
    pub fn take_dirty_pages(&self) -> Option<DirtyPages> {
        let pages = self.memory.take_log()?;
        self.flush_translations();
        self.wait_for_flush();
        Some(pages)
    }

    /// Ends logging.
    pub fn stop_dirty_log(&self) {
        self.memory.stop_log();
    }

    /// Notes that all code may have changed: by who stores through host addresses of a mapping. Stores of the guest, and
    /// [`RealMemory::write`], need not be told.
    pub fn invalidate_code(&self) {
        self.memory.code().announce_all();
    }

    /// Counts changes of code.
    #[inline]
    pub(crate) fn code_epoch(&self) -> u64 {
        self.memory.code().change_epoch()
    }

    /// Watches the page of code at a real address for vCPU `id`, which has dropped its own store tags for it. The demand that the
    /// others have to answer before its contents can be trusted (see [`Partition::is_watched_since`]), 0 for none; None where
    /// there is no memory.
    pub(crate) fn watch_code(&self, real: u64, id: u32) -> Option<u64> {
        let watch = self.memory.watch_code(real, id)?;
        if watch.is_alone || self.vcpus.len() == 1 {
            return Some(0);
        }
        if watch.is_new {
            for (vcpu, other) in self.vcpus.iter().zip(0..) {
                // One that does not run guest code looks before it does.
                if other != id && vcpu.in_guest.load(Ordering::SeqCst) {
                    vcpu.raise(FLUSH);
                }
            }
        }
        Some(watch.epoch)
    }

    /// Whether every vCPU other than `id` that runs guest code has answered the demands to drop store tags up to `epoch`.
    pub(crate) fn is_watched_since(&self, epoch: u64, id: u32) -> bool {
        fence(Ordering::SeqCst);
        self.vcpus.iter().zip(0..).all(|(vcpu, other)| {
            other == id
                || !vcpu.in_guest.load(Ordering::SeqCst)
                || vcpu.stores_checked.load(Ordering::SeqCst) >= epoch
        })
    }
}
