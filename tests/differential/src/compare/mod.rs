//! Compares the outcomes of one case on two machines and puts the difference into words.
//!
//! [`exceptions`] is the table of what may differ and why; [`mask`] applies it.

pub mod exceptions;
mod mask;
mod report;

pub use mask::Mask;
pub use report::{Difference, compare, differing_registers};
