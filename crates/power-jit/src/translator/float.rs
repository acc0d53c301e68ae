//! Floating-point arithmetic on the host's unit, in regions, where FPSCR comes out exact all the same.
//!
//! The host's result is taken where rounding is to nearest, no exception is enabled, and the operation raises no exception that
//! FPSCR does not show yet: it is exact, which is tested with error-free transformations, or it is at most inexact, XX is set
//! already, and its size is far from overflow and underflow. In all other cases the function of `power-float` is called.
//!
//! Scalar operations also set FR, FI and FPRF, anew each time. Only somebody who looks at FPSCR sees that: so the last operation
//! is remembered, and done once more by the function before anything else works on FPSCR or the region is left. Vector operations
//! don't set them.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::Variable;
use power::engine::{Done, Lower};

use super::Translator;
use super::calls::address;
use super::registers::FPSCR;
use crate::context::{self, Context};
use crate::slot::Slot;

/// Enables, NI and RN.
const CONTROL: i64 = 0xff;
/// XX.
const INEXACT: i64 = 1 << 25;

/// What an operation computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Add,
    Sub,
    Mul,
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
    single: bool,
}

impl Arithmetic {
    /// What a hint asks for, where there is something to be done about it here. Scalars of single precision are held as doubles,
    /// which is another matter.
    pub(super) fn of(lower: Lower, vector: bool) -> Option<Self> {
        let madd = |subtract, negate| Operation::Madd { subtract, negate };
        let (operation, single) = match lower {
            Lower::Add64 => (Operation::Add, false),
            Lower::Sub64 => (Operation::Sub, false),
            Lower::Mul64 => (Operation::Mul, false),
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
        (vector || !single).then_some(Self { operation, single })
    }
}

/// The scalar operation whose FR, FI and FPRF are still to come.
#[derive(Clone, Copy)]
pub(super) struct Deferred {
    /// 0: none; else the function.
    function: Variable,
    /// Its operands; the third is unused where it takes two.
    operands: [Variable; 3],
    /// How many it takes.
    count: Variable,
}

/// Numbers of one type, scalar or in lanes.
#[derive(Clone, Copy)]
struct Numbers {
    of: Type,
    /// Least size from which on nothing that is computed here loses bits at the small end.
    least: f64,
    /// Size up to which nothing overflows.
    greatest: f64,
}

impl Numbers {
    fn new(arithmetic: Arithmetic, vector: bool) -> Self {
        let of = match (arithmetic.single, vector) {
            (false, false) => types::F64,
            (false, true) => types::F64X2,
            (true, false) => types::F32,
            (true, true) => types::F32X4,
        };
        // An error of a product is as small as its square's last place.
        let (least, greatest) = if arithmetic.single {
            (f64::exp2(-90.0), f64::exp2(120.0))
        } else {
            (f64::exp2(-900.0), f64::exp2(1000.0))
        };
        Self {
            of,
            least,
            greatest,
        }
    }
}

impl Translator<'_> {
    /// Prepares to defer, where the plan has an operation that does.
    pub(super) fn begin_deferring(&mut self) {
        let word = |this: &mut Self| {
            let variable = this.builder.declare_var(types::I64);
            let zero = this.word(0);
            this.builder.def_var(variable, zero);
            variable
        };
        self.deferred = Some(Deferred {
            function: word(self),
            operands: [word(self), word(self), word(self)],
            count: word(self),
        });
    }

    /// Gives FPSCR what the last scalar operation has set.
    pub(super) fn settle_float(&mut self) {
        let Some(deferred) = self.deferred else {
            return;
        };
        let function = self.builder.use_var(deferred.function);
        let [due, done] = [(); 2].map(|()| self.builder.create_block());
        self.builder.ins().brif(function, due, &[], done, &[]);
        self.builder.switch_to_block(due);
        let fpscr = self.fpscr();
        let [a, b, c] = deferred
            .operands
            .map(|operand| self.builder.use_var(operand));
        let count = self.builder.use_var(deferred.count);
        self.call(
            address!(context::settle_float),
            &[fpscr, function, count, a, b, c],
            None,
        );
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        let none = self.word(0);
        self.builder.def_var(deferred.function, none);
    }

    /// Leaves to the caller of the code what is deferred.
    pub(super) fn hand_over_float(&mut self) {
        let Some(deferred) = self.deferred else {
            return;
        };
        let [a, b, c] = deferred.operands;
        let fields = [deferred.function, deferred.count, a, b, c];
        for (variable, offset) in fields.into_iter().zip(Context::DEFERRED) {
            let value = self.builder.use_var(variable);
            let flags = MemFlagsData::trusted();
            self.builder
                .ins()
                .store(flags, value, self.context, offset as i32);
        }
    }

