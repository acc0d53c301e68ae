//! The `sync` module of files under test, made of loom's primitives. papr-scm's model takes it from
//! here too, as it compiles the same files.

use std::time::{Duration, Instant};

pub(crate) use std::sync::PoisonError;

pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn deadline(limit: Duration) -> Instant {
    Instant::now() + limit
}
