//! Code watch: which pages of real memory hold code that some vCPU has decoded, so that a store to
//! one is noticed and fetched code is stored code.
//!
//! A POWER9's instruction cache snoops. Linux relies on it (CPU_FTR_COHERENT_ICACHE: under radix it
//! runs no icbi when it fills a page and maps it executable), so icbi can't be what invalidates
//! decoded code. Three rules make sure that a fetch sees the stores before it:
//!
//! - *Watch before reading.* A vCPU that decodes a page marks it as watched, demands that every
//!   vCPU drop its store tags for it ([`Watch::epoch`]), and trusts what it has read only when all
//!   have. Until then it compares each word with memory before it carries it out.
//! - *Stores through the soft TLB announce first.* A vCPU gets no store tag for a granule with
//!   watched pages. Its store takes the slow path, which [announces](CodeEvents) a change of the
//!   page and ends the watch *before* the store is carried out. A store in flight is like a store
//!   tag: who watches the page again waits for this vCPU's next poll.
//! - *All other stores* (hypercalls, RTAS, the monitor, reference and change bits, stqcx.) look
//!   afterwards: either they see the mark and announce the change, or who marks the page reads what
//!   they have stored.
//!
//! A change is seen by the next taken branch, of any vCPU, that comes after the store in program
//! order or by what memory shows. The architecture asks for less (an isync), but programs run on a
//! POWER9 that rely on it: a run-time compiler publishes the address of new code, and another
//! thread jumps there, to a place that it can't have fetched before. The interpreter compares the
//! count of changes at branches; compiled code compares its vCPU's [`CodeGate`], which every change
//! closes.
//!
//! Marks are changed under one lock; stores look at them without it. A page is 4 KiB here.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a page that is watched as a whole.
pub(crate) const CODE_PAGE: u64 = 4096;
/// Changes that are remembered; who has missed more takes all of its code for changed.
const CHANGES: usize = 1024;
/// Demands to drop store tags that are remembered; who has missed more drops all of them.
const WATCHES: usize = 256;
/// Pages of a word of marks.
const BITS: u64 = u64::BITS as u64;

/// Who has had store tags for a granule: nobody, one vCPU (its number plus 1), or several.
const SEVERAL: u8 = u8::MAX;

/// The marks of one mapping. Granules are those of [`super::GRANULE`].
pub(super) struct CodeMarks {
    /// A bit per page.
    watched: Box<[AtomicU64]>,
    /// By granule: whose store tags there may be.
    writers: Box<[AtomicU8]>,
}

impl CodeMarks {
    /// For a mapping of `len` bytes, a multiple of the granule.
    pub(super) fn new(len: u64) -> Self {
        let words = (len / CODE_PAGE).div_ceil(BITS);
        let granules = len.div_ceil(super::GRANULE);
        Self {
            watched: (0..words).map(|_| AtomicU64::new(0)).collect(),
            writers: (0..granules).map(|_| AtomicU8::new(0)).collect(),
        }
    }

    fn place(offset: u64) -> (usize, u64) {
        let page = offset / CODE_PAGE;
        ((page / BITS) as usize, 1 << (page % BITS))
    }

    fn is_watched(&self, offset: u64) -> bool {
        let (word, bit) = Self::place(offset);
        self.watched
            .get(word)
            .is_some_and(|word| word.load(Ordering::SeqCst) & bit != 0)
    }

    /// Whether any page of `len` bytes at `offset` is watched.
    pub(super) fn any_watched(&self, offset: u64, len: u64) -> bool {
        pages(offset, len).any(|page| self.is_watched(page))
    }

    /// Notes that vCPU `id` is about to have a store tag for the granule at `offset`: before it
    /// looks whether pages are watched.
    pub(super) fn note_writer(&self, offset: u64, id: u32) {
        if let Some(writer) = self.writers.get((offset / super::GRANULE) as usize) {
            let me = u8::try_from(id + 1).unwrap_or(SEVERAL);
            let known = writer.load(Ordering::SeqCst);
            let now = if known == 0 || known == me {
                me
            } else {
                SEVERAL
            };
            if known != now {
                // Two at once: whoever comes second must not hide the first.
                let raced = writer.compare_exchange(known, now, Ordering::SeqCst, Ordering::SeqCst);
                if raced.is_err() {
                    writer.store(SEVERAL, Ordering::SeqCst);
                }
            }
        }
        fence(Ordering::SeqCst);
    }

    /// Whether a vCPU other than `id` may have store tags for the granule at `offset`.
    fn has_other_writer(&self, offset: u64, id: u32) -> bool {
        let writer = self.writers.get((offset / super::GRANULE) as usize);
        writer.is_some_and(|writer| {
            let writer = writer.load(Ordering::SeqCst);
            writer != 0 && (writer == SEVERAL || u32::from(writer) != id + 1)
        })
    }
}

