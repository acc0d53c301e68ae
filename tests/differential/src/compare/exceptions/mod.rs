//! The one table of what is not compared, and why.
//!
//! [`Class::Undefined`]: the ISA leaves the result open, so that both machines may be right. [`Class::Peer`]: the peer
//! departs from the ISA, and the cited page says so. "ISA" is Power ISA version 3.0B. The peer is QEMU 7.2.
//!
//! The rows are in one file per family; what their conditions ask of a case is in [`operand`].

mod decimal;
mod decimal_float;
mod fixed;
mod operand;
mod scalar_float;
mod vector;
mod vector_float;

use crate::state::{Case, Outcome, Step};

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The ISA defines no result.
    Undefined,
    /// The peer is wrong.
    Peer,
}

/// A part of the outcome that is left out.
#[derive(Clone, Copy)]
pub enum Part {
    /// Bits of the GPR that the first operand names.
    TargetGpr(u64),
    /// Bits of the VSR that the first operand names.
    TargetVsr(u128),
    /// The VSR that the first operand names, and the next: a pair that holds one number.
    TargetPair,
    /// Bits of the VSR that the first operand names, where they depend on the operands.
    TargetVsrComputed(fn(&Case, &Step) -> u128),
    /// The same for a GPR.
    TargetGprComputed(fn(&Case, &Step) -> u64),
    /// LT, GT and EQ of CR0, where Rc=1.
    Cr0,
    /// CR1, where Rc=1 of a floating-point instruction.
    Cr1,
    /// Bits (of 4) of a CR field.
    CrField(u32, u32),
    /// Bits (of 4) of the CR field that the first operand names.
    TargetCrField(u32),
    /// Bits of XER.
    Xer(u64),
    /// Bits of FPSCR; where Rc=1 of a floating-point instruction, their copies in CR1 too.
    Fpscr(u64),
    /// Bits of VSCR.
    Vscr(u32),
    /// The memory window.
    Memory,
    /// The whole outcome: the instruction only must not crash the machine.
    Everything,
}

/// A row of the table.
pub struct Exception {
    /// Base mnemonics, without the `.` and `o` of the Rc and OE forms. A trailing `*` stands for any ending.
    pub mnemonics: &'static [&'static str],
    /// What is left out.
    pub parts: &'static [Part],
    /// Only when this holds for the case, whose state is that before the instruction, and for what the peer made of it.
    pub when: fn(&Case, &Step, &Outcome) -> bool,
    /// Undefined, or the peer's mistake.
    pub class: Class,
    /// The ISA's words, and where they are.
    pub reason: &'static str,
}

impl Exception {
    /// Whether the row is about this mnemonic (with or without its `o` and `.`).
    pub fn matches(&self, mnemonic: &str) -> bool {
        let base = mnemonic.trim_end_matches('.');
        self.mnemonics
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => base.starts_with(prefix),
                None => *pattern == base || base.strip_suffix('o') == Some(*pattern),
            })
    }
}

/// All rows.
pub fn table() -> impl Iterator<Item = &'static Exception> {
    [
        fixed::ROWS,
        vector::ROWS,
        decimal::ROWS,
        decimal_float::ROWS,
        scalar_float::ROWS,
        vector_float::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// Whether any row is about this mnemonic.
pub fn apply_to(mnemonic: &str) -> bool {
    table().any(|exception| exception.matches(mnemonic))
}

const ALL: u64 = u64::MAX;
const ALL128: u128 = u128::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_cites_the_isa() {
        for row in table() {
            assert!(row.reason.starts_with("Book "), "{}", row.reason);
            assert!(!row.mnemonics.is_empty() && !row.parts.is_empty());
        }
    }

    #[test]
    fn record_and_overflow_forms_share_the_rows_of_their_base() {
        assert!(apply_to("mulhw.") && apply_to("divwo.") && apply_to("divwo") && apply_to("fadd"));
        assert!(!apply_to("mulld") && !apply_to("add") && !apply_to("vaddubm"));
    }
}
