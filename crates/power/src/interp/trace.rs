//! The trace facility (Book III, 6.5.15): single steps, branch trace, and the completed instruction
//! address breakpoint.
//!
//! What may be traced is carried out alone, by the interpreter, so that nothing is asked of
//! instructions that are not.

use super::code::op_at;
use super::run::{Exit, handlers};
use crate::cpu::Cpu;
use crate::decode::{Opcode, Traced};
use crate::insn::Insn;
use crate::interrupt::Interrupt;
use crate::msr;

/// An instruction about to be carried out, as far as its trace interrupt tells of it.
struct Subject {
    opcode: Opcode,
    /// The effective address of its storage operand.
    operand: Option<u64>,
}

impl Cpu {
    /// Whether the next instruction has to be carried out alone.
    #[inline]
    pub(super) fn is_traced(&self) -> bool {
        self.regs.msr & (msr::SE | msr::BE) != 0 || self.debug.breaks_in_page(self.regs.nia)
    }

    /// Carries out one instruction; a trace interrupt follows where it completes and something asks
    /// for that.
    pub(super) fn step(&mut self) -> Option<Exit> {
        let (before, cia) = (self.regs.msr, self.regs.nia);
        self.end_interval();
        self.begin_interval(1);
        self.take_repeat();
        self.note_exact(cia);
        let page = match self.fetch_page() {
            Ok(page) => page,
            Err(interrupt) => {
                self.end_interval();
                return self.take(interrupt, cia);
            }
        };
        let op = op_at(page.op(cia));
        let subject = Subject {
            opcode: op.opcode,
            operand: self.storage_operand(op.insn, op.opcode),
        };
        let stopped = self.run_page(handlers(), &page);
        if stopped.is_some()
            && let Some(interrupt) = self.pending.take()
        {
            return self.take(interrupt, cia);
        }
        // Nothing was carried out: the word is not what memory has any more.
        if self.budget != 0 {
            self.end_interval();
            return None;
        }
        // The instruction wants to be carried out again, after a poll.
        if self.take_repeat() {
            return None;
        }
        let traced = subject.opcode.row().traced;
        let breaks = self.debug.breaks_at(cia, before & msr::PR != 0);
        let is_branch = traced == Traced::Branch;
        let asked = before & msr::SE != 0 || before & msr::BE != 0 && is_branch || breaks;
        if asked && traced != Traced::Never {
            self.sample_traced(cia, subject.operand);
            self.deliver(Interrupt::Trace(traced), self.regs.nia);
        }
        None
    }

    /// The effective address of an instruction's storage operand, read off the syntax of its
    /// operands.
    fn storage_operand(&self, insn: Insn, opcode: Opcode) -> Option<u64> {
        let row = opcode.row();
        if !matches!(row.traced, Traced::Load | Traced::Store) {
            return None;
        }
        let base = match insn.ra() {
            0 => 0,
            ra => self.regs.gpr[ra as usize],
        };
        let (_, address) = row.operands.split_once(',').unwrap_or(("", row.operands));
        let offset = match address {
            "d(ra0)" | "d(ra)" => insn.si() as u64,
            "ds(ra0)" | "ds(ra)" => insn.ds() as u64,
            "dq(ra0)" => insn.dq() as u64,
            // lswi, stswi and the atomic memory operations have their operand at RA.
            "ra0,nb" | "ra0,fc" => 0,
            _ => self.regs.gpr[insn.rb() as usize],
        };
        Some(base.wrapping_add(offset) & self.ea_mask)
    }
}
