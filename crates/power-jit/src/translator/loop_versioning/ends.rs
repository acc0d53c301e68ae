//! Where the blocks of a fast loop's round end: going on, over, or another way.

use std::collections::BTreeMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::{CTR, Counter, InductionVariable, RetryPoint, SideExit, WORTH_IT};
use crate::slot::{SLOTS, Slot};
use crate::translator::linear::Linear;
use crate::translator::{Branched, Destination, INSTRUCTION, Translator};

impl Translator<'_> {
    /// Where a fast loop ends after whole rounds: the budget, and the registers that climb.
    fn settle_fast_loop(&mut self, now: Value) {
        self.settle_within(now, 0, |_| Some(0));
    }

    /// Where a fast loop ends `passed` instructions into a round: the budget, and the registers
    /// that climb and are now so much further (`further`, by [`Slot::index`]) than where the round
    /// began. These are computed from where they began, so that the loop need not keep what they
    /// were before they climbed last: that is what Cranelift would compute them from.
    fn settle_within(&mut self, now: Value, passed: u32, further: impl Fn(usize) -> Option<i64>) {
        let left = self.budget_at(now, passed);
        if let Some(region) = self.region {
            self.builder.def_var(region.budget, left);
        }
        let rounds = self.rounds_at(now);
        let climbing = self
            .fast_loop
            .as_ref()
            .map(|fast_loop| fast_loop.climbing.clone());
        for InductionVariable { slot, by, began } in climbing.into_iter().flatten() {
            let Some(further) = further(slot.index()) else {
                continue;
            };
            let began = self.builder.use_var(began);
            let by = self.word(by as u64);
            let climbed = self.builder.ins().imul(rounds, by);
            let value = self.builder.ins().iadd(began, climbed);
            let value = self.builder.ins().iadd_imm_s(value, further);
            self.set_kept(slot, value);
        }
    }

    /// Ends a block of a fast loop's round, which has been settled.
    pub(in crate::translator) fn end_block_of_fast_loop(&mut self, branched: Branched) {
        let fast_loop = self.fast_loop.as_ref().expect("called in fast loops only");
        match fast_loop.next {
            Some(next) => self.end_link(branched, next),
            None => self.end_round(branched),
        }
    }

    /// Goes on to the next block of a round, or on another way.
    fn end_link(&mut self, branched: Branched, next: i64) {
        let follows = Destination::Offset(self.offset + INSTRUCTION);
        let is_next = |to: Destination| matches!(to, Destination::Offset(offset) if offset == next);
        let sums = self.ended();
        let counts_differently = self.cached_value(CTR).is_some()
            && sums.get(&CTR.index()) != Some(&Linear::start_of(CTR));
        let fast_loop = self.fast_loop.as_mut().expect("called in fast loops only");
        fast_loop.next = None;
        fast_loop.sound = match fast_loop.counter {
            Counter::Ctr => !counts_differently,
            Counter::Own(_) => true,
        };
        let (taken, not_taken) = (is_next(branched.to), is_next(follows));
        let (condition, side) = match branched.condition {
            _ if !fast_loop.sound || !taken && !not_taken => {
                fast_loop.sound = false;
                self.never_reached();
                return;
            }
            Some(condition) if taken != not_taken => {
                (condition, if taken { follows } else { branched.to })
            }
            _ => {
                self.state_changed();
                return;
            }
        };
        let [on, block] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(block);
        let to = if not_taken { [block, on] } else { [on, block] };
        self.builder.ins().brif(condition, to[0], &[], to[1], &[]);
        let passed = self.completed;
        let (from, cached) = (self.block, self.cached.clone());
        let fast_loop = self.fast_loop.as_mut().expect("called in fast loops only");
        fast_loop.sides.push(SideExit {
            block,
            to: side,
            from,
            passed: fast_loop.passed + passed,
            cached,
            sums,
        });
        self.builder.switch_to_block(on);
        // What leaves from now on has another count of instructions.
        self.state_changed();
    }

    /// Ends a fast loop's round; whether the loop goes on is `branched`'s condition.
    fn end_round(&mut self, branched: Branched) {
        let next = Destination::Offset(self.offset + INSTRUCTION);
        let ended = self.ended();
        let climbing = self.climbing(&ended);
        let fast_loop = self.fast_loop.as_mut().expect("called in fast loops only");
        fast_loop.ended = Some(ended);
        fast_loop.climbing = climbing;
        let (counter, ends, head, round) = (
            fast_loop.counter,
            fast_loop.ends,
            fast_loop.head,
            fast_loop.round,
        );
        let patience = fast_loop.again.patience;
        let [over, leave] = [(); 2].map(|()| self.builder.create_block());
        let one = |this: &mut Self| {
            let one = this.word(1);
            this.builder.def_var(patience, one);
        };
        let at_end = self.cached.clone();
        match counter {
            Counter::Ctr => {
                let now = self.counted(counter);
                let end = self.builder.use_var(ends);
                // It never is less; not equal, Cranelift would make two sums of the two differences, one of them anew each round.
                let more = self.icmp(IntCC::UnsignedGreaterThan, now, end);
                self.builder.ins().brif(more, round, &[], over, &[]);
                self.builder.switch_to_block(over);
                one(self);
                self.settle_fast_loop(end);
                self.builder.ins().brif(end, head, &[], leave, &[]);
                self.builder.switch_to_block(leave);
                self.go_to(next);
            }
            Counter::Own(variable) => {
                let before = self.counted(counter);
                let now = self.builder.ins().iadd_imm_s(before, -1);
                self.builder.def_var(variable, now);
                if let Some(condition) = branched.condition {
                    let stays = self.builder.create_block();
                    self.builder.ins().brif(condition, stays, &[], leave, &[]);
                    self.builder.switch_to_block(stays);
                }
                self.builder.ins().brif(now, round, &[], over, &[]);
                self.builder.switch_to_block(over);
                one(self);
                let end = self.builder.use_var(ends);
                self.settle_fast_loop(end);
                self.builder.ins().jump(head, &[]);
                if branched.condition.is_some() {
                    self.cached = at_end;
                    self.builder.switch_to_block(leave);
                    self.settle_fast_loop(now);
                    self.go_to(next);
                }
            }
        }
        self.write_sides();
    }

    /// Where rounds take another way.
    fn write_sides(&mut self) {
        let fast_loop = self.fast_loop.as_mut().expect("called in fast loops only");
        let (counter, RetryPoint { left, patience, .. }) = (fast_loop.counter, fast_loop.again);
        for side in std::mem::take(&mut fast_loop.sides) {
            self.builder.switch_to_block(side.block);
            self.block = side.from;
            let touched: Vec<bool> = (0..SLOTS)
                .map(|index| side.cached.holds(Slot::from_index(index)))
                .collect();
            self.cached = side.cached;
            let now = self.counted(counter);
            self.settle_within(now, side.passed, |slot| match side.sums.get(&slot) {
                Some(sum) => {
                    matches!(sum.terms[..], [term] if term.index() == slot).then_some(sum.constant)
                }
                None => (!touched[slot]).then_some(0),
            });
            let rounds = self.rounds_at(now);
            let before = self.builder.use_var(patience);
            let more = self.longer(before);
            let soon = self.word(WORTH_IT);
            let soon = self.icmp(IntCC::UnsignedLessThan, rounds, soon);
            let one = self.word(1);
            let wait = self.builder.ins().select(soon, more, one);
            self.builder.def_var(patience, wait);
            self.builder.def_var(left, wait);
            self.go_to(side.to);
        }
    }

    /// Which registers climb by a constant each round.
    fn climbing(&mut self, ended: &BTreeMap<usize, Linear>) -> Vec<InductionVariable> {
        ended
            .iter()
            .filter(|(index, sum)| matches!(sum.terms[..], [slot] if slot.index() == **index))
            .map(|(&index, sum)| InductionVariable {
                slot: Slot::from_index(index),
                by: sum.constant,
                began: self.builder.declare_var(types::I64),
            })
            .collect()
    }

    /// What the registers have become that are sums of what they were.
    fn ended(&self) -> BTreeMap<usize, Linear> {
        let fast_loop = self.fast_loop.as_ref().expect("called in fast loops only");
        let dfg = &self.builder.func.dfg;
        fast_loop
            .writes
            .iter()
            .filter_map(|slot| {
                let value = self.cached_value(slot)?;
                Some((slot.index(), Linear::of(dfg, &fast_loop.leaves, value)?))
            })
            .collect()
    }
}
