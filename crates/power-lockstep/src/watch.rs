//! Looking over the processors' shoulders, through the seam for second tiers: what the JIT's processor held wherever compiled code
//! was entered, and whether the interpreter's held the same when it came there.
//!
//! A stretch lasts from one poll of the run loop to the next, so a place in it is known by the instructions that are left. It ends
//! because a kick is asked for right after the first poll; that also keeps compiled code from answering polls itself. The
//! [`Watcher`] stands before the JIT; the [`Follower`] makes the interpreter's run loop believe that every block has compiled
//! code, is therefore called at each, and says that it does not suit.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use power::code_tier::{CodeId, CodeTier, Entry, RunOutcome};
use power::signals::{KICK, Signals};
use power::{Cpu, Registers};

/// What the JIT's processor held at a place.
struct Checkpoint {
    /// Instructions until the next poll.
    left: u32,
    registers: Registers,
}

/// A block that the interpreter entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) nia: u64,
    pub(crate) msr: u64,
}

/// Both processors' registers at a place where they were found to differ.
pub(crate) struct Apart {
    pub(crate) jit: Registers,
    pub(crate) interpreter: Registers,
    /// Blocks that ran after the last place at which they were equal.
    pub(crate) path: Vec<Step>,
}

/// What the two sides tell each other in a stretch.
#[derive(Default)]
pub(crate) struct Notes {
    /// The number of the stretch.
    pub(crate) stretch: u64,
    checkpoints: VecDeque<Checkpoint>,
    /// Blocks that the interpreter entered since the two were last found equal.
    pub(crate) path: Vec<Step>,
    pub(crate) apart: Option<Apart>,
    pub(crate) compiled_instructions: u64,
    pub(crate) interpreted_instructions: u64,
    pub(crate) checked: u64,
}

/// Checkpoints of a stretch; past it the end of the stretch must do.
const CHECKPOINTS: usize = 2048;
/// Blocks remembered. A path that is longer loses its start.
const PATH: usize = 4096;

pub(crate) type Shared = Rc<RefCell<Notes>>;

impl Notes {
    /// For a new stretch.
    pub(crate) fn start(&mut self) {
        self.stretch += 1;
        self.checkpoints.clear();
        self.path.clear();
        self.apart = None;
    }

    fn note(&mut self, left: u32, registers: &Registers) {
        if self.checkpoints.len() < CHECKPOINTS {
            self.checkpoints.push_back(Checkpoint {
                left,
                registers: registers.clone(),
            });
        }
    }

    /// The interpreter has come to a block.
    fn follow(&mut self, cpu: &Cpu) {
        let left = cpu.budget();
        while self.checkpoints.pop_front_if(|c| c.left > left).is_some() {}
        if self.apart.is_none()
            && let Some(checkpoint) = self.checkpoints.pop_front_if(|c| c.left == left)
        {
            self.checked += 1;
            if checkpoint.registers == cpu.regs {
                self.path.clear();
            } else {
                self.apart = Some(Apart {
                    jit: checkpoint.registers,
                    interpreter: cpu.regs.clone(),
                    path: std::mem::take(&mut self.path),
                });
            }
        }
        if self.path.len() >= PATH {
            self.path.drain(..PATH / 2);
        }
        self.path.push(Step {
            nia: cpu.regs.nia,
            msr: cpu.regs.msr,
        });
    }
}

/// The code tier of the JIT's processor: notes where compiled code was entered.
pub(crate) struct Watcher {
    jit: Box<dyn CodeTier>,
    notes: Shared,
    signals: Arc<Signals>,
    /// Instructions that were left where compiled code was last left, or the processor polled.
    last: u32,
}

/// Instructions between two polls, for statistics.
const POLL_INTERVAL: u32 = 4096;

impl Watcher {
    pub(crate) fn new(cpu: &Cpu, jit: Box<dyn CodeTier>, notes: &Shared) -> Self {
        Self {
            jit,
            notes: Rc::clone(notes),
            signals: Arc::clone(cpu.signals()),
            last: POLL_INTERVAL,
        }
    }
}

impl CodeTier for Watcher {
    fn threshold(&self) -> u32 {
        self.jit.threshold()
    }

    fn warm_after(&self) -> u32 {
        self.jit.warm_after()
    }

    fn compile_when_idle(&mut self, cpu: &Cpu, entry: Entry) {
        self.jit.compile_when_idle(cpu, entry);
    }

    fn decoded(&mut self, entry: Entry) {
        self.jit.decoded(entry);
    }

    fn compile(&mut self, cpu: &Cpu, entry: Entry) {
        self.jit.compile(cpu, entry);
    }

    fn collect(&mut self) {
        self.jit.collect();
        self.signals.raise(KICK);
        self.last = POLL_INTERVAL;
    }

    fn run(&mut self, cpu: &mut Cpu, code: CodeId) -> RunOutcome {
        let before = cpu.budget();
        {
            let mut notes = self.notes.borrow_mut();
            // Made before it is known whether the code will run: most of it does.
            notes.note(before, &cpu.regs);
            notes.interpreted_instructions += u64::from(self.last.saturating_sub(before));
        }
        let ran = self.jit.run(cpu, code);
        self.last = cpu.budget();
        let compiled = before.saturating_sub(self.last);
        self.notes.borrow_mut().compiled_instructions += u64::from(compiled);
        ran
    }
}

/// The code tier of the interpreter's processor: compiles nothing, and compares where the other
/// entered.
pub(crate) struct Follower {
    notes: Shared,
    signals: Arc<Signals>,
}

impl Follower {
    pub(crate) fn new(cpu: &Cpu, notes: &Shared) -> Self {
        Self {
            notes: Rc::clone(notes),
            signals: Arc::clone(cpu.signals()),
        }
    }
}

/// The one that all blocks are said to have.
const CODE: Option<CodeId> = CodeId::new(0);

impl CodeTier for Follower {
    fn threshold(&self) -> u32 {
        1
    }

    fn compile(&mut self, cpu: &Cpu, entry: Entry) {
        if let Some(code) = CODE {
            entry.install(code);
        }
        self.notes.borrow_mut().follow(cpu);
    }

    fn collect(&mut self) {
        self.signals.raise(KICK);
    }

    fn run(&mut self, cpu: &mut Cpu, _: CodeId) -> RunOutcome {
        self.notes.borrow_mut().follow(cpu);
        RunOutcome::Unsuitable
    }
}
