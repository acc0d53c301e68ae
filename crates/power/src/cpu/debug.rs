//! Debug registers: a completed instruction address breakpoint (CIABR) and a data address
//! watchpoint (DAWR0, DAWRX0), as Book III, 8 describes them for a guest without hypervisor state.

use std::ops::Range;

use super::Cpu;
use crate::interrupt::{Interrupt, dsisr};
use crate::mmu::Access;
use crate::msr;

/// The page within which an address of code is looked for.
const PAGE: u64 = 4096;

/// Debug registers that a guest sets through H_SET_MODE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DebugRegisters {
    /// Completed Instruction Address Breakpoint Register: an address, and in the low two bits the
    /// state that it is looked for in (0: none, 1: problem state, 2: privileged state).
    pub ciabr: u64,
    /// Data Address Watchpoint Register 0.
    pub dawr0: u64,
    /// Data Address Watchpoint Register Extension 0.
    pub dawrx0: u64,
}

/// CIABR\[PRIV\].
const PRIV: u64 = 3;

/// Fields of DAWRX0.
mod dawrx {
    /// MRD: how many doublewords are watched beside the first.
    pub(super) const MORE: u64 = 0x3f;
    pub(super) const MORE_SHIFT: u32 = 10;
    /// DW and DR.
    pub(super) const STORE: u64 = 0x40;
    pub(super) const LOAD: u64 = 0x20;
    /// WT: what MSR\[DR\] has to be, and WTI: that it does not matter.
    pub(super) const TRANSLATED: u64 = 0x10;
    pub(super) const ANY_TRANSLATION: u64 = 0x08;
    /// PRIVM: the states that are watched.
    pub(super) const PRIVILEGED: u64 = 0x02;
    pub(super) const PROBLEM: u64 = 0x01;
}

impl DebugRegisters {
    /// Whether data is watched for.
    #[inline]
    pub(crate) fn has_watchpoint(&self) -> bool {
        self.dawrx0 & (dawrx::STORE | dawrx::LOAD) != 0
            && self.dawrx0 & (dawrx::PRIVILEGED | dawrx::PROBLEM) != 0
    }

    /// The bytes that are watched: whole doublewords.
    fn watched_bytes(&self) -> Range<u64> {
        let start = self.dawr0 & !7;
        let more = self.dawrx0 >> dawrx::MORE_SHIFT & dawrx::MORE;
        start..start.saturating_add(8 * (more + 1))
    }

    /// The first byte of an access that is watched for in the state that an MSR stands for.
    fn watched_byte(&self, ea: u64, bytes: usize, access: Access, msr: u64) -> Option<u64> {
        let kind = if access == Access::Store {
            dawrx::STORE
        } else {
            dawrx::LOAD
        };
        let state = if msr & msr::PR != 0 {
            dawrx::PROBLEM
        } else {
            dawrx::PRIVILEGED
        };
        let relocated = self.dawrx0 & dawrx::TRANSLATED != 0;
        let translation =
            self.dawrx0 & dawrx::ANY_TRANSLATION != 0 || relocated == (msr & msr::DR != 0);
        let range = self.watched_bytes();
        let first = ea.max(range.start);
        let meets = first < range.end && first.wrapping_sub(ea) < bytes as u64;
        (self.dawrx0 & kind != 0 && self.dawrx0 & state != 0 && translation && meets)
            .then_some(first)
    }

    /// Whether there is a breakpoint.
    #[inline]
    pub(crate) fn has_breakpoint(&self) -> bool {
        self.ciabr & PRIV != 0
    }

    /// Whether a breakpoint may be in the page of an instruction.
    #[inline]
    pub(crate) fn breaks_in_page(&self, nia: u64) -> bool {
        self.has_breakpoint() && (self.ciabr ^ nia) < PAGE
    }

    /// Whether the completion of the instruction at `cia` is waited for in this state.
    pub(crate) fn breaks_at(&self, cia: u64, problem_state: bool) -> bool {
        let state = if problem_state { 1 } else { 2 };
        self.ciabr & PRIV == state && self.ciabr & !PRIV == cia
    }
}

