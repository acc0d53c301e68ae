//! Decoded code: pages of instruction words with their table rows, found by effective address.
//!
//! Fetched code is stored code, as on a POWER9, whose instruction cache snoops: a page that is
//! decoded is watched for stores ([`crate::memory`]'s code watch), and each vCPU catches up with
//! the changes at taken branches and after context-synchronizing events. A page is run without a
//! look at memory only while it is *trusted*: while every store to it is noticed. Of one that is
//! not, each word is compared with memory before it is carried out. Pages that are stored to again
//! and again (data beside code) are left unwatched for a while: then stores to them cost nothing.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::code_tier::HotCounters;
use super::slab::{Op, Slab, Slabs};
use crate::decode::decode;
use crate::insn::Insn;
use crate::memory::{CODE_PAGE, HostSpan};
use crate::mmu::tlb::Tlb;
use crate::partition::Partition;

/// Bytes of a decoded page.
pub(crate) const PAGE: u64 = CODE_PAGE;
pub(super) const WORDS: usize = PAGE as usize / 4;
/// Entries of the effective-address front; a power of two.
const FRONT: usize = 2048;
/// Decoded pages kept (12 KiB each); past this all are dropped and decoded again as needed.
const PAGES_MAX: usize = 4096;

/// A page of instructions, each decoded when it is first carried out: of most pages few ever are.
pub(crate) struct Page {
    slab: Rc<Slab>,
    place: usize,
    trust: Cell<Trust>,
    /// How often it has changed, or was taken to have, while it was watched.
    disturbed: Cell<u8>,
    real: u64,
    big_endian: bool,
    /// Whether a second tier knows of it.
    offered: Cell<bool>,
}

/// What is known of a page's words against memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// They are what memory has: a store to it would be noticed.
    Full,
    /// They were, and it is watched; but until all vCPUs have answered the demand of this epoch,
    /// they may still store unnoticed. Each word is compared with memory before it is carried out.
    Pending(u64),
    /// It is not watched, for as many more entries; words are compared as above.
    Unwatched(u32),
    /// They may have changed.
    Stale,
}

/// Changes of a page after which it is left unwatched for a while.
const CALM: u8 = 4;
/// At most so many changes are counted: entries double with each.
const DISTURBED_MAX: u8 = 16;

/// For how many entries a page that has changed so often is left unwatched.
const fn unwatched_for(disturbed: u8) -> u32 {
    match disturbed.checked_sub(CALM) {
        Some(over) => 16 << if over > 12 { 12 } else { over },
        None => 0,
    }
}

#[derive(Clone)]
struct FrontEntry {
    tag: u64,
    space: u64,
    page: Option<Rc<Page>>,
}

/// Words of the filter of pages that code was entered in.
const ENTERED: usize = 16;
/// Processes whose space is remembered; past this all are forgotten.
const SPACES_MAX: usize = 1024;

/// The address space of a process, as far as code is concerned.
#[derive(Clone, Copy)]
struct Space {
    name: u64,
    /// 64 KiB pages that code was entered in, hashed.
    entered: [u64; ENTERED],
}

impl Space {
    const fn new(name: u64) -> Self {
        Self {
            name,
            entered: [0; ENTERED],
        }
    }

    /// The word and the bit of the filter for an address.
    fn filter(ea: u64) -> (usize, u64) {
        let page = ea >> 16;
        let hash = (page ^ page >> 10) as usize % (ENTERED * 64);
        (hash / 64, 1 << (hash % 64))
    }

    /// Whether any code was entered.
    fn has_code(&self) -> bool {
        self.entered != [0; ENTERED]
    }

    fn enter(&mut self, ea: u64) {
        let (word, bit) = Self::filter(ea);
        self.entered[word] |= bit;
    }

    /// Whether code may have been entered in the 64 KiB page of an address.
    fn may_have_entered(&self, ea: u64) -> bool {
        let (word, bit) = Self::filter(ea);
        self.entered[word] & bit != 0
    }
}

