//! A POWER9 processor for a PAPR guest: decoding, instruction semantics, radix MMU, interrupts, time base, and the
//! interpreter engine.
//!
//! A [`Partition`] is what the vCPUs of one guest share; a [`Cpu`] is one of them and runs on a thread of its own:
//! [`Cpu::run`] returns when the guest makes a hypercall or somebody kicks it. Instruction semantics are written once, over
//! the [`engine::Engine`] trait; the interpreter is the engine of plain numbers. The CPU knows no devices and no platform.
#![deny(unsafe_code)]

pub mod cpu;
pub mod decode;
pub mod engine;
mod insn;
mod interp;
pub mod interrupt;
pub mod memory;
mod mmu;
pub mod msr;
mod partition;
mod registers;
mod semantics;
pub mod signals;
mod snapshot;
mod sync;
pub mod time;

pub use cpu::{Cpu, CpuStatistics, PVR_POWER9, ReservationLayout, TlbLayout};
pub use insn::Insn;
pub use interp::{Exit, code_tier};
pub use partition::Partition;
pub use registers::{Registers, Xer};
pub use snapshot::{CpuState, PartitionState, ProcessTableState, STATE_VERSION, StateError};
