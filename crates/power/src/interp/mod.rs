//! The interpreter: the engine of plain numbers, and the loop that runs decoded pages.

pub(crate) mod code;
pub mod code_tier;
mod engine;
mod run;
mod slab;
mod trace;

pub use run::Exit;
