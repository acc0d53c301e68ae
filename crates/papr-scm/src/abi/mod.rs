//! Numbers only: what PAPR and the guest's driver agree on. Nothing here behaves.
//!
//! Sources: the hypercall numbers and answers are PAPR's (as Linux's `asm/hvcall.h` names them),
//! the health bits and the statistics buffer are those of Linux's `papr_hcalls` documentation.

pub mod health;
pub mod opcode;
pub mod property;

pub use papr_dr::abi::{rtas, status};

/// Bytes in one storage-class-memory block: what a bind counts in, and what a data region is a
/// multiple of.
pub const BLOCK_SIZE: u64 = 256 << 20;

/// How many persistent-memory connectors a machine can have at most.
pub const MAX_SLOTS: u32 = 256;
