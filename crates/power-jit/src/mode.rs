//! What translated code depends on beside the instruction words: the bits of MSR that change what instructions do.

use power::msr;

/// The part of MSR that is fixed in a block. A block may run only while the processor is in the mode that it was translated
/// for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    /// MSR\[LE\] is 0: memory operands have their most significant byte first.
    pub const fn big_endian(self) -> bool {
        self.bits & msr::LE == 0
    }

    /// MSR\[SF\]: addresses have 64 bits, not 32.
    pub const fn wide_addresses(self) -> bool {
        self.bits & msr::SF != 0
    }

    /// MSR\[PR\]: privileged instructions interrupt.
    pub const fn problem_state(self) -> bool {
        self.bits & msr::PR != 0
    }

    /// MSR\[FP\].
    pub const fn float(self) -> bool {
        self.bits & msr::FP != 0
    }

    /// MSR\[VEC\].
    pub const fn vmx(self) -> bool {
        self.bits & msr::VEC != 0
    }

    /// MSR\[VSX\].
    pub const fn vsx(self) -> bool {
        self.bits & msr::VSX != 0
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
