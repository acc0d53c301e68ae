//! Differential test of the POWER9 CPU: the same cases on our engines and under `qemu-ppc64le`, compared bit by bit.
//!
//! - [`layout`]: the address space that both sides give a case
//! - [`State`], [`Case`], [`Outcome`]: plain data
//! - [`Peer`]: runs cases under the emulator
//! - [`generate`]: makes cases from instruction templates, seeded
//! - [`operands`]: the operand syntax that templates are written in
//! - [`compare`]: the first difference in words, and the table of what the ISA leaves undefined

#![forbid(unsafe_code)]

pub mod compare;
pub mod generate;
pub mod layout;
pub mod operands;
mod peer;
mod state;

pub use peer::{Peer, PeerError};
pub use state::{Case, Ending, Outcome, State, Step, memory_offset};
