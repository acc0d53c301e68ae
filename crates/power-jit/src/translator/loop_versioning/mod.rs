//! Fast loops: as many rounds of a loop as stay in the budget and in the pages that they begin in,
//! without a check of either.
//!
//! The way that a loop takes again and again ([`Chain`]) is written twice. Addresses that are sums
//! of registers which change by the same amount each round ([`Linear`]) are *streams*: where a fast
//! loop begins, each is looked up in the soft TLB once, and the number of rounds comes out in which
//! all of them stay where they are found and for which the budget lasts. The fast loop then counts
//! rounds only. Where that number is too small, rounds are run as those of other loops, with all
//! checks; the more often that happens in a row, the more of them before it is tried again.
//!
//! Where a round takes another way, the fast loop ends with the block before it; the more often in
//! a row soon after it began, the more rounds are run with checks before it is tried again.
//!
//! What a fast loop has read off the soft TLB holds as long as it runs: nothing polls in it
//! ([`power::TlbLayout`]).

mod division;
mod ends;
mod head;
mod stride;

use std::collections::{BTreeMap, HashMap};

use cranelift_codegen::ir::{self, InstBuilder, TrapCode, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};
use power::engine::{BranchReg, Handler};

use super::linear::{self, Index, Linear};
use super::registers::Cached;
use super::{Destination, Translator};
use crate::flow::{BlockFacts, Chain, Repeats};
use crate::plan::PlannedBlock;
use crate::slot::{Slot, SlotSet};
use head::Parts;

/// Most bytes from the first to the last that a stream's accesses of one round touch.
const SPAN: i64 = 1024;
/// And that of accesses with an index.
const INDEXED_SPAN: i64 = 3072;
/// Most streams of a loop.
const STREAMS: usize = 8;
/// Rounds after which a fast loop has been worth its beginning, however it ends.
const WORTH_IT: u64 = 16;
const CTR: Slot = Slot::Branch(BranchReg::Ctr);

/// Where a loop goes on to its next round with all checks, or tries a fast loop.
#[derive(Clone, Copy)]
pub(super) struct RetryPoint {
    pub(super) block: ir::Block,
    /// Checked rounds until the next try, and between tries.
    left: Variable,
    patience: Variable,
}

impl RetryPoint {
    /// At a function's start: control may come to the midst of a loop first.
    pub(super) fn begin(builder: &mut FunctionBuilder<'_>) -> Self {
        let [left, patience] = [head::FIRST, 1].map(|count| {
            let variable = builder.declare_var(types::I64);
            let count = builder.ins().iconst(types::I64, count);
            builder.def_var(variable, count);
            variable
        });
        Self {
            block: builder.create_block(),
            left,
            patience,
        }
    }
}

/// Accesses whose addresses differ by constants.
struct Stream {
    /// The registers that their addresses are the sums of.
    terms: Vec<Slot>,
    /// What their addresses are rounded down to a multiple of; a power of two.
    rounded: u64,
    /// What is added to the sum at least.
    first: i64,
    /// And at most, with the bytes of that access.
    end: i64,
    /// Whether there are loads, and stores.
    kinds: [bool; 2],
    /// In a fast_loop: what makes a host address of the part of the address that changes.
    base: Variable,
}

/// What counts rounds.
#[derive(Clone, Copy)]
enum Counter {
    /// CTR does, down to 0 or to where the fast loop ends.
    Ctr,
    /// Down to 0.
    Own(Variable),
}

/// A register to which each round adds a constant.
#[derive(Clone, Copy)]
struct InductionVariable {
    slot: Slot,
    by: i64,
    began: Variable,
}

/// Where a round takes another way.
struct SideExit {
    block: ir::Block,
    to: Destination,
    /// The block that it leaves.
    from: i64,
    /// Instructions of the round until then.
    passed: u32,
    /// The registers there.
    cached: Cached,
    /// What of them are sums of what they were where the round began.
    sums: BTreeMap<usize, Linear>,
}

