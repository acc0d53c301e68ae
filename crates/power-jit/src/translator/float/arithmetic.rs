//! Sums, products, quotients and square roots.
//!
//! The host's result is taken where it is exact, which is tested with error-free transformations, or where inexact is no news and
//! its size is far from overflow and underflow, or where it is a 0 that nothing but an exact one can have become. Scalars of single
//! precision are held as doubles; where these are singles, the host computes with them as such.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{self, InstBuilder, Value, types};
use power::engine::Lower;

use super::numbers::Numbers;
use crate::translator::Translator;

/// What an operation computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Add,
    Sub,
    Mul,
    Div,
    /// The square root of its only operand.
    Root,
    /// a * c + b, with the signs of the addend and of the result.
    Madd {
        subtract: bool,
        negate: bool,
    },
}

/// What the host is to do, and with numbers of which type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arithmetic {
    operation: Operation,
    pub(super) single: bool,
}

impl Arithmetic {
    /// What a hint asks for, where there is something to be done about it here.
    pub(super) fn of(lower: Lower) -> Option<Self> {
        let madd = |subtract, negate| Operation::Madd { subtract, negate };
        let (operation, single) = match lower {
            Lower::Add64 => (Operation::Add, false),
            Lower::Sub64 => (Operation::Sub, false),
            Lower::Mul64 => (Operation::Mul, false),
            Lower::Div64 => (Operation::Div, false),
            Lower::Div32 => (Operation::Div, true),
            Lower::Root64 => (Operation::Root, false),
            Lower::Root32 => (Operation::Root, true),
            Lower::Madd64 => (madd(false, false), false),
            Lower::Msub64 => (madd(true, false), false),
            Lower::Nmadd64 => (madd(false, true), false),
            Lower::Nmsub64 => (madd(true, true), false),
            Lower::Add32 => (Operation::Add, true),
            Lower::Sub32 => (Operation::Sub, true),
            Lower::Mul32 => (Operation::Mul, true),
            Lower::Madd32 => (madd(false, false), true),
            Lower::Msub32 => (madd(true, false), true),
            Lower::Nmadd32 => (madd(false, true), true),
            Lower::Nmsub32 => (madd(true, true), true),
            _ => return None,
        };
        Some(Self { operation, single })
    }
}

