//! From our CPU's words to those of an outcome: registers, and interrupts as endings.

use power::interrupt::ProgramCause;
use power::{Registers, Xer};
use power_float::Fpscr;

use crate::layout::CODE_BASE;
use crate::state::{Case, Ending, State};

/// FSCR of a Linux process: DSCR, EBB, TAR and scv are available.
const FACILITIES: u64 = 1 << 2 | 1 << 7 | 1 << 8 | 1 << 12;

/// Sets the registers of a case.
pub(super) fn load_registers(regs: &mut Registers, state: &State) {
    regs.gpr = state.gpr;
    regs.vsr = state.vsr;
    regs.set_cr_bits(state.cr);
    regs.xer = Xer::from_bits(state.xer);
    regs.lr = state.lr;
    regs.ctr = state.ctr;
    regs.tar = state.tar;
    regs.fpscr = Fpscr::from_bits(state.fpscr);
    regs.vscr = state.vscr;
    regs.vrsave = state.vrsave;
    regs.fscr = FACILITIES;
    regs.nia = CODE_BASE;
}

/// What a case has left in the registers.
pub(super) fn state(regs: &Registers) -> State {
    State {
        gpr: regs.gpr,
        vsr: regs.vsr,
        cr: regs.cr_bits(),
        xer: regs.xer.bits(),
        lr: regs.lr,
        ctr: regs.ctr,
        tar: regs.tar,
        fpscr: regs.fpscr.bits(),
        vscr: regs.vscr,
        vrsave: regs.vrsave,
    }
}

/// An interrupt as the ending of a case: its vector, the address where it was taken, and SRR1.
pub(super) fn ending(case: &Case, vector: u64, at: u64, srr1: u64) -> Ending {
    if case.step_at(at).is_none() {
        return Ending::Left;
    }
    let caused_by = |cause: ProgramCause| srr1 & cause as u64 != 0;
    match vector {
        // Data storage and data segment; machine check is what real addresses without memory give.
        0x300 | 0x380 => Ending::DataStorage,
        0x600 => Ending::Alignment,
        0x700 if caused_by(ProgramCause::Trap) => Ending::Trap,
        0x700 if caused_by(ProgramCause::Illegal) => Ending::Illegal,
        0x700 if caused_by(ProgramCause::Privileged) => Ending::Privileged,
        0x700 if caused_by(ProgramCause::FloatingPoint) => Ending::FloatingPoint,
        _ => Ending::Other(vector),
    }
}
