//! Strips: as many rounds of a loop as stay in the budget and in the pages that they begin in, without a check of either.
//!
//! A block that branches to itself is written twice. Addresses that are sums of registers which change by the same amount each round
//! ([`Linear`]) are *streams*: where a strip begins, each is looked up in the soft TLB once, and the number of rounds comes out in
//! which all of them stay where they are found and for which the budget lasts. The strip then counts rounds only. Where that number
//! is too small, rounds are run as those of other loops, with all checks; the more often that happens in a row, the more of them
//! before it is tried again.
//!
//! What a strip has read off the soft TLB holds as long as it runs: nothing polls in it ([`power::TlbLayout`]).

mod division;
mod head;
mod stride;

use std::collections::{BTreeMap, HashMap};

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, Value, types};
use cranelift_frontend::Variable;
use power::engine::{BranchReg, Handler};

use super::linear::{self, Linear};
use super::{Branched, Destination, INSTRUCTION, Translator};
use crate::flow::{BlockFacts, Repeats};
use crate::plan::PlannedBlock;
use crate::slot::{Slot, SlotSet};
use head::Parts;

/// Most bytes from the first to the last that a stream's accesses of one round touch.
const SPAN: i64 = 1024;
/// Most streams of a loop.
const STREAMS: usize = 8;
const CTR: Slot = Slot::Branch(BranchReg::Ctr);

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
    /// In a strip: what makes a host address of the part of the address that changes.
    base: Variable,
}

/// What counts rounds.
#[derive(Clone, Copy)]
enum Counter {
    /// CTR does, down to 0 or to where the strip ends.
    Ctr,
    /// Down to 0.
    Own(Variable),
}

/// A register to which each round adds a constant.
#[derive(Clone, Copy)]
struct Climbing {
    slot: Slot,
    by: i64,
    began: Variable,
}

/// The strip that is being written.
pub(super) struct Strip {
    streams: Vec<Stream>,
    /// The registers that the block writes.
    writes: SlotSet,
    /// Which register's value at a round's start a value is.
    leaves: HashMap<Value, Slot>,
    counter: Counter,
    /// The counter where the strip began.
    began: Variable,
    /// The counter where the strip ends.
    ends: Variable,
    /// The budget when the strip began.
    budget: Variable,
    /// Instructions of a round.
    charge: u32,
    /// Where a strip begins.
    head: ir::Block,
    /// Where a round begins.
    round: ir::Block,
    /// What the registers have become at the end of a round, where that is known.
    ended: Option<BTreeMap<usize, Linear>>,
    /// Registers to which each round adds a constant, with what they held where the strip began.
    climbing: Vec<Climbing>,
}

