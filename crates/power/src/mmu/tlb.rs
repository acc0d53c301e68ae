//! The soft TLB: from effective page to host memory, one table per kind of access rights, so that a change of MSR\[PR\],
//! MSR\[DR\] or AMR only switches tables. Problem state has several, one per process, so that a process that was here a moment
//! ago finds its entries again; privileged tables are shared, and drop what they know of a process when PID changes.
//!
//! An entry covers a granule of 64 KiB, or of 4 KiB once the guest has shown a page that small. Tables are indexed by the 64 KiB
//! in either case, so that compiled code ([`crate::cpu::TlbLayout`]) needs to look at nothing but the mask of tags.

use crate::memory::{HostSpan, Scalar};

/// Entries of a table.
pub(crate) const ENTRIES: usize = 256;
/// log2 of what an address is divided by for the index.
pub(crate) const INDEX_SHIFT: u32 = GRANULE_LARGE;
/// A granule whose addresses are never looked for in the entry with this index: it has another. Compiled code subtracts the tag
/// and compares with the granule's size, so a tag that is merely impossible would not do.
const fn invalid_tag(index: usize) -> u64 {
    (((index + ENTRIES / 2) % ENTRIES) as u64) << INDEX_SHIFT
}
pub(crate) const GRANULE_LARGE: u32 = 16;
pub(crate) const GRANULE_SMALL: u32 = 12;

/// Whose rights a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// MSR\[DR\] = 0.
    Real,
    /// MSR\[PR\] = 1.
    Problem,
    /// Privileged, with key 0's (no store, no load) of AMR.
    Privileged { no_store: bool, no_load: bool },
}

/// Processes whose problem-state tables are kept.
const PROCESSES: usize = 8;
/// The first problem-state table.
const PROBLEM: usize = 5;
const TABLES: usize = PROBLEM + PROCESSES;

impl Table {
    const fn index(self, process: usize) -> usize {
        match self {
            Self::Real => 0,
            Self::Privileged { no_store, no_load } => 1 + no_store as usize * 2 + no_load as usize,
            Self::Problem => PROBLEM + process,
        }
    }
}

/// Compiled code reads it, hence the layout.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Entry {
    /// Effective granule that may be loaded from; that of [`invalid_tag`] where none.
    pub(crate) load: u64,
    /// Effective granule that may be stored to.
    pub(crate) store: u64,
    /// Host address minus effective address.
    pub(crate) offset: usize,
    /// Effective granule that may be stored to only after a look whether what is stored to is code ([`crate::memory`]'s code watch).
    pub(crate) checked: u64,
}

/// Whether a granule may be stored to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stores {
    /// No, or not before the first store was noted.
    Never,
    /// After a look whether what is stored to is code.
    Checked,
    /// Yes.
    Free,
}

const fn empty(index: usize) -> Entry {
    Entry {
        load: invalid_tag(index),
        store: invalid_tag(index),
        offset: 0,
        checked: invalid_tag(index),
    }
}

const EMPTY_TABLE: [Entry; ENTRIES] = {
    let mut table = [empty(0); ENTRIES];
    let mut index = 0;
    while index < ENTRIES {
        table[index] = empty(index);
        index += 1;
    }
    table
};

fn empty_tables() -> Box<[[Entry; ENTRIES]; TABLES]> {
    let tables = vec![EMPTY_TABLE; TABLES].into_boxed_slice().try_into();
    let Ok(tables) = tables else {
        unreachable!("the vector has TABLES elements")
    };
    tables
}

/// Bytes of a table.
const TABLE_BYTES: usize = size_of::<[Entry; ENTRIES]>();

#[repr(C)]
pub(crate) struct Tlb {
    pub(crate) tables: Box<[[Entry; ENTRIES]; TABLES]>,
    /// The tables from before granules became small. They stay empty: compiled code that runs just now still looks there, with
    /// the large granule in mind, and has to miss.
    retired: Option<Box<[[Entry; ENTRIES]; TABLES]>>,
    /// The real addresses of the granules in `tables`, where their entries permit anything.
    reals: Box<[[u64; ENTRIES]]>,
    /// The entry that has a store tag for one checked store only: table and index.
    lent: Option<(usize, usize)>,
    /// The table in use, as bytes from the first.
    pub(crate) current: usize,
    /// The bits of an address that tags hold.
    pub(crate) mask: u64,
    shift: u32,
    selected: Table,
    /// Which tables have had an entry since they were last emptied: guests flush a hundred times in a row.
    used: [bool; TABLES],
    /// Which privileged tables may have an entry of quadrant 0.
    quadrant0: [bool; PROBLEM],
    /// The processes that problem-state tables belong to.
    processes: [u32; PROCESSES],
    /// The current process, as an index of `processes`.
    process: usize,
    /// Which process is the next to lose its table.
    next: usize,
    /// Granules that were asked for and not found: for statistics.
    pub(crate) misses: u64,
    /// How often entries were forgotten: what compiled code has found in one is good until this changes.
    pub(crate) forgotten: u64,
}

