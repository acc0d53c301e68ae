//! Taking interrupts (Book III, 6.4 and 6.5).

use super::Cpu;
use crate::interrupt::{Interrupt, SRR1_MSR_MASK, handler_msr};
use crate::msr;

/// DSISR of an uncorrectable memory error on a load or store (POWER9 machine check, bit 48).
const DSISR_UNCORRECTABLE: u32 = 0x8000;
/// FSCR\[IC\]: which facility was not available.
const FSCR_CAUSE_SHIFT: u32 = 56;

impl Cpu {
    /// Takes an interrupt that the instruction at `cia` raised (or that comes before it).
    pub(crate) fn deliver(&mut self, interrupt: Interrupt, cia: u64) {
        self.interrupts += 1;
        let regs = &mut self.regs;
        match interrupt {
            Interrupt::DataStorage { ea, dsisr } => {
                regs.dar = ea;
                regs.dsisr = dsisr;
            }
            Interrupt::DataSegment { ea } | Interrupt::Alignment { ea } => regs.dar = ea,
            Interrupt::MachineCheck { ea, fetch } => {
                regs.dar = ea;
                if !fetch {
                    regs.dsisr = DSISR_UNCORRECTABLE;
                }
            }
            Interrupt::FacilityUnavailable(facility) => {
                regs.fscr = regs.fscr << 8 >> 8 | u64::from(facility) << FSCR_CAUSE_SHIFT;
            }
            _ => {}
        }
        let little_endian = self.partition.interrupt_little_endian();
        if let Interrupt::SystemCallVectored(level) = interrupt {
            return self.deliver_vectored(level, little_endian);
        }
        let old = self.regs.msr;
        let relocated = interrupt.relocatable() && self.relocates(old);
        self.regs.srr0 = if interrupt.completes_instruction() {
            self.regs.nia
        } else {
            cia
        };
        self.regs.srr1 = old & SRR1_MSR_MASK | interrupt.srr1();
        let mut new = handler_msr(old, little_endian, relocated);
        if matches!(interrupt, Interrupt::MachineCheck { .. }) {
            new &= !msr::ME;
        }
        self.set_msr(new);
        let base = if relocated { 0xc000_0000_0000_4000 } else { 0 };
        self.regs.nia = base + interrupt.vector();
    }

    fn relocates(&self, old_msr: u64) -> bool {
        self.partition.interrupts_relocated() && old_msr & (msr::IR | msr::DR) == msr::IR | msr::DR
    }

    /// System call vectored: LR and CTR take what SRR0 and SRR1 take elsewhere; EE and RI stay.
    fn deliver_vectored(&mut self, level: u32, little_endian: bool) {
        let old = self.regs.msr;
        let relocated = self.relocates(old);
        self.regs.lr = self.regs.nia;
        self.regs.ctr = old & SRR1_MSR_MASK;
        self.set_msr(handler_msr(old, little_endian, relocated) | old & (msr::EE | msr::RI));
        let base = if relocated {
            0xc000_0000_0000_3000
        } else {
            0x17000
        };
        self.regs.nia = base + u64::from(level) * 32;
    }
}