    /// A scalar operation, on the host's unit where that is possible.
    pub(super) fn scalar_float(
        &mut self,
        lower: Lower,
        shim: u64,
        function: u64,
        target: u32,
        operands: &[Value],
    ) -> Done<Self> {
        if !self.mode.float_exceptions()
            && let Some(arithmetic) = Arithmetic::of(lower, false)
            && let Some(deferred) = self.deferred
        {
            // Both ways need it: what the slow one leaves alone stays.
            self.get(Slot::Vsr(target));
            let cached = self.cached.clone();
            let value = self.scalar_arithmetic(arithmetic, deferred, function, operands, |this| {
                // Without enabled exceptions its status is of no interest.
                let _ = this.call_float_with_status(shim, function, target, operands);
                this.get(Slot::Vsr(target))
            });
            self.restore(cached);
            self.set(Slot::Vsr(target), value);
            return Ok(());
        }
        self.call_float(shim, function, target, operands)
    }

    /// A vector operation, on the host's unit where that is possible.
    pub(super) fn vector_float(
        &mut self,
        lower: Lower,
        shim: u64,
        function: u64,
        target: u32,
        operands: &[Value],
    ) -> Done<Self> {
        let arithmetic = Arithmetic::of(lower, true).filter(|_| self.region.is_some());
        if let Some(arithmetic) = arithmetic
            && !self.mode.float_exceptions()
        {
            self.get(Slot::Vsr(target));
            let cached = self.cached.clone();
            let value = self.vector_arithmetic(arithmetic, operands, |this| {
                let pointers = this.all_by_pointer(operands);
                let _ = this.call_float_with_status(shim, function, target, &pointers);
                this.get(Slot::Vsr(target))
            });
            self.restore(cached);
            self.set(Slot::Vsr(target), value);
            return Ok(());
        }
        let pointers = self.all_by_pointer(operands);
        self.call_float(shim, function, target, &pointers)
    }

    fn all_by_pointer(&mut self, operands: &[Value]) -> Vec<Value> {
        let operands = operands.iter().enumerate();
        operands
            .map(|(index, &operand)| self.by_pointer(index, operand))
            .collect()
    }

    /// A scalar operation: its result, on the host's unit where that will do, else what `slow` makes of it. The slow way may leave
    /// the target alone, so both give the whole register.
    fn scalar_arithmetic(
        &mut self,
        arithmetic: Arithmetic,
        deferred: Deferred,
        function: u64,
        operands: &[Value],
        slow: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let numbers = Numbers::new(arithmetic, false);
        let flags = MemFlagsData::new();
        let values: Vec<Value> = operands
            .iter()
            .map(|&operand| self.builder.ins().bitcast(numbers.of, flags, operand))
            .collect();
        let [fast_block, slow_block, done] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(slow_block);
        let register = self.builder.append_block_param(done, types::I64X2);
        let (result, good) = self.on_host(arithmetic.operation, numbers, &values);
        self.builder
            .ins()
            .brif(good, fast_block, &[], slow_block, &[]);
        self.builder.switch_to_block(slow_block);
        let value = slow(self);
        self.builder.ins().jump(done, &[value.into()]);
        self.builder.switch_to_block(fast_block);
        let function = self.word(function);
        let count = self.word(operands.len() as u64);
        self.builder.def_var(deferred.function, function);
        self.builder.def_var(deferred.count, count);
        for (&variable, &operand) in deferred.operands.iter().zip(operands) {
            self.builder.def_var(variable, operand);
        }
        let bits = self.builder.ins().bitcast(types::I64, flags, result);
        let zero = self.word(0);
        let whole = self.join(bits, zero);
        self.builder.ins().jump(done, &[whole.into()]);
        self.builder.switch_to_block(done);
        register
    }

    /// A vector operation; as [`Self::scalar_arithmetic`].
    fn vector_arithmetic(
        &mut self,
        arithmetic: Arithmetic,
        operands: &[Value],
        slow: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let numbers = Numbers::new(arithmetic, true);
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        let values: Vec<Value> = operands
            .iter()
            .map(|&operand| self.builder.ins().bitcast(numbers.of, flags, operand))
            .collect();
        let [fast_block, slow_block, done] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(slow_block);
        let register = self.builder.append_block_param(done, types::I64X2);
        let (result, good) = self.on_host(arithmetic.operation, numbers, &values);
        self.builder
            .ins()
            .brif(good, fast_block, &[], slow_block, &[]);
        self.builder.switch_to_block(slow_block);
        let value = slow(self);
        self.builder.ins().jump(done, &[value.into()]);
        self.builder.switch_to_block(fast_block);
        let bits = self.builder.ins().bitcast(types::I64X2, flags, result);
        self.builder.ins().jump(done, &[bits.into()]);
        self.builder.switch_to_block(done);
        register
    }

