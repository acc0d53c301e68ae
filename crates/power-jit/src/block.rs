//! A translated block, and how its run ends.

use power::decode::Opcode;
use power::interrupt::Interrupt;
use power::{Insn, Registers};

use crate::host_code::HostCode;
use crate::memory::Memory;
use crate::mode::Mode;

/// How a run of a block ended. The registers hold the exact architected state in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All instructions were carried out; NIA is where the program goes on.
    Completed,
    /// The instruction at NIA acts on the processor as a whole: an interpreter has to carry it out.
    Interpret,
    /// The instruction at NIA raised this interrupt, which is to be delivered.
    Interrupt(Interrupt),
}

/// How code may end a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitKind {
    /// See [`Exit::Completed`].
    Completed,
    /// The budget is too small for the block at NIA.
    OutOfBudget,
    /// See [`Exit::Interpret`].
    Interpret(Insn, Opcode),
    /// An interrupt known at translation.
    Interrupt(Interrupt),
    /// An instruction that acts on the processor as a whole was carried out, and changed what code depends on.
    Changed,
    /// The interrupt that such an instruction has raised; NIA is at the next instruction.
    SystemFault,
    /// The interrupt that the memory has named in the context.
    MemoryFault,
}

/// Host code for some guest instructions. It may run on any thread, on several at once.
pub struct Block {
    code: HostCode,
    instructions: usize,
    mode: Mode,
}

impl Block {
    pub(crate) fn new(code: HostCode, instructions: usize, mode: Mode) -> Self {
        Self {
            code,
            instructions,
            mode,
        }
    }

    /// Guest instructions in it: all that were given, or as many as come before (the next is not for this engine) or up to (it
    /// is a branch, or always interrupts) the one that ended it.
    pub fn instructions(&self) -> usize {
        self.instructions
    }

    /// The mode that the processor must be in while it runs.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Bytes of host code.
    pub fn host_bytes(&self) -> usize {
        self.code.len()
    }

    /// Carries the instructions out, the first at NIA. The MSR in `registers` is not looked at: it is the caller's duty that
    /// the processor is in the block's [`Block::mode`].
    pub fn run(&self, registers: &mut Registers, memory: &mut dyn Memory) -> Exit {
        let returned = self.code.call(registers, memory);
        match returned.exit {
            ExitKind::Completed | ExitKind::OutOfBudget | ExitKind::Changed => Exit::Completed,
            ExitKind::Interpret(..) => Exit::Interpret,
            ExitKind::Interrupt(interrupt) => Exit::Interrupt(interrupt),
            ExitKind::MemoryFault | ExitKind::SystemFault => Exit::Interrupt(
                returned
                    .fault
                    .expect("this exit is taken only where a shim has recorded a fault"),
            ),
        }
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Block")
            .field("instructions", &self.instructions)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
