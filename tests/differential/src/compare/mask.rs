//! Which bits of an outcome are not compared.

use super::exceptions::{Exception, Part, table};
use crate::operands::{self, Register};
use crate::state::{Case, Outcome, Step};

/// Bits to leave out of a comparison: a set bit is not compared.
#[derive(Clone, Debug)]
pub struct Mask {
    pub(super) gpr: [u64; 32],
    pub(super) vsr: [u128; 64],
    pub(super) cr: u32,
    pub(super) xer: u64,
    pub(super) fpscr: u64,
    pub(super) vscr: u32,
    pub(super) memory: bool,
    pub(super) everything: bool,
}

impl Mask {
    /// Compares every bit.
    pub fn none() -> Self {
        Mask {
            gpr: [0; 32],
            vsr: [0; 64],
            cr: 0,
            xer: 0,
            fpscr: 0,
            vscr: 0,
            memory: false,
            everything: false,
        }
    }

    /// What the [table](super::exceptions) leaves out for a case.
    ///
    /// Conditions look at the state before the *case*, so that a sequence should be made only of instructions without
    /// exceptions ([`super::exceptions::apply_to`]): an undefined result would also spread to the steps after it.
    pub fn for_case(case: &Case, peer: &Outcome) -> Self {
        let mut mask = Mask::none();
        for step in &case.code {
            for exception in table().filter(|exception| exception.matches(step.mnemonic)) {
                if (exception.when)(case, step, peer) {
                    mask.add(exception, case, step);
                }
            }
        }
        mask
    }

    /// Whether nothing at all is compared.
    pub fn leaves_nothing(&self) -> bool {
        self.everything
    }

    fn add(&mut self, exception: &Exception, case: &Case, step: &Step) {
        for part in exception.parts {
            match *part {
                Part::TargetGpr(bits) => {
                    if let Some(Register::Gpr(n)) = operands::target(step.operands, step.word) {
                        self.gpr[n] |= bits;
                    }
                }
                Part::TargetVsr(bits) => {
                    if let Some(Register::Vsr(n)) = operands::target(step.operands, step.word) {
                        self.vsr[n] |= bits;
                    }
                }
                Part::TargetPair => {
                    if let Some(Register::Vsr(n)) = operands::target(step.operands, step.word) {
                        self.vsr[n] = u128::MAX;
                        self.vsr[n + 1] = u128::MAX;
                    }
                }
                Part::TargetVsrComputed(bits) => {
                    if let Some(Register::Vsr(n)) = operands::target(step.operands, step.word) {
                        self.vsr[n] |= bits(case, step);
                    }
                }
                Part::TargetGprComputed(bits) => {
                    if let Some(Register::Gpr(n)) = operands::target(step.operands, step.word) {
                        self.gpr[n] |= bits(case, step);
                    }
                }
                Part::Cr0 if step.word & 1 == 0 => {}
                Part::Cr0 => self.cr |= 0xe000_0000,
                Part::Cr1 if step.mnemonic.starts_with(['d', 'f']) && step.word & 1 != 0 => {
                    self.cr |= 0x0f00_0000
                }
                Part::Cr1 => {}
                Part::CrField(n, bits) => self.cr |= bits << (28 - 4 * n),
                Part::Xer(bits) => self.xer |= bits,
                Part::TargetCrField(bits) => {
                    if let Some(Register::CrField(n)) = operands::target(step.operands, step.word) {
                        self.cr |= bits << (28 - 4 * n);
                    }
                }
                Part::Fpscr(bits) => {
                    self.fpscr |= bits;
                    if step.mnemonic.starts_with(['d', 'f', 'm']) && step.word & 1 != 0 {
                        // FX, FEX, VX, OX
                        self.cr |= (bits as u32 >> 28) << 24;
                    }
                }
                Part::Vscr(bits) => self.vscr |= bits,
                Part::Memory => self.memory = true,
                Part::Everything => self.everything = true,
            }
        }
    }
}
