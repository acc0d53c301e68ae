//! Which blocks of a device the guest has bound. A set of bits, as big as the device has blocks.

use serde::{Deserialize, Serialize};

/// A set of block numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BoundBlocks {
    words: Vec<u64>,
}

impl BoundBlocks {
    /// No block of a device with so many is bound.
    pub fn none(blocks: u64) -> Self {
        BoundBlocks {
            words: vec![0; blocks.div_ceil(64) as usize],
        }
    }

    /// Marks blocks as bound. Numbers past the end are passed over.
    pub fn bind(&mut self, first: u64, count: u64) {
        self.each(first, count, |word, bit| *word |= bit);
    }

    /// Marks blocks as not bound.
    pub fn unbind(&mut self, first: u64, count: u64) {
        self.each(first, count, |word, bit| *word &= !bit);
    }

    /// Unbinds everything and returns how many blocks were bound.
    pub fn clear(&mut self) -> u64 {
        let count = self
            .words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum();
        self.words.fill(0);
        count
    }

    /// Is this block bound?
    pub fn contains(&self, block: u64) -> bool {
        let word = usize::try_from(block / 64)
            .ok()
            .and_then(|index| self.words.get(index));
        word.is_some_and(|word| word & (1 << (block % 64)) != 0)
    }

    /// Is this a set for a device with so many blocks?
    pub fn fits(&self, blocks: u64) -> bool {
        self.words.len() as u64 == blocks.div_ceil(64)
    }

    fn each(&mut self, first: u64, count: u64, change: impl Fn(&mut u64, u64)) {
        let end = first
            .saturating_add(count)
            .min(self.words.len() as u64 * 64);
        for block in first..end {
            change(&mut self.words[(block / 64) as usize], 1 << (block % 64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_bound_and_unbound_one_by_one() {
        let mut bound = BoundBlocks::none(130);
        bound.bind(60, 10);
        assert!(
            !bound.contains(59) && bound.contains(60) && bound.contains(69) && !bound.contains(70)
        );
        bound.unbind(62, 2);
        assert!(!bound.contains(62) && bound.contains(64));
        assert_eq!(bound.clear(), 8);
        assert!(!bound.contains(60));
    }

    #[test]
    fn numbers_past_the_end_do_nothing() {
        let mut bound = BoundBlocks::none(4);
        bound.bind(u64::MAX - 1, u64::MAX);
        bound.unbind(1000, 1000);
        assert!(!bound.contains(u64::MAX));
        assert_eq!(bound.clear(), 0);
    }
}
