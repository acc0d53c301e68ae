//! The locks that this crate is built on, in one place.
//!
//! Files that are model-checked (`drc/calls.rs`, `flush/group.rs`) take their primitives from here and from nowhere
//! else: `tests/model.rs` compiles the same files against a `sync` module made of loom's.

pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Locks, whatever became of a thread that held the lock before.
///
/// Every critical section of this crate leaves its data whole at each step that can unwind, so a poisoned lock carries
/// no news; refusing it would turn one dead thread into a machine that hangs.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
