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

    /// The device at `ea`; else `interrupt` stands.
    fn aligned_io<T: Bytes>(
        &self,
        ea: u64,
        access: Access,
        interrupt: Interrupt,
    ) -> Result<IoTarget, Interrupt> {
        if !matches!(interrupt, Interrupt::MachineCheck { .. }) {
            return Err(interrupt);
        }
        if !ea.is_multiple_of(size_of::<T>() as u64) {
            let is_io = self.is_io(ea, 1, access)?;
            return Err(if is_io {
                Interrupt::Alignment { ea }
            } else {
                interrupt
            });
        }
        let real = self.translate(ea, access)?.real;
        let target = self.partition.memory.io(real, size_of::<T>() as u64);
        target.ok_or(interrupt)
    }

    /// Whether a device answers for `bytes` at `ea`, in one page. Not for what the soft TLB knows.
    #[cold]
    pub(super) fn is_io(&self, ea: u64, bytes: u64, access: Access) -> Result<bool, Interrupt> {
        let real = self.translate(ea, access)?.real;
        Ok(self.partition.memory.io(real, bytes).is_some())
    }

    /// The data storage interrupt of an access that needs a cache, where `ea` is a device's.
    #[inline]
    pub(super) fn refuse_io(&self, ea: u64, bytes: usize, access: Access) -> Result<(), Interrupt> {
        if self.tlb.host_address(ea).is_some() || self.tlb.store_address(ea).is_some() {
            return Ok(());
        }
        if self.is_io(ea, bytes as u64, access)? {
            return Err(caching_inhibited(ea, access));
        }
        Ok(())
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
