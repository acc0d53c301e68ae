//! What the bare-metal guest (`guest/payload`) and the host agree on, and the parts of that guest which are pure.
//!
//! The same sources are compiled twice: here by the workspace, with tests and for the host's verifiers; and by the distribution's rustc
//! for the guest, which has neither std nor an allocator.
//!
//! - [`record`]: the layout of a record in persistent memory, and telling whole ones from torn ones;
//! - [`command`]: what the guest is told to do in its boot arguments;
//! - [`report`]: the lines that it prints;
//! - [`tree`] and [`inventory`]: reading the device tree, and what the guest wants to know of it;
//! - [`calls`]: random hypercalls with hostile arguments.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod calls;
pub mod command;
mod fields;
pub mod inventory;
pub mod record;
pub mod report;
pub mod tree;

pub use command::{Command, CommandError};
pub use report::Report;

#[cfg(feature = "std")]
impl std::error::Error for CommandError<'_> {}

#[cfg(feature = "std")]
impl std::error::Error for inventory::InventoryError {}
