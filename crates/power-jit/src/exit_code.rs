//! What generated code returns: how its run ended, as a number that needs no table, so that a region may end the run that
//! another has begun.

use power::Insn;
use power::decode::Opcode;
use power::interrupt::{Interrupt, ProgramCause};

use crate::block::ExitKind;

/// The interrupts that code may name; the interpreter raises others when it carries the instruction out.
const INTERRUPTS: [Interrupt; 7] = [
    Interrupt::Program(ProgramCause::FloatingPoint),
    Interrupt::Program(ProgramCause::Illegal),
    Interrupt::Program(ProgramCause::Privileged),
    Interrupt::Program(ProgramCause::Trap),
    Interrupt::FloatUnavailable,
    Interrupt::VmxUnavailable,
    Interrupt::VsxUnavailable,
];

/// Kinds are in the low byte, what belongs to them above it.
const KIND_BITS: u32 = 8;
const OPCODE_BITS: u32 = 16;

const COMPLETED: u64 = 0;
const OUT_OF_BUDGET: u64 = 1;
const CHANGED: u64 = 2;
const SYSTEM_FAULT: u64 = 3;
const MEMORY_FAULT: u64 = 4;
const INTERPRET: u64 = 5;
const INTERRUPT: u64 = 6;

/// Whether code may name an interrupt.
pub(crate) fn has_code(interrupt: Interrupt) -> bool {
    INTERRUPTS.contains(&interrupt)
}

impl ExitKind {
    /// The number that stands for it; None: an interrupt that has none.
    pub(crate) fn code(self) -> Option<u64> {
        Some(match self {
            Self::Completed => COMPLETED,
            Self::OutOfBudget => OUT_OF_BUDGET,
            Self::Changed => CHANGED,
            Self::SystemFault => SYSTEM_FAULT,
            Self::MemoryFault => MEMORY_FAULT,
            Self::Interpret(insn, opcode) => {
                INTERPRET
                    | u64::from(opcode.0) << KIND_BITS
                    | u64::from(insn.0) << (KIND_BITS + OPCODE_BITS)
            }
            Self::Interrupt(interrupt) => {
                let number = INTERRUPTS.iter().position(|&known| known == interrupt)?;
                INTERRUPT | (number as u64) << KIND_BITS
            }
        })
    }

    /// What a number stands for. Any number means something: what no code returns, that a program has completed.
    pub(crate) fn of_code(code: u64) -> Self {
        let value = code >> KIND_BITS;
        match code & ((1 << KIND_BITS) - 1) {
            OUT_OF_BUDGET => Self::OutOfBudget,
            CHANGED => Self::Changed,
            SYSTEM_FAULT => Self::SystemFault,
            MEMORY_FAULT => Self::MemoryFault,
            INTERPRET => Self::Interpret(Insn((value >> OPCODE_BITS) as u32), Opcode(value as u16)),
            INTERRUPT => Self::Interrupt(INTERRUPTS[value as usize % INTERRUPTS.len()]),
            _ => Self::Completed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_comes_back_from_its_number() {
        let plain = [
            ExitKind::Completed,
            ExitKind::OutOfBudget,
            ExitKind::Changed,
            ExitKind::SystemFault,
            ExitKind::MemoryFault,
            ExitKind::Interpret(Insn(u32::MAX), Opcode(u16::MAX)),
            ExitKind::Interpret(Insn(0x4400_0002), Opcode(3)),
        ];
        for kind in plain.into_iter().chain(INTERRUPTS.map(ExitKind::Interrupt)) {
            let code = kind.code().expect("it has one");
            assert_eq!(ExitKind::of_code(code), kind);
        }
    }

    #[test]
    fn an_interrupt_with_an_address_has_no_number() {
        let interrupt = Interrupt::Alignment { ea: 8 };
        assert!(!has_code(interrupt));
        assert_eq!(ExitKind::Interrupt(interrupt).code(), None);
    }
}
