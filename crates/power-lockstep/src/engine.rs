//! Running both sides, stretch by stretch.

use std::sync::Arc;

use power::code_tier::CodeTier;
use power::{Cpu, Exit, Partition, Registers};

use crate::comparison;
use crate::difference::Difference;
use crate::io::{IoMirror, IoMismatch};
use crate::listing;
use crate::mirror::{MemoryMismatch, Mirror, MirrorError};
use crate::sides::{Sides, VCPU};
use crate::watch::{Apart, Follower, Shared, Step, Watcher};

/// Why a guest can't go on in lock step.
#[derive(Debug, thiserror::Error)]
pub enum LockStepError {
    /// The machine has another number of vCPUs than one: what several do to each other can't be repeated.
    #[error("lock step runs one vCPU and this machine has {0}; start it with --cpus 1")]
    Vcpus(u32),
    /// There is no second memory.
    #[error("{0}")]
    Memory(String),
    /// The two engines differ.
    #[error("{0}")]
    Difference(Box<Difference>),
}

impl From<MirrorError> for LockStepError {
    fn from(error: MirrorError) -> Self {
        Self::Memory(error.to_string())
    }
}

/// How much is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LockStepOptions {
    /// Whether all of memory is compared after each stretch, and not only what was stored to. For small machines.
    pub whole_memory: bool,
}

/// What has been done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LockStepStatistics {
    /// Stretches that both ran alike.
    pub stretches: u64,
    /// Places within stretches at which registers were compared.
    pub places: u64,
    /// Pages of memory that were compared.
    pub pages: u64,
    /// Instructions that compiled code carried out.
    pub compiled: u64,
    /// Instructions of the JIT's side that were interpreted, as far as compiled code followed them.
    pub interpreted: u64,
}

/// The engine. It belongs to the thread of the one vCPU, as its [`Cpu`] does.
pub struct LockStep {
    options: LockStepOptions,
    sides: Sides,
    mirror: Mirror,
    io: IoMirror,
    interpreter: Cpu,
    notes: Shared,
    statistics: LockStepStatistics,
    /// The second memory is that of the machine.
    ready: bool,
}

/// Stretches between two looks at everything that seldom changes.
const THOROUGH: u64 = 64;

impl LockStep {
    /// An engine for the one vCPU of `machine`, with the second tier that is to be watched; and that vCPU, which is to be run by
    /// [`LockStep::run`] only. Its wires are not the machine's: signals that are meant for it go to
    /// [`Partition::signals`] of `machine` as ever, and who waits for them must look there.
    ///
    /// The machine's dirty log is the engine's from now on.
    ///
    /// # Errors
    /// [`LockStepError::Vcpus`].
    pub fn new(
        machine: &Arc<Partition>,
        jit: Box<dyn CodeTier>,
        options: LockStepOptions,
    ) -> Result<(Self, Cpu), LockStepError> {
        let vcpus = LockStepError::Vcpus(machine.vcpus());
        if machine.vcpus() != 1 {
            return Err(vcpus);
        }
        let sides = Sides::new(machine);
        let cpus = sides.both().map(|side| Cpu::new(side, VCPU));
        let [Some(mut cpu), Some(mut interpreter)] = cpus else {
            return Err(vcpus);
        };
        let notes = Shared::default();
        let watcher = Watcher::new(&cpu, jit, &notes);
        let follower = Follower::new(&interpreter, &notes);
        cpu.set_code_tier(Some(Box::new(watcher)));
        interpreter.set_code_tier(Some(Box::new(follower)));
        let engine = Self {
            options,
            sides,
            mirror: Mirror::new(),
            io: IoMirror::default(),
            interpreter,
            notes,
            statistics: LockStepStatistics::default(),
            ready: false,
        };
        Ok((engine, cpu))
    }

    /// Begins anew with the machine's memory as it is and `cpu` where it is now. To be called after a reset or an import of
    /// another state, and where memory was written to in ways that the machine's [`power::memory::RealMemory`] does not see.
    ///
    /// # Errors
    /// [`LockStepError::Memory`].
    pub fn restart(&mut self, cpu: &mut Cpu) -> Result<(), LockStepError> {
        self.sides.release_clocks();
        self.mirror.rebuild(&self.sides)?;
        self.follow_io()?;
        for side in self.sides.both() {
            side.invalidate_code();
        }
        let state = cpu.export();
        for cpu in [cpu, &mut self.interpreter] {
            cpu.import(&state)
                .map_err(|error| LockStepError::Memory(error.to_string()))?;
        }
        self.ready = true;
        Ok(())
    }

    /// As [`LockStep::restart`], when `cpu` is run next.
    pub fn forget(&mut self) {
        self.ready = false;
    }

    /// Runs the guest until something needs the monitor, as [`Cpu::run`] does. Between two calls the monitor may change registers
    /// and debug registers of `cpu` and write to the machine's memory.
    ///
    /// # Errors
    /// [`LockStepError::Difference`] when the two sides differ; there is no going on then. [`LockStepError::Memory`].
    pub fn run(&mut self, cpu: &mut Cpu) -> Result<Exit, LockStepError> {
        loop {
            if let Some(exit) = self.run_for(cpu, u64::MAX)? {
                return Ok(exit);
            }
        }
    }