impl Translator<'_> {
    /// Writes the strips of a block that repeats, where it has any; where its rounds with all checks are to be written.
    pub(super) fn write_strips(
        &mut self,
        block: &PlannedBlock,
        facts: &BlockFacts,
        handlers: &[Handler<Self>],
    ) -> ir::Block {
        let entry = self.blocks[&block.offset];
        let Some(repeats) = facts.repeats.filter(|_| self.region.is_some()) else {
            return entry;
        };
        let [head, round, checked, again] = [(); 4].map(|()| self.builder.create_block());
        let strip = self.write_round(block, facts, handlers, repeats, [head, round]);
        let Some(strides) = strip.strides() else {
            // Nothing goes to the strip: it is dropped as unreachable.
            return entry;
        };
        let [left, patience] = [(); 2].map(|()| self.builder.declare_var(types::I64));
        let parts = Parts {
            entry,
            head,
            checked,
            again,
            left,
            patience,
        };
        self.write_entry(&parts, repeats);
        self.write_head(&parts, &strip, &strides);
        self.write_again(&parts);
        // Its own branch back goes there.
        self.blocks.insert(block.offset, again);
        checked
    }

    /// The round itself, without checks.
    fn write_round(
        &mut self,
        block: &PlannedBlock,
        facts: &BlockFacts,
        handlers: &[Handler<Self>],
        repeats: Repeats,
        [head, round]: [ir::Block; 2],
    ) -> Strip {
        let variable = |this: &mut Self| this.builder.declare_var(types::I64);
        let strip = Strip {
            streams: Vec::new(),
            writes: facts.writes,
            leaves: HashMap::new(),
            counter: match repeats {
                Repeats::Ctr => Counter::Ctr,
                Repeats::Condition => Counter::Own(variable(self)),
            },
            began: variable(self),
            ends: variable(self),
            budget: variable(self),
            charge: block.charge,
            head,
            round,
            ended: None,
            climbing: Vec::new(),
        };
        self.builder.switch_to_block(round);
        self.strip = Some(strip);
        self.begin_block(facts);
        self.instructions(block, handlers);
        self.strip.take().expect("nothing else takes it")
    }

    /// Notes which register a value is.
    pub(super) fn note_leaf(&mut self, slot: Slot, value: Value) {
        if let Some(strip) = &mut self.strip {
            strip.leaves.insert(value, slot);
        }
    }

    /// The host address of an access of a strip, where its address is part of a stream.
    pub(super) fn streamed(&mut self, ea: Value, bytes: u64, store: bool) -> Option<Value> {
        let strip = self.strip.as_mut()?;
        let dfg = &self.builder.func.dfg;
        let (sum, rounded) = linear::rounded_down(dfg, ea).unwrap_or((ea, 1));
        let Linear { terms, constant } = Linear::of(dfg, &strip.leaves, sum)?;
        let end = constant.checked_add(bytes as i64)?;
        let place = strip.streams.iter().position(|stream| {
            stream.terms == terms
                && stream.rounded == rounded
                && constant.wrapping_sub(stream.first) as u64 & (rounded - 1) == 0
                && end
                    .max(stream.end)
                    .checked_sub(constant.min(stream.first))
                    .is_some_and(|span| span <= SPAN)
        });
        let place = match place {
            Some(place) => place,
            None if strip.streams.len() == STREAMS => return None,
            None => {
                strip.streams.push(Stream {
                    terms: terms.clone(),
                    rounded,
                    first: constant,
                    end,
                    kinds: [false; 2],
                    base: self.builder.declare_var(types::I64),
                });
                strip.streams.len() - 1
            }
        };
        let stream = &mut strip.streams[place];
        stream.first = stream.first.min(constant);
        stream.end = stream.end.max(end);
        stream.kinds[usize::from(store)] = true;
        let writes = strip.writes;
        let mut host = self.builder.use_var(stream.base);
        for slot in terms.into_iter().filter(|&slot| writes.contains(slot)) {
            let value = self.kept_value(slot)?;
            host = self.builder.ins().iadd(host, value);
        }
        Some(self.builder.ins().iadd_imm_s(host, constant))
    }

    /// The budget where the current block began.
    pub(super) fn budget_before(&mut self) -> Option<Value> {
        let region = self.region?;
        match &self.strip {
            None => Some(region.budget_before),
            Some(strip) => {
                let counter = strip.counter;
                let now = self.counted(counter);
                Some(self.budget_at(now))
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

    /// Rounds since the strip began when its counter is at `now`.
    fn rounds_at(&mut self, now: Value) -> Value {
        let strip = self.strip.as_ref().expect("called in strips only");
        let began = self.builder.use_var(strip.began);
        self.builder.ins().isub(began, now)
    }

    /// The budget when the counter of a strip is at `now`.
    fn budget_at(&mut self, now: Value) -> Value {
        let rounds = self.rounds_at(now);
        let strip = self.strip.as_ref().expect("called in strips only");
        let (budget, charge) = (strip.budget, strip.charge);
        let budget = self.builder.use_var(budget);
        let charge = self.word(charge.into());
        let spent = self.builder.ins().imul(rounds, charge);
        self.builder.ins().isub(budget, spent)
    }

    /// Where a strip ends: the budget, and the registers that climb. These are computed from where they began, so that the loop
    /// need not keep what they were before they climbed last: that is what Cranelift would compute them from.
    fn settle_strip(&mut self, now: Value) {
        let left = self.budget_at(now);
        if let Some(region) = self.region {
            self.builder.def_var(region.budget, left);
        }
        let rounds = self.rounds_at(now);
        let climbing = self.strip.as_ref().map(|strip| strip.climbing.clone());
        for Climbing { slot, by, began } in climbing.into_iter().flatten() {
            let began = self.builder.use_var(began);
            let by = self.word(by as u64);
            let climbed = self.builder.ins().imul(rounds, by);
            let value = self.builder.ins().iadd(began, climbed);
            self.set_kept(slot, value);
        }
    }

    /// Ends a strip's round, which has been settled; whether the loop goes on is `branched`'s condition.
    pub(super) fn end_round(&mut self, branched: Branched) {
        let next = Destination::Offset(self.offset + INSTRUCTION);
        let strip = self.strip.as_ref().expect("called in strips only");
        let (counter, ends, head, round) = (strip.counter, strip.ends, strip.head, strip.round);
        let Some(condition) = branched.condition else {
            // It isn't what it was taken for; its end is not known either.
            return self.go_to(branched.to);
        };
        let ended = self.ended();
        let climbing = self.climbing(&ended);
        if let Some(strip) = &mut self.strip {
            strip.ended = Some(ended);
            strip.climbing = climbing;
        }
        let [over, leave] = [(); 2].map(|()| self.builder.create_block());
        match counter {
            Counter::Ctr => {
                let now = self.counted(counter);
                let end = self.builder.use_var(ends);
                // It never is less; not equal, Cranelift would make two sums of the two differences, one of them anew each round.
                let more = self.icmp(IntCC::UnsignedGreaterThan, now, end);
                self.builder.ins().brif(more, round, &[], over, &[]);
                self.builder.switch_to_block(over);
                self.settle_strip(end);
                self.builder.ins().brif(end, head, &[], leave, &[]);
                self.builder.switch_to_block(leave);
            }
            Counter::Own(variable) => {
                let before = self.counted(counter);
                let now = self.builder.ins().iadd_imm_s(before, -1);
                self.builder.def_var(variable, now);
                let stays = self.builder.create_block();
                self.builder.ins().brif(condition, stays, &[], leave, &[]);
                self.builder.switch_to_block(stays);
                self.builder.ins().brif(now, round, &[], over, &[]);
                self.builder.switch_to_block(over);
                let end = self.builder.use_var(ends);
                self.settle_strip(end);
                self.builder.ins().jump(head, &[]);
                self.builder.switch_to_block(leave);
                self.settle_strip(now);
            }
        }
        self.go_to(next);
    }

    /// Which registers climb by a constant each round.
    fn climbing(&mut self, ended: &BTreeMap<usize, Linear>) -> Vec<Climbing> {
        ended
            .iter()
            .filter(|(index, sum)| matches!(sum.terms[..], [slot] if slot.index() == **index))
            .map(|(&index, sum)| Climbing {
                slot: Slot::from_index(index),
                by: sum.constant,
                began: self.builder.declare_var(types::I64),
            })
            .collect()
    }

    /// What the registers have become that are sums of what they were.
    fn ended(&self) -> BTreeMap<usize, Linear> {
        let strip = self.strip.as_ref().expect("called in strips only");
        let dfg = &self.builder.func.dfg;
        strip
            .writes
            .iter()
            .filter_map(|slot| {
                let value = self.cached_value(slot)?;
                Some((slot.index(), Linear::of(dfg, &strip.leaves, value)?))
            })
            .collect()
    }
}
