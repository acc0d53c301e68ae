//! A set of pages of a machine's RAM, as a bitmap: what is to be sent, what has been written.

use std::ops::Range;

/// Which of a machine's pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSet {
    words: Vec<u64>,
    pages: u64,
}

impl PageSet {
    /// None of `pages` pages.
    pub fn none(pages: u64) -> Self {
        Self {
            words: vec![0; pages.div_ceil(64) as usize],
            pages,
        }
    }

    /// All of `pages` pages.
    pub fn all(pages: u64) -> Self {
        let mut set = Self::none(pages);
        set.insert_range(0..pages);
        set
    }

    /// How many pages it is about, in it or not.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// Adds a page. One that the machine does not have is left out.
    pub fn insert(&mut self, page: u64) {
        if page < self.pages {
            self.words[(page / 64) as usize] |= 1 << (page % 64);
        }
    }

    /// Adds pages. Those that the machine does not have are left out.
    pub fn insert_range(&mut self, range: Range<u64>) {
        let end = range.end.min(self.pages);
        let mut page = range.start;
        while page < end {
            let bits = (end - page).min(64 - page % 64);
            let mask = u64::MAX >> (64 - bits);
            self.words[(page / 64) as usize] |= mask << (page % 64);
            page += bits;
        }
    }

    /// Adds what another set of as many pages has.
    pub fn merge(&mut self, other: &PageSet) {
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
        self.trim();
    }

    /// Adds the pages `64 * index` to `64 * index + 63` whose bits are set.
    pub fn merge_word(&mut self, index: usize, bits: u64) {
        if let Some(word) = self.words.get_mut(index) {
            *word |= bits;
            self.trim();
        }
    }

    /// Drops the bits of the last word that stand for no page.
    fn trim(&mut self) {
        let used = self.pages % 64;
        if let Some(last) = self.words.last_mut().filter(|_| used != 0) {
            *last &= u64::MAX >> (64 - used);
        }
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Is the page in it?
    pub fn contains(&self, page: u64) -> bool {
        page < self.pages && self.words[(page / 64) as usize] >> (page % 64) & 1 != 0
    }

    /// How many pages are in it.
    pub fn count(&self) -> u64 {
        self.words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// Is nothing in it?
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The pages in it as ranges, as long as they can be, in order.
    pub fn runs(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        let mut from = 0;
        std::iter::from_fn(move || {
            let start = self.find(from, true)?;
            let end = self.find(start, false).unwrap_or(self.pages);
            from = end;
            Some(start..end)
        })
    }

    /// The first page from `from` on that is in it, or is not.
    fn find(&self, from: u64, inside: bool) -> Option<u64> {
        let mut page = from;
        while page < self.pages {
            let word = self.words[(page / 64) as usize];
            let word = if inside { word } else { !word } >> (page % 64);
            if word != 0 {
                let found = page + u64::from(word.trailing_zeros());
                return (found < self.pages).then_some(found);
            }
            page = (page / 64 + 1) * 64;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_are_the_pages_in_order_and_as_long_as_they_can_be(pages in 0_u64..300, chosen in proptest::collection::vec(0_u64..320, 0..60), range in (0_u64..320, 0_u64..80)) {
            let mut set = PageSet::none(pages);
            let mut model = vec![false; pages as usize];
            for &page in &chosen {
                set.insert(page);
            }
            set.insert_range(range.0..range.0 + range.1);
            for page in chosen.into_iter().chain(range.0..range.0 + range.1) {
                if let Some(place) = model.get_mut(page as usize) {
                    *place = true;
                }
            }
            let runs: Vec<_> = set.runs().collect();
            let listed: Vec<u64> = runs.iter().cloned().flatten().collect();
            let expected: Vec<u64> = (0..pages).filter(|&page| model[page as usize]).collect();
            prop_assert_eq!(set.count(), expected.len() as u64);
            prop_assert_eq!(listed, expected);
            prop_assert!(runs.windows(2).all(|pair| pair[0].end < pair[1].start));
            prop_assert!((0..pages).all(|page| set.contains(page) == model[page as usize]));
        }
    }

    #[test]
    fn bits_beyond_the_last_page_never_come_in() {
        let mut set = PageSet::none(70);
        set.merge_word(1, u64::MAX);
        set.merge_word(2, u64::MAX);
        assert!(set.runs().eq(std::iter::once(64..70)));
        assert!(PageSet::all(70).runs().eq(std::iter::once(0..70)));
        set.clear();
        assert!(set.is_empty());
    }
}