/// All decoded code of one vCPU.
pub(crate) struct CodeCache {
    pages: HashMap<u64, Rc<Page>>,
    slabs: Slabs,
    front: Vec<FrontEntry>,
    /// The run loop must look its page up again.
    stale: bool,
    /// The changes of code that were caught up with.
    seen_epoch: u64,
    /// The last lookup found that changes of code are to be caught up with.
    behind: bool,
    /// Counts changes of trusted pages: addresses of compiled code found before may be stale.
    generation: u64,
    /// Names for address spaces. One is given up, and a new one takes its place, where something is
    /// forgotten of it.
    newest: u64,
    /// The space of quadrant 3.
    kernel: u64,
    /// The space of the current process.
    process: Space,
    pid: u32,
    /// The spaces of other processes.
    processes: HashMap<u32, Space>,
    /// How often a page was not known at its effective address.
    pub(crate) misses: u64,
    /// Undefined words already logged.
    seen: HashSet<u32>,
}

impl Default for CodeCache {
    fn default() -> Self {
        Self {
            pages: HashMap::new(),
            slabs: Slabs::default(),
            front: vec![
                FrontEntry {
                    tag: u64::MAX,
                    space: 0,
                    page: None
                };
                FRONT
            ],
            stale: false,
            seen_epoch: 0,
            behind: false,
            generation: 0,
            newest: 2,
            kernel: 1,
            process: Space::new(2),
            pid: 0,
            processes: HashMap::new(),
            misses: 0,
            seen: HashSet::new(),
        }
    }
}

impl CodeCache {
    fn new_space(&mut self) -> u64 {
        self.newest += 1;
        self.newest
    }

    /// Forgets which effective addresses pages were at.
    pub(crate) fn flush_translations(&mut self) {
        self.stale = true;
        self.kernel = self.new_space();
        self.process = Space::new(self.new_space());
        self.processes.clear();
    }

    /// Forgets which effective addresses of a process pages were at.
    pub(crate) fn flush_process(&mut self, pid: u32) {
        if pid == 0 {
            return self.flush_translations();
        }
        self.processes.remove(&pid);
        // A guest flushes set by set, a hundred times in a row; the name of a space without code
        // can stay.
        if pid == self.pid && self.process.has_code() {
            self.stale = true;
            self.process = Space::new(self.new_space());
        }
    }

    /// Forgets one page of up to 64 KiB of a process.
    pub(crate) fn flush_page(&mut self, pid: u32, ea: u64) {
        let entered = if pid == self.pid {
            self.process.may_have_entered(ea)
        } else {
            let space = self.processes.get(&pid);
            space.is_some_and(|space| space.may_have_entered(ea))
        };
        // What is not of a process alone is not in any filter.
        if entered || pid == 0 || ea >> 62 != 0 {
            self.flush_process(pid);
        }
    }

    /// Makes another process the current one.
    pub(crate) fn switch(&mut self, pid: u32) {
        if pid == self.pid {
            return;
        }
        self.stale = true;
        if self.processes.len() >= SPACES_MAX {
            self.processes.clear();
        }
        self.processes.insert(self.pid, self.process);
        self.pid = pid;
        self.process = match self.processes.get(&pid) {
            Some(&space) => space,
            None => Space::new(self.new_space()),
        };
    }

    /// The name of the address space that an address is in. No two spaces that differ, or differed,
    /// have one.
    #[inline(always)]
    pub(super) fn space(&self, ea: u64) -> u64 {
        if ea >> 62 == 3 {
            self.kernel
        } else {
            self.process.name
        }
    }

    /// The names of the spaces that addresses are in now.
    pub(super) fn spaces(&self) -> [u64; 2] {
        [self.process.name, self.kernel]
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.flush_translations();
        for entry in &mut self.front {
            entry.page = None;
        }
        self.pages.clear();
    }

    /// Makes the run loop look its page up again before the next instruction.
    pub(crate) fn leave_page(&mut self) {
        self.stale = true;
    }

    /// As [`CodeCache::leave_page`], where code may have changed since the last lookup (isync).
    pub(crate) fn leave_page_if_changed(&mut self, epoch: u64) {
        self.stale |= self.seen_epoch != epoch;
    }

    /// Whether changes of code are still to be caught up with.
    #[inline(always)]
    pub(super) fn is_behind(&self, epoch: u64) -> bool {
        self.seen_epoch != epoch
    }

    /// Counts changes of trusted pages.
    #[inline(always)]
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Answers a demand to look the page up again.
    pub(super) fn enter_page(&mut self) {
        self.stale = false;
    }

