//! Strips: as many rounds of a loop as stay in the budget and in the pages that they begin in, without a check of either.
//!
//! A block that branches to itself is written twice. Addresses that are sums of registers which change by the same amount each round
//! ([`Linear`]) are *streams*: where a strip begins, each is looked up in the soft TLB once, and the number of rounds comes out in
//! which all of them stay where they are found and for which the budget lasts. The strip then counts rounds only. Where that number
//! is too small, rounds are run as those of other loops, with all checks; the more often that happens in a row, the more of them
//! before it is tried again.
//!
//! What a strip has read off the soft TLB holds as long as it runs: nothing polls in it ([`TlbLayout`]).

use std::collections::HashMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::Variable;
use power::TlbLayout;
use power::engine::{BranchReg, Handler};

use super::linear::{self, Linear};
use super::{Branched, Destination, INSTRUCTION, Translator};
use crate::flow::{BlockFacts, Repeats};
use crate::plan::PlannedBlock;
use crate::slot::{Slot, SlotSet};

/// Most bytes from the first to the last that a stream's accesses of one round touch.
const SPAN: i64 = 1024;
/// Most streams of a loop.
const STREAMS: usize = 8;
/// Rounds with all checks before a loop is first taken for one that goes on.
const FIRST: i64 = 4;
/// Most rounds with all checks between two tries.
const PATIENCE: i64 = 64;
/// Rounds of less than which no strip is worth its beginning.
const LEAST: i64 = 2;
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

/// By how much a stream's address changes each round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stride {
    By(i64),
    /// By what a register holds, which the loop does not change, and a constant.
    Register(Slot, i64),
}

/// What counts rounds.
#[derive(Clone, Copy)]
enum Counter {
    /// CTR does, down to 0 or to where the strip ends.
    Ctr,
    /// Down to 0.
    Own(Variable),
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
    /// What the registers have become at the end of a round, where that is known of each.
    ended: Option<HashMap<usize, Linear>>,
}

/// The blocks of a loop with strips.
struct Parts {
    /// Where other blocks enter the loop.
    entry: ir::Block,
    head: ir::Block,
    /// Where a round with all checks begins, and where it goes on to the next.
    checked: ir::Block,
    again: ir::Block,
    /// Checked rounds until the next try, and between tries.
    left: Variable,
    patience: Variable,
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

    /// The budget when the counter of a strip is at `now`.
    fn budget_at(&mut self, now: Value) -> Value {
        let strip = self.strip.as_ref().expect("called in strips only");
        let (began, budget, charge) = (strip.began, strip.budget, strip.charge);
        let [began, budget] = [began, budget].map(|variable| self.builder.use_var(variable));
        let rounds = self.builder.ins().isub(began, now);
        let charge = self.word(charge.into());
        let spent = self.builder.ins().imul(rounds, charge);
        self.builder.ins().isub(budget, spent)
    }

    /// Ends a strip's round, which has been settled; whether the loop goes on is `branched`'s condition.
    pub(super) fn end_round(&mut self, branched: Branched) {
        let next = Destination::Offset(self.offset + INSTRUCTION);
        let strip = self.strip.as_ref().expect("called in strips only");
        let (counter, ends, head, round) = (strip.counter, strip.ends, strip.head, strip.round);
        let (Some(condition), Some(region)) = (branched.condition, self.region) else {
            // It isn't what it was taken for; its end is not known either.
            return self.go_to(branched.to);
        };
        let ended = self.ended();
        let [over, leave] = [(); 2].map(|()| self.builder.create_block());
        match counter {
            Counter::Ctr => {
                let now = self.counted(counter);
                let end = self.builder.use_var(ends);
                let more = self.icmp(IntCC::NotEqual, now, end);
                self.builder.ins().brif(more, round, &[], over, &[]);
                self.builder.switch_to_block(over);
                let left = self.budget_at(now);
                self.builder.def_var(region.budget, left);
                self.builder.ins().brif(condition, head, &[], leave, &[]);
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
                let left = self.budget_at(now);
                self.builder.def_var(region.budget, left);
                self.builder.ins().jump(head, &[]);
                self.builder.switch_to_block(leave);
                let left = self.budget_at(now);
                self.builder.def_var(region.budget, left);
            }
        }
        self.go_to(next);
        if let Some(strip) = &mut self.strip {
            strip.ended = Some(ended);
        }
    }

