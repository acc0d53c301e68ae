//! Log lines that a guest can cause are written once per cause, and for a bounded number of causes:
//! a guest that tries every number must neither fill the log nor the host's memory.

use std::collections::BTreeSet;
use std::sync::Mutex;

use papr_dr::sync::lock;

/// Remembers which numbers were reported already.
#[derive(Debug, Default)]
pub(crate) struct OncePerNumber {
    seen: Mutex<BTreeSet<u64>>,
}

/// What to do about a number that a guest came up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportOnce {
    /// Never seen: report it.
    New,
    /// The first one beyond the limit: say that further ones are not reported.
    LimitReached,
    /// Reported, or beyond the limit.
    Known,
}

impl OncePerNumber {
    /// How many different numbers are reported.
    pub(crate) const LIMIT: usize = 64;

    /// How many numbers are remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.seen).len()
    }

    /// Takes note of `number`.
    pub(crate) fn note(&self, number: u64) -> ReportOnce {
        let mut seen = lock(&self.seen);
        if seen.len() > Self::LIMIT || seen.contains(&number) {
            return ReportOnce::Known;
        }
        seen.insert(number);
        if seen.len() > Self::LIMIT {
            ReportOnce::LimitReached
        } else {
            ReportOnce::New
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_once() {
        let once = OncePerNumber::default();
        assert_eq!(once.note(7), ReportOnce::New);
        assert_eq!(once.note(7), ReportOnce::Known);
        assert_eq!(once.note(8), ReportOnce::New);
    }

    #[test]
    fn a_flood_of_numbers_is_cut_off_with_one_last_notice() {
        let once = OncePerNumber::default();
        let kinds: Vec<ReportOnce> = (0..10_000).map(|n| once.note(n)).collect();
        let count = |kind| kinds.iter().filter(|k| **k == kind).count();
        assert_eq!(
            (count(ReportOnce::New), count(ReportOnce::LimitReached)),
            (OncePerNumber::LIMIT, 1)
        );
        assert_eq!(once.len(), OncePerNumber::LIMIT + 1);
    }
}
