//! Looking over the processors' shoulders, through the seam for second tiers: what the JIT's processor held wherever compiled code
//! was entered, and whether the interpreter's held the same when it came there.
//!
//! Both are counted alike, so a place in a stretch is the number of its poll and the instructions left until the next. The
//! [`Watcher`] stands before the JIT; the [`Follower`] makes the interpreter's run loop believe that every block has compiled
//! code, is therefore called at each, and says that it does not suit.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use power::accelerator::{Accelerator, CodeId, Entry, Ran};
use power::signals::{KICK, Signals};
use power::{Cpu, Registers};

/// A place in a stretch; what comes later is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    poll: u32,
    left: Reverse<u32>,
}

/// What the JIT's processor held at a place.
struct Checkpoint {
    place: Place,
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
    /// Polls after which it ends.
    polls: u32,
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
    pub(crate) fn start(&mut self, polls: u32) {
        self.stretch += 1;
        self.polls = polls;
        self.checkpoints.clear();
        self.path.clear();
        self.apart = None;
    }

    fn note(&mut self, place: Place, registers: &Registers) {
        if self.checkpoints.len() < CHECKPOINTS {
            self.checkpoints.push_back(Checkpoint {
                place,
                registers: registers.clone(),
            });
        }
    }

    /// The interpreter has come to a block.
    fn follow(&mut self, place: Place, cpu: &Cpu) {
        while self.checkpoints.front().is_some_and(|c| c.place < place) {
            self.checkpoints.pop_front();
        }
        if self.apart.is_none()
            && let Some(checkpoint) = self.checkpoints.pop_front_if(|c| c.place == place)
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

/// Counts polls, and ends the stretch after enough of them.
struct Polls {
    signals: Arc<Signals>,
    stretch: u64,
    count: u32,
}

impl Polls {
    fn new(cpu: &Cpu) -> Self {
        Self {
            signals: Arc::clone(cpu.signals()),
            stretch: 0,
            count: 0,
        }
    }

    fn collect(&mut self, notes: &Notes) {
        if self.stretch != notes.stretch {
            self.stretch = notes.stretch;
            self.count = 0;
        }
        self.count += 1;
        if self.count >= notes.polls {
            self.signals.raise(KICK);
        }
    }

    fn place(&self, left: u32) -> Place {
        Place {
            poll: self.count,
            left: Reverse(left),
        }
    }
}

/// See the module: on the JIT's processor.
pub(crate) struct Watcher {
    jit: Box<dyn Accelerator>,
    notes: Shared,
    polls: Polls,
    /// Instructions that were left where compiled code was last left, or the processor polled.
    last: u32,
}

/// Instructions between two polls, for statistics.
const POLL_INTERVAL: u32 = 1024;

impl Watcher {
    pub(crate) fn new(cpu: &Cpu, jit: Box<dyn Accelerator>, notes: &Shared) -> Self {
        Self {
            jit,
            notes: Rc::clone(notes),
            polls: Polls::new(cpu),
            last: POLL_INTERVAL,
        }
    }
}

impl Accelerator for Watcher {
    fn threshold(&self) -> u32 {
        self.jit.threshold()
    }

    fn compile(&mut self, cpu: &Cpu, entry: Entry) {
        self.jit.compile(cpu, entry);
    }

    fn collect(&mut self) {
        self.jit.collect();
        self.polls.collect(&self.notes.borrow());
        self.last = POLL_INTERVAL;
    }

    fn run(&mut self, cpu: &mut Cpu, code: CodeId) -> Ran {
        let before = self.polls.place(cpu.budget());
        {
            let mut notes = self.notes.borrow_mut();
            // Made before it is known whether the code will run: most of it does.
            notes.note(before, &cpu.regs);
            notes.interpreted_instructions += u64::from(self.last.saturating_sub(before.left.0));
        }
        let ran = self.jit.run(cpu, code);
        self.last = cpu.budget();
        let compiled = before.left.0.saturating_sub(self.last);
        self.notes.borrow_mut().compiled_instructions += u64::from(compiled);
        ran
    }
}

/// See the module: on the interpreter's processor.
pub(crate) struct Follower {
    notes: Shared,
    polls: Polls,
}

impl Follower {
    pub(crate) fn new(cpu: &Cpu, notes: &Shared) -> Self {
        Self {
            notes: Rc::clone(notes),
            polls: Polls::new(cpu),
        }
    }

    fn follow(&self, cpu: &Cpu) {
        let place = self.polls.place(cpu.budget());
        self.notes.borrow_mut().follow(place, cpu);
    }
}

/// The one that all blocks are said to have.
const CODE: Option<CodeId> = CodeId::new(0);

impl Accelerator for Follower {
    fn threshold(&self) -> u32 {
        1
    }

    fn compile(&mut self, cpu: &Cpu, entry: Entry) {
        if let Some(code) = CODE {
            entry.install(code);
        }
        self.follow(cpu);
    }

    fn collect(&mut self) {
        self.polls.collect(&self.notes.borrow());
    }

    fn run(&mut self, cpu: &mut Cpu, _: CodeId) -> Ran {
        self.follow(cpu);
        Ran::Unsuitable
    }
}
