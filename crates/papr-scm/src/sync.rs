//! The locks that this crate is built on, in one place.
//!
//! Files that are model-checked (`drc/calls.rs`, `flush/group.rs`) take their primitives from here and from nowhere
//! else: `tests/model.rs` compiles the same files against a `sync` module made of loom's.

use std::time::{Duration, Instant};

pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Locks, whatever became of a thread that held the lock before.
///
/// Every critical section of this crate leaves its data whole at each step that can unwind, so a poisoned lock carries
/// no news; refusing it would turn one dead thread into a machine that hangs.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The moment at which a wait of this length ends. Waits that are longer than clocks can say end in a year.
pub(crate) fn deadline(limit: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    Instant::now() + limit.min(YEAR)
}
