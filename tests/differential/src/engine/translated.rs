//! The Cranelift engine: translated blocks that work on registers of their own, with a vCPU for the memory behind them.

use power::interrupt::Interrupt;
use power::{Insn, Registers};
use power_jit::{Exit, HostError, Jit, Mode};

use super::machine::Machine;
use super::{Engine, MSR, ending};
use crate::state::{Case, Ending, Outcome};

/// Translates a case and runs it.
pub struct Translated {
    jit: Jit,
    machine: Machine,
}

impl Translated {
    /// A translator for this host.
    ///
    /// # Errors
    /// Where the host's processor is not one that code can be generated for.
    pub fn new() -> Result<Self, HostError> {
        Ok(Translated {
            jit: Jit::new()?,
            machine: Machine::new(),
        })
    }
}

impl Engine for Translated {
    fn name(&self) -> &'static str {
        "translator"
    }

    /// Translating takes about a hundred times as long as interpreting.
    fn one_in(&self) -> usize {
        8
    }

    fn run(&mut self, case: &Case) -> Option<Outcome> {
        let mut regs = Registers::reset();
        ending::load_registers(&mut regs, &case.state);
        regs.msr = MSR;
        self.machine.load(case);
        let ending = loop {
            // Blocks end at branches; what lies beyond a branch within the case is a block of its own.
            let rest = case.rest_from(regs.nia);
            if rest.is_empty() {
                break Ending::Left;
            }
            let words: Vec<Insn> = rest.iter().map(|step| Insn(step.word)).collect();
            let block = self.jit.translate(&words, Mode::from_msr(MSR)).ok()?;
            match block.run(&mut regs, &mut self.machine.cpu) {
                Exit::Completed => {}
                Exit::Interpret => return None,
                Exit::Interrupt(interrupt) => {
                    if let Interrupt::DataStorage { ea, .. } | Interrupt::DataSegment { ea } =
                        interrupt
                    {
                        regs.dar = ea;
                    }
                    break ending::ending(case, interrupt.vector(), regs.nia, interrupt.srr1());
                }
            }
        };
        let (memory, stray_write) = self.machine.memory();
        Some(Outcome {
            ending,
            nip: regs.nia,
            fault_address: if ending == Ending::DataStorage {
                regs.dar
            } else {
                0
            },
            state: ending::state(&regs),
            memory,
            stray_write,
        })
    }
}
