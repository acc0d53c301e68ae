//! Memory accesses that the soft TLB can't serve at once: misses, granule crossings, atomics.

use super::Cpu;
use super::reservation::Reservation;
use crate::interrupt::{Interrupt, dsisr};
use crate::memory::Scalar;
use crate::mmu::radix::{self, Context, Fault};
use crate::mmu::tlb::Stores;
use crate::mmu::{Access, Translation};
use crate::msr;

/// In real mode the four high address bits are ignored.
const REAL_MODE_MASK: u64 = 0x0fff_ffff_ffff_ffff;

impl Cpu {
    /// Translates an effective address, or says which interrupt to take.
    pub(crate) fn translate(&self, ea: u64, access: Access) -> Result<Translation, Interrupt> {
        let relocate = if access == Access::Fetch {
            msr::IR
        } else {
            msr::DR
        };
        if self.regs.msr & relocate == 0 {
            return Ok(Translation {
                real: ea & REAL_MODE_MASK,
                page_shift: 63,
                readable: true,
                writable: true,
            });
        }
        let context = Context {
            pid: self.regs.pid,
            problem_state: self.regs.msr & msr::PR != 0,
            keys: self.keys(),
        };
        radix::translate(&self.partition, context, ea, access)
            .map_err(|fault| storage_interrupt(fault, ea, access))
    }

    /// Makes the soft TLB know the granule of `ea` for `access`.
    #[cold]
    pub(crate) fn fill(&mut self, ea: u64, access: Access) -> Result<(), Interrupt> {
        self.tlb.misses += 1;
        let translation = self.translate(ea, access)?;
        self.tlb.adapt(translation.page_shift);
        let granule = 1u64 << self.tlb.granule_shift();
        let page = translation.real & !(granule - 1);
        let span = self
            .partition
            .memory
            .span(page, granule as usize)
            .ok_or(Interrupt::MachineCheck { ea, fetch: false })?;
        if access == Access::Store && !span.writable() {
            // Memory that the host only lends for reading: as a page whose protection forbids the
            // store.
            return Err(Interrupt::DataStorage {
                ea,
                dsisr: dsisr::PROTECTION | dsisr::STORE,
            });
        }
        let memory = &self.partition.memory;
        let mut writable = translation.writable && span.writable();
        if writable && access == Access::Store {
            memory.log_store(page, granule);
        } else if writable && memory.is_logged(page, granule) {
            // The first store shall miss, and be noted.
            writable = false;
        }
        let stores = match writable {
            false => Stores::Never,
            true if memory.has_code_for_writer(page, granule, self.id) => Stores::Checked,
            true => Stores::Free,
        };
        self.tlb
            .insert(ea, page, span, translation.readable, stores);
        Ok(())
    }

    /// For a store of `bytes` in one granule that the soft TLB has not permitted: makes it do so,
    /// or says which interrupt to take. Where code is stored to, all vCPUs are told of it first.
    /// [`Tlb::take_back`](crate::mmu::tlb::Tlb::take_back) follows the store.
    #[cold]
    pub(crate) fn open_store(&mut self, ea: u64, bytes: u64) -> Result<(), Interrupt> {
        self.fill_for_store(ea)?;
        let Some(real) = self.tlb.checked(ea) else {
            return Ok(());
        };
        let memory = &self.partition.memory;
        if memory.announce_code(real, bytes) {
            // The next instruction is looked up again, whatever the program does without the isync
            // that it should have.
            self.code.leave_page();
        }
        let granule = 1u64 << self.tlb.granule_shift();
        if memory.has_code(real & !(granule - 1), granule) {
            self.tlb.lend(ea);
        } else {
            self.tlb.free(ea);
        }
        Ok(())
    }

    /// Replaces `old` by `new` at an aligned address; the number found is the inner error.
    pub(crate) fn exchange_host<T: Bytes>(
        &mut self,
        ea: u64,
        old: T,
        new: T,
    ) -> Result<Result<T, T>, Interrupt> {
        if let Some(done) = self.tlb.compare_exchange(ea, old, new) {
            return Ok(done);
        }
        self.open_store(ea, size_of::<T>() as u64)?;
        let done = self.tlb.compare_exchange(ea, old, new);
        self.tlb.take_back();
        done.ok_or(Interrupt::MachineCheck { ea, fetch: false })
    }

    /// A load that missed: fills the TLB, and takes a crossing access apart.
    #[cold]
    pub(crate) fn load_slow<T: Bytes>(&mut self, ea: u64) -> Result<T, Interrupt> {
        // This may be the first page so small that granules shrink, which makes an access cross
        // that did not.
        if let Err(interrupt) = self.fill_for_load(ea) {
            return self.load_io(ea, interrupt);
        }
        if !self.crosses(ea, size_of::<T>()) {
            return self
                .tlb
                .load(ea)
                .ok_or(Interrupt::MachineCheck { ea, fetch: false });
        }
        let mut bytes = T::Array::default();
        for (n, byte) in bytes.as_mut().iter_mut().enumerate() {
            let ea = ea.wrapping_add(n as u64) & self.ea_mask;
            *byte = match self.tlb.load::<u8>(ea) {
                Some(byte) => byte,
                None => {
                    self.fill(ea, Access::Load)?;
                    self.tlb
                        .load(ea)
                        .ok_or(Interrupt::MachineCheck { ea, fetch: false })?
                }
            };
        }
        Ok(T::from_bytes(bytes))
    }

