//! Differential test of the POWER9 CPU: the same cases on our engines and under `qemu-ppc64le`, compared bit by bit.
//!
//! - [`layout`]: the address space that both sides give a case
//! - [`State`], [`Case`], [`Outcome`]: plain data
//! - [`Peer`]: runs cases under the emulator
//! - [`generate`]: makes cases from instruction templates, seeded
//! - [`operands`]: the operand syntax that templates are written in
//! - [`compare`]: the first difference in words, and the table of what the ISA leaves undefined
//! - [`plan`]: which instructions are tested, and which are not and why
//! - [`engine`]: what is tested
//! - [`Campaign`]: all of it together, for the test and for the long run (`cargo run -p power-difftest`)

#![deny(unsafe_code)]

mod campaign;
pub mod compare;
pub mod engine;
pub mod generate;
pub mod layout;
pub mod operands;
mod peer;
pub mod plan;
mod state;

pub use campaign::{Campaign, Summary};
pub use peer::{Peer, PeerError};
pub use state::{Case, Ending, Outcome, State, Step, memory_offset};