/// The fast loop that is being written.
pub(super) struct FastLoop {
    streams: Vec<Stream>,
    /// Blocks of a round.
    blocks: usize,
    /// Instructions of the blocks before the current one.
    passed: u32,
    /// The block after the current one.
    next: Option<i64>,
    sides: Vec<SideExit>,
    /// Whether all is as it was taken for so far.
    sound: bool,
    /// The registers that a round writes.
    writes: SlotSet,
    /// Which register's value at a round's start a value is.
    leaves: HashMap<Value, Slot>,
    counter: Counter,
    /// The counter where the fast loop began.
    began: Variable,
    /// The counter where the fast loop ends.
    ends: Variable,
    /// The budget when the fast loop began.
    budget: Variable,
    /// Instructions of a round.
    charge: u32,
    again: RetryPoint,
    /// Where a fast loop begins.
    head: ir::Block,
    /// Where a round begins.
    round: ir::Block,
    /// What the registers have become at the end of a round, where that is known.
    ended: Option<BTreeMap<usize, Linear>>,
    /// Registers to which each round adds a constant, with what they held where the fast loop
    /// began.
    climbing: Vec<InductionVariable>,
}

impl<'a> Translator<'a> {
    /// Writes the fast loops of the loop that a block is the first of, where it has any; where its
    /// rounds with all checks are to be written.
    pub(super) fn write_fast_loops(
        &mut self,
        block: &PlannedBlock,
        facts: &'a BlockFacts,
        handlers: &[Handler<Self>],
    ) -> ir::Block {
        let entry = self.blocks[&block.offset];
        let Some(&again) = self.rounds.get(&block.offset) else {
            return entry;
        };
        let Some(chain) = &facts.chain else {
            return entry;
        };
        let [head, round, checked] = [(); 3].map(|()| self.builder.create_block());
        let fast_loop = self.write_round(chain, facts, handlers, again, [head, round]);
        let Some(strides) = fast_loop.strides() else {
            // Nothing goes to the fast_loop: it is dropped as unreachable.
            self.builder.switch_to_block(again.block);
            self.builder.ins().jump(entry, &[]);
            return entry;
        };
        let parts = Parts { entry, checked };
        self.write_entry(&parts, &fast_loop, chain.repeats);
        self.write_head(&parts, &fast_loop, &strides);
        self.write_again(&parts, &fast_loop);
        checked
    }

    /// The round itself, without checks.
    fn write_round(
        &mut self,
        chain: &Chain,
        facts: &BlockFacts,
        handlers: &[Handler<Self>],
        again: RetryPoint,
        [head, round]: [ir::Block; 2],
    ) -> FastLoop {
        let planned = self.planned;
        let blocks: Vec<&PlannedBlock> =
            chain.blocks.iter().map(|&block| &planned[block]).collect();
        let writes = blocks
            .iter()
            .map(|block| self.facts[&block.offset].writes)
            .fold(SlotSet::default(), SlotSet::union);
        let variable = |this: &mut Self| this.builder.declare_var(types::I64);
        let fast_loop = FastLoop {
            streams: Vec::new(),
            blocks: blocks.len(),
            passed: 0,
            next: None,
            sides: Vec::new(),
            sound: true,
            writes,
            leaves: HashMap::new(),
            counter: match chain.repeats {
                Repeats::Ctr => Counter::Ctr,
                Repeats::Condition => Counter::Own(variable(self)),
            },
            began: variable(self),
            ends: variable(self),
            budget: variable(self),
            charge: blocks.iter().map(|block| block.charge).sum(),
            again,
            head,
            round,
            ended: None,
            climbing: Vec::new(),
        };
        self.builder.switch_to_block(round);
        self.fast_loop = Some(fast_loop);
        self.begin_block(facts);
        for (index, block) in blocks.iter().enumerate() {
            let next = blocks.get(index + 1).map(|block| block.offset);
            if let Some(fast_loop) = &mut self.fast_loop {
                fast_loop.next = next;
            }
            self.block = block.offset;
            self.instructions(block, handlers);
            let fast_loop = self.fast_loop.as_mut().expect("nothing else takes it");
            fast_loop.passed += block.charge;
            // An instruction may have ended the way already.
            let goes_on = fast_loop.next.take().is_none() && fast_loop.sound;
            if next.is_some() && !goes_on {
                break;
            }
        }
        let mut fast_loop = self.fast_loop.take().expect("nothing else takes it");
        // Of a round that came to no end.
        for side in std::mem::take(&mut fast_loop.sides) {
            self.builder.switch_to_block(side.block);
            self.never_reached();
        }
        fast_loop
    }

    /// Ends a block that control never comes to.
    fn never_reached(&mut self) {
        self.builder.ins().trap(TrapCode::unwrap_user(1));
    }