    /// A store that missed; nothing is written unless all of it may be.
    #[cold]
    pub(crate) fn store_slow<T: Bytes>(&mut self, ea: u64, value: T) -> Result<(), Interrupt> {
        // As in `load_slow`, granules may shrink; the second time there is no more to be filled.
        if let Err(interrupt) = self.fill_for_store(ea) {
            return self.store_io(ea, value, interrupt);
        }
        if !self.crosses(ea, size_of::<T>()) {
            return self.store_opened(ea, value);
        }
        // Both pages are asked before a byte is written. Neighbours may share a slot of the TLB, so
        // each byte looks again.
        let last = ea.wrapping_add(size_of::<T>() as u64 - 1) & self.ea_mask;
        self.fill_for_store(last)?;
        for (n, &byte) in value.to_bytes().as_ref().iter().enumerate() {
            let ea = ea.wrapping_add(n as u64) & self.ea_mask;
            if !self.tlb.store(ea, byte) {
                self.store_opened(ea, byte)?;
            }
        }
        Ok(())
    }

    /// A store in one granule that the soft TLB has not permitted.
    fn store_opened<T: Scalar>(&mut self, ea: u64, value: T) -> Result<(), Interrupt> {
        self.open_store(ea, size_of::<T>() as u64)?;
        let stored = self.tlb.store(ea, value);
        self.tlb.take_back();
        if stored {
            Ok(())
        } else {
            Err(Interrupt::MachineCheck { ea, fetch: false })
        }
    }

    fn crosses(&self, ea: u64, bytes: usize) -> bool {
        let last = ea.wrapping_add(bytes as u64 - 1) & self.ea_mask;
        (ea ^ last) >> self.tlb.granule_shift() != 0
    }

    /// Loads in host byte order.
    #[inline(always)]
    pub(crate) fn load_host<T: Bytes>(&mut self, ea: u64) -> Result<T, Interrupt> {
        let ea = ea & self.ea_mask;
        match self.tlb.load(ea) {
            Some(value) => Ok(value),
            None if self.debug.has_watchpoint() => {
                self.with_watchpoint(ea, size_of::<T>(), Access::Load, |cpu| cpu.load_slow(ea))
            }
            None => self.load_slow(ea),
        }
    }

    /// Stores in host byte order.
    #[inline(always)]
    pub(crate) fn store_host<T: Bytes>(&mut self, ea: u64, value: T) -> Result<(), Interrupt> {
        let ea = ea & self.ea_mask;
        if self.tlb.store(ea, value) {
            Ok(())
        } else if self.debug.has_watchpoint() {
            let bytes = size_of::<T>();
            self.with_watchpoint(ea, bytes, Access::Store, |cpu| cpu.store_slow(ea, value))
        } else {
            self.store_slow(ea, value)
        }
    }

    /// Loads, and reserves what was loaded.
    pub(crate) fn load_reserve<T: Bytes + Into<u64>>(&mut self, ea: u64) -> Result<T, Interrupt> {
        let ea = ea & self.ea_mask;
        if !ea.is_multiple_of(size_of::<T>() as u64) {
            return Err(Interrupt::Alignment { ea });
        }
        self.require_cache(ea, Access::Load)?;
        let value: T = self.load_host(ea)?;
        let host = match self.tlb.host_address(ea) {
            Some(host) => Some(host),
            // The granule of a watchpoint is not kept.
            None => self.with_watchpoint(ea, 0, Access::Load, |cpu| {
                cpu.fill(ea, Access::Load)?;
                Ok(cpu.tlb.host_address(ea))
            })?,
        };
        let host = host.ok_or(Interrupt::MachineCheck { ea, fetch: false })?;
        self.reservation = Reservation::new(host, size_of::<T>(), u128::from(value.into()));
        Ok(value)
    }

    /// Stores where the reservation still holds; it is gone after this.
    pub(crate) fn store_conditional<T: Bytes + TryFrom<u64>>(
        &mut self,
        ea: u64,
        new: T,
    ) -> Result<bool, Interrupt> {
        let ea = ea & self.ea_mask;
        if self.debug.has_watchpoint() {
            let bytes = size_of::<T>();
            return self.with_watchpoint(ea, bytes, Access::Store, |cpu| {
                cpu.store_where_reserved(ea, new)
            });
        }
        self.store_where_reserved(ea, new)
    }

