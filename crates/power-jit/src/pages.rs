//! The pages of code that vCPUs have: their words, what is compiled of them, and who is told of what is compiled next.

use std::collections::HashMap;
use std::sync::Arc;

use code_store::Key;
use power::Insn;
use power::code_tier::PAGE_WORDS;

use crate::mode::Mode;
use crate::region::Region;
use crate::service::{Answer, Outcome, Reply};

/// Pages that are remembered, at most; past it those without regions are forgotten, or all.
const PAGES: usize = 1 << 13;
/// Who is told of a page: vCPUs, which may have it more than once; past it the first is no longer told.
const READERS: usize = 64;

/// The words of a page.
type Words = Arc<[Insn; PAGE_WORDS]>;

/// A vCPU that has a page.
struct Reader {
    request_id: u64,
    reply: Reply,
}

#[derive(Default)]
struct Page {
    /// None: no vCPU has had it.
    words: Option<Words>,
    /// By the word where they are entered.
    regions: Vec<(usize, Arc<Region>)>,
    readers: Vec<Reader>,
    /// Whether earlier runs' regions are among these, or about to be.
    searched: bool,
}

/// All pages of code that any vCPU has run.
#[derive(Default)]
pub(crate) struct Pages {
    pages: HashMap<Key, Page>,
    /// The page of a request id.
    request_ids: HashMap<u64, Key>,
    /// Whether all that earlier runs have compiled is there.
    complete: bool,
    /// Pages that have been asked for whose regions earlier runs have compiled.
    used: Vec<Key>,
}

/// What a page is known by: its words.
pub(crate) fn key(words: &[Insn; PAGE_WORDS]) -> Key {
    let mut bytes = [0; PAGE_WORDS * 4];
    for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = word.0.to_le_bytes();
    }
    Key::of(&[&bytes])
}

impl Pages {
    /// Takes what earlier runs have compiled, before anybody asks; whether it is all.
    pub(crate) fn fill(&mut self, regions: Vec<(Key, usize, Arc<Region>)>, complete: bool) {
        for (key, entry, region) in regions {
            let page = self.pages.entry(key).or_default();
            page.regions.push((entry, region));
            page.searched |= complete;
        }
        self.complete = complete;
    }

    /// Tells a vCPU from now on what is compiled of a page; whether earlier runs' regions are still to be looked for.
    pub(crate) fn subscribe(
        &mut self,
        key: Key,
        words: &[Insn; PAGE_WORDS],
        request_id: u64,
        reply: &Reply,
    ) -> bool {
        if self.pages.len() >= PAGES && !self.pages.contains_key(&key) {
            self.pages.retain(|_, page| !page.regions.is_empty());
            if self.pages.len() >= PAGES / 2 {
                self.pages.clear();
                self.complete = false;
            }
            self.request_ids
                .retain(|_, key| self.pages.contains_key(key));
        }
        let page = self.pages.entry(key).or_default();
        if page.words.is_none() {
            page.words = Some(Arc::new(*words));
            if !page.regions.is_empty() {
                self.used.push(key);
            }
        }
        if page.readers.len() >= READERS {
            self.request_ids.remove(&page.readers.remove(0).request_id);
        }
        page.readers.push(Reader {
            request_id,
            reply: reply.clone(),
        });
        self.request_ids.insert(request_id, key);
        !self.complete && !page.searched
    }

    /// Earlier runs' regions of a page are looked for now; whether that is still to be done.
    pub(crate) fn search(&mut self, page: &Key) -> bool {
        let complete = self.complete;
        let page = self.pages.get_mut(page);
        page.is_some_and(|page| !std::mem::replace(&mut page.searched, true) && !complete)
    }

    /// Pages that have come to be asked for whose regions earlier runs have compiled.
    pub(crate) fn take_used(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.used)
    }

    /// The page that was asked for under a request id.
    pub(crate) fn of_request(&self, request_id: u64) -> Option<(Key, Words)> {
        let key = self.request_ids.get(&request_id)?;
        let words = self.pages.get(key)?.words.as_ref()?;
        Some((*key, Arc::clone(words)))
    }

    /// The regions of a page.
    pub(crate) fn regions(&self, page: &Key) -> Vec<(usize, Arc<Region>)> {
        let page = self.pages.get(page);
        page.map(|page| page.regions.clone()).unwrap_or_default()
    }

    /// Whether there is a region for a mode at an entry.
    pub(crate) fn has(&self, page: &Key, entry: usize, mode: Mode) -> bool {
        self.pages.get(page).is_some_and(|page| {
            let mut regions = page.regions.iter();
            regions.any(|(at, region)| *at == entry && region.suits(mode))
        })
    }

    /// A page has got a region.
    pub(crate) fn add(&mut self, page: Key, entry: usize, region: &Arc<Region>) {
        if let Some(page) = self.pages.get_mut(&page) {
            page.regions.push((entry, Arc::clone(region)));
        }
    }

    /// As [`Self::add`], and all who have the page are told.
    pub(crate) fn add_and_tell(&mut self, page: Key, entry: usize, region: &Arc<Region>) {
        self.add(page, entry, region);
        let Some(page) = self.pages.get_mut(&page) else {
            return;
        };
        page.readers.retain(|reader| {
            let gone = !reader.reply.offer(Answer {
                request_id: reader.request_id,
                outcome: Outcome::More(entry, Arc::clone(region)),
            });
            if gone {
                self.request_ids.remove(&reader.request_id);
            }
            !gone
        });
    }

    /// All regions are dropped.
    pub(crate) fn drop_regions(&mut self) {
        for page in self.pages.values_mut() {
            page.regions.clear();
            page.searched = false;
        }
        self.complete = false;
        self.used.clear();
    }
}
