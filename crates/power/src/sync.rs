//! What [`crate::signals`] is built on, in one place: `tests/model.rs` compiles the same file against loom's.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, PoisonError};