/// The starts of the pages that `len` bytes at `offset` are in.
fn pages(offset: u64, len: u64) -> impl Iterator<Item = u64> {
    let first = offset / CODE_PAGE;
    let last = offset.saturating_add(len.saturating_sub(1)) / CODE_PAGE;
    (first..=last)
        .take(if len == 0 { 0 } else { usize::MAX })
        .map(|page| page * CODE_PAGE)
}

/// What compiled code of one vCPU compares with the context id of where it jumps to, for addresses
/// whose top bit is 0, and 1. Another thread closes it before it stores to code, so that the next
/// jump goes by way of the run loop.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct CodeGate([AtomicU64; 2]);

impl CodeGate {
    /// No context id is this number.
    const CLOSED: u64 = 1;

    fn new() -> Self {
        Self([Self::CLOSED; 2].map(AtomicU64::new))
    }

    /// Opens it for two context ids. Whether the count of changes is as it was is to be asked after
    /// this.
    #[inline]
    pub(crate) fn open(&self, context_ids: [u64; 2]) {
        let mut open = true;
        for (gate, context_id) in self.0.iter().zip(context_ids) {
            if gate.load(Ordering::Relaxed) != context_id {
                gate.store(context_id, Ordering::Relaxed);
                open = false;
            }
        }
        if !open {
            fence(Ordering::SeqCst);
        }
    }

    fn close(&self) {
        for gate in &self.0 {
            gate.store(Self::CLOSED, Ordering::SeqCst);
        }
    }

    /// For compiled code.
    pub(crate) fn address(&self) -> usize {
        (&raw const self.0).expose_provenance()
    }
}

/// What watching a page has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watch {
    /// The page's contents may be trusted once every vCPU has answered the demands up to this one.
    pub(crate) epoch: u64,
    /// Whether this is a new demand, of which the other vCPUs are to be told.
    pub(crate) is_new: bool,
    /// Whether no other vCPU can have a store tag for the page.
    pub(crate) is_alone: bool,
}

#[derive(Default)]
struct Events {
    /// Real addresses of pages that have changed, oldest first: the newest is that of the current
    /// epoch.
    changes: VecDeque<u64>,
    /// Real addresses of pages whose store tags are to be dropped, likewise.
    watches: VecDeque<u64>,
}

/// The events that vCPUs catch up with: pages that were changed, and demands to drop store tags.
pub(crate) struct CodeEvents {
    /// By vCPU.
    gates: Box<[CodeGate]>,
    events: Mutex<Events>,
    changed: AtomicU64,
    watched: AtomicU64,
}

impl CodeEvents {
    /// For so many vCPUs.
    pub(super) fn new(vcpus: u32) -> Self {
        Self {
            gates: (0..vcpus).map(|_| CodeGate::new()).collect(),
            events: Mutex::default(),
            changed: AtomicU64::new(0),
            watched: AtomicU64::new(0),
        }
    }

    /// The gate of a vCPU of this partition.
    pub(crate) fn gate(&self, id: u32) -> &CodeGate {
        &self.gates[id as usize]
    }

