//! The seam for a second tier: code that runs hot is offered to an [`CodeTier`], which compiles
//! it and runs it in the interpreter's stead.
//!
//! The run loop counts entries of code at block boundaries. Compiled code hangs on the decoded page
//! that it was made of, so it is valid exactly as long as the page is: whatever makes the
//! interpreter look a page up again (changes of code, flushed translations) makes it find other
//! code there, or none. Only pages whose changes would be noticed are offered and accelerated. Cold
//! code, and what the code tier leaves alone, is interpreted.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use super::code::{PAGE, Page, WORDS};
use super::slab::Op;
use crate::cpu::Cpu;
use crate::decode::Opcode;
use crate::engine::SystemFn;
use crate::insn::Insn;
use crate::interrupt::Interrupt;

/// Words of a page of code.
pub const PAGE_WORDS: usize = WORDS;

/// Names code that a code tier has compiled. Never used again for other code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeId(u32);

impl CodeId {
    /// How many there are.
    pub const COUNT: u32 = u32::MAX / 2;

    /// Number `n`; None past [`CodeId::COUNT`].
    pub const fn new(n: u32) -> Option<Self> {
        if n < Self::COUNT { Some(Self(n)) } else { None }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// How a run of compiled code ended. The registers hold the exact state in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// The program goes on at NIA.
    Left,
    /// The instruction at this address raised this interrupt.
    Interrupted(u64, Interrupt),
    /// Nothing was run: the code is for another mode of the processor.
    Unsuitable,
    /// Nothing was run: there is no such code (any more).
    Unknown,
}

/// A second tier. It belongs to one vCPU, and is asked on its thread only.
pub trait CodeTier {
    /// Entries after which code counts as hot; at least 1, and at most some ten thousand.
    fn threshold(&self) -> u32;

    /// Entries after which code is warm: worth to be compiled when there is nothing better to
    /// do. 0: none is.
    fn warm_after(&self) -> u32 {
        0
    }

    /// The page that `entry` is in has been decoded, and is about to run for the first time.
    fn decoded(&mut self, entry: Entry) {
        let _ = entry;
    }

    /// `entry` has become warm.
    fn compile_when_idle(&mut self, cpu: &Cpu, entry: Entry) {
        let _ = (cpu, entry);
    }

    /// `entry` has become hot. The code may be compiled at any later time, or never.
    fn compile(&mut self, cpu: &Cpu, entry: Entry);

    /// Takes over what has been compiled meanwhile; called between any two polls of the run loop.
    fn collect(&mut self);

    /// Runs compiled code that is entered at NIA, and whatever of its own code follows, for at most
    /// [`Cpu::budget`] instructions (at least 1 when this is called), which it counts down by those
    /// carried out.
    fn run(&mut self, cpu: &mut Cpu, code: CodeId) -> RunOutcome;
}

/// A place in a decoded page where a block of code is entered.
#[derive(Clone)]
pub struct Entry {
    page: Weak<Page>,
    index: usize,
}

impl Entry {
    /// Which word of the page it is.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The page's instruction words; None where the page has been dropped since.
    pub fn words(&self) -> Option<Box<[Insn; PAGE_WORDS]>> {
        let page = self.page.upgrade()?;
        let mut words = Box::new([Insn(0); PAGE_WORDS]);
        for (word, op) in words.iter_mut().zip(page.ops().iter()) {
            *word = op.get().insn;
        }
        Some(words)
    }

    /// Whether the page may still run.
    pub fn is_live(&self) -> bool {
        self.page.strong_count() != 0
    }

    /// The words of the page that branches have gone to, as far as that was interpreted or they
    /// have code.
    pub fn reached(&self) -> Reached {
        let page = self.page.upgrade();
        page.map(|page| page.heat().reached()).unwrap_or_default()
    }

    /// Names the page. No other has the name as long as this entry, or another of the page, is
    /// there.
    pub fn page(&self) -> usize {
        self.page.as_ptr().addr()
    }

    /// Word `index` of the same page.
    pub fn at(&self, index: usize) -> Self {
        Self {
            page: Weak::clone(&self.page),
            index: index % PAGE_WORDS,
        }
    }

    /// The code that is run where it is reached.
    pub fn code(&self) -> Option<CodeId> {
        let page = self.page.upgrade()?;
        match page.heat().look(self.index) {
            Warmth::Compiled(code) => Some(code),
            Warmth::Cold | Warmth::JustWarm | Warmth::JustHot => None,
        }
    }

    /// Counts from the start again where no code is installed: it was not compiled, but may be
    /// another time.
    pub fn forget(&self) {
        if let Some(page) = self.page.upgrade()
            && !matches!(page.heat().look(self.index), Warmth::Compiled(_))
        {
            page.heat().forget(self.index);
        }
    }

