//! What other threads say to a running vCPU: interrupt wires, requests for attention, and waking it from its wait.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// The external-interrupt wire is asserted (level).
pub const EXTERNAL: u32 = 1;
/// The monitor wants [`crate::Cpu::run`] to return.
pub const KICK: u32 = 2;
/// A system reset interrupt is asked for.
pub const SYSTEM_RESET: u32 = 4;
/// Translations must be dropped: the partition's flush epoch has moved.
pub const FLUSH: u32 = 8;
/// H_PROD was called for this vCPU.
pub const PROD: u32 = 16;

/// The wires into one vCPU. Any thread may pull them.
#[derive(Debug, Default)]
pub struct Signals {
    flags: AtomicU32,
    /// The last flush epoch that this vCPU has carried out.
    pub(crate) flushed: AtomicU64,
    /// Whether it runs guest code now; outside it catches up before it enters.
    pub(crate) in_guest: AtomicBool,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Signals {
    /// The flags that are up.
    #[inline]
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::SeqCst)
    }

    /// A look without ordering, for the run loop's poll.
    #[inline]
    pub(crate) fn peek(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Puts flags up and wakes the vCPU where it waits.
    pub fn raise(&self, flags: u32) {
        let before = self.flags.fetch_or(flags, Ordering::SeqCst);
        if before & flags != flags {
            // Taking the lock orders this against a waiter between its check and its wait.
            drop(self.sleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.wake.notify_all();
        }
    }

    /// Takes flags down; those that were up are returned.
    pub fn clear(&self, flags: u32) -> u32 {
        self.flags.fetch_and(!flags, Ordering::SeqCst) & flags
    }

    /// Waits until one of `flags` is up or the deadline has passed; the flags found up are returned.
    pub fn wait(&self, flags: u32, deadline: Option<Instant>) -> u32 {
        let mut guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let up = self.flags() & flags;
            if up != 0 {
                return up;
            }
            guard = match deadline {
                None => self
                    .wake
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let Some(left) = deadline
                        .checked_duration_since(Instant::now())
                        .filter(|d| !d.is_zero())
                    else {
                        return 0;
                    };
                    self.wake
                        .wait_timeout(guard, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}