    /// Counts a change, before the marks are taken back and before the store.
    fn count_change(&self) {
        self.changed.fetch_add(1, Ordering::SeqCst);
        self.gates.iter().for_each(CodeGate::close);
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts changes of watched pages.
    #[inline]
    pub(crate) fn change_epoch(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }

    /// Counts demands to drop store tags.
    pub(crate) fn watch_epoch(&self) -> u64 {
        self.watched.load(Ordering::SeqCst)
    }

    /// Watches the page at `offset` of a mapping, which is at `real`, for vCPU `id`, which has
    /// dropped its own store tags.
    pub(super) fn watch(&self, marks: &CodeMarks, offset: u64, real: u64, id: u32) -> Watch {
        let (word, bit) = CodeMarks::place(offset);
        let mut events = self.lock();
        let before = marks.watched[word].fetch_or(bit, Ordering::SeqCst);
        // Either a vCPU that is about to have a store tag sees the mark, or its number is seen
        // here.
        fence(Ordering::SeqCst);
        let is_alone = !marks.has_other_writer(offset, id);
        let is_new = before & bit == 0 && !is_alone;
        if is_new {
            push(&mut events.watches, WATCHES, real);
            self.watched.fetch_add(1, Ordering::SeqCst);
        }
        Watch {
            epoch: self.watch_epoch(),
            is_new,
            is_alone,
        }
    }

    /// Announces changes of the watched pages among `len` bytes at `offset` of a mapping, and ends
    /// their watch.
    pub(super) fn announce(&self, marks: &CodeMarks, offset: u64, base: u64, len: u64) {
        let mut events = self.lock();
        for page in pages(offset, len) {
            if marks.is_watched(page) {
                push(&mut events.changes, CHANGES, base + page);
                self.count_change();
                // After the change is told: who no longer sees the mark can rely on that.
                let (word, bit) = CodeMarks::place(page);
                marks.watched[word].fetch_and(!bit, Ordering::SeqCst);
            }
        }
    }

    /// Announces that any page may have changed.
    pub(crate) fn announce_all(&self) {
        let mut events = self.lock();
        events.changes.clear();
        self.count_change();
    }

    /// Hands out the pages that have changed since `epoch`, None where that is not remembered; the
    /// epoch they lead to.
    pub(crate) fn changes_since(&self, epoch: u64, mut each: impl FnMut(Option<u64>)) -> u64 {
        let events = self.lock();
        let now = self.changed.load(Ordering::SeqCst);
        since(&events.changes, now.wrapping_sub(epoch), &mut each);
        now
    }

    /// Hands out the pages whose store tags were to be dropped since `epoch`, None where all are;
    /// the epoch they lead to.
    pub(crate) fn watches_since(&self, epoch: u64, mut each: impl FnMut(Option<u64>)) -> u64 {
        let events = self.lock();
        let now = self.watch_epoch();
        since(&events.watches, now.wrapping_sub(epoch), &mut each);
        now
    }
}

fn push(queue: &mut VecDeque<u64>, most: usize, real: u64) {
    if queue.len() >= most {
        queue.pop_front();
    }
    queue.push_back(real);
}

fn since(queue: &VecDeque<u64>, missed: u64, each: &mut impl FnMut(Option<u64>)) {
    let missed = usize::try_from(missed).unwrap_or(usize::MAX);
    match queue.len().checked_sub(missed) {
        Some(first) => queue.range(first..).for_each(|&real| each(Some(real))),
        None => each(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x10_0000;

    fn changes(events: &CodeEvents, epoch: u64) -> (Vec<Option<u64>>, u64) {
        let mut found = Vec::new();
        let now = events.changes_since(epoch, |page| found.push(page));
        (found, now)
    }

    #[test]
    fn a_watched_page_is_announced_once_and_its_neighbours_never() {
        let (marks, events) = (CodeMarks::new(0x4_0000), CodeEvents::new(2));
        events.watch(&marks, 0x3000, BASE + 0x3000, 0);
        assert!(marks.any_watched(0x2fff, 2));
        assert!(!marks.any_watched(0x2ffe, 1) && !marks.any_watched(0x4000, 0x1000));
        events.announce(&marks, 0x2ff8, BASE, 16);
        assert_eq!(changes(&events, 0), (vec![Some(BASE + 0x3000)], 1));
        events.announce(&marks, 0x2ff8, BASE, 16);
        assert_eq!(changes(&events, 1), (vec![], 1));
    }

    #[test]
    fn who_has_missed_too_many_changes_is_told_so() {
        let (marks, events) = (CodeMarks::new(0x1_0000), CodeEvents::new(2));
        for _ in 0..=CHANGES {
            events.watch(&marks, 0, BASE, 0);
            events.announce(&marks, 0, BASE, 4);
        }
        assert_eq!(changes(&events, 0), (vec![None], CHANGES as u64 + 1));
        assert_eq!(changes(&events, 1).0.len(), CHANGES);
        events.announce_all();
        assert_eq!(changes(&events, 1).0, [None]);
    }

    #[test]
    fn others_are_told_of_a_watch_only_where_they_may_have_store_tags() {
        let (marks, events) = (CodeMarks::new(0x4_0000), CodeEvents::new(2));
        let watch = events.watch(&marks, 0x1000, BASE + 0x1000, 0);
        assert!(watch.is_alone && !watch.is_new);
        marks.note_writer(0x1_2000, 0);
        assert!(events.watch(&marks, 0x1_2000, BASE, 0).is_alone);
        let other = events.watch(&marks, 0x1_3000, BASE, 1);
        assert_eq!(
            (other.is_alone, other.is_new, other.epoch),
            (false, true, 1)
        );
        // It is watched already: one demand is enough, which has to be answered all the same.
        let again = events.watch(&marks, 0x1_3000, BASE, 2);
        assert_eq!(
            (again.is_alone, again.is_new, again.epoch),
            (false, false, 1)
        );
        marks.note_writer(0x1_2000, 1);
        assert!(!events.watch(&marks, 0x1_2000, BASE, 0).is_alone);
        assert!(!events.watch(&marks, 0x1_2000, BASE, 1).is_alone);
    }
}
