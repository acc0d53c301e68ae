//! What conditions ask of a case: operand values, addresses, FPSCR.

use crate::operands::{self, Register, field};
use crate::state::{Case, Ending, Outcome, Step};

/// Bits of FPSCR.
pub(super) mod fpscr {
    pub const FX: u64 = 1 << 31;
    pub const OX: u64 = 1 << 28;
    pub const UX: u64 = 1 << 27;
    pub const ZX: u64 = 1 << 26;
    pub const XX: u64 = 1 << 25;
    pub const VXSNAN: u64 = 1 << 24;
    pub const VXIMZ: u64 = 1 << 20;
    pub const VXVC: u64 = 1 << 19;
    pub const VXCVI: u64 = 1 << 8;
    pub const FR: u64 = 1 << 18;
    pub const FI: u64 = 1 << 17;
    /// The class bit of FPRF.
    pub const C: u64 = 1 << 16;
    pub const FPRF: u64 = 0x1_f000;
    pub const VE: u64 = 1 << 7;
    pub const OE: u64 = 1 << 6;
    pub const UE: u64 = 1 << 5;
    pub const ZE: u64 = 1 << 4;
    pub const XE: u64 = 1 << 3;
    pub const NI: u64 = 1 << 2;
    /// VX OX UX ZX XX, and all of the invalid operations.
    pub const STICKY: u64 = 0x3ff8_0700;
    pub const ENABLES: u64 = VE | OE | UE | ZE | XE;
}

pub(super) fn always(_: &Case, _: &Step, _: &Outcome) -> bool {
    true
}

/// The GPR that an operand names; 0 where it names none.
pub(super) fn gpr(case: &Case, step: &Step, operand: &str) -> u64 {
    match operands::register(operand, step.word) {
        Some(Register::Gpr(n)) => case.state.gpr[n],
        _ => 0,
    }
}

/// The VSR that an operand names.
pub(super) fn vsr(case: &Case, step: &Step, operand: &str) -> Option<u128> {
    match operands::register(operand, step.word) {
        Some(Register::Vsr(n)) => Some(case.state.vsr[n]),
        _ => None,
    }
}

/// (RA|0) + (RB).
pub(super) fn indexed_address(case: &Case, step: &Step) -> u64 {
    gpr(case, step, "ra0").wrapping_add(gpr(case, step, "rb"))
}

/// FPSCR before the case.
pub(super) fn has(case: &Case, bits: u64) -> bool {
    case.state.fpscr & bits != 0
}

/// The case ended with an enabled floating-point exception.
pub(super) fn trapped(_: &Case, _: &Step, peer: &Outcome) -> bool {
    peer.ending == Ending::FloatingPoint
}

pub(super) fn underflow_is_enabled(case: &Case, _: &Step, _: &Outcome) -> bool {
    has(case, fpscr::UE)
}

/// The peer has VXIMZ, from this instruction or from before.
pub(super) fn infinity_times_zero(_: &Case, _: &Step, peer: &Outcome) -> bool {
    peer.state.fpscr & fpscr::VXIMZ != 0
}

/// An exception had been recorded before and FX was 0.
pub(super) fn recorded_before(case: &Case, _: &Step, _: &Outcome) -> bool {
    has(case, fpscr::STICKY) && !has(case, fpscr::FX)
}

/// RN is toward an infinity.
pub(super) fn rounds_toward_infinity(case: &Case, _: &Step, _: &Outcome) -> bool {
    has(case, 2)
}

/// Target and last source are the same register.
pub(super) fn target_is_vrb(_: &Case, step: &Step, _: &Outcome) -> bool {
    field(step.word, 6, 5) == field(step.word, 16, 5)
}