impl Tlb {
    pub(crate) fn new() -> Self {
        Self {
            tables: empty_tables(),
            retired: None,
            reals: vec![[0; ENTRIES]; TABLES].into_boxed_slice(),
            lent: None,
            current: 0,
            shift: GRANULE_LARGE,
            selected: Table::Real,
            used: [false; TABLES],
            quadrant0: [false; PROBLEM],
            processes: [0; PROCESSES],
            process: 0,
            next: 0,
            mask: !((1 << GRANULE_LARGE) - 1),
            misses: 0,
            forgotten: 0,
        }
    }

    pub(crate) fn select(&mut self, table: Table) {
        self.selected = table;
        self.current = table.index(self.process) * TABLE_BYTES;
    }

    /// The process whose entries are in use.
    pub(crate) fn process(&self) -> u32 {
        self.processes[self.process]
    }

    /// log2 of the granule.
    pub(crate) fn granule_shift(&self) -> u32 {
        self.shift
    }

    /// Forgets everything.
    pub(crate) fn flush(&mut self) {
        for table in 0..TABLES {
            self.empty(table);
        }
    }

    fn empty(&mut self, table: usize) {
        if std::mem::take(&mut self.used[table]) {
            self.tables[table] = EMPTY_TABLE;
            self.forgotten += 1;
        }
    }

    /// Makes another process the current one.
    pub(crate) fn switch(&mut self, process: u32) {
        if process == self.process() {
            return;
        }
        self.forget_quadrant0();
        self.process = match self.processes.iter().position(|&known| known == process) {
            Some(known) => known,
            None => {
                self.next = (self.next + 1) % PROCESSES;
                self.empty(PROBLEM + self.next);
                self.processes[self.next] = process;
                self.next
            }
        };
        self.select(self.selected);
    }

    /// Forgets what the privileged tables know of quadrant 0. In real mode there is none.
    fn forget_quadrant0(&mut self) {
        for table in 1..PROBLEM {
            if !std::mem::take(&mut self.quadrant0[table]) {
                continue;
            }
            self.forgotten += 1;
            for (index, entry) in self.tables[table].iter_mut().enumerate() {
                // A tag of `invalid_tag` counts as quadrant 0 too, so look at both.
                if entry.load >> 62 == 0 && entry.store >> 62 == 0 {
                    *entry = empty(index);
                }
            }
        }
    }

    /// Forgets what quadrant 0 maps for a process.
    pub(crate) fn flush_process(&mut self, process: u32) {
        // Process 0 has quadrant 3 as well.
        if process == 0 {
            return self.flush();
        }
        if process == self.process() {
            self.forget_quadrant0();
        }
        for index in 0..PROCESSES {
            if self.processes[index] == process {
                self.empty(PROBLEM + index);
            }
        }
    }

    /// Forgets the granule that `ea` is in.
    pub(crate) fn flush_page(&mut self, ea: u64) {
        let index = self.index(ea);
        self.forgotten += 1;
        for table in self.tables.iter_mut() {
            table[index] = empty(index);
        }
    }

    /// Uses granules small enough for a page of `1 << page_shift` from now on.
    pub(crate) fn adapt(&mut self, page_shift: u32) {
        if page_shift < self.shift {
            self.shift = GRANULE_SMALL;
            self.mask = !((1 << GRANULE_SMALL) - 1);
            self.flush();
            self.retired = Some(std::mem::replace(&mut self.tables, empty_tables()));
        }
    }

    /// Remembers that the granule of `ea` is `span`, which is exactly one granule of host memory, at `real`.
    pub(crate) fn insert(
        &mut self,
        ea: u64,
        real: u64,
        span: HostSpan,
        load: bool,
        stores: Stores,
    ) {
        let index = self.index(ea);
        let page = ea & self.mask;
        let tag = |allowed| if allowed { page } else { invalid_tag(index) };
        let table = self.current / TABLE_BYTES;
        self.used[table] = true;
        if table < PROBLEM && ea >> 62 == 0 {
            self.quadrant0[table] = true;
        }
        self.tables[table][index] = Entry {
            load: tag(load),
            store: tag(stores == Stores::Free),
            offset: span.address().wrapping_sub(page as usize),
            checked: tag(stores == Stores::Checked),
        };
        self.reals[table][index] = real;
    }

    /// From now on stores to the granule that a real address is in are checked.
    pub(crate) fn check_stores(&mut self, real: u64) {
        let real = real & self.mask;
        self.check_stores_where(|of_entry| of_entry == real);
    }

    /// From now on all stores are checked.
    pub(crate) fn check_all_stores(&mut self) {
        self.check_stores_where(|_| true);
    }

    /// From now on stores to the granules that are chosen by their real address are checked.
    fn check_stores_where(&mut self, chosen: impl Fn(u64) -> bool) {
        for table in 0..TABLES {
            if !self.used[table] {
                continue;
            }
            for (index, &real) in self.reals[table].iter().enumerate() {
                let entry = &mut self.tables[table][index];
                if chosen(real) && entry.store != invalid_tag(index) {
                    entry.checked = std::mem::replace(&mut entry.store, invalid_tag(index));
                    self.forgotten += 1;
                }
            }
        }
    }

