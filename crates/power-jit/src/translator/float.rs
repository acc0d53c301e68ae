//! Floating-point arithmetic on the host's unit, in regions, where FPSCR comes out exact all the same.
//!
//! The host's result is taken where rounding is to nearest, no exception is enabled, and the operation raises no exception that
//! FPSCR does not show yet: it is exact, which is tested with error-free transformations, or it is at most inexact, XX is set
//! already, and its size is far from overflow and underflow, or it is a 0 that nothing but an exact one can have become. In all
//! other cases the function of `power-float` is called. Scalars of single precision are held as doubles; where these are singles,
//! the host computes with them as such.
//!
//! Scalar operations also set FR, FI and FPRF, anew each time. Only somebody who looks at FPSCR sees that: so the last operation
//! is remembered, and done once more by the function before anything else works on FPSCR or the region is left. Vector operations
//! don't set them.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    self, Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode, Type, Value, types,
};
use cranelift_frontend::Variable;
use power::engine::{Done, Lower};

use super::Translator;
use super::calls::address;
use super::registers::FPSCR;
use crate::context::{self, Context};
use crate::image::HostFunction;
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
    Div,
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
    /// What a hint asks for, where there is something to be done about it here.
    pub(super) fn of(lower: Lower) -> Option<Self> {
        let madd = |subtract, negate| Operation::Madd { subtract, negate };
        let (operation, single) = match lower {
            Lower::Add64 => (Operation::Add, false),
            Lower::Sub64 => (Operation::Sub, false),
            Lower::Mul64 => (Operation::Mul, false),
            Lower::Div64 => (Operation::Div, false),
            Lower::Div32 => (Operation::Div, true),
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

/// The scalar operation whose FR, FI and FPRF are still to come.
#[derive(Clone, Copy)]
pub(super) struct Deferred {
    /// 0: none; else the function.
    function: Variable,
    /// Its operands, as numbers so that they stay where they are; the third is unused where it takes two.
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
        let number = |this: &mut Self| {
            let variable = this.builder.declare_var(types::F64);
            let zero = this.builder.ins().f64const(0.0);
            this.builder.def_var(variable, zero);
            variable
        };
        self.deferred = Some(Deferred {
            function: word(self),
            operands: [number(self), number(self), number(self)],
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
        let [a, b, c] = deferred.operands.map(|operand| {
            let number = self.builder.use_var(operand);
            let flags = MemFlagsData::new();
            self.builder.ins().bitcast(types::I64, flags, number)
        });
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

    /// Not 0 where something is deferred; None where nothing ever is.
    pub(super) fn deferred_function(&mut self) -> Option<Value> {
        let deferred = self.deferred?;
        Some(self.builder.use_var(deferred.function))
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
            let context = self.context();
            self.builder
                .ins()
                .store(flags, value, context, offset as i32);
        }
    }

    /// A scalar operation, on the host's unit where that is possible.
    pub(super) fn scalar_float(
        &mut self,
        lower: Lower,
        shim: HostFunction,
        function: HostFunction,
        target: u32,
        operands: &[Value],
    ) -> Done<Self> {
        if !self.mode.float_exceptions()
            && let Some(arithmetic) = Arithmetic::of(lower)
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
        shim: HostFunction,
        function: HostFunction,
        target: u32,
        operands: &[Value],
    ) -> Done<Self> {
        let arithmetic = Arithmetic::of(lower).filter(|_| self.region.is_some());
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
        function: HostFunction,
        operands: &[Value],
        slow: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let numbers = Numbers::new(arithmetic, false);
        let doubles: Vec<Value> = operands
            .iter()
            .map(|&operand| self.as_double(operand))
            .collect();
        let [fast_block, slow_block, done] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(slow_block);
        let register = self.builder.append_block_param(done, types::I64X2);
        let values = if arithmetic.single {
            self.as_singles(&doubles, slow_block)
        } else {
            doubles.clone()
        };
        let result = self.on_host(
            arithmetic.operation,
            numbers,
            &values,
            fast_block,
            slow_block,
        );
        self.builder.switch_to_block(slow_block);
        let value = slow(self);
        self.builder.ins().jump(done, &[value.into()]);
        self.builder.switch_to_block(fast_block);
        let function = self.word(function.distance() as u64);
        let count = self.word(operands.len() as u64);
        self.builder.def_var(deferred.function, function);
        self.builder.def_var(deferred.count, count);
        for (&variable, &operand) in deferred.operands.iter().zip(&doubles) {
            self.builder.def_var(variable, operand);
        }
        let double = if arithmetic.single {
            self.builder.ins().fpromote(types::F64, result)
        } else {
            result
        };
        let whole = self.of_double(double);
        self.builder.ins().jump(done, &[whole.into()]);
        self.builder.switch_to_block(done);
        register
    }

    /// A word as a double. Where it is the half of a vector register, it does not leave the host's vector registers.
    fn as_double(&mut self, word: Value) -> Value {
        let made_by = self.builder.func.dfg.value_def(word).inst();
        if let Some(made_by) = made_by
            && let InstructionData::BinaryImm8 {
                opcode: Opcode::Extractlane,
                arg,
                imm,
            } = self.builder.func.dfg.insts[made_by]
        {
            let flags = MemFlagsData::new().with_endianness(Endianness::Little);
            let vector = self.builder.ins().bitcast(types::F64X2, flags, arg);
            return self.builder.ins().extractlane(vector, imm);
        }
        let flags = MemFlagsData::new();
        self.builder.ins().bitcast(types::F64, flags, word)
    }

    /// The register that a double makes: its other half is 0.
    fn of_double(&mut self, double: Value) -> Value {
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        let zero = self.constant(types::F64X2, 0.0);
        let vector = self.builder.ins().insertlane(zero, double, 1);
        self.builder.ins().bitcast(types::I64X2, flags, vector)
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
        let result = self.on_host(
            arithmetic.operation,
            numbers,
            &values,
            fast_block,
            slow_block,
        );
        self.builder.switch_to_block(slow_block);
        let value = slow(self);
        self.builder.ins().jump(done, &[value.into()]);
        self.builder.switch_to_block(fast_block);
        let bits = self.builder.ins().bitcast(types::I64X2, flags, result);
        self.builder.ins().jump(done, &[bits.into()]);
        self.builder.switch_to_block(done);
        register
    }

    /// The host's result; goes to `good` where it may be taken, else to `bad`.
    fn on_host(
        &mut self,
        operation: Operation,
        numbers: Numbers,
        operands: &[Value],
        good: ir::Block,
        bad: ir::Block,
    ) -> Value {
        let (a, b) = (operands[0], operands[1]);
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
        let registers = self.registers();
        let fpscr =
            self.builder
                .ins()
                .load(types::I64, MemFlagsData::trusted(), registers, FPSCR as i32);
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
        result
    }

    /// Per lane: the size is one where nothing has overflowed or underflowed.
    fn sized(&mut self, numbers: Numbers, value: Value) -> Value {
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
            (Operation::Div, _) => self.builder.ins().fcmp(FloatCC::Equal, a, zero),
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
        let control = self.builder.ins().band_imm_u(fpscr, CONTROL);
        let mut exact = self.builder.ins().icmp_imm_u(IntCC::Equal, control, 0);
        let mut exact_terms = Vec::new();
        match operation {
            Operation::Add => exact_terms.push(self.error_of_sum(a, b, result)),
            Operation::Sub => {
                let minus = self.builder.ins().fneg(b);
                exact_terms.push(self.error_of_sum(a, minus, result));
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