    /// From now on this code is run where the entry is reached, as long as the page is valid.
    pub fn install(&self, code: CodeId) {
        if let Some(page) = self.page.upgrade() {
            page.heat().install(self.index, code);
        }
    }
}

/// Some words of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached([u64; WORDS / 64]);

impl Reached {
    /// All words.
    pub const ALL: Self = Self([u64::MAX; WORDS / 64]);

    /// Whether word `index` is among them.
    pub fn contains(&self, index: usize) -> bool {
        let word = self.0.get(index / 64);
        word.is_some_and(|word| word >> (index % 64) & 1 != 0)
    }
}

/// There is compiled code.
const COMPILED: u16 = u16::MAX;
/// Hot, and told so to the code tier.
const OFFERED: u16 = COMPILED - 1;
/// What counts as hot whatever the threshold is.
const COUNT_MAX: u32 = OFFERED as u32 - 1;

/// What is known about the entries of a page: how often they were reached, or their compiled code.
#[derive(Clone, Copy)]
pub(super) struct HotCounters<'a> {
    /// They hold the counts.
    ops: &'a [Cell<Op>; WORDS],
    /// The numbers of compiled code.
    codes: &'a [Cell<u32>; WORDS],
}

/// Counts of entries from which on code is warm, and hot.
#[derive(Clone, Copy)]
pub(super) struct Thresholds {
    pub(super) warm: u32,
    pub(super) hot: u32,
}

/// What is to be done at an entry.
pub(super) enum Warmth {
    Cold,
    JustWarm,
    JustHot,
    Compiled(CodeId),
}

impl<'a> HotCounters<'a> {
    /// That of a page.
    #[inline(always)]
    pub(super) fn of(ops: &'a [Cell<Op>; WORDS], codes: &'a [Cell<u32>; WORDS]) -> Self {
        Self { ops, codes }
    }

    fn set(self, index: usize, heat: u16) {
        let op = &self.ops[index % WORDS];
        op.set(Op { heat, ..op.get() });
    }

    fn compiled(self, index: usize) -> Warmth {
        Warmth::Compiled(CodeId(self.codes[index % WORDS].get()))
    }

    /// Only looks at an entry.
    pub(super) fn look(self, index: usize) -> Warmth {
        match self.ops[index % WORDS].get().heat {
            COMPILED => self.compiled(index),
            _ => Warmth::Cold,
        }
    }

    /// Counts an entry.
    #[inline(always)]
    pub(super) fn note(self, index: usize, thresholds: Thresholds) -> Warmth {
        let op = &self.ops[index % WORDS];
        let known = op.get();
        let count = match known.heat {
            COMPILED => return self.compiled(index),
            OFFERED => return Warmth::Cold,
            before => u32::from(before) + 1,
        };
        let hot = count >= thresholds.hot.min(COUNT_MAX);
        let heat = if hot { OFFERED } else { known.heat + 1 };
        op.set(Op { heat, ..known });
        if hot {
            Warmth::JustHot
        } else if count == thresholds.warm {
            Warmth::JustWarm
        } else {
            Warmth::Cold
        }
    }

    /// From now on there is this code.
    fn install(self, index: usize, code: CodeId) {
        self.codes[index % WORDS].set(code.0);
        self.set(index, COMPILED);
    }

    /// Where something was counted.
    fn reached(self) -> Reached {
        let mut reached = Reached::default();
        for (index, op) in self.ops.iter().enumerate() {
            reached.0[index / 64] |= u64::from(op.get().heat != 0) << (index % 64);
        }
        reached
    }

    /// Counts from the start again.
    pub(super) fn forget(self, index: usize) {
        self.set(index, 0);
    }
}

impl Cpu {
    /// Gives this vCPU a second tier, or takes it away.
    pub fn set_code_tier(&mut self, code_tier: Option<Box<dyn CodeTier>>) {
        self.code_tier = code_tier;
        // Pages name code of the one before.
        self.code.clear();
    }

    /// Instructions until the run loop must look at signals and timers.
    pub fn budget(&self) -> u32 {
        self.budget
    }

    /// Sets what is left of the budget. For code tiers, which may only lower it, or give back
    /// what was counted and not carried out.
    pub fn set_budget(&mut self, left: u32) {
        self.budget = left;
    }

    /// Whether an instruction has asked for signals to be looked at; the budget is 0 then.
    pub fn take_poll_request(&mut self) -> bool {
        let asked = std::mem::take(&mut self.poll_now);
        if asked {
            self.end_interval();
        }
        asked
    }

