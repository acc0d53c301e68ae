//! The guest's memory, as a block sees it.

use power::Cpu;
use power::engine::Width;
use power::interrupt::Interrupt;

/// Guest memory at effective addresses. Blocks reach memory through this alone: no address that a guest computes is ever used
/// as one of the host.
///
/// Numbers are little-endian here; the block swaps their bytes where the processor's mode or the instruction asks for it. In
/// 32-bit mode addresses come truncated. An access that is refused must leave memory as it was and say which interrupt to take;
/// the block then ends with the state that the faulting instruction sees.
///
/// Methods must not panic: there is guest code on the stack that can't unwind, and the process would abort.
#[allow(
    clippy::missing_errors_doc,
    reason = "Err is always the interrupt to take"
)]
pub trait Memory {
    /// Reads `width`, zero-extended.
    fn load(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt>;
    /// Writes the low `width` of `value`, all of it or nothing.
    fn store(&mut self, ea: u64, value: u64, width: Width) -> Result<(), Interrupt>;
    /// Whether a byte at `ea` could be written.
    fn probe_store(&mut self, ea: u64) -> Result<(), Interrupt>;
    /// Zeroes the cache block of 128 bytes that `ea` is in.
    fn zero_block(&mut self, ea: u64) -> Result<(), Interrupt>;
    /// Whether a byte at `ea` could be read.
    fn touch_block(&mut self, ea: u64) -> Result<(), Interrupt>;
    /// Reads `width` and sets the reservation; an unaligned address raises an alignment interrupt.
    fn load_reserve(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt>;
    /// Writes where the reservation holds, and says whether it did; the reservation is gone after it.
    fn store_conditional(&mut self, ea: u64, value: u64, width: Width) -> Result<bool, Interrupt>;
    /// Announces a store to `bytes` at `ea` where code is watched there; whether it is. The store is made after the run loop has
    /// looked for changed code, then: it must not be made twice, as others may have stored between.
    fn announce_store(&mut self, ea: u64, bytes: u64) -> Result<bool, Interrupt> {
        let _ = (ea, bytes);
        Ok(false)
    }
}

impl Memory for Cpu {
    fn load(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt> {
        self.read_memory(ea, width)
    }
    fn store(&mut self, ea: u64, value: u64, width: Width) -> Result<(), Interrupt> {
        self.write_memory(ea, value, width)
    }
    fn probe_store(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.check_store(ea)
    }
    fn zero_block(&mut self, ea: u64) -> Result<(), Interrupt> {
        Self::zero_block(self, ea)
    }
    fn touch_block(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.check_load(ea)
    }
    fn load_reserve(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt> {
        self.read_and_reserve(ea, width)
    }
    fn store_conditional(&mut self, ea: u64, value: u64, width: Width) -> Result<bool, Interrupt> {
        self.write_where_reserved(ea, value, width)
    }
    fn announce_store(&mut self, ea: u64, bytes: u64) -> Result<bool, Interrupt> {
        Self::announce_store(self, ea, bytes)
    }
}