    /// Whether the page must be looked up again.
    #[inline(always)]
    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    /// The page at an effective address in a fetch context, where known and nothing is to be done
    /// for it.
    #[inline]
    pub(crate) fn find(&mut self, ea: u64, context: u64, epoch: u64) -> Option<Rc<Page>> {
        self.stale = false;
        if self.seen_epoch != epoch {
            self.behind = true;
            return None;
        }
        let tag = ea & !(PAGE - 1) | context;
        let entry = &self.front[Self::slot(ea)];
        if entry.tag != tag || entry.space != self.space(ea) {
            return None;
        }
        let page = entry.page.as_ref();
        page.filter(|page| page.may_run_again()).cloned()
    }

    /// Whether the last lookup found that changes are to be caught up with.
    pub(crate) fn must_catch_up(&mut self) -> bool {
        std::mem::take(&mut self.behind)
    }

    /// Catches up with the changes of code since the last time.
    pub(crate) fn catch_up(&mut self, partition: &Partition) {
        let events = partition.memory.code();
        let mut newly_stale = false;
        self.seen_epoch = events.changes_since(self.seen_epoch, |real| match real {
            Some(real) => {
                for big_endian in [0, 1] {
                    if let Some(page) = self.pages.get(&(real | big_endian)) {
                        newly_stale |= page.disturb();
                    }
                }
            }
            None => {
                newly_stale = true;
                for page in self.pages.values() {
                    page.trust.set(Trust::Stale);
                }
            }
        });
        self.generation += u64::from(newly_stale);
    }

    fn slot(ea: u64) -> usize {
        (ea / PAGE) as usize % FRONT
    }

    /// Decodes the page at a real address, or takes the one decoded before where memory still
    /// agrees. None: no such memory.
    ///
    /// For vCPU `id`, whose soft TLB this is.
    #[allow(clippy::too_many_arguments, reason = "what a fetch depends on")]
    pub(crate) fn enter(
        &mut self,
        partition: &Partition,
        tlb: &mut Tlb,
        id: u32,
        ea: u64,
        context: u64,
        real: u64,
        big_endian: bool,
    ) -> Option<Rc<Page>> {
        self.misses += 1;
        let real = real & !(PAGE - 1);
        let key = real | u64::from(big_endian);
        let known = self.pages.get(&key).cloned();
        let page = match known {
            Some(page) if page.may_run_again() => page,
            known => {
                // What is asked before memory is read says what can have changed since.
                let disturbed = known.as_ref().map_or(0, |page| page.disturbed.get());
                let unwatched = unwatched_for(disturbed);
                let trust = match known.as_ref().map(|page| page.trust.get()) {
                    Some(Trust::Pending(epoch)) if partition.is_watched_since(epoch, id) => {
                        Trust::Full
                    }
                    Some(pending @ Trust::Pending(_)) => pending,
                    Some(Trust::Stale) if unwatched > 0 => Trust::Unwatched(unwatched),
                    _ => {
                        tlb.check_stores(real);
                        match partition.watch_code(real, id)? {
                            epoch if partition.is_watched_since(epoch, id) => Trust::Full,
                            epoch => Trust::Pending(epoch),
                        }
                    }
                };
                let mut bytes = [0; PAGE as usize];
                partition.memory.read(real, &mut bytes).ok()?;
                match known {
                    Some(page) if page.equals(&bytes) => {
                        page.trust.set(trust);
                        page
                    }
                    _ => {
                        if self.pages.len() >= PAGES_MAX {
                            self.clear();
                        }
                        let page = Page::new(&mut self.slabs, &bytes, trust, real, big_endian);
                        page.disturbed.set(disturbed);
                        let page = Rc::new(page);
                        self.pages.insert(key, Rc::clone(&page));
                        page
                    }
                }
            }
        };
        debug_assert_eq!(page.real, real, "pages are found by their real address");
        let space = self.space(ea);
        if space == self.process.name {
            self.process.enter(ea);
        }
        self.front[Self::slot(ea)] = FrontEntry {
            tag: ea & !(PAGE - 1) | context,
            space,
            page: Some(Rc::clone(&page)),
        };
        self.stale = false;
        Some(page)
    }

    /// Whether an undefined word shows for the first time (within a bound, so that a hostile guest
    /// fills neither log nor memory).
    pub(crate) fn first_sight(&mut self, insn: Insn) -> bool {
        const SEEN_MAX: usize = 256;
        self.seen.len() < SEEN_MAX && self.seen.insert(insn.0)
    }
}

