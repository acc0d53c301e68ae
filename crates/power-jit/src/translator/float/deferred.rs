//! What scalar operations set in FPSCR anew each time: FR, FI and FPRF, or a part of them.
//!
//! Only somebody who looks at FPSCR sees that. So the last operation that sets all of it is remembered, and done once more by its
//! function before anything else works on FPSCR or the region is left; and with it what operations after it have set of single
//! fields.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::Variable;

use crate::context::{self, Context, LazyFpscr};
use crate::image::HostFunction;
use crate::translator::Translator;
use crate::translator::calls::address;
use crate::translator::registers::FPSCR;

/// What is still to come.
#[derive(Clone, Copy)]
pub(in crate::translator) struct Deferred {
    /// The function of the operation, where there is one.
    function: Variable,
    /// Its operands, as numbers so that they stay where they are; one that it does not take is anything.
    operands: [Variable; OPERANDS],
    /// How many it takes, 0 where there is none, and [`LazyFpscr`]. 0: nothing is to come.
    how: Variable,
}

/// The most operands.
const OPERANDS: usize = 3;

/// What the host's unit has done that FPSCR must show.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    /// FR, FI and FPRF, as the operation's function sets them.
    All,
    /// Some fields: which, and a [`LazyFpscr`] of them.
    Fields(LazyFpscr, Value),
    /// Nothing.
    Nothing,
}

impl Translator<'_> {
    /// Prepares to defer, where the plan has an operation that does.
    pub(in crate::translator) fn begin_deferring(&mut self) {
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
            operands: [(); OPERANDS].map(|()| number(self)),
            how: word(self),
        });
    }

    /// Remembers what an operation has set.
    pub(super) fn defer(
        &mut self,
        deferred: Deferred,
        shown: Shown,
        function: HostFunction,
        operands: &[Value],
    ) {
        match shown {
            Shown::All => {
                let function = self.word(function.distance() as u64);
                let how = self.word(operands.len() as u64);
                self.builder.def_var(deferred.function, function);
                self.builder.def_var(deferred.how, how);
                for (&variable, &operand) in deferred.operands.iter().zip(operands) {
                    self.builder.def_var(variable, operand);
                }
            }
            Shown::Fields(which, late) => {
                let how = self.builder.use_var(deferred.how);
                let others = self.builder.ins().band_imm_s(how, !(which.0 as i64));
                let how = self.builder.ins().bor(others, late);
                self.builder.def_var(deferred.how, how);
            }
            Shown::Nothing => {}
        }
    }

    /// Gives FPSCR what is deferred.
    pub(in crate::translator) fn materialise_fpscr(&mut self) {
        let Some(deferred) = self.deferred else {
            return;
        };
        let how = self.builder.use_var(deferred.how);
        let [due, done] = [(); 2].map(|()| self.builder.create_block());
        self.builder.ins().brif(how, due, &[], done, &[]);
        self.builder.switch_to_block(due);
        let fpscr = self.fpscr();
        let function = self.builder.use_var(deferred.function);
        let [a, b, c] = deferred.operands.map(|operand| {
            let number = self.builder.use_var(operand);
            let flags = MemFlagsData::new();
            self.builder.ins().bitcast(types::I64, flags, number)
        });
        self.call(
            address!(context::materialise_fpscr),
            &[fpscr, function, how, a, b, c],
            None,
        );
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        let none = self.word(0);
        self.builder.def_var(deferred.how, none);
    }

    /// Not 0 where an operation is deferred; None where none ever is. Single fields that are, FPSCR has got.
    pub(in crate::translator) fn deferred_operation(&mut self) -> Option<Value> {
        let deferred = self.deferred?;
        let how = self.builder.use_var(deferred.how);
        let [late, done] = [(); 2].map(|()| self.builder.create_block());
        self.builder.ins().brif(how, late, &[], done, &[]);
        self.builder.switch_to_block(late);
        // Where there is an operation too, its function comes yet, and then the fields once more.
        let fpscr = self.fpscr_bits();
        let [values, mask] = [LazyFpscr::VALUES, LazyFpscr::MASK].map(|shift| {
            let bits = self.builder.ins().ushr_imm_u(how, i64::from(shift));
            let bits = self.builder.ins().band_imm_u(bits, LazyFpscr::BITS as i64);
            self.builder
                .ins()
                .ishl_imm_u(bits, i64::from(LazyFpscr::IN_FPSCR))
        });
        let others = self.builder.ins().band_not(fpscr, mask);
        let fpscr = self.builder.ins().bor(others, values);
        let registers = self.registers();
        self.builder
            .ins()
            .store(MemFlagsData::trusted(), fpscr, registers, FPSCR as i32);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        let count = LazyFpscr::OPERANDS as i64;
        Some(self.builder.ins().band_imm_u(how, count))
    }

    /// Leaves to the caller of the code what is deferred.
    pub(in crate::translator) fn hand_over_float(&mut self) {
        let Some(deferred) = self.deferred else {
            return;
        };
        let [a, b, c] = deferred.operands;
        let fields = [deferred.function, deferred.how, a, b, c];
        for (variable, offset) in fields.into_iter().zip(Context::DEFERRED) {
            let value = self.builder.use_var(variable);
            let flags = MemFlagsData::trusted();
            let context = self.context();
            self.builder
                .ins()
                .store(flags, value, context, offset as i32);
        }
    }
}
