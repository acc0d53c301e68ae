//! What the flush engine of a device counts. Counters only grow; they are read without stopping
//! anything.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::histogram::{Histogram, HistogramSnapshot};

/// The counters that are being filled.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    pub hypercalls: AtomicU64,
    pub flushes: AtomicU64,
    pub answered_at_once: AtomicU64,
    pub busy: AtomicU64,
    pub long_busy: AtomicU64,
    pub refused_full: AtomicU64,
    pub syncs: AtomicU64,
    pub coalesced: AtomicU64,
    pub failed_flushes: AtomicU64,
    pub failed_syncs: AtomicU64,
    pub label_writes: AtomicU64,
    pub flush_latency: Histogram,
    pub sync_latency: Histogram,
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Counting {
    pub fn snapshot(&self) -> FlushCounters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FlushCounters {
            hypercalls: get(&self.hypercalls),
            flushes: get(&self.flushes),
            answered_at_once: get(&self.answered_at_once),
            busy: get(&self.busy),
            long_busy: get(&self.long_busy),
            refused_full: get(&self.refused_full),
            syncs: get(&self.syncs),
            coalesced: get(&self.coalesced),
            failed_flushes: get(&self.failed_flushes),
            failed_syncs: get(&self.failed_syncs),
            label_writes: get(&self.label_writes),
            flush_latency: self.flush_latency.snapshot(),
            sync_latency: self.sync_latency.snapshot(),
        }
    }
}

/// The counters of a device at one moment, all since it was plugged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlushCounters {
    /// `H_SCM_FLUSH` hypercalls for this device, repeats with a token included.
    pub hypercalls: u64,
    /// Flushes asked for by the guest.
    pub flushes: u64,
    /// Flushes that had their answer in the hypercall that asked for them.
    pub answered_at_once: u64,
    /// Answers `H_BUSY` (come again at once).
    pub busy: u64,
    /// Answers `H_LONG_BUSY_ORDER_*` (sleep, then come again).
    pub long_busy: u64,
    /// Flushes put off because as many were outstanding as the bound allows.
    pub refused_full: u64,
    /// Syncs of the backing that ended, well or not.
    pub syncs: u64,
    /// Flushes that shared their sync with an earlier one of the same batch.
    pub coalesced: u64,
    /// Flushes that ended without success.
    pub failed_flushes: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Writes to the label area.
    pub label_writes: u64,
    /// From a flush being asked for to its result being known (not to the guest's fetching it).
    pub flush_latency: HistogramSnapshot,
    /// From a sync's begin to its end.
    pub sync_latency: HistogramSnapshot,
}