    /// The real address behind `ea`, where its granule is known and stores to it are checked.
    pub(crate) fn checked(&self, ea: u64) -> Option<u64> {
        let (table, index) = (self.current / TABLE_BYTES, self.index(ea));
        let entry = &self.tables[table][index];
        (entry.checked == ea & self.mask).then(|| self.reals[table][index] | ea & !self.mask)
    }

    /// Stores to the checked granule of `ea` need no check any more.
    pub(crate) fn free(&mut self, ea: u64) {
        let (table, index) = (self.current / TABLE_BYTES, self.index(ea));
        let entry = &mut self.tables[table][index];
        entry.store = std::mem::replace(&mut entry.checked, invalid_tag(index));
    }

    /// Permits a store to the checked granule of `ea`, until [`Tlb::take_back`].
    pub(crate) fn lend(&mut self, ea: u64) {
        self.take_back();
        let (table, index) = (self.current / TABLE_BYTES, self.index(ea));
        let entry = &mut self.tables[table][index];
        entry.store = entry.checked;
        self.lent = Some((table, index));
    }

    /// Ends what [`Tlb::lend`] has permitted.
    pub(crate) fn take_back(&mut self) {
        if let Some((table, index)) = self.lent.take() {
            self.tables[table][index].store = invalid_tag(index);
        }
    }

    #[inline(always)]
    fn index(&self, ea: u64) -> usize {
        (ea >> INDEX_SHIFT) as usize % ENTRIES
    }

    /// The entry that may know `ea`.
    #[inline(always)]
    fn entry(&self, ea: u64) -> &Entry {
        &self.tables[self.current / TABLE_BYTES][self.index(ea)]
    }

    /// Loads a number that lies in one known granule.
    #[inline(always)]
    pub(crate) fn load<T: Scalar>(&self, ea: u64) -> Option<T> {
        let entry = self.entry(ea);
        let last = ea.wrapping_add(size_of::<T>() as u64 - 1);
        if (ea & self.mask != entry.load) | (last & self.mask != entry.load) {
            return None;
        }
        let address = entry.offset.wrapping_add(ea as usize) as *const u8;
        // SAFETY: first and last byte lie in the one granule of the tag, which `insert` put here with its host memory; regions are
        // unmapped only after every vCPU has flushed its TLB. (Small granules share an entry with their neighbours, so the last
        // byte's tag alone would not do.)
        Some(unsafe { T::read(address) })
    }

    /// Stores a number into one known granule; whether it could.
    #[inline(always)]
    pub(crate) fn store<T: Scalar>(&self, ea: u64, value: T) -> bool {
        let entry = self.entry(ea);
        let last = ea.wrapping_add(size_of::<T>() as u64 - 1);
        if (ea & self.mask != entry.store) | (last & self.mask != entry.store) {
            return false;
        }
        let address = entry.offset.wrapping_add(ea as usize) as *mut u8;
        // SAFETY: as in `load`.
        unsafe { T::write(address, value) };
        true
    }
    /// The host address of a byte that may be loaded: what a reservation is held on.
    pub(crate) fn host_address(&self, ea: u64) -> Option<usize> {
        let entry = self.entry(ea);
        (ea & self.mask == entry.load).then(|| entry.offset.wrapping_add(ea as usize))
    }

    /// The host address of a byte that may be stored to, perhaps after a check.
    pub(crate) fn store_address(&self, ea: u64) -> Option<usize> {
        let entry = self.entry(ea);
        let page = ea & self.mask;
        (page == entry.store || page == entry.checked)
            .then(|| entry.offset.wrapping_add(ea as usize))
    }

    /// Replaces `old` by `new` at an aligned address that may be stored to; None where the granule is not known.
    #[inline]
    pub(crate) fn compare_exchange<T: Scalar>(
        &self,
        ea: u64,
        old: T,
        new: T,
    ) -> Option<Result<T, T>> {
        let entry = self.entry(ea);
        if ea & self.mask != entry.store || !ea.is_multiple_of(size_of::<T>() as u64) {
            return None;
        }
        let address = entry.offset.wrapping_add(ea as usize) as *mut u8;
        // SAFETY: as in `load`; granules are at least page-aligned on both sides, so alignment carries over.
        Some(unsafe { T::compare_exchange(address, old, new) })
    }

    /// Zeroes the aligned block of `LEN` (a power of two, at most a granule) bytes at `ea`; whether it could.
    pub(crate) fn zero<const LEN: usize>(&self, ea: u64) -> bool {
        let ea = ea & !(LEN as u64 - 1);
        let entry = self.entry(ea);
        if ea & self.mask != entry.store {
            return false;
        }
        let address = entry.offset.wrapping_add(ea as usize) as *mut u8;
        // SAFETY: as in `load`; an aligned block does not leave the granule.
        unsafe { address.write_bytes(0, LEN) };
        true
    }
}
