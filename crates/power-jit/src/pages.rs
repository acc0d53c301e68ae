//! The pages of code that vCPUs have: their words, what is compiled of them, and who is told of what is compiled next.

use std::collections::HashMap;
use std::sync::Arc;

use code_store::Key;
use power::Insn;
use power::accelerator::PAGE_WORDS;

use crate::mode::Mode;
use crate::region::Region;
use crate::service::{Answer, Job, Outcome, Reply};

/// Pages that are remembered; past it those without regions are forgotten, or all.
const PAGES: usize = 1 << 13;
/// Who is told of a page: vCPUs, which may have it more than once; past it the first is no longer told.
const READERS: usize = 64;

/// The words of a page.
type Words = Arc<[Insn; PAGE_WORDS]>;

/// A vCPU that has a page.
struct Reader {
    ticket: u64,
    reply: Reply,
}

struct Page {
    words: Words,
    /// By the word where they are entered.
    regions: Vec<(usize, Arc<Region>)>,
    readers: Vec<Reader>,
    /// Whether earlier runs' regions are among these, or about to be.
    searched: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Pages {
    pages: HashMap<Key, Page>,
    /// The page of a ticket.
    tickets: HashMap<u64, Key>,
}

impl Pages {
    /// The words of a page, which `words` are as well.
    pub(crate) fn words(&self, page: &Key, words: &[Insn; PAGE_WORDS]) -> Words {
        match self.pages.get(page) {
            Some(page) => Arc::clone(&page.words),
            None => Arc::new(*words),
        }
    }

    /// Tells who has sent a job from now on what is compiled of a page; whether earlier runs' regions are still to be looked for.
    pub(crate) fn subscribe(&mut self, key: Key, job: &Job) -> bool {
        if self.pages.len() >= PAGES && !self.pages.contains_key(&key) {
            self.pages.retain(|_, page| !page.regions.is_empty());
            if self.pages.len() >= PAGES / 2 {
                self.pages.clear();
            }
            self.tickets.retain(|_, key| self.pages.contains_key(key));
        }
        let page = self.pages.entry(key).or_insert_with(|| Page {
            words: Arc::new(*job.words),
            regions: Vec::new(),
            readers: Vec::new(),
            searched: false,
        });
        if page.readers.len() >= READERS {
            self.tickets.remove(&page.readers.remove(0).ticket);
        }
        page.readers.push(Reader {
            ticket: job.ticket,
            reply: job.reply.clone(),
        });
        self.tickets.insert(job.ticket, key);
        !std::mem::replace(&mut page.searched, true)
    }

    /// The page that was asked for under a ticket.
    pub(crate) fn of_ticket(&self, ticket: u64) -> Option<(Key, Words)> {
        let key = self.tickets.get(&ticket)?;
        Some((*key, Arc::clone(&self.pages.get(key)?.words)))
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
                ticket: reader.ticket,
                outcome: Outcome::More(entry, Arc::clone(region)),
            });
            if gone {
                self.tickets.remove(&reader.ticket);
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
    }
}
