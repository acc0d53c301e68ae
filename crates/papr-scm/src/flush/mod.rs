//! The flush engine: turns any number of flush requests into few syncs of the backing, and never
//! answers early.
//!
//! - `group`: the group commit and the error latch, as a state machine under one short lock;
//! - `engine`: a device's engine, which ties the group to a backing, an executor, counters and the
//!   prediction;
//! - `executor`: where syncs run: io_uring, or threads;
//! - `predict`: how long a sync will take, and so how long a hypercall waits and what busy answer
//!   it gives;
//! - `counters` and `histogram`: what can be observed.

pub(crate) mod counters;
pub(crate) mod engine;
pub(crate) mod executor;
pub(crate) mod group;
#[cfg(test)]
mod group_tests;
pub(crate) mod histogram;
pub(crate) mod predict;

pub use counters::FlushCounters;
pub use engine::{FlushEngine, FlushOutcome, SyncFailure, SyncJob};
pub use executor::{Executor, ExecutorChoice, ThreadExecutor, UringExecutor, start_executor};
pub use histogram::{Histogram, HistogramSnapshot};
