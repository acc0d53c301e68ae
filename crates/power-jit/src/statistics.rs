//! What the second tier has done, counted.

use std::time::Duration;

/// What the second tier of some vCPUs, and the compiler that they share, have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitStatistics {
    /// Regions compiled.
    pub regions: u64,
    /// Guest instructions in them.
    pub translated: u64,
    /// Bytes of host code made of them.
    pub code_bytes: u64,
    /// What compiling took, of the compiler's thread.
    pub compile_time: Duration,
    /// Requests that hotter code has crowded out.
    pub dropped: u64,
    /// How often all code was dropped, for want of room.
    pub evictions: u64,
    /// Regions that an earlier run had compiled.
    pub loaded: u64,
    /// Instructions carried out by compiled code.
    pub executed: u64,
    /// Runs that the dispatcher has begun; each goes from region to region as far as they know each other.
    pub entries: u64,
    /// Runs that ended at code that is not known to be compiled, in this address space, mode and version of the code.
    pub unknown: u64,
    /// Runs that ended at an instruction for the interpreter, which was carried out then.
    pub interpreted: u64,
    /// Runs that ended after an instruction that changed what code depends on.
    pub changes: u64,
    /// Runs that ended with an interrupt.
    pub interrupts: u64,
    /// Runs that ended for a poll.
    pub polls: u64,
}

impl std::ops::AddAssign<&Self> for JitStatistics {
    fn add_assign(&mut self, other: &Self) {
        self.regions += other.regions;
        self.translated += other.translated;
        self.code_bytes += other.code_bytes;
        self.compile_time += other.compile_time;
        self.dropped += other.dropped;
        self.evictions += other.evictions;
        self.loaded += other.loaded;
        self.executed += other.executed;
        self.entries += other.entries;
        self.unknown += other.unknown;
        self.interpreted += other.interpreted;
        self.changes += other.changes;
        self.interrupts += other.interrupts;
        self.polls += other.polls;
    }
}