    /// What must be as it was when an address was found to be that of some code, for it to be so
    /// still: the address space, as long as nothing is forgotten of it, changes of code, and the
    /// part of MSR that fetches depend on. For addresses of other quadrants, and for those of
    /// quadrant 3, the kernel's.
    #[inline]
    pub fn code_context_ids(&self) -> [CodeContextId; 2] {
        self.code.spaces().map(|space| CodeContextId {
            space,
            generation: self.code.generation(),
            context: self.fetch_context,
        })
    }

    /// Opens the gate that compiled code looks at before it jumps: the
    /// [context ids](Cpu::code_context_ids) that stand for what is current, for addresses whose top
    /// bit is 0, and 1. None is 1, which is what is there once code changes, at any time. Whether
    /// nothing has changed: where it has, the run loop must look before compiled code runs.
    #[inline]
    pub fn open_code_gate(&mut self, context_ids: [u64; 2]) -> bool {
        let events = self.partition.memory.code();
        events.gate(self.id()).open(context_ids);
        // Who changes code counts first and closes then: either the count is seen here, or the gate
        // stays closed.
        let current = !self.code.is_behind(events.change_epoch());
        if current {
            self.code.enter_page();
        }
        current
    }

    /// The host address of the gate's two doublewords, which stay there as long as the partition.
    pub fn code_gate(&self) -> usize {
        self.partition.memory.code().gate(self.id()).address()
    }

    /// Carries out the instruction at NIA as the interpreter does, and counts it.
    ///
    /// # Errors
    /// The interrupt that it raised.
    pub fn interpret(&mut self, insn: Insn, opcode: Opcode) -> Result<(), Interrupt> {
        self.regs.nia = self.regs.nia.wrapping_add(4);
        self.budget = self.budget.saturating_sub(1);
        let handler = super::run::handlers()[opcode.0 as usize];
        match handler(self, insn) {
            Ok(()) => Ok(()),
            // `stop` has recorded why.
            Err(_) => Err(self.pending.take().unwrap_or(Interrupt::SystemReset)),
        }
    }

    /// Carries out an instruction that acts on the processor as a whole, NIA being at the next
    /// already; whether everything that compiled code takes for granted is still so: MSR, NIA,
    /// translations, and that nobody waits for a poll.
    ///
    /// # Errors
    /// The interrupt that it raised.
    pub fn carry_out(&mut self, f: SystemFn, insn: Insn) -> Result<bool, Interrupt> {
        let known = (
            self.regs.msr,
            self.regs.nia,
            self.tlb.current,
            self.tlb.forgotten,
            self.code.spaces(),
        );
        self.code.enter_page();
        f(self, insn)?;
        let now = (
            self.regs.msr,
            self.regs.nia,
            self.tlb.current,
            self.tlb.forgotten,
            self.code.spaces(),
        );
        Ok(known == now && !self.code.is_stale() && !self.poll_now)
    }

    pub(super) fn entry(&self, page: &Rc<Page>) -> Entry {
        Entry {
            page: Rc::downgrade(page),
            index: (self.regs.nia % PAGE) as usize / 4,
        }
    }
}

/// See [`Cpu::code_context_ids`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CodeContextId {
    space: u64,
    generation: u64,
    context: u64,
}

impl CodeContextId {
    /// A number that context ids which differ seldom share.
    #[inline]
    pub fn digest(self) -> u64 {
        let mixed = self.space ^ self.generation.rotate_left(20) ^ self.context.rotate_left(40);
        mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::translation::tlbiel;
    use crate::partition::Partition;

    #[test]
    fn an_instruction_that_makes_translations_be_forgotten_ends_the_run_of_code_that_has_read_them()
    {
        const RB: usize = 4;
        const RS: usize = 5;
        /// Process-scoped, radix.
        const TLBIEL: Insn =
            Insn(31 << 26 | (RS as u32) << 21 | 3 << 16 | (RB as u32) << 11 | 274 << 1);
        const PROCESS: u64 = 1 << 10;
        const PAGE_OF_64_KIB: u64 = 5 << 5;
        let mut cpu = Cpu::new(&Partition::new(1), 0).expect("vCPU 0");
        cpu.regs.gpr[RS] = 7 << 32;
        cpu.regs.gpr[RB] = PROCESS;
        assert_eq!(
            cpu.carry_out(tlbiel, TLBIEL),
            Ok(true),
            "nothing is known of this process"
        );
        cpu.regs.gpr[RB] = 0x12_0000 | PAGE_OF_64_KIB;
        assert_eq!(cpu.carry_out(tlbiel, TLBIEL), Ok(false));
    }
}
