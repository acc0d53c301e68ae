//! The lock-step engine: a guest runs on the JIT and on the interpreter at once, until the two differ.
//!
//! One machine with one vCPU is run twice, in stretches of some thousand instructions, from a poll of the run loop to the next. The first processor has the second tier
//! and the machine's own memory; the second has none, and a copy of the memory. Both run in partitions of their own, in which
//! nothing happens by chance: the time base stands still within a stretch, and signals arrive between two of them. So both must
//! carry out the same instructions, poll and take interrupts at the same places, and end with the same registers and the same
//! memory. The guest itself goes on in real time, and its hypercalls are answered once, on the first processor.
//!
//! Registers are compared wherever compiled code is entered and at the end of each stretch, and there the pages that either has
//! stored to (by the dirty logs). A [`Difference`] has both states and the code that ran since they were last equal.
//!
//! [`LockStep`] is what a monitor runs in place of [`power::Cpu::run`].
#![deny(unsafe_code)]

mod comparison;
mod difference;
mod engine;
mod io;
mod listing;
mod mirror;
#[allow(unsafe_code)]
mod second_memory;
mod sides;
mod watch;

pub use comparison::Mismatch;
pub use difference::Difference;
pub use engine::{LockStep, LockStepError, LockStepOptions, LockStepStatistics};
pub use io::{IoAccess, IoMismatch};
pub use listing::Line;
pub use mirror::MemoryMismatch;
