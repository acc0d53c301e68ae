//! Conversions: between integers and numbers, between formats, and to integral values.
//!
//! What is exact is so under any rounding; else FPSCR must ask for the nearest and know of inexact results already.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, Value, types};
use power::engine::{Integral, Lower, ToInteger};

use super::deferred::Shown;
use super::numbers::Numbers;
use crate::context::LazyFpscr;
use crate::translator::Translator;

/// Bits of a word.
const WORD: i64 = 32;
/// Bits of the significand of a double, and of a single.
const SIGNIFICANDS: [u32; 2] = [53, 24];

/// A conversion of scalars.
#[derive(Debug, Clone, Copy)]
pub(super) enum Conversion {
    /// To an integer.
    ToInteger(ToInteger),
    /// Of an integer.
    FromInteger { signed: bool, single: bool },
    /// To single precision, held as a double.
    ToSingle,
    /// To an integral value.
    Integral(Integral),
}

impl Conversion {
    /// What a hint asks for, where it is a conversion.
    pub(super) const fn of(lower: Lower) -> Option<Self> {
        Some(match lower {
            Lower::ToInteger(how) => Self::ToInteger(how),
            Lower::FromInteger { signed, single } => Self::FromInteger { signed, single },
            Lower::RoundToSingle => Self::ToSingle,
            Lower::Integral64(how) => Self::Integral(how),
            _ => return None,
        })
    }
}