    fn store_where_reserved<T: Bytes + TryFrom<u64>>(
        &mut self,
        ea: u64,
        new: T,
    ) -> Result<bool, Interrupt> {
        if !ea.is_multiple_of(size_of::<T>() as u64) {
            return Err(Interrupt::Alignment { ea });
        }
        let reservation = std::mem::replace(&mut self.reservation, Reservation::NONE);
        // The access is checked even where nothing will be stored: the translation may fault either
        // way.
        self.fill_for_store(ea)
            .map_err(|interrupt| self.without_cache(ea, Access::Store, interrupt))?;
        let host = self
            .tlb
            .store_address(ea)
            .ok_or(Interrupt::MachineCheck { ea, fetch: false })?;
        let Some(seen) = { reservation }.take(host, size_of::<T>()) else {
            return Ok(false);
        };
        let Ok(old) = T::try_from(seen as u64) else {
            return Ok(false);
        };
        Ok(self.exchange_host(ea, old, new)?.is_ok())
    }

    /// The real address of an aligned quadword and the span behind it, for `access`.
    pub(crate) fn quad_span(
        &mut self,
        ea: u64,
        access: Access,
    ) -> Result<(u64, crate::memory::HostSpan), Interrupt> {
        let ea = ea & self.ea_mask;
        if !ea.is_multiple_of(16) {
            return Err(Interrupt::Alignment { ea });
        }
        let translation = self.translate(ea, access)?;
        self.check_watchpoint(ea, 16, access)?;
        let Some(span) = self.partition.memory.span(translation.real, 16) else {
            let nothing = Interrupt::MachineCheck { ea, fetch: false };
            return Err(self.without_cache(ea, access, nothing));
        };
        if access == Access::Store && !span.writable() {
            return Err(Interrupt::DataStorage {
                ea,
                dsisr: dsisr::PROTECTION | dsisr::STORE,
            });
        }
        Ok((translation.real, span))
    }

    /// Reserves a quadword.
    pub(crate) fn reserve_quad(&mut self, host: usize, value: u128) {
        self.reservation = Reservation::new(host, 16, value);
    }

    /// Ends the reservation; the value seen, where it was one of the quadword at `host`.
    pub(crate) fn take_quad_reservation(&mut self, host: usize) -> Option<u128> {
        self.reservation.take(host, 16)
    }
}

/// The interrupt for a fault of the MMU (Book III, 6.5.3 to 6.5.6).
fn storage_interrupt(fault: Fault, ea: u64, access: Access) -> Interrupt {
    match (fault, access) {
        (Fault::Segment, Access::Fetch) => Interrupt::InstructionSegment,
        (Fault::Segment, _) => Interrupt::DataSegment { ea },
        (Fault::Storage(bits), Access::Fetch) => {
            // A page without execute permission is "no-execute" (SRR1 bit 35); protection bits 36
            // and the key bit 42 are alike.
            let bits = if bits & dsisr::PROTECTION != 0 {
                0x1000_0000
            } else {
                bits
            };
            Interrupt::InstructionStorage {
                srr1: u64::from(bits),
            }
        }
        (Fault::Storage(bits), Access::Store) => Interrupt::DataStorage {
            ea,
            dsisr: bits | dsisr::STORE,
        },
        (Fault::Storage(bits), Access::Load) => Interrupt::DataStorage { ea, dsisr: bits },
        (Fault::NotBacked, _) => Interrupt::MachineCheck {
            ea,
            fetch: access == Access::Fetch,
        },
    }
}

/// Numbers as bytes in host order.
pub(crate) trait Bytes: Scalar {
    type Array: Default + AsRef<[u8]> + AsMut<[u8]>;
    fn from_bytes(bytes: Self::Array) -> Self;
    fn to_bytes(self) -> Self::Array;
}

macro_rules! bytes {
    ($($type:ty),*) => { $(
        impl Bytes for $type {
            type Array = [u8; size_of::<$type>()];
            fn from_bytes(bytes: Self::Array) -> Self {
                Self::from_ne_bytes(bytes)
            }
            fn to_bytes(self) -> Self::Array {
                self.to_ne_bytes()
            }
        }
    )* };
}
bytes!(u8, u16, u32, u64);

impl Cpu {
    /// Makes sure that a store to `ea` would succeed.
    pub(crate) fn probe_store(&mut self, ea: u64) -> Result<(), Interrupt> {
        if self.tlb.store_address(ea).is_some() {
            return Ok(());
        }
        let filled = self.with_watchpoint(ea, 1, Access::Store, |cpu| cpu.fill(ea, Access::Store));
        match filled {
            Err(interrupt) if self.is_io(ea, Access::Store, interrupt) => Ok(()),
            filled => filled,
        }
    }

    /// Makes the soft TLB know the granule of `ea` for a load.
    pub(crate) fn fill_for_load(&mut self, ea: u64) -> Result<(), Interrupt> {
        match self.tlb.host_address(ea) {
            Some(_) => Ok(()),
            None => self.fill(ea, Access::Load),
        }
    }

    /// Makes the soft TLB know the granule of `ea` for a store, perhaps a checked one.
    pub(crate) fn fill_for_store(&mut self, ea: u64) -> Result<(), Interrupt> {
        match self.tlb.store_address(ea) {
            Some(_) => Ok(()),
            None => self.fill(ea, Access::Store),
        }
    }
}
