//! Which pages of RAM hold something that was received: those, and no others, have to be cleared
//! when the source says that they are zeros now. Finding the next one takes a few steps, however
//! large RAM is and however few they are, so that a short message can't make the receiver look at
//! all of it.

use std::ops::Range;

/// Bits of a word.
const BITS: u64 = 64;

/// A set of pages.
#[derive(Debug)]
pub(super) struct WrittenPages {
    /// A bit per page; then, level by level, a bit per word of the level below that is not zero;
    /// the last one has a single word.
    levels: Vec<Vec<u64>>,
}

impl WrittenPages {
    /// None of `pages` pages.
    pub(super) fn none(pages: u64) -> Self {
        let mut levels = Vec::new();
        let mut bits = pages;
        loop {
            bits = bits.div_ceil(BITS).max(1);
            levels.push(vec![0; usize::try_from(bits).unwrap_or(usize::MAX)]);
            if bits == 1 {
                return Self { levels };
            }
        }
    }

    /// Adds pages, all of which there must be.
    pub(super) fn insert(&mut self, range: Range<u64>) {
        let mut page = range.start;
        while page < range.end {
            let bits = (range.end - page).min(BITS - page % BITS);
            self.set(page, u64::MAX >> (BITS - bits) << (page % BITS));
            page += bits;
        }
    }

    /// Sets bits of the word of a page, and the bits above that say that it is not zero.
    fn set(&mut self, page: u64, mask: u64) {
        let (mut index, mut mask) = (page / BITS, mask);
        for level in &mut self.levels {
            let Some(word) = level.get_mut(index as usize) else {
                return;
            };
            let was_empty = *word == 0;
            *word |= mask;
            if !was_empty {
                return;
            }
            mask = 1 << (index % BITS);
            index /= BITS;
        }
    }

    /// Takes the first pages out that are in `range`: some that follow each other, 64 at most.
    pub(super) fn take_first(&mut self, range: Range<u64>) -> Option<Range<u64>> {
        let first = self.find(range.start).filter(|&page| page < range.end)?;
        let word = self.levels[0][(first / BITS) as usize] >> (first % BITS);
        let count = u64::from(word.trailing_ones()).min(range.end - first);
        let mask = u64::MAX >> (BITS - count) << (first % BITS);
        self.clear(first, mask);
        Some(first..first + count)
    }

    /// Clears bits of the word of a page, and the bits above where it is zero now.
    fn clear(&mut self, page: u64, mask: u64) {
        let (mut index, mut mask) = (page / BITS, mask);
        for level in &mut self.levels {
            let Some(word) = level.get_mut(index as usize) else {
                return;
            };
            *word &= !mask;
            if *word != 0 {
                return;
            }
            mask = 1 << (index % BITS);
            index /= BITS;
        }
    }

    /// The first page from `page` on that is in the set.
    fn find(&self, page: u64) -> Option<u64> {
        let mut index = page;
        for (height, level) in self.levels.iter().enumerate() {
            let word = level.get((index / BITS) as usize)? >> (index % BITS);
            if word == 0 {
                // Not in this word: on with the next one, as the level above knows.
                index = index / BITS + 1;
                continue;
            }
            let found = index + u64::from(word.trailing_zeros());
            let down = self.levels[..height].iter().rev();
            return Some(down.fold(found, |found, level| {
                found * BITS + u64::from(level[found as usize].trailing_zeros())
            }));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_in_is_taken_out_once(
            pages in 1_u64..300_000,
            steps in proptest::collection::vec((any::<bool>(), any::<u64>(), 1_u64..300), 0..60),
        ) {
            let mut set = WrittenPages::none(pages);
            let mut model = BTreeSet::new();
            for (insert, start, length) in steps {
                let start = start % pages;
                let range = start..(start + length).min(pages);
                if insert {
                    set.insert(range.clone());
                    model.extend(range);
                    continue;
                }
                let mut taken = Vec::new();
                while let Some(found) = set.take_first(range.clone()) {
                    prop_assert!(!found.is_empty() && found.end - found.start <= BITS);
                    taken.extend(found);
                }
                let expected: Vec<u64> = model.range(range).copied().collect();
                prop_assert_eq!(&taken, &expected);
                taken.iter().for_each(|page| { model.remove(page); });
            }
            let mut left = Vec::new();
            while let Some(found) = set.take_first(0..pages) {
                left.extend(found);
            }
            prop_assert_eq!(left, model.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_page_at_either_end_of_a_terabyte_is_found() {
        let pages = 1 << 28;
        let mut set = WrittenPages::none(pages);
        assert_eq!(set.take_first(0..pages), None);
        set.insert(pages - 1..pages);
        assert_eq!(set.take_first(0..pages - 1), None);
        assert_eq!(set.take_first(5..pages), Some(pages - 1..pages));
        assert_eq!(set.take_first(0..pages), None);
        set.insert(0..1);
        assert_eq!(set.take_first(0..pages), Some(0..1));
    }
}