impl Translator<'_> {
    /// The register that a scalar operation makes; goes to `bad` where the host's result won't do.
    pub(super) fn scalar_arithmetic(
        &mut self,
        arithmetic: Arithmetic,
        doubles: &[Value],
        bad: ir::Block,
    ) -> Value {
        let numbers = Numbers::new(arithmetic.single, false);
        let result = if arithmetic.single {
            let singles = self.as_singles(doubles, bad);
            let result = self.on_host(arithmetic.operation, numbers, &singles, bad);
            self.builder.ins().fpromote(types::F64, result)
        } else {
            self.on_host(arithmetic.operation, numbers, doubles, bad)
        };
        self.of_double(result)
    }

    /// As [`Self::scalar_arithmetic`], of a vector operation.
    pub(super) fn vector_arithmetic(
        &mut self,
        arithmetic: Arithmetic,
        operands: &[Value],
        bad: ir::Block,
    ) -> Value {
        let numbers = Numbers::new(arithmetic.single, true);
        let values: Vec<Value> = operands
            .iter()
            .map(|&operand| self.lanes_of(numbers.of, operand))
            .collect();
        let result = self.on_host(arithmetic.operation, numbers, &values, bad);
        self.lanes_of(types::I64X2, result)
    }

    /// Doubles as singles; goes to `otherwise` where one is none.
    fn as_singles(&mut self, doubles: &[Value], otherwise: ir::Block) -> Vec<Value> {
        let mut singles = Vec::new();
        for &double in doubles {
            let single = self.builder.ins().fdemote(types::F32, double);
            let again = self.builder.ins().fpromote(types::F64, single);
            let same = self.builder.ins().fcmp(FloatCC::Equal, again, double);
            let next = self.builder.create_block();
            self.builder.ins().brif(same, next, &[], otherwise, &[]);
            self.builder.switch_to_block(next);
            singles.push(single);
        }
        singles
    }

    /// The host's result, where it may be taken; goes to `bad` where not.
    fn on_host(
        &mut self,
        operation: Operation,
        numbers: Numbers,
        operands: &[Value],
        bad: ir::Block,
    ) -> Value {
        let good = self.builder.create_block();
        // The square root has one operand; where there are two, it ignores the other.
        let (a, b) = (operands[0], operands.get(1).copied().unwrap_or(operands[0]));
        // What is added to a product, with its sign.
        let addend = match operation {
            Operation::Madd { subtract: true, .. } => Some(self.builder.ins().fneg(operands[2])),
            Operation::Madd { .. } => Some(operands[2]),
            _ => None,
        };
        let result = match operation {
            Operation::Add => self.builder.ins().fadd(a, b),
            Operation::Sub => self.builder.ins().fsub(a, b),
            Operation::Mul => self.builder.ins().fmul(a, b),
            Operation::Div => self.builder.ins().fdiv(a, b),
            Operation::Root => self.builder.ins().sqrt(a),
            Operation::Madd { negate, .. } => {
                let sum = self.builder.ins().fma(a, b, addend.unwrap_or(b));
                if negate {
                    self.builder.ins().fneg(sum)
                } else {
                    sum
                }
            }
        };
        let [test_size, test_zero, test_exact] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(test_exact);
        let fpscr = self.fpscr_bits();
        // The size alone decides.
        let plain = self.takes_inexact(fpscr);
        self.builder
            .ins()
            .brif(plain, test_size, &[], test_exact, &[]);
        self.builder.switch_to_block(test_size);
        let in_range = self.sized(numbers, result);
        let all = self.all_true(numbers.of, in_range);
        self.builder.ins().brif(all, good, &[], test_zero, &[]);
        self.builder.switch_to_block(test_zero);
        let zeros = self.exact_zero(operation, numbers, a, b, addend, result);
        let fine = self.builder.ins().bor(in_range, zeros);
        let all = self.all_true(numbers.of, fine);
        self.builder.ins().brif(all, good, &[], test_exact, &[]);
        self.builder.switch_to_block(test_exact);
        let exact = self.is_exact(operation, numbers, a, b, addend, result, fpscr);
        self.builder.ins().brif(exact, good, &[], bad, &[]);
        self.builder.switch_to_block(good);
        result
    }

    /// Per lane: the size is one where nothing has overflowed or underflowed.
    pub(super) fn sized(&mut self, numbers: Numbers, value: Value) -> Value {
        let size = self.builder.ins().fabs(value);
        let (least, greatest) = (
            self.constant(numbers.of, numbers.least),
            self.constant(numbers.of, numbers.greatest),
        );
        let low = self
            .builder
            .ins()
            .fcmp(FloatCC::GreaterThanOrEqual, size, least);
        let high = self
            .builder
            .ins()
            .fcmp(FloatCC::LessThanOrEqual, size, greatest);
        self.builder.ins().band(low, high)
    }

    /// Per lane: the result is a 0 that can't come of an underflow. A sum is exact where it is so small. A product needs a factor
    /// of 0. With an addend of some size, a difference that is not 0 has bits that are far too large to vanish.
    fn exact_zero(
        &mut self,
        operation: Operation,
        numbers: Numbers,
        a: Value,
        b: Value,
        addend: Option<Value>,
        result: Value,
    ) -> Value {
        let zero = self.constant(numbers.of, 0.0);
        let is_zero = self.builder.ins().fcmp(FloatCC::Equal, result, zero);
        let factor = |this: &mut Self| {
            let [a, b] = [a, b].map(|value| this.builder.ins().fcmp(FloatCC::Equal, value, zero));
            this.builder.ins().bor(a, b)
        };
        let why = match (operation, addend) {
            (Operation::Add | Operation::Sub, _) => return is_zero,
            (_, Some(addend)) => {
                let factor = factor(self);
                let none = self.builder.ins().fcmp(FloatCC::Equal, addend, zero);
                let nothing = self.builder.ins().band(factor, none);
                let sized = self.sized(numbers, addend);
                self.builder.ins().bor(nothing, sized)
            }
            (Operation::Div | Operation::Root, _) => {
                self.builder.ins().fcmp(FloatCC::Equal, a, zero)
            }
            _ => factor(self),
        };
        self.builder.ins().band(is_zero, why)
    }

    /// Whether the result is exact, in all lanes, and there are no control bits.
    #[allow(
        clippy::too_many_arguments,
        reason = "an operation with all that belongs to it"
    )]
    fn is_exact(
        &mut self,
        operation: Operation,
        numbers: Numbers,
        a: Value,
        b: Value,
        addend: Option<Value>,
        result: Value,
        fpscr: Value,
    ) -> Value {
        let mut exact = self.uncontrolled(fpscr);
        let mut exact_terms = Vec::new();
        match operation {
            Operation::Add => exact_terms.push(self.error_of_sum(a, b, result)),
            Operation::Sub => {
                let minus = self.builder.ins().fneg(b);
                exact_terms.push(self.error_of_sum(a, minus, result));
            }
            Operation::Root => {
                // Nothing of the difference is lost where the operand is far from the small end.
                let sized = self.sized(numbers, a);
                let sized = self.all_true(numbers.of, sized);
                exact = self.builder.ins().band(exact, sized);
                let minus = self.builder.ins().fneg(a);
                exact_terms.push(self.builder.ins().fma(result, result, minus));
            }
            Operation::Div => return self.builder.ins().iconst(types::I8, 0),
            Operation::Mul | Operation::Madd { .. } => {
                let product = match operation {
                    Operation::Mul => result,
                    _ => self.builder.ins().fmul(a, b),
                };
                let minus = self.builder.ins().fneg(product);
                exact_terms.push(self.builder.ins().fma(a, b, minus));
                let sized = self.in_range_or_zero(numbers, product);
                // A product of 0 is exact where a factor is 0.
                exact = self.builder.ins().band(exact, sized);
                let zero_is_exact = self.zero_product_is_exact(numbers, a, b, product);
                exact = self.builder.ins().band(exact, zero_is_exact);
                if let Some(addend) = addend {
                    let sum = self.builder.ins().fadd(product, addend);
                    exact_terms.push(self.error_of_sum(product, addend, sum));
                }
            }
        }
        let zero = self.constant(numbers.of, 0.0);
        for term in exact_terms {
            let is_zero = self.all(numbers.of, FloatCC::Equal, term, zero);
            exact = self.builder.ins().band(exact, is_zero);
        }
        exact
    }

    /// What a sum lacks of the exact one; 0, or not a number, only where it may be taken or not.
    fn error_of_sum(&mut self, a: Value, b: Value, sum: Value) -> Value {
        let ins = &mut self.builder;
        let b_part = ins.ins().fsub(sum, a);
        let a_part = ins.ins().fsub(sum, b_part);
        let b_error = ins.ins().fsub(b, b_part);
        let a_error = ins.ins().fsub(a, a_part);
        ins.ins().fadd(a_error, b_error)
    }

    /// Whether all sizes are where nothing overflows or is lost, or 0.
    fn in_range_or_zero(&mut self, numbers: Numbers, value: Value) -> Value {
        let size = self.builder.ins().fabs(value);
        let (least, greatest) = (
            self.constant(numbers.of, numbers.least),
            self.constant(numbers.of, numbers.greatest),
        );
        // 0, or at least `least`: the smaller of size and least is one of the two.
        let zero = self.constant(numbers.of, 0.0);
        let large = self
            .builder
            .ins()
            .fcmp(FloatCC::GreaterThanOrEqual, size, least);
        let none = self.builder.ins().fcmp(FloatCC::Equal, size, zero);
        let either = self.builder.ins().bor(large, none);
        let low = self.all_true(numbers.of, either);
        let high = self.all(numbers.of, FloatCC::LessThanOrEqual, size, greatest);
        self.builder.ins().band(low, high)
    }

    /// Whether every product of 0 has a factor of 0.
    fn zero_product_is_exact(
        &mut self,
        numbers: Numbers,
        a: Value,
        b: Value,
        product: Value,
    ) -> Value {
        let zero = self.constant(numbers.of, 0.0);
        let [product_not, a_is, b_is] = [
            (FloatCC::NotEqual, product),
            (FloatCC::Equal, a),
            (FloatCC::Equal, b),
        ]
        .map(|(code, value)| self.builder.ins().fcmp(code, value, zero));
        let factor = self.builder.ins().bor(a_is, b_is);
        let fine = self.builder.ins().bor(product_not, factor);
        self.all_true(numbers.of, fine)
    }
}
