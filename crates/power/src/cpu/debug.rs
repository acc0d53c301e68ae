//! Debug registers: a completed instruction address breakpoint (CIABR) and a data address watchpoint (DAWR0, DAWRX0), as
//! Book III, 8 describes them for a guest without hypervisor state.

/// The page within which an address of code is looked for.
const PAGE: u64 = 4096;

/// Debug registers that a guest sets through H_SET_MODE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DebugRegisters {
    /// Completed Instruction Address Breakpoint Register: an address, and in the low two bits the state that it is looked for
    /// in (0: none, 1: problem state, 2: privileged state).
    pub ciabr: u64,
    /// Data Address Watchpoint Register 0.
    pub dawr0: u64,
    /// Data Address Watchpoint Register Extension 0.
    pub dawrx0: u64,
}

/// CIABR\[PRIV\].
const PRIV: u64 = 3;

impl DebugRegisters {
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

#[cfg(test)]
mod tests {
    use super::*;

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
