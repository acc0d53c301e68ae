//! The interpreter as an engine under test: a whole vCPU in problem state with translation on.

use power::{Cpu, Exit};

use super::machine::{Machine, PID};
use super::{Engine, MSR, ending};
use crate::layout::CODE_BASE;
use crate::state::{Case, Ending, Outcome};

/// The interpreter in a machine of its own.
pub struct Interpreter {
    machine: Machine,
    cpu: Cpu,
}

impl Interpreter {
    /// A machine with one vCPU.
    pub fn new() -> Self {
        let machine = Machine::new();
        let cpu = Cpu::new(&machine.partition, 0).expect("the partition has a vCPU 0");
        Interpreter { machine, cpu }
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
        // Drops the last case's reservation too.
        self.cpu.reset();
        let regs = &mut self.cpu.regs;
        ending::load_registers(regs, &case.state);
        regs.pid = PID;
        self.cpu.set_msr(MSR);
        let exit = self.cpu.run();
        let regs = &self.cpu.regs;
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
