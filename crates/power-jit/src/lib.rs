//! The second engine of the `power` processor: guest code translated to host code with Cranelift.
//!
//! The semantics are those of the interpreter, to the letter: `power` writes each instruction once, over
//! [`power::engine::Engine`], and the translator is that engine with Cranelift values for its words.
//!
//! Two things are made of it. A [`JitService`] gives every vCPU of a machine a second tier
//! ([`power::code_tier::CodeTier`]): regions of hot code, compiled on a thread of its own, which
//! reach memory through the vCPU's soft TLB. And a [`Jit`] makes a [`Block`] of a slice of
//! instruction words, which [`Block::run`] carries out on [`power::Registers`] with the guest's
//! memory behind the [`Memory`] trait: what the differential tests compare with the interpreter,
//! one instruction at a time.
//!
//! What makes code valid beside its words is its [`Mode`]; where it runs is not part of it (addresses are relative to the entry).
#![deny(unsafe_code)]

mod block;
#[allow(unsafe_code)]
mod code_space;
mod compile;
mod compile_worker;
#[allow(unsafe_code)]
mod context;
mod effects;
mod exit_code;
mod flow;
#[allow(unsafe_code)]
mod host_code;
mod image;
mod jit;
mod jump_cache;
mod memory;
mod mode;
mod pages;
mod perf_map;
mod persistent_cache;
mod plan;
mod region;
mod service;
mod shims;
mod slot;
mod statistics;
mod subscriptions;
mod tier;
mod trampoline;
mod translator;
mod warm_queue;

pub use block::{Block, Exit};
pub use code_space::SpaceError;
pub use compile::CompileError;
pub use jit::{HostError, Jit, TranslateError};
pub use memory::Memory;
pub use mode::Mode;
pub use perf_map::make_perf_map;
pub use persistent_cache::PersistentCachePlace;
pub use service::{JitOptions, JitService};
pub use statistics::JitStatistics;
