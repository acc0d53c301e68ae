//! The locks that this crate is built on, in one place.
//!
//! A file that is model-checked (`flush/group.rs`) takes its primitives from here and from nowhere
//! else: `tests/model.rs` compiles the same file against a `sync` module made of loom's.

pub(crate) use papr_dr::sync::{deadline, lock};
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