impl Page {
    fn new(
        slabs: &mut Slabs,
        bytes: &[u8; PAGE as usize],
        trust: Trust,
        real: u64,
        big_endian: bool,
    ) -> Self {
        let (slab, place) = slabs.take();
        for (op, word) in slab.ops(place).iter().zip(bytes.as_chunks::<4>().0) {
            op.set(Op::undecoded(Insn(word_of(*word, big_endian))));
        }
        Self {
            slab,
            place,
            trust: Cell::new(trust),
            disturbed: Cell::new(0),
            real,
            big_endian,
            offered: Cell::new(false),
        }
    }

    /// The instruction at an address of it.
    pub(super) fn op(&self, address: u64) -> &Cell<Op> {
        &self.ops()[(address % PAGE) as usize / 4]
    }

    /// Its instructions.
    #[inline(always)]
    pub(super) fn ops(&self) -> &[Cell<Op>; WORDS] {
        self.slab.ops(self.place)
    }

    /// What a second tier knows of its words.
    #[inline(always)]
    pub(super) fn heat(&self) -> HotCounters<'_> {
        HotCounters::of(self.ops(), self.slab.codes(self.place))
    }

    /// Whether it can be run without a look at memory.
    #[inline(always)]
    pub(super) fn is_trusted(&self) -> bool {
        self.trust.get() == Trust::Full
    }

    /// Whether it can be run, as it is or word by word, with nothing to be done before; counts
    /// that.
    #[inline]
    fn may_run_again(&self) -> bool {
        match self.trust.get() {
            Trust::Full => true,
            Trust::Unwatched(more) if more > 0 => {
                self.trust.set(Trust::Unwatched(more - 1));
                true
            }
            _ => false,
        }
    }

    /// A word of it is not what memory has: it is to be read again.
    pub(super) fn note_difference(&self) {
        if !self.is_trusted() {
            self.make_stale();
        }
    }

    fn make_stale(&self) {
        let disturbed = self.disturbed.get();
        self.disturbed.set((disturbed + 1).min(DISTURBED_MAX));
        self.trust.set(Trust::Stale);
    }

    /// The word at an index in the page's order, from its memory.
    pub(super) fn word_in(&self, memory: HostSpan, index: usize) -> u32 {
        word_of(memory.at::<u32>(4 * index).to_ne_bytes(), self.big_endian)
    }

    /// Where its memory is.
    pub(super) fn real(&self) -> u64 {
        self.real
    }

    /// Takes note of a change; whether it was trusted until now.
    fn disturb(&self) -> bool {
        let before = self.trust.get();
        if !matches!(before, Trust::Full | Trust::Pending(_)) {
            return false;
        }
        self.make_stale();
        before == Trust::Full
    }

    /// Whether this is asked for the first time.
    pub(super) fn is_new(&self) -> bool {
        !self.offered.replace(true)
    }

    fn equals(&self, bytes: &[u8; PAGE as usize]) -> bool {
        self.ops()
            .iter()
            .zip(bytes.as_chunks::<4>().0)
            .all(|(op, word)| op.get().insn.0 == word_of(*word, self.big_endian))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.slab.give_back(self.place);
    }
}

/// The decoded instruction at a place in a page.
#[inline(always)]
pub(super) fn op_at(op: &Cell<Op>) -> Op {
    let known = op.get();
    if known.is_decoded() {
        known
    } else {
        decode_at(op)
    }
}

#[cold]
fn decode_at(op: &Cell<Op>) -> Op {
    let known = op.get();
    let decoded = Op {
        opcode: decode(known.insn),
        ..known
    };
    op.set(decoded);
    decoded
}

fn word_of(bytes: [u8; 4], big_endian: bool) -> u32 {
    if big_endian {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isync_leaves_a_page_only_where_code_has_changed_since_it_was_looked_up() {
        let mut code = CodeCache::default();
        code.leave_page_if_changed(0);
        assert!(!code.is_stale());
        code.leave_page_if_changed(1);
        assert!(code.is_stale());
    }

    #[test]
    fn a_page_is_left_unwatched_for_longer_the_more_often_it_changes() {
        let spans: Vec<u32> = (0..=DISTURBED_MAX).map(unwatched_for).collect();
        assert_eq!(spans[usize::from(CALM) - 1], 0);
        assert_eq!(spans[usize::from(CALM)], 16);
        assert!(spans.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(spans[usize::from(DISTURBED_MAX)], 16 << 12);
    }
}
