//! Plain bytes with the interpreter's rules for real mode: which accesses it refuses, and with which interrupt.

use power::engine::Width;
use power::interrupt::Interrupt;
use power_jit::Memory;

use super::{CODE, DATA};

/// In real mode the four high address bits are ignored.
const REAL_MASK: u64 = u64::MAX >> 4;
/// Mappings come in multiples of this.
const GRANULE: u64 = 1 << 16;

#[derive(Clone)]
pub struct PlainMemory {
    pub code: Vec<u8>,
    pub data: Vec<u8>,
    /// Real address, bytes, and value seen.
    pub reservation: Option<(u64, Width, u64)>,
    /// Something was stored to the code region, where the interpreter may or may not see it.
    pub code_written: bool,
}

impl PlainMemory {
    pub fn new() -> Self {
        let bytes = |range: std::ops::Range<u64>| vec![0; (range.end - range.start) as usize];
        Self {
            code: bytes(CODE),
            data: bytes(DATA),
            reservation: None,
            code_written: false,
        }
    }

    fn byte(&mut self, ea: u64) -> Option<&mut u8> {
        let real = ea & REAL_MASK;
        if CODE.contains(&real) {
            self.code.get_mut((real - CODE.start) as usize)
        } else {
            self.data.get_mut(real.checked_sub(DATA.start)? as usize)
        }
    }

    /// The first byte that can't be reached decides.
    fn check(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.byte(ea)
            .map(|_| ())
            .ok_or(Interrupt::MachineCheck { ea, fetch: false })
    }

    fn aligned(ea: u64, width: Width) -> Result<(), Interrupt> {
        if ea.is_multiple_of(width.bytes()) {
            Ok(())
        } else {
            Err(Interrupt::Alignment { ea })
        }
    }
}

impl Memory for PlainMemory {
    fn load(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt> {
        let mut value = 0;
        for n in 0..width.bytes() {
            let ea = ea.wrapping_add(n);
            self.check(ea)?;
            value |= self.byte(ea).map_or(0, |&mut byte| u64::from(byte)) << (8 * n);
        }
        Ok(value)
    }

    fn store(&mut self, ea: u64, value: u64, width: Width) -> Result<(), Interrupt> {
        self.check(ea)?;
        let last = ea.wrapping_add(width.bytes() - 1);
        if (ea ^ last) & !(GRANULE - 1) != 0 {
            self.check(last)?;
        }
        for n in 0..width.bytes() {
            let ea = ea.wrapping_add(n);
            self.code_written |= CODE.contains(&(ea & REAL_MASK));
            if let Some(byte) = self.byte(ea) {
                *byte = (value >> (8 * n)) as u8;
            }
        }
        Ok(())
    }

    fn probe_store(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.check(ea)
    }

    fn zero_block(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.check(ea)?;
        for n in 0..128 {
            self.store((ea & !127).wrapping_add(n), 0, Width::Byte)?;
        }
        Ok(())
    }

    fn touch_block(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.check(ea)
    }

    fn load_reserve(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt> {
        Self::aligned(ea, width)?;
        let value = self.load(ea, width)?;
        self.reservation = Some((ea & REAL_MASK, width, value));
        Ok(value)
    }

    fn store_conditional(&mut self, ea: u64, value: u64, width: Width) -> Result<bool, Interrupt> {
        Self::aligned(ea, width)?;
        let reservation = self.reservation.take();
        self.check(ea)?;
        let now = self.load(ea, width)?;
        if reservation != Some((ea & REAL_MASK, width, now)) {
            return Ok(false);
        }
        self.store(ea, value, width)?;
        Ok(true)
    }
}