    /// What the registers have become that are sums of what they were.
    fn ended(&self) -> HashMap<usize, Linear> {
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

    /// Where the loop is entered.
    fn write_entry(&mut self, parts: &Parts, repeats: Repeats) {
        self.builder.switch_to_block(parts.entry);
        let one = self.word(1);
        self.builder.def_var(parts.patience, one);
        let first = self.word(FIRST as u64);
        self.builder.def_var(parts.left, first);
        match repeats {
            Repeats::Ctr => {
                let rounds = self.counted(Counter::Ctr);
                let less = self.builder.ins().iadd_imm_s(rounds, -1);
                let few = self.word(FIRST as u64 - 1);
                let few = self.icmp(IntCC::UnsignedLessThan, less, few);
                self.builder
                    .ins()
                    .brif(few, parts.checked, &[], parts.head, &[]);
            }
            Repeats::Condition => {
                self.builder.ins().jump(parts.checked, &[]);
            }
        }
    }

    /// Where a round with all checks goes on to the next.
    fn write_again(&mut self, parts: &Parts) {
        self.builder.switch_to_block(parts.again);
        let left = self.builder.use_var(parts.left);
        let left = self.builder.ins().iadd_imm_s(left, -1);
        self.builder.def_var(parts.left, left);
        self.builder
            .ins()
            .brif(left, parts.checked, &[], parts.head, &[]);
    }

    /// Where a strip begins, or nothing comes of it.
    fn write_head(&mut self, parts: &Parts, strip: &Strip, strides: &[Stride]) {
        self.builder.switch_to_block(parts.head);
        let Some(region) = self.region else { return };
        let slow = self.builder.create_block();
        self.builder.set_cold_block(slow);
        let budget = self.builder.use_var(region.budget);
        let charge = u64::from(strip.charge);
        let needed = u64::from(region.flat_charge) + charge * LEAST as u64;
        let needed = self.word(needed);
        let short = self.icmp(IntCC::UnsignedLessThan, budget, needed);
        self.unless(short, slow);
        let spare = self
            .builder
            .ins()
            .iadd_imm_s(budget, -i64::from(region.flat_charge));
        let most = self.word(QUOTIENT_LIMIT);
        let spare = self.builder.ins().umin(spare, most);
        let rounds = self.quotient(spare, charge);
        // All counts are of rounds after the first.
        let mut more = self.builder.ins().iadd_imm_s(rounds, -1);
        let counted = match strip.counter {
            Counter::Ctr => Some(self.counted(Counter::Ctr)),
            Counter::Own(_) => None,
        };
        if let Some(counted) = counted {
            let rest = self.builder.ins().iadd_imm_s(counted, -1);
            more = self.builder.ins().umin(more, rest);
        }
        for (stream, &stride) in strip.streams.iter().zip(strides) {
            more = self.enter_stream(stream, stride, strip.writes, more, slow);
        }
        let least = self.word(LEAST as u64 - 1);
        let few = self.icmp(IntCC::UnsignedLessThan, more, least);
        self.unless(few, slow);
        let rounds = self.builder.ins().iadd_imm_s(more, 1);
        let [began, ends] = match strip.counter {
            Counter::Ctr => {
                let began = self.counted(Counter::Ctr);
                [began, self.builder.ins().isub(began, rounds)]
            }
            Counter::Own(variable) => {
                self.builder.def_var(variable, rounds);
                [rounds, self.word(0)]
            }
        };
        let one = self.word(1);
        for (variable, value) in [
            (strip.began, began),
            (strip.ends, ends),
            (strip.budget, budget),
            (parts.patience, one),
        ] {
            self.builder.def_var(variable, value);
        }
        self.builder.ins().jump(strip.round, &[]);
        self.builder.switch_to_block(slow);
        let patience = self.builder.use_var(parts.patience);
        self.builder.def_var(parts.left, patience);
        let longer = self.builder.ins().ishl_imm_u(patience, 1);
        let most = self.word(PATIENCE as u64);
        let longer = self.builder.ins().umin(longer, most);
        self.builder.def_var(parts.patience, longer);
        self.builder.ins().jump(parts.checked, &[]);
    }

    /// Goes to `elsewhere` where a flag is set.
    fn unless(&mut self, flag: Value, elsewhere: ir::Block) {
        let on = self.builder.create_block();
        self.builder.ins().brif(flag, elsewhere, &[], on, &[]);
        self.builder.switch_to_block(on);
    }

    /// Looks a stream up; of `more` rounds, those in which it stays where it is found.
    fn enter_stream(
        &mut self,
        stream: &Stream,
        stride: Stride,
        writes: SlotSet,
        more: Value,
        slow: ir::Block,
    ) -> Value {
        let Some(region) = self.region else {
            return more;
        };
        let (mut changing, mut constant) = (self.word(0), self.word(0));
        for &slot in &stream.terms {
            let value = self.kept_value(slot).unwrap_or(changing);
            let sum = match writes.contains(slot) {
                true => &mut changing,
                false => &mut constant,
            };
            *sum = self.builder.ins().iadd(*sum, value);
        }
        let ea = self.builder.ins().iadd(changing, constant);
        let ea = self.builder.ins().iadd_imm_s(ea, stream.first);
        let past = self
            .builder
            .ins()
            .band_imm_u(ea, (stream.rounded - 1) as i64);
        let ea = self.builder.ins().isub(ea, past);
        let entry = self.tlb_entry(ea, region);
        let flags = MemFlagsData::trusted();
        let [load, store, offset] = [TlbLayout::LOAD, TlbLayout::STORE, TlbLayout::OFFSET]
            .map(|at| self.builder.ins().load(types::I64, flags, entry, at));
        let page = match stream.kinds {
            [true, true] => {
                let differ = self.icmp(IntCC::NotEqual, load, store);
                self.unless(differ, slow);
                load
            }
            [_, true] => store,
            _ => load,
        };
        let inside = self.builder.ins().isub(ea, page);
        let last = self.word(region.granule - (stream.end - stream.first) as u64);
        let misses = self.icmp(IntCC::UnsignedGreaterThan, inside, last);
        self.unless(misses, slow);
        let base = self.builder.ins().iadd(offset, constant);
        let base = self.builder.ins().isub(base, past);
        self.builder.def_var(stream.base, base);
        let room = match stride {
            Stride::By(0) => return more,
            Stride::By(..0) => inside,
            _ => self.builder.ins().isub(last, inside),
        };
        let rounds = match stride {
            Stride::By(by) => self.quotient(room, by.unsigned_abs()),
            Stride::Register(slot, plus) => {
                let by = self.kept_value(slot).unwrap_or(room);
                let by = self.builder.ins().iadd_imm_s(by, plus);
                // Standing still counts as 1 byte up; down as so far up that the next round leaves the page.
                let least = self.word(1);
                let by = self.builder.ins().umax(by, least);
                let most = self.word(QUOTIENT_LIMIT);
                let by = self.builder.ins().umin(by, most);
                let [room, by] =
                    [room, by].map(|value| self.builder.ins().ireduce(types::I32, value));
                let rounds = self.builder.ins().udiv(room, by);
                self.builder.ins().uextend(types::I64, rounds)
            }
        };
        self.builder.ins().umin(more, rounds)
    }

    /// A number up to [`QUOTIENT_LIMIT`], divided by a constant of at least 1 and at most that.
    fn quotient(&mut self, number: Value, by: u64) -> Value {
        if by.is_power_of_two() {
            return self.builder.ins().ushr_imm_u(number, i64::from(by.ilog2()));
        }
        let reciprocal = self.word(reciprocal(by));
        let product = self.builder.ins().imul(number, reciprocal);
        self.builder
            .ins()
            .ushr_imm_u(product, i64::from(QUOTIENT_SHIFT))
    }
}

/// Up to this [`reciprocal`] is exact; more than the bytes of a granule.
const QUOTIENT_LIMIT: u64 = 1 << 18;
const QUOTIENT_SHIFT: u32 = 40;

/// 2^[`QUOTIENT_SHIFT`] / `by`, rounded up: what it exceeds the true quotient by, times a number up to the limit, is less than
/// 1 / `by` of the last place.
const fn reciprocal(by: u64) -> u64 {
    (1u64 << QUOTIENT_SHIFT).div_ceil(by)
}

impl Strip {
    /// The stride of each stream, where all have one that a strip is good for.
    fn strides(&self) -> Option<Vec<Stride>> {
        let ended = self.ended.as_ref()?;
        if let Counter::Ctr = self.counter {
            let counts = Linear {
                terms: vec![CTR],
                constant: -1,
            };
            if ended.get(&CTR.index()) != Some(&counts) {
                return None;
            }
        }
        if self.streams.is_empty() {
            return None;
        }
        self.streams
            .iter()
            .map(|stream| {
                let stride = self.stride(ended, &stream.terms)?;
                let steady = stream.rounded == 1
                    || matches!(stride, Stride::By(by) if by as u64 & (stream.rounded - 1) == 0);
                let short = match stride {
                    Stride::By(by) => by.unsigned_abs() <= SPAN as u64 * 4,
                    Stride::Register(..) => true,
                };
                (steady && short).then_some(stride)
            })
            .collect()
    }

    fn stride(&self, ended: &HashMap<usize, Linear>, terms: &[Slot]) -> Option<Stride> {
        let mut by = 0i64;
        let mut register = None;
        for &slot in terms.iter().filter(|&&slot| self.writes.contains(slot)) {
            let Linear { terms, constant } = ended.get(&slot.index())?;
            by = by.checked_add(*constant)?;
            let mut terms = terms.clone();
            let itself = terms.iter().position(|&term| term == slot)?;
            terms.remove(itself);
            for term in terms {
                if self.writes.contains(term) || register.replace(term).is_some() {
                    return None;
                }
            }
        }
        Some(match register {
            None => Stride::By(by),
            Some(register) => Stride::Register(register, by),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplying_with_a_reciprocal_divides() {
        for by in (1..=5000).chain([65_535, 65_537, QUOTIENT_LIMIT]) {
            for quotient in [1, 2, QUOTIENT_LIMIT / by] {
                for number in [quotient * by - 1, quotient * by, quotient * by + 1] {
                    if number <= QUOTIENT_LIMIT {
                        assert_eq!(
                            number * reciprocal(by) >> QUOTIENT_SHIFT,
                            number / by,
                            "{number} / {by}"
                        );
                    }
                }
            }
        }
    }
}
