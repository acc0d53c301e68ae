//! Loads and stores of device registers. Memory is looked for first, so this is reached only after
//! the soft TLB has missed and no memory was behind the address.
//!
//! I/O is Caching Inhibited and Guarded storage, whatever a page's attributes say: an access has to
//! be aligned (Book III, 6.5.8), `dcbz` raises an alignment interrupt, and what needs a cache
//! (reservations, atomic memory operations, quadwords) a data storage interrupt (6.5.3).

use super::Cpu;
use super::access::Bytes;
use crate::interrupt::{Interrupt, dsisr};
use crate::memory::IoTarget;
use crate::mmu::Access;

impl Cpu {
    /// A load that found no memory; `interrupt` is what it met.
    #[cold]
    pub(super) fn load_io<T: Bytes>(
        &mut self,
        ea: u64,
        interrupt: Interrupt,
    ) -> Result<T, Interrupt> {
        let target = self.aligned_io::<T>(ea, Access::Load, interrupt)?;
        let mut bytes = T::Array::default();
        target.read(bytes.as_mut());
        Ok(T::from_bytes(bytes))
    }

    /// A store that found no memory; `interrupt` is what it met.
    #[cold]
    pub(super) fn store_io<T: Bytes>(
        &mut self,
        ea: u64,
        value: T,
        interrupt: Interrupt,
    ) -> Result<(), Interrupt> {
        let target = self.aligned_io::<T>(ea, Access::Store, interrupt)?;
        target.write(value.to_bytes().as_ref());
        Ok(())
    }

    /// The device that answers for all of an access that met `interrupt`; else that stands.
    fn aligned_io<T: Bytes>(
        &self,
        ea: u64,
        access: Access,
        interrupt: Interrupt,
    ) -> Result<IoTarget, Interrupt> {
        let real = self.io_address(ea, access, interrupt).ok_or(interrupt)?;
        if !ea.is_multiple_of(size_of::<T>() as u64) {
            return Err(Interrupt::Alignment { ea });
        }
        let target = self.partition.memory.io(real, size_of::<T>() as u64);
        target.ok_or(interrupt)
    }

    /// The real address of an access that met `interrupt`, where that is because a device is there
    /// and no memory. Memory pays nothing for the question: it is asked after the soft TLB could
    /// not be filled.
    fn io_address(&self, ea: u64, access: Access, interrupt: Interrupt) -> Option<u64> {
        if !matches!(interrupt, Interrupt::MachineCheck { .. }) {
            return None;
        }
        let real = self.translate(ea, access).ok()?.real;
        self.partition.memory.io(real, 1).map(|_| real)
    }

    /// Whether an access met `interrupt` because a device is there.
    #[cold]
    pub(super) fn is_io(&self, ea: u64, access: Access, interrupt: Interrupt) -> bool {
        self.io_address(ea, access, interrupt).is_some()
    }

    /// What an access that needs a cache meets instead of `interrupt`: at a device's address, the
    /// data storage interrupt for such storage.
    #[cold]
    pub(super) fn without_cache(&self, ea: u64, access: Access, interrupt: Interrupt) -> Interrupt {
        if self.is_io(ea, access, interrupt) {
            caching_inhibited(ea, access)
        } else {
            interrupt
        }
    }

    /// Makes sure that there is memory at `ea`, for an access that needs a cache and begins with a
    /// load: a device must not see that.
    #[inline]
    pub(super) fn require_cache(&mut self, ea: u64, access: Access) -> Result<(), Interrupt> {
        let ea = ea & self.ea_mask;
        let known = match access {
            Access::Store => self.tlb.store_address(ea),
            _ => self.tlb.host_address(ea),
        };
        if known.is_some() {
            return Ok(());
        }
        // The access itself is what a watchpoint is for.
        let filled = self.with_watchpoint(ea, 0, access, |cpu| cpu.fill(ea, access));
        filled.map_err(|interrupt| self.without_cache(ea, access, interrupt))
    }
}

/// An access to Caching Inhibited storage by an instruction that can't be carried out there:
/// DSISR bit 37 (Book III, 6.5.3).
pub(super) fn caching_inhibited(ea: u64, access: Access) -> Interrupt {
    let store = if access == Access::Store {
        dsisr::STORE
    } else {
        0
    };
    Interrupt::DataStorage {
        ea,
        dsisr: dsisr::ATTRIBUTE | store,
    }
}
