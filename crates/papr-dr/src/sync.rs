//! How locks are taken, in this crate and in those above it.
//!
//! Files that are model-checked (`calls.rs`; papr-scm's `flush/group.rs`) take their primitives
//! from their crate's `sync` and from nowhere else: `tests/model.rs` compiles the same files
//! against a `sync` module made of loom's.

use std::time::{Duration, Instant};

pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Locks, whatever became of a thread that held the lock before.
///
/// For data that every critical section leaves whole at each step that can unwind: a poisoned lock
/// carries no news then, and refusing it would turn one dead thread into a machine that hangs.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The moment at which a wait of this length ends. Waits that are longer than clocks can say end in
/// a year.
pub fn deadline(limit: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    Instant::now() + limit.min(YEAR)
}
