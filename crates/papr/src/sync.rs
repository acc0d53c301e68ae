//! One way to take a lock in this crate.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whatever became of a thread that held the lock before.
///
/// Every critical section of this crate leaves its data whole at each step, so a poisoned lock carries no news;
/// refusing it would turn one dead thread into a machine that hangs.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