impl Cpu {
    /// The data storage interrupt of an access of so many bytes that the watchpoint is for; a fault
    /// of its translation comes first.
    pub(crate) fn check_watchpoint(
        &mut self,
        ea: u64,
        bytes: usize,
        access: Access,
    ) -> Result<(), Interrupt> {
        if !self.debug.has_watchpoint() {
            return Ok(());
        }
        let watched = self.debug.watched_byte(ea, bytes, access, self.regs.msr);
        let Some(first) = watched else {
            return Ok(());
        };
        self.translate(first, access)?;
        let store = if access == Access::Store {
            dsisr::STORE
        } else {
            0
        };
        Err(Interrupt::DataStorage {
            ea: first,
            dsisr: dsisr::WATCHPOINT | store,
        })
    }

    /// Makes an access that the soft TLB could not serve at once. It never keeps a granule with
    /// watched bytes, so that all accesses to one come here.
    #[cold]
    pub(crate) fn with_watchpoint<T>(
        &mut self,
        ea: u64,
        bytes: usize,
        access: Access,
        make: impl FnOnce(&mut Self) -> Result<T, Interrupt>,
    ) -> Result<T, Interrupt> {
        self.check_watchpoint(ea, bytes, access)?;
        let made = make(self);
        self.forget_watchpoint();
        made
    }

    /// Has the soft TLB forget granules with watched bytes.
    pub(crate) fn forget_watchpoint(&mut self) {
        if self.debug.has_watchpoint() {
            let Range { start, end } = self.debug.watched_bytes();
            self.tlb.flush_page(start);
            self.tlb.flush_page(end - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchpoint_is_for_bytes_kinds_of_access_and_states() {
        let watch = |dawrx0| DebugRegisters {
            dawr0: 0x1008,
            dawrx0,
            ..DebugRegisters::default()
        };
        let any = dawrx::ANY_TRANSLATION;
        let stores = watch(dawrx::STORE | dawrx::PROBLEM | any);
        let byte = |ea, bytes| stores.watched_byte(ea, bytes, Access::Store, msr::PR);
        assert_eq!(byte(0x1000, 8), None);
        assert_eq!(byte(0x1001, 8), Some(0x1008));
        assert_eq!(byte(0x100f, 1), Some(0x100f));
        assert_eq!(byte(0x1010, 8), None);
        assert_eq!(byte(u64::MAX, 8), None);
        assert_eq!(byte(0x1008, 0), None, "not an access to data");
        assert_eq!(stores.watched_byte(0x1008, 8, Access::Load, msr::PR), None);
        assert_eq!(stores.watched_byte(0x1008, 8, Access::Store, 0), None);
        let two =
            watch(dawrx::LOAD | dawrx::PRIVILEGED | dawrx::TRANSLATED | 1 << dawrx::MORE_SHIFT);
        assert_eq!(
            two.watched_byte(0x1017, 4, Access::Load, msr::DR),
            Some(0x1017)
        );
        assert_eq!(two.watched_byte(0x1017, 4, Access::Load, 0), None);
        assert!(!watch(dawrx::LOAD).has_watchpoint() && !watch(dawrx::PROBLEM).has_watchpoint());
    }

    #[test]
    fn a_breakpoint_is_for_one_address_in_one_state() {
        let debug = |ciabr| DebugRegisters {
            ciabr,
            ..DebugRegisters::default()
        };
        assert!(!debug(0x1000).has_breakpoint());
        assert!(debug(0x1ff9).breaks_in_page(0x1004));
        assert!(!debug(0x1ff9).breaks_in_page(0x2000));
        for (ciabr, problem, privileged) in [
            (0x1001, true, false),
            (0x1002, false, true),
            (0x1003, false, false),
        ] {
            assert_eq!(debug(ciabr).breaks_at(0x1000, true), problem);
            assert_eq!(debug(ciabr).breaks_at(0x1000, false), privileged);
            assert!(!debug(ciabr).breaks_at(0x1004, problem));
        }
    }
}
