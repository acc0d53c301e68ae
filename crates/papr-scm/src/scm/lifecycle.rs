//! Reset and shutdown: nothing that was begun is forgotten, and nothing outlives its guest.

use std::time::{Duration, Instant};

use super::Scm;
use crate::flush::{FlushOutcome, SyncFailure};
use crate::sync::{deadline, lock};

/// Calls that did not end in time and were abandoned. Their results go nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{calls} flushes did not end in time and were abandoned; is the host's storage stuck?")]
pub struct Undrained {
    /// How many.
    pub calls: usize,
}

/// What a shutdown found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShutdownReport {
    /// Calls that did not end in time.
    pub abandoned: usize,
    /// Devices of which not everything is durable.
    pub failures: Vec<SyncFailure>,
}

impl Scm {
    /// The machine is reset: what is outstanding is drained, results that nobody fetched are
    /// dropped, binds are undone, devices that were asked back go, and all others are as at start.
    /// Call it while no vCPU runs.
    ///
    /// # Errors
    /// [`Undrained`] where a flush outlived the limit of the options. The reset is complete
    /// nevertheless.
    pub fn reset(&self) -> Result<(), Undrained> {
        let calls = self.drain_calls(self.options.drain_limit);
        for slot in &self.slots {
            let asked_back = slot.state().unplug_requested;
            if let Some(device) = slot.resource().filter(|_| asked_back) {
                self.detach(slot, &device);
            }
            slot.reset();
            if let Some(device) = slot.resource() {
                lock(&device.bound).clear();
            }
        }
        if calls == 0 {
            Ok(())
        } else {
            Err(Undrained { calls })
        }
    }

    /// Makes durable what is stored in every device that can be written, flushed or not: begins all
    /// syncs at once, and waits for each when the iterator comes to it, none beyond `until`.
    pub fn flush_all(&self, until: Instant) -> impl Iterator<Item = FlushOutcome> {
        let mut writable = self.devices();
        writable.retain(|device| !device.read_only());
        writable
            .iter()
            .for_each(|device| device.engine().flush_in_background());
        writable.into_iter().map(move |device| {
            let left = until.saturating_duration_since(Instant::now());
            device.engine().flush_and_wait(left)
        })
    }

    /// The machine ends: no more calls begin, what is outstanding is drained, and everything that
    /// the guest stored is made durable, flushed or not. Takes `limit` at most. The devices stay
    /// plugged until the `Scm` is dropped.
    pub fn shutdown(&self, limit: Duration) -> ShutdownReport {
        let deadline = deadline(limit);
        let left = || deadline.saturating_duration_since(Instant::now());
        self.slots.iter().for_each(|slot| slot.calls().close());
        let abandoned = self
            .slots
            .iter()
            .map(|slot| slot.calls().drain(left()))
            .sum();
        let failures = self.flush_all(deadline).filter_map(Result::err).collect();
        ShutdownReport {
            abandoned,
            failures,
        }
    }
}
