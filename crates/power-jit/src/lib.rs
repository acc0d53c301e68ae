//! The second engine of the `power` processor: straight-line guest code translated to host code with Cranelift.
//!
//! The semantics are those of the interpreter, to the letter: `power` writes each instruction once, over
//! [`power::engine::Engine`], and the translator is that engine with Cranelift values for its words. A [`Jit`] makes a
//! [`Block`] of a slice of instruction words; [`Block::run`] carries it out on [`power::Registers`], with the guest's memory
//! behind the [`Memory`] trait, and says how it ended ([`Exit`]) with the exact architected state left behind.
//!
//! What makes a block valid beside its words is its [`Mode`]; where it runs is not part of it (addresses are relative to the
//! entry). Chaining, tiers, inline memory accesses and a cache are for the full JIT that grows from here.
#![deny(unsafe_code)]

mod block;
#[allow(unsafe_code)]
mod host_code;
mod jit;
mod memory;
mod mode;
mod shims;
mod translator;

pub use block::{Block, Exit};
pub use jit::{HostError, Jit, TranslateError};
pub use memory::Memory;
pub use mode::Mode;