    /// As [`LockStep::run`], for at most so many stretches; None where nothing has needed the monitor by then.
    ///
    /// # Errors
    /// As for [`LockStep::run`].
    pub fn run_for(
        &mut self,
        cpu: &mut Cpu,
        stretches: u64,
    ) -> Result<Option<Exit>, LockStepError> {
        if self.ready {
            self.follow_monitor(cpu)?;
        } else {
            self.restart(cpu)?;
        }
        self.sides.follow_settings();
        let mut exit = None;
        for _ in 0..stretches {
            if self.sides.take_signals() {
                exit = Some(Exit::Kicked);
                break;
            }
            let start = cpu.regs.clone();
            self.sides.hold_clocks();
            self.notes.borrow_mut().start();
            // A poll that was asked for in the monitor, or by an interrupt at the very end of a stretch: the run begins with one.
            cpu.take_poll_request();
            self.interpreter.take_poll_request();
            let exits = [cpu.run(), self.interpreter.run()];
            self.sides.end_stretch();
            self.check(cpu, start, exits)?;
            self.statistics.stretches += 1;
            // The kick that ends a stretch is its own.
            if exits[0] != Exit::Kicked {
                exit = Some(exits[0]);
                break;
            }
        }
        self.sides.release_clocks();
        Ok(exit)
    }

    /// Compares all memory, which otherwise is done in turns.
    ///
    /// # Errors
    /// [`LockStepError::Difference`].
    pub fn compare_memory(&mut self, cpu: &mut Cpu) -> Result<(), LockStepError> {
        self.follow_monitor(cpu)?;
        let memory = self.mirror.compare_all(&self.sides);
        if memory.is_empty() {
            return Ok(());
        }
        let apart = self.here(cpu);
        Err(self.report(
            cpu.regs.clone(),
            [Exit::Kicked; 2],
            apart,
            Vec::new(),
            (memory, None),
        ))
    }

    /// What it has done so far.
    pub fn statistics(&self) -> LockStepStatistics {
        let notes = self.notes.borrow();
        LockStepStatistics {
            places: notes.checked,
            pages: self.mirror.compared,
            compiled: notes.compiled_instructions,
            interpreted: notes.interpreted_instructions,
            ..self.statistics
        }
    }

    /// Repeats on the second side what the monitor has done since the last exit.
    fn follow_monitor(&mut self, cpu: &mut Cpu) -> Result<(), LockStepError> {
        self.mirror.follow_regions(&self.sides)?;
        self.mirror.follow_monitor(&self.sides)?;
        self.follow_io()?;
        self.interpreter.debug = cpu.debug;
        self.interpreter.regs.clone_from(&cpu.regs);
        for cpu in [cpu, &mut self.interpreter] {
            cpu.set_msr(cpu.regs.msr);
        }
        Ok(())
    }

    fn follow_io(&mut self) -> Result<(), LockStepError> {
        let followed = self.io.follow_regions(&self.sides);
        followed.map_err(|error| LockStepError::Memory(error.to_string()))
    }

    /// Compares the two sides after a stretch.
    fn check(
        &mut self,
        cpu: &mut Cpu,
        start: Registers,
        exits: [Exit; 2],
    ) -> Result<(), LockStepError> {
        let apart = self.notes.borrow_mut().apart.take();
        let io = self.io.end_stretch();
        let mut memory = self.mirror.compare_written(&self.sides);
        if memory.is_empty() {
            memory = if self.options.whole_memory {
                self.mirror.compare_all(&self.sides)
            } else {
                self.mirror.sweep(&self.sides)
            };
        }
        if let Some(apart) = apart {
            return Err(self.report(start, exits, apart, Vec::new(), (memory, io)));
        }
        let mut others = comparison::others(cpu, &self.interpreter);
        if self.statistics.stretches.is_multiple_of(THOROUGH) || exits[0] != Exit::Kicked {
            others.extend(comparison::plain_sprs(cpu, &self.interpreter));
        }
        let equal = exits[0] == exits[1]
            && cpu.regs == self.interpreter.regs
            && others.is_empty()
            && memory.is_empty()
            && io.is_none();
        if equal {
            return Ok(());
        }
        let apart = self.here(cpu);
        Err(self.report(start, exits, apart, others, (memory, io)))
    }

    fn here(&self, cpu: &Cpu) -> Apart {
        Apart {
            jit: cpu.regs.clone(),
            interpreter: self.interpreter.regs.clone(),
            path: std::mem::take(&mut self.notes.borrow_mut().path),
        }
    }

    fn report(
        &mut self,
        start: Registers,
        exits: [Exit; 2],
        apart: Apart,
        others: Vec<comparison::Mismatch>,
        (memory, io): (Vec<MemoryMismatch>, Option<IoMismatch>),
    ) -> LockStepError {
        let mut registers = comparison::registers(&apart.jit, &apart.interpreter);
        registers.extend(others);
        let mut path = apart.path;
        if path.is_empty() {
            path.push(Step {
                nia: start.nia,
                msr: start.msr,
            });
        }
        let cpu = &mut self.interpreter;
        let (mode, nia) = (apart.interpreter.msr, apart.interpreter.nia);
        let path = listing::path(cpu, &path);
        let around = listing::around(cpu, mode, nia);
        LockStepError::Difference(Box::new(Difference {
            stretch: self.notes.borrow().stretch,
            exits: (exits[0] != exits[1]).then_some(exits),
            registers,
            memory,
            io,
            start,
            jit: apart.jit,
            interpreter: apart.interpreter,
            path,
            around,
        }))
    }
}

impl Drop for LockStep {
    fn drop(&mut self) {
        tracing::info!(statistics = ?self.statistics(), "what was compared in lock step");
        self.sides.machine.stop_dirty_log();
    }
}