impl Translator<'_> {
    /// The register that a conversion makes, and what it shows in FPSCR; goes to `bad` where the host's result won't do.
    pub(super) fn scalar_conversion(
        &mut self,
        conversion: Conversion,
        word: Value,
        double: Value,
        bad: ir::Block,
    ) -> (Value, Shown) {
        let result = match conversion {
            Conversion::ToInteger(how) => return self.as_integer(how, double, bad),
            Conversion::FromInteger { signed, single } => {
                self.of_integer(signed, single, word, bad)
            }
            Conversion::ToSingle => self.rounded_to_single(double, bad),
            Conversion::Integral(how) => {
                let numbers = Numbers::new(false, false);
                self.integral(how, numbers, double, bad)
            }
        };
        (self.of_double(result), Shown::All)
    }

    fn as_integer(&mut self, how: ToInteger, double: Value, bad: ir::Block) -> (Value, Shown) {
        // What decides whether the integer has room for it.
        let bound = if how.truncates {
            double
        } else {
            self.builder.ins().nearest(double)
        };
        // Unsigned doublewords in the signed half only: that is what hosts convert.
        let limit = f64::exp2(match (how.bits, how.signed) {
            (32, true) => 31.0,
            (32, false) => 32.0,
            _ => 63.0,
        });
        let limit = self.builder.ins().f64const(limit);
        let fits = if how.signed {
            let size = self.builder.ins().fabs(bound);
            self.builder.ins().fcmp(FloatCC::LessThan, size, limit)
        } else {
            let least = self.builder.ins().f64const(-1.0);
            let low = self.builder.ins().fcmp(FloatCC::GreaterThan, bound, least);
            let high = self.builder.ins().fcmp(FloatCC::LessThan, bound, limit);
            self.builder.ins().band(low, high)
        };
        self.only_where(fits, bad);
        let integer = self.builder.ins().fcvt_to_sint_sat(types::I64, bound);
        let back = self.builder.ins().fcvt_from_sint(types::F64, integer);
        let exact = self.builder.ins().fcmp(FloatCC::Equal, back, double);
        self.only_exact_or_old(exact, bad);
        let [none, inexact, away] = [(false, false), (true, false), (true, true)]
            .map(|(inexact, away)| self.word(LazyFpscr::rounded(inexact, away).0));
        let rounded = if how.truncates {
            inexact
        } else {
            let [size, original] = [back, double].map(|value| self.builder.ins().fabs(value));
            let grown = self
                .builder
                .ins()
                .fcmp(FloatCC::GreaterThan, size, original);
            self.builder.ins().select(grown, away, inexact)
        };
        let late = self.builder.ins().select(exact, none, rounded);
        let word = if how.doubled {
            let low = self.builder.ins().ireduce(types::I32, integer);
            let low = self.builder.ins().uextend(types::I64, low);
            let high = self.builder.ins().ishl_imm_u(integer, WORD);
            self.builder.ins().bor(high, low)
        } else {
            integer
        };
        let zero = self.word(0);
        let register = self.join(word, zero);
        (register, Shown::Fields(LazyFpscr::ROUNDED, late))
    }

    fn of_integer(&mut self, signed: bool, single: bool, word: Value, bad: ir::Block) -> Value {
        let zero = self.word(0);
        if !signed {
            let fits = self.icmp(IntCC::SignedGreaterThanOrEqual, word, zero);
            self.only_where(fits, bad);
        }
        // As many bits as the significand has.
        let greatest = 1 << SIGNIFICANDS[usize::from(single)];
        let moved = self.builder.ins().iadd_imm_s(word, greatest);
        let twice = self.word(2 * greatest as u64);
        let exact = self.icmp(IntCC::UnsignedLessThanOrEqual, moved, twice);
        self.only_exact_or_old(exact, bad);
        if single {
            let single = self.builder.ins().fcvt_from_sint(types::F32, word);
            self.builder.ins().fpromote(types::F64, single)
        } else {
            self.builder.ins().fcvt_from_sint(types::F64, word)
        }
    }

    fn rounded_to_single(&mut self, double: Value, bad: ir::Block) -> Value {
        let single = self.builder.ins().fdemote(types::F32, double);
        let result = self.builder.ins().fpromote(types::F64, single);
        let same = self.builder.ins().fcmp(FloatCC::Equal, result, double);
        // Not what is tiny in single precision: that may be an exception even where it is exact.
        let sized = Numbers {
            of: types::F64,
            ..Numbers::new(true, false)
        };
        let sized = self.sized(sized, double);
        let fpscr = self.fpscr_bits();
        let old = self.takes_inexact(fpscr);
        let old = self.builder.ins().band(old, sized);
        let uncontrolled = self.uncontrolled(fpscr);
        let exact = self.builder.ins().band(same, uncontrolled);
        let good = self.builder.ins().bor(exact, old);
        self.only_where(good, bad);
        result
    }

    /// Numbers rounded to integral values; goes to `bad` where one is a NaN, or where the host's result won't do.
    fn integral(&mut self, how: Integral, numbers: Numbers, value: Value, bad: ir::Block) -> Value {
        let result = match how {
            Integral::NearestAway => {
                // The largest number less than a half carries to the next integer what is a half or more, and nothing else.
                let half = match numbers.of.lane_type() {
                    types::F32 => f64::from(0.5_f32.next_down()),
                    _ => 0.5_f64.next_down(),
                };
                let half = self.constant(numbers.of, half);
                let half = self.builder.ins().fcopysign(half, value);
                let sum = self.builder.ins().fadd(value, half);
                self.builder.ins().trunc(sum)
            }
            Integral::TowardZero => self.builder.ins().trunc(value),
            Integral::Up => self.builder.ins().ceil(value),
            Integral::Down => self.builder.ins().floor(value),
            Integral::Current => self.builder.ins().nearest(value),
        };
        if how == Integral::Current {
            let exact = self.all(numbers.of, FloatCC::Equal, result, value);
            let ordered = self.all(numbers.of, FloatCC::Ordered, value, value);
            self.only_where(ordered, bad);
            self.only_exact_or_old(exact, bad);
        } else {
            let ordered = self.all(numbers.of, FloatCC::Ordered, value, value);
            self.only_where(ordered, bad);
        }
        result
    }

    /// As [`Self::integral`], of all lanes of a register.
    pub(super) fn vector_integral(
        &mut self,
        how: Integral,
        single: bool,
        operand: Value,
        bad: ir::Block,
    ) -> Value {
        let numbers = Numbers::new(single, true);
        let value = self.lanes_of(numbers.of, operand);
        let result = self.integral(how, numbers, value, bad);
        self.lanes_of(types::I64X2, result)
    }

    /// The double that a load of single precision makes.
    pub(in crate::translator) fn loaded_single(&mut self, word: Value) -> Value {
        let [nan, done] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(nan);
        let double = self.builder.append_block_param(done, types::F64);
        let low = self.builder.ins().ireduce(types::I32, word);
        let flags = MemFlagsData::new();
        let single = self.builder.ins().bitcast(types::F32, flags, low);
        let number = self.builder.ins().fpromote(types::F64, single);
        let unordered = self.builder.ins().fcmp(FloatCC::Unordered, single, single);
        self.builder
            .ins()
            .brif(unordered, nan, &[], done, &[number.into()]);
        self.builder.switch_to_block(nan);
        // The host would make a signalling NaN quiet: sign, exponent and fraction only move.
        let extended = self.builder.ins().sextend(types::I64, low);
        let sign = self.builder.ins().band_imm_s(extended, i64::MIN);
        let fraction = self.builder.ins().band_imm_u(word, (1 << 23) - 1);
        let fraction = self.builder.ins().ishl_imm_u(fraction, 29);
        let exponent = self.word(0x7ff << 52);
        let bits = self.builder.ins().bor(sign, fraction);
        let bits = self.builder.ins().bor(bits, exponent);
        let bits = self.builder.ins().bitcast(types::F64, flags, bits);
        self.builder.ins().jump(done, &[bits.into()]);
        self.builder.switch_to_block(done);
        self.word_of(double)
    }

    /// The single that a store of single precision makes of a double, zero-extended; `otherwise` where it is none, or a NaN.
    pub(in crate::translator) fn stored_single(
        &mut self,
        word: Value,
        otherwise: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let [other, done] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(other);
        let result = self.builder.append_block_param(done, types::I64);
        let double = self.as_double(word);
        let single = self.builder.ins().fdemote(types::F32, double);
        let again = self.builder.ins().fpromote(types::F64, single);
        let same = self.builder.ins().fcmp(FloatCC::Equal, again, double);
        self.only_where(same, other);
        let flags = MemFlagsData::new();
        let bits = self.builder.ins().bitcast(types::I32, flags, single);
        let bits = self.builder.ins().uextend(types::I64, bits);
        self.builder.ins().jump(done, &[bits.into()]);
        self.builder.switch_to_block(other);
        let value = otherwise(self);
        self.builder.ins().jump(done, &[value.into()]);
        self.builder.switch_to_block(done);
        result
    }
}
