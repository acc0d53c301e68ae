//! The pages of code of which a vCPU is told what is compiled, for it or for others.

use std::collections::HashMap;

use power::accelerator::Entry;

/// Pages that there may be before those are looked for that are gone.
const FEW: usize = 1024;

/// See the module.
#[derive(Default)]
pub(crate) struct Subscriptions {
    /// By ticket: an entry keeps the name of its page from being used again.
    pages: HashMap<u64, Entry>,
    /// The ticket of a page ([`Entry::page`]).
    tickets: HashMap<usize, u64>,
    /// Pages that were not gone when they were last looked through.
    live: usize,
}

impl Subscriptions {
    /// The page of `entry` was asked for under a ticket.
    pub(crate) fn add(&mut self, ticket: u64, entry: Entry) {
        if self.pages.len() >= FEW.max(2 * self.live) {
            let gone = self.pages.extract_if(|_, entry| !entry.is_live());
            for (_, entry) in gone {
                self.tickets.remove(&entry.page());
            }
            self.live = self.pages.len();
        }
        self.tickets.insert(entry.page(), ticket);
        self.pages.insert(ticket, entry);
    }

    /// An entry of the page with a ticket.
    pub(crate) fn page(&self, ticket: u64) -> Option<Entry> {
        self.pages.get(&ticket).cloned()
    }

    /// The ticket of the page of an entry.
    pub(crate) fn ticket(&self, entry: &Entry) -> Option<u64> {
        self.tickets.get(&entry.page()).copied()
    }
}
