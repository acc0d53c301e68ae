//! Guest memory for code that another tier has compiled: what its inline look at the soft TLB can't serve, and where the TLB lies.
//!
//! Numbers are little-endian, whatever the processor's mode.

use std::mem::offset_of;

use super::Cpu;
use super::system::BLOCK;
use crate::engine::Width;
use crate::interrupt::Interrupt;
use crate::mmu::Access;
use crate::mmu::tlb;

/// Where compiled code finds things in a table of the soft TLB.
///
/// The entry of an effective address `ea` is at `table + (ea >> GRANULE_SHIFT) % ENTRIES * ENTRY_BYTES`, where `table` is
/// [`Cpu::tlb_table`]. An access of `bytes`
/// whose address less the entry's tag for its kind is (unsigned) at most [`TlbLayout::granule`] - `bytes` is at the host address
/// `ea + offset`.
///
/// What is read off an entry holds until the next poll of the run loop, or until an instruction that acts on the processor as a
/// whole changes the table in use or the address space, or makes entries be forgotten ([`Cpu::carry_out`] says so), even where the
/// entry has been given to another page since.
#[derive(Debug)]
pub struct TlbLayout;

impl TlbLayout {
    /// log2 of what addresses are divided by for the index.
    pub const GRANULE_SHIFT: u32 = tlb::INDEX_SHIFT;
    /// Entries of a table; a power of two.
    pub const ENTRIES: u64 = tlb::ENTRIES as u64;
    /// Bytes of an entry; a power of two.
    pub const ENTRY_BYTES: u64 = size_of::<tlb::Entry>() as u64;
    /// Offset of the tag of loads in an entry.
    pub const LOAD: i32 = offset_of!(tlb::Entry, load) as i32;
    /// Offset of the tag of stores.
    pub const STORE: i32 = offset_of!(tlb::Entry, store) as i32;
    /// Offset of what makes a host address of an effective one.
    pub const OFFSET: i32 = offset_of!(tlb::Entry, offset) as i32;

    /// Bytes that an entry covers. Code for the large granule must not be entered once the vCPU has small ones
    /// ([`Cpu::has_small_granules`]); it may end its run, on tables that stay empty.
    pub const fn granule(small: bool) -> u64 {
        1 << if small {
            tlb::GRANULE_SMALL
        } else {
            tlb::GRANULE_LARGE
        }
    }
}

#[allow(
    clippy::missing_errors_doc,
    reason = "Err is always the interrupt to take"
)]
impl Cpu {
    /// The host address of the table in use. Another comes into use with MSR, AMR and PID, or where granules become small; this
    /// one stays where it is as long as the vCPU lives.
    pub fn tlb_table(&self) -> usize {
        (&raw const *self.tlb.tables).addr() + self.tlb.current
    }

    /// Whether entries of the soft TLB cover 4 KiB, not 64 KiB. It becomes so once, when the guest shows a page that small.
    pub fn has_small_granules(&self) -> bool {
        self.tlb.granule_shift() == tlb::GRANULE_SMALL
    }

    /// Loads, zero-extended.
    pub fn read_memory(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt> {
        Ok(match width {
            Width::Byte => self.load_host::<u8>(ea)?.into(),
            Width::Half => u16::from_le(self.load_host(ea)?).into(),
            Width::Word => u32::from_le(self.load_host(ea)?).into(),
            Width::Double => u64::from_le(self.load_host(ea)?),
        })
    }

    /// Stores the low `width` of `value`, all of it or nothing.
    pub fn write_memory(&mut self, ea: u64, value: u64, width: Width) -> Result<(), Interrupt> {
        match width {
            Width::Byte => self.store_host(ea, value as u8),
            Width::Half => self.store_host(ea, (value as u16).to_le()),
            Width::Word => self.store_host(ea, (value as u32).to_le()),
            Width::Double => self.store_host(ea, value.to_le()),
        }
    }

    /// For a store of compiled code: announces that code changes, where there is watched code, and does not store; whether it has
    /// announced anything.
    pub fn announce_store(&mut self, ea: u64, bytes: u64) -> Result<bool, Interrupt> {
        if self.debug.has_watchpoint() {
            // A watchpoint's granule may not be kept, and comes first.
            return Ok(false);
        }
        let last = ea.wrapping_add(bytes - 1);
        let mut announced = false;
        for ea in [ea, last].map(|ea| ea & self.ea_mask) {
            match self.fill_for_store(ea) {
                Err(interrupt) if self.is_io(ea, Access::Store, interrupt) => return Ok(false),
                filled => filled?,
            }
            if let Some(real) = self.tlb.checked(ea) {
                announced |= self.partition.memory.announce_code(real, 1);
            }
        }
        Ok(announced)
    }

    /// Makes sure that a byte at `ea` could be stored to.
    pub fn check_store(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.probe_store(ea & self.ea_mask)
    }

    /// Zeroes the cache block that `ea` is in (dcbz).
    pub fn zero_block(&mut self, ea: u64) -> Result<(), Interrupt> {
        let ea = ea & self.ea_mask;
        if self.tlb.zero::<{ BLOCK as usize }>(ea) {
            return Ok(());
        }
        let block = ea & !(BLOCK - 1);
        self.with_watchpoint(block, BLOCK as usize, Access::Store, |cpu| {
            // A fault names the address as it was given.
            match cpu.fill_for_store(ea) {
                Err(interrupt) if cpu.is_io(ea, Access::Store, interrupt) => {
                    return Err(Interrupt::Alignment { ea });
                }
                filled => filled?,
            }
            cpu.open_store(block, BLOCK)?;
            let zeroed = cpu.tlb.zero::<{ BLOCK as usize }>(ea);
            cpu.tlb.take_back();
            if zeroed {
                Ok(())
            } else {
                Err(Interrupt::MachineCheck { ea, fetch: false })
            }
        })
    }

    /// Makes sure that a byte at `ea` could be loaded: all that is left of dcbst and dcbf on coherent memory.
    pub fn check_load(&mut self, ea: u64) -> Result<(), Interrupt> {
        let ea = ea & self.ea_mask;
        if self.tlb.host_address(ea).is_some() {
            return Ok(());
        }
        // Cache management is not watched for.
        let filled = self.with_watchpoint(ea, 0, Access::Load, |cpu| cpu.fill(ea, Access::Load));
        match filled {
            // Nothing of a device is in a cache.
            Err(interrupt) if self.is_io(ea, Access::Load, interrupt) => Ok(()),
            filled => filled,
        }
    }

    /// Loads, and reserves what was loaded.
    pub fn read_and_reserve(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt> {
        Ok(match width {
            Width::Byte => self.load_reserve::<u8>(ea)?.into(),
            Width::Half => u16::from_le(self.load_reserve(ea)?).into(),
            Width::Word => u32::from_le(self.load_reserve(ea)?).into(),
            Width::Double => u64::from_le(self.load_reserve(ea)?),
        })
    }

    /// Stores where the reservation holds, and says whether it did.
    pub fn write_where_reserved(
        &mut self,
        ea: u64,
        value: u64,
        width: Width,
    ) -> Result<bool, Interrupt> {
        match width {
            Width::Byte => self.store_conditional(ea, value as u8),
            Width::Half => self.store_conditional(ea, (value as u16).to_le()),
            Width::Word => self.store_conditional(ea, (value as u32).to_le()),
            Width::Double => self.store_conditional(ea, value.to_le()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compiled_code_multiplies_by_is_a_power_of_two() {
        assert!(TlbLayout::ENTRY_BYTES.is_power_of_two());
        assert!(TlbLayout::ENTRIES.is_power_of_two());
    }
}
