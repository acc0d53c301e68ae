//! The interpreter: the engine of plain numbers, and the loop that runs decoded pages.

pub mod accelerator;
pub(crate) mod code;
mod engine;
mod run;
mod slab;
mod trace;

pub use run::Exit;
