//! The dirty log: which pages of RAM the guest, or anybody for it, has stored to since they were last asked for. Live migration
//! copies memory by it while the guest runs.
//!
//! It is off until asked for, and then costs one look per miss of the soft TLB. Two rules make sure that "take the dirty pages,
//! then read them" loses no store:
//!
//! - *Stores through the soft TLB* mark first: an entry that permits stores is made only after its page has been marked. Taking
//!   clears the marks, then raises the partition's flush epoch and waits until every running vCPU has dropped its entries. A
//!   store through an old entry comes before that, so whoever reads the page after it sees the store; a store after that goes
//!   through a new entry, whose mark is for the next time.
//! - *All other stores* (hypercalls, RTAS, the monitor, the page tables' reference and change bits, stqcx.) mark afterwards: where
//!   the mark comes too late for this time, it is there the next.
//!
//! Starting works alike: the log is there before all entries are dropped, so that from then on none is without its mark. A page
//! is 4 KiB here. An entry of the soft TLB covers 64 KiB as long as the guest has no smaller pages, and marks as much: 16 bits of
//! one word.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that one bit stands for.
pub const DIRTY_PAGE: u64 = 4096;
const BITS: u64 = u64::BITS as u64;

/// The marks of one stretch of real memory.
pub(super) struct Log {
    range: Range<u64>,
    marks: Box<[AtomicU64]>,
}

impl Log {
    /// For a stretch whose ends are multiples of [`DIRTY_PAGE`].
    pub(super) fn new(range: Range<u64>) -> Self {
        let pages = (range.end - range.start) / DIRTY_PAGE;
        let words = pages.div_ceil(BITS);
        Self {
            range,
            marks: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Whether any of `len` bytes at `address` are its business.
    pub(super) fn covers(&self, address: u64, len: u64) -> bool {
        address < self.range.end && address.saturating_add(len) > self.range.start
    }

    /// Marks the pages that `len` bytes at `address` are in, as far as they are its business.
    pub(super) fn mark(&self, address: u64, len: u64) {
        if len == 0 || !self.covers(address, len) {
            return;
        }
        let start = address.max(self.range.start);
        let end = address.saturating_add(len).min(self.range.end);
        let mut page = (start - self.range.start) / DIRTY_PAGE;
        let last = (end - 1 - self.range.start) / DIRTY_PAGE;
        while page <= last {
            // All bits of this word at once.
            let (bit, count) = (page % BITS, (last - page + 1).min(BITS - page % BITS));
            let bits = (u64::MAX >> (BITS - count)) << bit;
            let word = &self.marks[(page / BITS) as usize];
            // What is marked already needs no write to a line that others write to as well.
            if word.load(Ordering::SeqCst) & bits != bits {
                word.fetch_or(bits, Ordering::SeqCst);
            }
            page += count;
        }
    }

    /// Takes all marks away and hands them out.
    pub(super) fn take(&self) -> DirtyPages {
        let take = |word: &AtomicU64| match word.load(Ordering::SeqCst) {
            0 => 0,
            _ => word.swap(0, Ordering::SeqCst),
        };
        DirtyPages {
            start: self.range.start,
            marks: self.marks.iter().map(take).collect(),
        }
    }
}

/// Pages that were stored to, of [`DIRTY_PAGE`] bytes each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirtyPages {
    start: u64,
    marks: Box<[u64]>,
}

impl DirtyPages {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.marks
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.marks.iter().all(|&word| word == 0)
    }

    /// Whether the page of a real address is among them.
    pub fn contains(&self, address: u64) -> bool {
        let Some(offset) = address.checked_sub(self.start) else {
            return false;
        };
        let page = offset / DIRTY_PAGE;
        let word = usize::try_from(page / BITS).ok();
        word.and_then(|word| self.marks.get(word))
            .is_some_and(|word| word >> (page % BITS) & 1 != 0)
    }

    /// Their real addresses, from low to high.
    pub fn addresses(&self) -> impl Iterator<Item = u64> {
        let words = self
            .marks
            .iter()
            .enumerate()
            .filter(|(_, word)| **word != 0);
        words.flat_map(|(index, &word)| {
            let first = self.start + index as u64 * BITS * DIRTY_PAGE;
            (0..BITS)
                .filter(move |bit| word >> bit & 1 != 0)
                .map(move |bit| first + bit * DIRTY_PAGE)
        })
    }

    /// Adds those of another set of the same memory: what was taken but could not be sent is not lost.
    pub fn merge(&mut self, other: &Self) {
        for address in other.addresses() {
            let Some(offset) = address.checked_sub(self.start) else {
                continue;
            };
            let page = offset / DIRTY_PAGE;
            if let Some(word) = self.marks.get_mut((page / BITS) as usize) {
                *word |= 1 << (page % BITS);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Log {
        Log::new(0x10_0000..0x30_0000)
    }

    #[test]
    fn a_store_across_pages_marks_both_and_only_once() {
        let log = log();
        log.mark(0x10_0fff, 2);
        let pages: Vec<u64> = log.take().addresses().collect();
        assert_eq!(pages, [0x10_0000, 0x10_1000]);
        assert!(log.take().is_empty());
    }

    #[test]
    fn marks_across_words_are_all_made() {
        let log = log();
        log.mark(0x10_0000 + 60 * DIRTY_PAGE, 100 * DIRTY_PAGE);
        let taken = log.take();
        assert_eq!(taken.count(), 100);
        assert!(!taken.contains(0x10_0000 + 59 * DIRTY_PAGE));
        assert!(taken.contains(0x10_0000 + 60 * DIRTY_PAGE));
        assert!(taken.contains(0x10_0000 + 159 * DIRTY_PAGE));
        assert!(!taken.contains(0x10_0000 + 160 * DIRTY_PAGE));
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        let log = log();
        log.mark(0, 0x10_0000);
        log.mark(0x30_0000, u64::MAX);
        log.mark(0x20_0000, 0);
        assert!(log.take().is_empty());
        log.mark(0x0f_ffff, 2);
        log.mark(0x2f_ffff, u64::MAX);
        let pages: Vec<u64> = log.take().addresses().collect();
        assert_eq!(pages, [0x10_0000, 0x2f_f000]);
    }

    #[test]
    fn merged_sets_hold_the_pages_of_both() {
        let log = log();
        log.mark(0x10_0000, 1);
        let mut first = log.take();
        log.mark(0x2f_f000, 1);
        first.merge(&log.take());
        assert_eq!(
            first.addresses().collect::<Vec<_>>(),
            [0x10_0000, 0x2f_f000]
        );
    }
}
