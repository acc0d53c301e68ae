//! Comparisons, maximum and minimum, and selection: without a NaN they raise nothing.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, Type, Value, types};
use power::engine::{Done, Lower};

use super::deferred::Shown;
use crate::context::LazyFpscr;
use crate::image::HostFunction;
use crate::slot::Slot;
use crate::translator::Translator;
use crate::translator::condition::Field;

/// What is made of two numbers, lane by lane.
#[derive(Debug, Clone, Copy)]
enum Pick {
    /// A mask: all ones where it holds.
    Mask(FloatCC),
    /// The larger; +0 rather than -0.
    Largest,
    /// The smaller; -0 rather than +0.
    Smallest,
    /// The first where it holds, else the second.
    First(FloatCC),
}

/// A comparison that yields numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pick: Pick,
    single: bool,
}

impl Choice {
    /// What a hint asks for, where it is a choice.
    pub(super) const fn of(lower: Lower) -> Option<Self> {
        let (pick, single) = match lower {
            Lower::Max64 => (Pick::Largest, false),
            Lower::Max32 => (Pick::Largest, true),
            Lower::Min64 => (Pick::Smallest, false),
            Lower::Min32 => (Pick::Smallest, true),
            Lower::Greater64 => (Pick::First(FloatCC::GreaterThan), false),
            Lower::Less64 => (Pick::First(FloatCC::LessThan), false),
            Lower::Equal64 => (Pick::Mask(FloatCC::Equal), false),
            Lower::Equal32 => (Pick::Mask(FloatCC::Equal), true),
            Lower::Above64 => (Pick::Mask(FloatCC::GreaterThan), false),
            Lower::Above32 => (Pick::Mask(FloatCC::GreaterThan), true),
            Lower::AtLeast64 => (Pick::Mask(FloatCC::GreaterThanOrEqual), false),
            Lower::AtLeast32 => (Pick::Mask(FloatCC::GreaterThanOrEqual), true),
            _ => return None,
        };
        Some(Self { pick, single })
    }

    /// The type of the lanes in vectors.
    const fn lanes(self) -> Type {
        if self.single {
            types::F32X4
        } else {
            types::F64X2
        }
    }
}

