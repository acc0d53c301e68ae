//! What the tests share: a machine in lock step, and second tiers that are wrong on purpose.
#![allow(dead_code, reason = "each test program uses a part of it")]

#[path = "../../../power/tests/bare/mod.rs"]
pub mod bare;
#[path = "../../../power-jit/tests/common/eager.rs"]
mod eager;

use std::sync::Arc;

pub use eager::eager;
use power::code_tier::{CodeId, CodeTier, Entry, RunOutcome};
use power::{Cpu, Partition};
use power_lockstep::{LockStep, LockStepOptions};

/// A machine in lock step, whose vCPU is little-endian, in real mode, at `nia`.
pub fn lock_step(partition: &Arc<Partition>, jit: Box<dyn CodeTier>, nia: u64) -> (LockStep, Cpu) {
    let options = LockStepOptions { whole_memory: true };
    let (engine, mut cpu) = LockStep::new(partition, jit, options).expect("one vCPU");
    cpu.set_msr(cpu.regs.msr | power::msr::LE);
    cpu.regs.nia = nia;
    partition.set_interrupt_little_endian(true);
    (engine, cpu)
}

/// What a wrong engine does to the processor after compiled code has run; false where it has to wait for a better occasion.
pub type Fault = Box<dyn FnMut(&mut Cpu) -> bool>;

/// A second tier with a fault: after `left` runs of compiled code, once, something is not as it should be.
pub struct Faulty {
    pub inner: Box<dyn CodeTier>,
    pub left: u32,
    pub fault: Fault,
}

impl CodeTier for Faulty {
    fn threshold(&self) -> u32 {
        self.inner.threshold()
    }
    fn compile(&mut self, cpu: &Cpu, entry: Entry) {
        self.inner.compile(cpu, entry);
    }
    fn collect(&mut self) {
        self.inner.collect();
    }
    fn run(&mut self, cpu: &mut Cpu, code: CodeId) -> RunOutcome {
        let ran = self.inner.run(cpu, code);
        if ran == RunOutcome::Left {
            self.left = match self.left {
                0 => 0,
                1 => u32::from(!(self.fault)(cpu)),
                left => left - 1,
            };
        }
        ran
    }
}
