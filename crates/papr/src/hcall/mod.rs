//! Hypercalls: what one is asked and answers, how a part of the platform registers its own, and the
//! table that finds them.
//!
//! A hypercall that no part has answers H_FUNCTION, among them those of the hashed page table (the
//! platform grants radix translation alone) and of virtual devices that do not exist.

pub mod abi;
mod call;
#[cfg(test)]
mod hostile;
mod hypercall;
mod table;

pub use call::{Call, Reply};
pub use hypercall::Hypercall;
pub(crate) use table::HypercallTable;
