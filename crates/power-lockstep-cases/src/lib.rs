//! Random machines for `power-lockstep`: code pages, MSR values and page tables that nobody would
//! write.
//!
//! A [`Case`] is made of a seed (`tests/fuzz.rs`) or of bytes that a fuzzer chose
//! (`fuzz/fuzz_targets/lockstep.rs`), and runs on the interpreter and the JIT until the two differ,
//! or to its end. [`shrink()`] makes one that fails smaller.
//!
//! - `random`: where choices come from; `case`: the machine as a whole; `memory`: its RAM;
//! - `program`, `instructions`, `encode`: its code; `tables`: its page tables; `layout`: where
//!   everything is.
#![deny(unsafe_code)]

mod case;
mod encode;
mod instructions;
mod layout;
#[allow(unsafe_code)]
mod memory;
mod program;
mod random;
mod shrink;
mod tables;

pub use case::Case;
pub use shrink::shrink;