    /// The host's result, and whether it may be taken.
    fn on_host(
        &mut self,
        operation: Operation,
        numbers: Numbers,
        operands: &[Value],
    ) -> (Value, Value) {
        let (a, b) = (operands[0], operands[1]);
        let mut exact_terms = Vec::new();
        let result = match operation {
            Operation::Add => {
                let sum = self.builder.ins().fadd(a, b);
                exact_terms.push(self.error_of_sum(a, b, sum));
                sum
            }
            Operation::Sub => {
                let minus = self.builder.ins().fneg(b);
                let sum = self.builder.ins().fadd(a, minus);
                exact_terms.push(self.error_of_sum(a, minus, sum));
                sum
            }
            Operation::Mul => self.builder.ins().fmul(a, b),
            Operation::Madd { subtract, negate } => {
                let addend = match (operands.get(2), subtract) {
                    (Some(&addend), false) => addend,
                    (Some(&addend), true) => self.builder.ins().fneg(addend),
                    (None, _) => b,
                };
                let sum = self.builder.ins().fma(a, b, addend);
                if negate {
                    self.builder.ins().fneg(sum)
                } else {
                    sum
                }
            }
        };
        let [test_exact, test_size, done] = [(); 3].map(|()| self.builder.create_block());
        let good = self.builder.append_block_param(done, types::I8);
        let fpscr = self.builder.ins().load(
            types::I64,
            MemFlagsData::trusted(),
            self.registers,
            FPSCR as i32,
        );
        // XX set and no control bits: the size alone decides.
        let relevant = self.builder.ins().band_imm_u(fpscr, INEXACT | CONTROL);
        let plain = self
            .builder
            .ins()
            .icmp_imm_u(IntCC::Equal, relevant, INEXACT);
        self.builder
            .ins()
            .brif(plain, test_size, &[], test_exact, &[]);
        self.builder.switch_to_block(test_size);
        let in_range = self.in_range(numbers, result, false);
        self.builder
            .ins()
            .brif(in_range, done, &[in_range.into()], test_exact, &[]);
        self.builder.switch_to_block(test_exact);
        let control = self.builder.ins().band_imm_u(fpscr, CONTROL);
        let mut exact = self.builder.ins().icmp_imm_u(IntCC::Equal, control, 0);
        if let Operation::Mul | Operation::Madd { .. } = operation {
            let product = match operation {
                Operation::Mul => result,
                _ => self.builder.ins().fmul(a, b),
            };
            let minus = self.builder.ins().fneg(product);
            exact_terms.push(self.builder.ins().fma(a, b, minus));
            let sized = self.in_range(numbers, product, true);
            // A product of 0 is exact where a factor is 0.
            exact = self.builder.ins().band(exact, sized);
            let zero_is_exact = self.zero_product_is_exact(numbers, a, b, product);
            exact = self.builder.ins().band(exact, zero_is_exact);
            if let Operation::Madd { subtract, .. } = operation {
                let addend = operands[2];
                let addend = if subtract {
                    self.builder.ins().fneg(addend)
                } else {
                    addend
                };
                let sum = self.builder.ins().fadd(product, addend);
                exact_terms.push(self.error_of_sum(product, addend, sum));
            }
        }
        let zero = self.constant(numbers.of, 0.0);
        for term in exact_terms {
            let is_zero = self.all(numbers.of, FloatCC::Equal, term, zero);
            exact = self.builder.ins().band(exact, is_zero);
        }
        self.builder.ins().jump(done, &[exact.into()]);
        self.builder.switch_to_block(done);
        (result, good)
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

    /// Whether all sizes are where nothing overflows or is lost; `or_zero`: or 0.
    fn in_range(&mut self, numbers: Numbers, value: Value, or_zero: bool) -> Value {
        let size = self.builder.ins().fabs(value);
        let (least, greatest) = (
            self.constant(numbers.of, numbers.least),
            self.constant(numbers.of, numbers.greatest),
        );
        if !or_zero {
            let low = self.all(numbers.of, FloatCC::GreaterThanOrEqual, size, least);
            let high = self.all(numbers.of, FloatCC::LessThanOrEqual, size, greatest);
            return self.builder.ins().band(low, high);
        }
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

    /// Whether a comparison holds in all lanes.
    fn all(&mut self, of: Type, code: FloatCC, a: Value, b: Value) -> Value {
        let lanes = self.builder.ins().fcmp(code, a, b);
        self.all_true(of, lanes)
    }

    fn all_true(&mut self, of: Type, lanes: Value) -> Value {
        if of.is_vector() {
            self.builder.ins().vall_true(lanes)
        } else {
            lanes
        }
    }

    fn constant(&mut self, of: Type, value: f64) -> Value {
        let lane = match of.lane_type() {
            types::F32 => self.builder.ins().f32const(value as f32),
            _ => self.builder.ins().f64const(value),
        };
        if of.is_vector() {
            self.builder.ins().splat(of, lane)
        } else {
            lane
        }
    }
}
