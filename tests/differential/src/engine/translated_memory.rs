//! Memory for translated code: the data region of [`crate::layout`], with the rules of an MMU.

use power::engine::Width;
use power::interrupt::{Interrupt, dsisr};
use power_jit::Memory;

use crate::layout::{MEMORY_BASE, MEMORY_SIZE, REGION_BASE, REGION_SIZE};
use crate::state::Case;

/// What a case may load and store.
pub(super) struct CaseMemory {
    region: Vec<u8>,
    /// Address, width and value seen.
    reservation: Option<(u64, Width, u64)>,
}

const WINDOW: usize = (MEMORY_BASE - REGION_BASE) as usize;

impl CaseMemory {
    pub(super) fn new(case: &Case) -> Self {
        let mut region = vec![0; REGION_SIZE as usize];
        region[WINDOW..WINDOW + MEMORY_SIZE].copy_from_slice(&case.memory);
        CaseMemory {
            region,
            reservation: None,
        }
    }

    /// The window, and whether anything else is not zero any more.
    pub(super) fn window(&self) -> ([u8; MEMORY_SIZE], bool) {
        let mut window = [0; MEMORY_SIZE];
        window.copy_from_slice(&self.region[WINDOW..WINDOW + MEMORY_SIZE]);
        let beside = self.region[..WINDOW]
            .iter()
            .chain(&self.region[WINDOW + MEMORY_SIZE..]);
        (window, beside.into_iter().any(|&byte| byte != 0))
    }

    fn bytes(&mut self, ea: u64, width: Width, store: u32) -> Result<&mut [u8], Interrupt> {
        let length = width.bytes() as usize;
        let found = ea
            .checked_sub(REGION_BASE)
            .and_then(|offset| self.region.get_mut(offset as usize..)?.get_mut(..length));
        found.ok_or(Interrupt::DataStorage {
            ea,
            dsisr: dsisr::NO_TRANSLATION | store,
        })
    }
}

fn aligned(ea: u64, width: Width) -> Result<(), Interrupt> {
    if ea.is_multiple_of(width.bytes()) {
        Ok(())
    } else {
        Err(Interrupt::Alignment { ea })
    }
}

impl Memory for CaseMemory {
    fn load(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt> {
        let bytes = self.bytes(ea, width, 0)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn store(&mut self, ea: u64, value: u64, width: Width) -> Result<(), Interrupt> {
        let bytes = self.bytes(ea, width, dsisr::STORE)?;
        bytes
            .iter_mut()
            .zip(value.to_le_bytes())
            .for_each(|(byte, new)| *byte = new);
        Ok(())
    }

    fn probe_store(&mut self, ea: u64) -> Result<(), Interrupt> {
        self.bytes(ea, Width::Byte, dsisr::STORE).map(|_| ())
    }

    fn load_reserve(&mut self, ea: u64, width: Width) -> Result<u64, Interrupt> {
        aligned(ea, width)?;
        let value = self.load(ea, width)?;
        self.reservation = Some((ea, width, value));
        Ok(value)
    }

    fn store_conditional(&mut self, ea: u64, value: u64, width: Width) -> Result<bool, Interrupt> {
        aligned(ea, width)?;
        self.bytes(ea, width, dsisr::STORE)?;
        let now = self.load(ea, width)?;
        let holds = self.reservation.take() == Some((ea, width, now));
        if holds {
            self.store(ea, value, width)?;
        }
        Ok(holds)
    }
}
