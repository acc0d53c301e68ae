//! Floating point on the host's unit, in regions, where FPSCR comes out exact all the same.
//!
//! The host's result is taken where rounding is to nearest, no exception is enabled, and the operation raises no exception that
//! FPSCR does not show yet: it is exact, or it is at most inexact and XX is set already. Where neither rounding nor an exception
//! can come of an operation, FPSCR does not matter. In all other cases the function of `power-float` is called.

mod arithmetic;
mod compare;
mod convert;
mod deferred;
mod numbers;

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::{self, Value, types};
use power::engine::{Done, Integral, Lower};

use super::Translator;
use crate::image::HostFunction;
use crate::slot::Slot;
use arithmetic::Arithmetic;
use compare::Choice;
use convert::Conversion;
pub(super) use deferred::Deferred;
use deferred::Shown;

/// What the host's unit can do of scalar operations.
#[derive(Clone, Copy)]
enum Scalar {
    Arithmetic(Arithmetic),
    Choice(Choice),
    Conversion(Conversion),
}

impl Scalar {
    fn of(lower: Lower) -> Option<Self> {
        Arithmetic::of(lower)
            .map(Self::Arithmetic)
            .or_else(|| Choice::of(lower).map(Self::Choice))
            .or_else(|| Conversion::of(lower).map(Self::Conversion))
    }
}

/// What the host's unit can do of vector operations.
#[derive(Clone, Copy)]
enum Vector {
    Arithmetic(Arithmetic),
    Choice(Choice),
    Integral { how: Integral, single: bool },
}

impl Vector {
    fn of(lower: Lower) -> Option<Self> {
        let integral = match lower {
            Lower::Integral64(how) => Some((how, false)),
            Lower::Integral32(how) => Some((how, true)),
            _ => None,
        };
        Arithmetic::of(lower)
            .map(Self::Arithmetic)
            .or_else(|| Choice::of(lower).map(Self::Choice))
            .or_else(|| integral.map(|(how, single)| Self::Integral { how, single }))
    }
}

impl Translator<'_> {
    /// A scalar operation, on the host's unit where that is possible.
    pub(super) fn scalar_float(
        &mut self,
        lower: Lower,
        shim: HostFunction,
        function: HostFunction,
        target: u32,
        operands: &[Value],
    ) -> Done<Self> {
        let scalar = Scalar::of(lower).filter(|_| !self.mode.float_exceptions());
        let (Some(scalar), Some(deferred)) = (scalar, self.deferred) else {
            return self.call_float(shim, function, target, operands);
        };
        let doubles: Vec<Value> = operands
            .iter()
            .map(|&operand| self.as_double(operand))
            .collect();
        self.either_way(
            target,
            |this, bad| {
                let (register, shown) = match scalar {
                    Scalar::Arithmetic(arithmetic) => (
                        this.scalar_arithmetic(arithmetic, &doubles, bad),
                        Shown::All,
                    ),
                    Scalar::Choice(choice) => {
                        (this.scalar_choice(choice, &doubles, bad), Shown::Nothing)
                    }
                    Scalar::Conversion(conversion) => {
                        this.scalar_conversion(conversion, operands[0], doubles[0], bad)
                    }
                };
                this.defer(deferred, shown, function, &doubles);
                register
            },
            |this| {
                this.call_float_with_status(shim, function, target, operands);
            },
        );
        Ok(())
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
        let vector =
            Vector::of(lower).filter(|_| self.region.is_some() && !self.mode.float_exceptions());
        let Some(vector) = vector else {
            let pointers = self.all_by_pointer(operands);
            return self.call_float(shim, function, target, &pointers);
        };
        self.either_way(
            target,
            |this, bad| match vector {
                Vector::Arithmetic(arithmetic) => this.vector_arithmetic(arithmetic, operands, bad),
                Vector::Choice(choice) => this.vector_choice(choice, operands, bad),
                Vector::Integral { how, single } => {
                    this.vector_integral(how, single, operands[0], bad)
                }
            },
            |this| {
                let pointers = this.all_by_pointer(operands);
                this.call_float_with_status(shim, function, target, &pointers);
            },
        );
        Ok(())
    }

    /// The target's register as `fast` makes it, or, where that goes to the block it is given, as `slow` leaves it. The slow way is
    /// without enabled exceptions, so that its status is of no interest.
    fn either_way(
        &mut self,
        target: u32,
        fast: impl FnOnce(&mut Self, ir::Block) -> Value,
        slow: impl FnOnce(&mut Self),
    ) {
        // What the slow way leaves alone stays.
        self.get(Slot::Vsr(target));
        let cached = self.cached.clone();
        let [bad, done] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(bad);
        let register = self.builder.append_block_param(done, types::I64X2);
        let value = fast(self, bad);
        self.builder.ins().jump(done, &[value.into()]);
        self.builder.switch_to_block(bad);
        slow(self);
        let value = self.get(Slot::Vsr(target));
        self.builder.ins().jump(done, &[value.into()]);
        self.builder.switch_to_block(done);
        self.restore(cached);
        self.set(Slot::Vsr(target), register);
    }

    fn all_by_pointer(&mut self, operands: &[Value]) -> Vec<Value> {
        let operands = operands.iter().enumerate();
        operands
            .map(|(index, &operand)| self.by_pointer(index, operand))
            .collect()
    }
}