impl Translator<'_> {
    /// A comparison of doubles: its field to CR field `bf`, and to FPCC. The host's for CR always, and for FPSCR without a NaN.
    pub(in crate::translator) fn float_compared_on_host(
        &mut self,
        lower: Lower,
        shim: HostFunction,
        function: HostFunction,
        bf: u32,
        operands: &[Value],
    ) -> Done<Self> {
        let deferred = self.deferred.filter(|_| {
            lower == Lower::Compare64 && self.region.is_some() && !self.mode.float_exceptions()
        });
        let Some(deferred) = deferred else {
            return self.call_float_compare(shim, function, bf, operands);
        };
        let [a, b] = [operands[0], operands[1]].map(|operand| self.as_double(operand));
        let bits @ [less, greater, _, unordered] = [
            FloatCC::LessThan,
            FloatCC::GreaterThan,
            FloatCC::Equal,
            FloatCC::Unordered,
        ]
        .map(|code| self.builder.ins().fcmp(code, a, b));
        let [fast, slow, done] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(slow);
        self.builder.ins().brif(unordered, slow, &[], fast, &[]);
        self.builder.switch_to_block(slow);
        self.materialise_fpscr();
        let address = self.function(function);
        let fpscr = self.fpscr();
        // Its field is known, and without enabled exceptions its status is of no interest.
        self.call_word(shim, &[fpscr, address, operands[0], operands[1]]);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(fast);
        let [is_less, is_greater, is_equal] =
            [8, 4, 2].map(|field| self.word(LazyFpscr::fpcc(field).0));
        let late = self.builder.ins().select(greater, is_greater, is_equal);
        let late = self.builder.ins().select(less, is_less, late);
        let shown = Shown::Fields(LazyFpscr::FPCC, late);
        self.defer(deferred, shown, function, &[]);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        self.set_field(bf, Field::Bits(bits));
        Ok(())
    }

    /// What is chosen of two scalars, as a register; goes to `bad` where one is a NaN.
    pub(super) fn scalar_choice(
        &mut self,
        choice: Choice,
        doubles: &[Value],
        bad: ir::Block,
    ) -> Value {
        let (a, b) = (doubles[0], doubles[1]);
        let ordered = self.builder.ins().fcmp(FloatCC::Ordered, a, b);
        self.only_where(ordered, bad);
        let result = match choice.pick {
            Pick::Mask(code) => {
                let holds = self.builder.ins().fcmp(code, a, b);
                let [ones, zero] = [u64::MAX, 0].map(|bits| self.word(bits));
                let mask = self.builder.ins().select(holds, ones, zero);
                return self.join(mask, zero);
            }
            Pick::Largest => self.builder.ins().fmax(a, b),
            Pick::Smallest => self.builder.ins().fmin(a, b),
            Pick::First(code) => {
                let holds = self.builder.ins().fcmp(code, a, b);
                self.builder.ins().select(holds, a, b)
            }
        };
        self.of_double(result)
    }

    /// As [`Self::scalar_choice`], lane by lane.
    pub(super) fn vector_choice(
        &mut self,
        choice: Choice,
        operands: &[Value],
        bad: ir::Block,
    ) -> Value {
        let lanes = choice.lanes();
        let [a, b] = [operands[0], operands[1]].map(|operand| self.lanes_of(lanes, operand));
        let ordered = self.all(lanes, FloatCC::Ordered, a, b);
        self.only_where(ordered, bad);
        let [whole_a, whole_b] = [operands[0], operands[1]];
        match choice.pick {
            Pick::Mask(code) => self.lane_mask(code, a, b),
            Pick::First(code) => {
                let mask = self.lane_mask(code, a, b);
                self.builder.ins().bitselect(mask, whole_a, whole_b)
            }
            Pick::Largest | Pick::Smallest => {
                // Numbers that are equal are the same, but for the sign of 0.
                let (code, same) = match choice.pick {
                    Pick::Largest => (
                        FloatCC::GreaterThan,
                        self.builder.ins().band(whole_a, whole_b),
                    ),
                    _ => (FloatCC::LessThan, self.builder.ins().bor(whole_a, whole_b)),
                };
                let mask = self.lane_mask(code, a, b);
                let equal = self.lane_mask(FloatCC::Equal, a, b);
                let either = self.builder.ins().bitselect(equal, same, whole_b);
                self.builder.ins().bitselect(mask, whole_a, either)
            }
        }
    }

    /// All ones in the lanes where a comparison holds.
    fn lane_mask(&mut self, code: FloatCC, a: Value, b: Value) -> Value {
        let mask = self.builder.ins().fcmp(code, a, b);
        self.lanes_of(types::I64X2, mask)
    }

    /// A vector comparison that records in CR field 6 whether it holds for all lanes, or for none.
    pub(in crate::translator) fn vector_compared(
        &mut self,
        lower: Lower,
        shim: HostFunction,
        function: HostFunction,
        target: u32,
        operands: [Value; 2],
    ) -> Done<Self> {
        let choice =
            Choice::of(lower).filter(|_| self.region.is_some() && !self.mode.float_exceptions());
        let before = self.get_field(6);
        let before = self.field_number(before);
        let before = self.builder.ins().uextend(types::I64, before);
        let Some(choice) = choice else {
            let status = self.call_vector_compared(shim, function, target, operands, before);
            return self.float_compared(status, 6);
        };
        self.get(Slot::Vsr(target));
        let cached = self.cached.clone();
        let [slow, done] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(slow);
        let [register, field] =
            [types::I64X2, types::I8].map(|of| self.builder.append_block_param(done, of));
        let mask = self.vector_choice(choice, &operands, slow);
        let lanes = self.lanes_of(choice.lanes().as_int(), mask);
        let all = self.builder.ins().vall_true(lanes);
        let any = self.builder.ins().vany_true(lanes);
        let none = self.builder.ins().icmp_imm_u(IntCC::Equal, any, 0);
        let all = self.builder.ins().ishl_imm_u(all, 3);
        let none = self.builder.ins().ishl_imm_u(none, 1);
        let number = self.builder.ins().bor(all, none);
        self.builder.ins().jump(done, &[mask.into(), number.into()]);
        self.builder.switch_to_block(slow);
        let status = self.call_vector_compared(shim, function, target, operands, before);
        let number = self.builder.ins().ushr_imm_u(status, 1);
        let number = self.builder.ins().ireduce(types::I8, number);
        let number = self.builder.ins().band_imm_u(number, 15);
        let value = self.get(Slot::Vsr(target));
        self.builder
            .ins()
            .jump(done, &[value.into(), number.into()]);
        self.builder.switch_to_block(done);
        self.restore(cached);
        self.set(Slot::Vsr(target), register);
        self.set_field(6, Field::Number(field));
        Ok(())
    }

    fn call_vector_compared(
        &mut self,
        shim: HostFunction,
        function: HostFunction,
        target: u32,
        [a, b]: [Value; 2],
        before: Value,
    ) -> Value {
        let (a, b) = (self.by_pointer(0, a), self.by_pointer(1, b));
        self.call_float_with_status(shim, function, target, &[a, b, before])
    }

    /// `a >= 0 ? b : c` of doubles; c for a NaN.
    pub(in crate::translator) fn selected(&mut self, [a, b, c]: [Value; 3]) -> Value {
        let [a, b, c] = [a, b, c].map(|word| self.as_double(word));
        let zero = self.builder.ins().f64const(0.0);
        let holds = self
            .builder
            .ins()
            .fcmp(FloatCC::GreaterThanOrEqual, a, zero);
        let result = self.builder.ins().select(holds, b, c);
        self.word_of(result)
    }
}
