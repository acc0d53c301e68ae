//! Where a loop with fast loops is entered, and where its fast loops begin.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, Value, types};
use power::TlbLayout;

use super::division::QUOTIENT_LIMIT;
use super::stride::Stride;
use super::{Counter, FastLoop, Stream};
use crate::flow::Repeats;
use crate::slot::SlotSet;
use crate::translator::Translator;

/// Rounds with all checks before a loop is first taken for one that goes on.
pub(super) const FIRST: i64 = 4;
/// Most rounds with all checks between two tries.
const PATIENCE: i64 = 64;
/// Rounds of less than which no fast loop is worth its beginning.
const LEAST: i64 = 2;

/// The blocks of a loop with fast loops.
pub(super) struct Parts {
    /// Where other blocks enter the loop.
    pub(super) entry: ir::Block,
    /// Where a round with all checks begins.
    pub(super) checked: ir::Block,
}

impl Translator<'_> {
    /// Where the loop is entered.
    pub(super) fn write_entry(&mut self, parts: &Parts, fast_loop: &FastLoop, repeats: Repeats) {
        self.builder.switch_to_block(parts.entry);
        let one = self.word(1);
        self.builder.def_var(fast_loop.again.patience, one);
        let first = self.word(FIRST as u64);
        self.builder.def_var(fast_loop.again.left, first);
        match repeats {
            Repeats::Ctr => {
                let rounds = self.counted(Counter::Ctr);
                let less = self.builder.ins().iadd_imm_s(rounds, -1);
                let few = self.word(FIRST as u64 - 1);
                let few = self.icmp(IntCC::UnsignedLessThan, less, few);
                self.builder
                    .ins()
                    .brif(few, parts.checked, &[], fast_loop.head, &[]);
            }
            Repeats::Condition => {
                self.builder.ins().jump(parts.checked, &[]);
            }
        }
    }

    /// Where a round with all checks goes on to the next.
    pub(super) fn write_again(&mut self, parts: &Parts, fast_loop: &FastLoop) {
        self.builder.switch_to_block(fast_loop.again.block);
        let left = self.builder.use_var(fast_loop.again.left);
        let left = self.builder.ins().iadd_imm_s(left, -1);
        self.builder.def_var(fast_loop.again.left, left);
        self.builder
            .ins()
            .brif(left, parts.checked, &[], fast_loop.head, &[]);
    }

    /// Where a fast loop begins, or nothing comes of it.
    pub(super) fn write_head(&mut self, parts: &Parts, fast_loop: &FastLoop, strides: &[Stride]) {
        self.builder.switch_to_block(fast_loop.head);
        let Some(region) = self.region else { return };
        let slow = self.builder.create_block();
        self.builder.set_cold_block(slow);
        let budget = self.builder.use_var(region.budget);
        let charge = u64::from(fast_loop.charge);
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
        if let Counter::Ctr = fast_loop.counter {
            let counted = self.counted(Counter::Ctr);
            let rest = self.builder.ins().iadd_imm_s(counted, -1);
            more = self.builder.ins().umin(more, rest);
        }
        for (stream, &stride) in fast_loop.streams.iter().zip(strides) {
            more = self.enter_stream(stream, stride, fast_loop.writes, more, slow);
        }
        let least = self.word(LEAST as u64 - 1);
        let few = self.icmp(IntCC::UnsignedLessThan, more, least);
        self.unless(few, slow);
        let rounds = self.builder.ins().iadd_imm_s(more, 1);
        let [began, ends] = match fast_loop.counter {
            Counter::Ctr => {
                let began = self.counted(Counter::Ctr);
                [began, self.builder.ins().isub(began, rounds)]
            }
            Counter::Own(variable) => {
                self.builder.def_var(variable, rounds);
                [rounds, self.word(0)]
            }
        };
        for climbing in &fast_loop.climbing {
            let value = self.kept_value(climbing.slot).unwrap_or(began);
            self.builder.def_var(climbing.began, value);
        }
        for (variable, value) in [
            (fast_loop.began, began),
            (fast_loop.ends, ends),
            (fast_loop.budget, budget),
        ] {
            self.builder.def_var(variable, value);
        }
        self.builder.ins().jump(fast_loop.round, &[]);
        self.builder.switch_to_block(slow);
        let patience = self.builder.use_var(fast_loop.again.patience);
        self.builder.def_var(fast_loop.again.left, patience);
        let longer = self.longer(patience);
        self.builder.def_var(fast_loop.again.patience, longer);
        self.builder.ins().jump(parts.checked, &[]);
    }

    /// The checked rounds until the next try but one, after so many until the next.
    pub(super) fn longer(&mut self, patience: Value) -> Value {
        let longer = self.builder.ins().ishl_imm_u(patience, 1);
        let most = self.word(PATIENCE as u64);
        self.builder.ins().umin(longer, most)
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
}
