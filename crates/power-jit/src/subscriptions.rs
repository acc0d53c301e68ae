//! The pages of code of which a vCPU is told what is compiled, for it or for others.

use std::collections::HashMap;

use power::code_tier::Entry;

/// Pages that there may be before those are looked for that are gone.
const FEW: usize = 1024;

/// The pages that one vCPU is told about.
#[derive(Default)]
pub(crate) struct Subscriptions {
    /// By request_id: an entry keeps the name of its page from being used again.
    pages: HashMap<u64, Entry>,
    /// The request id of a page ([`Entry::page`]).
    request_ids: HashMap<usize, u64>,
    /// Pages that were not gone when they were last looked through.
    live: usize,
}

impl Subscriptions {
    /// The page of `entry` was asked for under a request id.
    pub(crate) fn add(&mut self, request_id: u64, entry: Entry) {
        if self.pages.len() >= FEW.max(2 * self.live) {
            let gone = self.pages.extract_if(|_, entry| !entry.is_live());
            for (_, entry) in gone {
                self.request_ids.remove(&entry.page());
            }
            self.live = self.pages.len();
        }
        self.request_ids.insert(entry.page(), request_id);
        self.pages.insert(request_id, entry);
    }

    /// An entry of the page with a request id.
    pub(crate) fn page(&self, request_id: u64) -> Option<Entry> {
        self.pages.get(&request_id).cloned()
    }

    /// The request id of the page of an entry.
    pub(crate) fn request_id(&self, entry: &Entry) -> Option<u64> {
        self.request_ids.get(&entry.page()).copied()
    }
}
