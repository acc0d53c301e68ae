//! How far a save or a restore has come, for whoever watches; and the wish that it end.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Stage {
    /// Files and directories are looked at; the guest still runs.
    Preparing,
    /// The NVDIMMs are flushed.
    Flushing,
    /// RAM is written or read.
    Memory,
    /// What was written is made durable.
    Syncing,
}

impl Stage {
    const ALL: [Stage; 4] = [
        Stage::Preparing,
        Stage::Flushing,
        Stage::Memory,
        Stage::Syncing,
    ];

    /// In a word or two.
    pub const fn words(self) -> &'static str {
        match self {
            Stage::Preparing => "preparing",
            Stage::Flushing => "flushing NVDIMMs",
            Stage::Memory => "memory",
            Stage::Syncing => "making it durable",
        }
    }
}

/// How far something has come. Shared between who does it and who watches.
#[derive(Debug, Default)]
pub struct Progress {
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// Nothing done yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is being done, and how many bytes of RAM are done of how many.
    pub fn now(&self) -> (Stage, u64, u64) {
        let stage = Stage::ALL[usize::from(self.stage.load(Ordering::Relaxed)) % Stage::ALL.len()];
        let total = self.total.load(Ordering::Relaxed);
        (stage, self.done.load(Ordering::Relaxed).min(total), total)
    }

    /// Wishes it to end, undone. It may be too late.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    pub(super) fn expect(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }
}