    /// Notes which register a value is.
    pub(super) fn note_leaf(&mut self, slot: Slot, value: Value) {
        if let Some(fast_loop) = &mut self.fast_loop {
            fast_loop.leaves.insert(value, slot);
        }
    }

    /// The host address of an access of a fast loop, where its address is part of a stream.
    pub(super) fn streamed(&mut self, ea: Value, bytes: u64, store: bool) -> Option<Value> {
        let fast_loop = self.fast_loop.as_mut()?;
        let dfg = &self.builder.func.dfg;
        let (sum, rounded) = linear::rounded_down(dfg, ea).unwrap_or((ea, 1));
        let (sum, index) = linear::indexed(dfg, &fast_loop.leaves, sum)?;
        if index.is_some() && rounded != 1 {
            return None;
        }
        let Linear { terms, constant } = sum;
        let farthest = index.map_or(0, |index| index.most);
        let end = constant.checked_add_unsigned(bytes + farthest)?;
        let place = fast_loop.streams.iter().position(|stream| {
            stream.terms == terms
                && stream.rounded == rounded
                && constant.wrapping_sub(stream.first) as u64 & (rounded - 1) == 0
                && end
                    .max(stream.end)
                    .checked_sub(constant.min(stream.first))
                    .is_some_and(|span| span <= SPAN.max(INDEXED_SPAN * i64::from(index.is_some())))
        });
        let place = match place {
            Some(place) => place,
            None if fast_loop.streams.len() == STREAMS => return None,
            None => {
                fast_loop.streams.push(Stream {
                    terms: terms.clone(),
                    rounded,
                    first: constant,
                    end,
                    kinds: [false; 2],
                    base: self.builder.declare_var(types::I64),
                });
                fast_loop.streams.len() - 1
            }
        };
        let stream = &mut fast_loop.streams[place];
        stream.first = stream.first.min(constant);
        stream.end = stream.end.max(end);
        stream.kinds[usize::from(store)] = true;
        let mut host = self.builder.use_var(stream.base);
        for slot in terms
            .into_iter()
            .filter(|&slot| fast_loop.writes.contains(slot))
        {
            let value = fast_loop.at_start(slot)?;
            host = self.builder.ins().iadd(host, value);
        }
        if let Some(Index { value, .. }) = index {
            host = self.builder.ins().iadd(host, value);
        }
        Some(self.builder.ins().iadd_imm_s(host, constant))
    }

    /// The budget where the current block began.
    pub(super) fn budget_before(&mut self) -> Option<Value> {
        let region = self.region?;
        match &self.fast_loop {
            None => Some(region.budget_before),
            Some(fast_loop) => {
                let (counter, passed) = (fast_loop.counter, fast_loop.passed);
                let now = self.counted(counter);
                Some(self.budget_at(now, passed))
            }
        }
    }

    /// A counter where a round began, or, when that has been settled, where it ended.
    fn counted(&mut self, counter: Counter) -> Value {
        match counter {
            Counter::Ctr => self.kept_value(CTR).unwrap_or_else(|| self.word(0)),
            Counter::Own(variable) => self.builder.use_var(variable),
        }
    }

    /// Rounds since the fast loop began when its counter is at `now`.
    fn rounds_at(&mut self, now: Value) -> Value {
        let fast_loop = self.fast_loop.as_ref().expect("called in fast loops only");
        let began = self.builder.use_var(fast_loop.began);
        self.builder.ins().isub(began, now)
    }

    /// The budget when the counter of a fast loop is at `now`, and `passed` instructions of the
    /// next round have been carried out.
    fn budget_at(&mut self, now: Value, passed: u32) -> Value {
        let rounds = self.rounds_at(now);
        let fast_loop = self.fast_loop.as_ref().expect("called in fast loops only");
        let (budget, charge) = (fast_loop.budget, fast_loop.charge);
        let budget = self.builder.use_var(budget);
        let charge = self.word(charge.into());
        let spent = self.builder.ins().imul(rounds, charge);
        let spent = self.builder.ins().iadd_imm_s(spent, i64::from(passed));
        self.builder.ins().isub(budget, spent)
    }
}

impl FastLoop {
    /// What a register was where the round began, where that has been read.
    fn at_start(&self, slot: Slot) -> Option<Value> {
        let mut leaves = self.leaves.iter();
        leaves.find_map(|(&value, &of)| (of == slot).then_some(value))
    }
}
