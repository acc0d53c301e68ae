//! What other threads say to a running vCPU: interrupt wires, requests for attention, and waking it from its wait.

use std::time::Instant;

use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Condvar, Mutex, Ordering, PoisonError};

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

/// Its thread sleeps, or is about to: who puts a flag up has to wake it. In the same word as the flags, so that either the thread
/// sees the flag before it sleeps, or who puts it up sees this.
const ASLEEP: u32 = 1 << 31;

/// The wires into one vCPU. Any thread may pull them; only the vCPU's own waits for them.
#[derive(Debug, Default)]
pub struct Signals {
    flags: AtomicU32,
    /// The last flush epoch that this vCPU has carried out.
    pub(crate) flushed: AtomicU64,
    /// The last demand to drop store tags for watched code that it has carried out.
    pub(crate) stores_checked: AtomicU64,
    /// Whether it runs guest code now; outside it catches up before it enters.
    pub(crate) in_guest: AtomicBool,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Signals {
    /// The flags that are up.
    #[inline]
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::SeqCst) & !ASLEEP
    }

    /// A look without ordering, for the run loop's poll.
    #[inline]
    pub(crate) fn peek(&self) -> u32 {
        self.flags.load(Ordering::Relaxed) & !ASLEEP
    }

    /// Puts flags up and wakes the vCPU where it waits.
    pub fn raise(&self, flags: u32) {
        let before = self.flags.fetch_or(flags & !ASLEEP, Ordering::SeqCst);
        if before & ASLEEP != 0 && before & flags != flags {
            // Taking the lock orders this against a waiter between its look and its sleep.
            drop(self.sleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.wake.notify_all();
        }
    }

    /// Takes flags down; those that were up are returned.
    pub fn clear(&self, flags: u32) -> u32 {
        self.flags.fetch_and(!(flags & !ASLEEP), Ordering::SeqCst) & flags & !ASLEEP
    }

    /// For the vCPU's thread: waits until one of `flags` is up or the deadline has passed; the flags found up are returned.
    pub fn wait(&self, flags: u32, deadline: Option<Instant>) -> u32 {
        let mut guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        let mut up = self.flags.fetch_or(ASLEEP, Ordering::SeqCst) & flags;
        while up == 0 {
            guard = match deadline {
                None => self
                    .wake
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    self.wake
                        .wait_timeout(guard, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
            up = self.flags() & flags;
        }
        self.flags.fetch_and(!ASLEEP, Ordering::SeqCst);
        up
    }
}
