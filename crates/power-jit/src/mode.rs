//! What translated code depends on beside the instruction words: the bits of MSR that change what instructions do.

use power::engine::Facility;
use power::{Cpu, msr};
use serde::{Deserialize, Serialize};

/// The part of MSR that is fixed in a block. A block may run only while the processor is in the mode that it was translated
/// for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mode {
    bits: u64,
}

impl Mode {
    /// The bits that count.
    const MASK: u64 =
        msr::SF | msr::VEC | msr::VSX | msr::PR | msr::FP | msr::FE0 | msr::FE1 | msr::LE;

    /// The mode that a value of MSR puts the processor in.
    pub const fn from_msr(value: u64) -> Self {
        let bits = value & Self::MASK;
        // Either bit of the floating-point exception mode means that exceptions are precise here.
        Self {
            bits: if bits & (msr::FE0 | msr::FE1) != 0 {
                bits | msr::FE0 | msr::FE1
            } else {
                bits
            },
        }
    }

    /// Not a bit of MSR: the soft TLB has small granules.
    const SMALL_GRANULES: u64 = 1 << 62;

    /// The mode that a processor is in.
    pub(crate) fn of(cpu: &Cpu) -> Self {
        let small = if cpu.has_small_granules() {
            Self::SMALL_GRANULES
        } else {
            0
        };
        Self {
            bits: Self::from_msr(cpu.regs.msr).bits | small,
        }
    }

    /// A number that modes which differ seldom share.
    pub(crate) const fn digest(self) -> u64 {
        self.bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
    }

    /// Whether entries of the soft TLB cover 4 KiB.
    pub(crate) const fn small_granules(self) -> bool {
        self.bits & Self::SMALL_GRANULES != 0
    }

    /// What all code depends on.
    pub(crate) const ALWAYS: Self = Self {
        bits: msr::SF | msr::PR | msr::LE | Self::SMALL_GRANULES,
    };

    const FLOAT_EXCEPTIONS: u64 = msr::FE0 | msr::FE1;

    /// The bit of MSR that makes a facility available.
    const fn facility_bit(facility: Facility) -> u64 {
        match facility {
            Facility::Float => msr::FP,
            Facility::Vmx => msr::VEC,
            Facility::Vsx => msr::VSX,
            Facility::Privileged => msr::PR,
        }
    }

    /// Whether a facility is available in this mode.
    pub(crate) const fn has(self, facility: Facility) -> bool {
        let on = self.bits & Self::facility_bit(facility) != 0;
        on != matches!(facility, Facility::Privileged)
    }

    /// As a set of parts of a mode: with the one that makes a facility available.
    pub(crate) const fn and_facility(self, facility: Facility) -> Self {
        Self {
            bits: self.bits | Self::facility_bit(facility),
        }
    }

    /// As a set of parts of a mode: with the floating-point exception mode.
    pub(crate) const fn and_float_exceptions(self) -> Self {
        Self {
            bits: self.bits | Self::FLOAT_EXCEPTIONS,
        }
    }

    /// Whether two modes are alike in `parts`.
    pub(crate) const fn agrees(self, other: Self, parts: Self) -> bool {
        (self.bits ^ other.bits) & parts.bits == 0
    }

    /// MSR\[LE\] is 0: memory operands have their most significant byte first.
    pub const fn big_endian(self) -> bool {
        self.bits & msr::LE == 0
    }

    /// MSR\[SF\]: addresses have 64 bits, not 32.
    pub const fn wide_addresses(self) -> bool {
        self.bits & msr::SF != 0
    }

    /// MSR\[FE0\] or MSR\[FE1\]: an enabled floating-point exception interrupts.
    pub const fn float_exceptions(self) -> bool {
        self.bits & (msr::FE0 | msr::FE1) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_that_no_instruction_here_looks_at_make_no_other_mode() {
        let mode = Mode::from_msr(msr::SF | msr::LE);
        assert_eq!(
            mode,
            Mode::from_msr(msr::SF | msr::LE | msr::EE | msr::RI | msr::IR | msr::DR | msr::ME)
        );
        assert_ne!(mode, Mode::from_msr(msr::SF));
    }

    #[test]
    fn both_floating_point_exception_modes_are_one() {
        assert_eq!(Mode::from_msr(msr::FE0), Mode::from_msr(msr::FE1));
        assert!(Mode::from_msr(msr::FE1).float_exceptions());
        assert!(!Mode::from_msr(0).float_exceptions());
    }
}
