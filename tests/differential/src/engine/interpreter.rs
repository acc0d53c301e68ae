//! The interpreter as an engine under test: a whole vCPU in problem state with translation on.

use power::Exit;

use super::machine::Machine;
use super::{Engine, ending};
use crate::layout::CODE_BASE;
use crate::state::{Case, Ending, Outcome};

/// The interpreter in a machine of its own.
pub struct Interpreter {
    machine: Machine,
}

impl Interpreter {
    /// A machine with one vCPU.
    pub fn new() -> Self {
        Interpreter {
            machine: Machine::new(),
        }
    }
}

impl Default for Interpreter {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for Interpreter {
    fn name(&self) -> &'static str {
        "interpreter"
    }

    fn run(&mut self, case: &Case) -> Option<Outcome> {
        self.machine.load(case);
        let cpu = &mut self.machine.cpu;
        ending::load_registers(&mut cpu.regs, &case.state);
        let exit = cpu.run();
        let regs = &self.machine.cpu.regs;
        let vector = regs.nia.wrapping_sub(4);
        let (ending, nip) = match exit {
            Exit::Hypercall => (
                ending::ending(case, vector, regs.srr0, regs.srr1),
                regs.srr0,
            ),
            Exit::Kicked | Exit::Checkstop { .. } => (Ending::Died, CODE_BASE),
        };
        let (memory, stray_write) = self.machine.memory();
        Some(Outcome {
            ending,
            nip,
            fault_address: if ending == Ending::DataStorage {
                regs.dar
            } else {
                0
            },
            state: ending::state(regs),
            memory,
            stray_write,
        })
    }
}
