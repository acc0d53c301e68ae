//! Calls from generated code to [`crate::shims`].

use cranelift_codegen::ir::{
    AbiParam, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, Type, Value,
    types,
};
use power::Insn;
use power::engine::Done;

use super::registers::{FPSCR, VSCR};
use super::{INSTRUCTION, Translator};
use crate::block::ExitKind;
use crate::context::Context;
use crate::image::HostFunction;
use crate::shims;
use crate::slot::Slot;
use crate::trampoline::{self, Shim};

/// Stack slots: three operands and two results.
pub(super) const QUADWORDS: usize = 5;
/// The slot of the result.
const RESULT: usize = 3;
/// The slot of the second half of a result in two registers.
const SECOND_RESULT: usize = 4;
/// log2 of a quadword's alignment.
const QUADWORD_ALIGN: u8 = align_of::<u128>().ilog2() as u8;

/// A function of this program, for generated code.
macro_rules! address {
    ($function:expr) => {
        $crate::image::HostFunction::new($function as *const ())
    };
}
pub(super) use address;

impl Translator<'_> {
    /// The host address of a function of this program, as code that may run in another process finds it.
    pub(super) fn function(&mut self, function: HostFunction) -> Value {
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        let context = self.context();
        let base = self
            .builder
            .ins()
            .load(types::I64, flags, context, Context::BASE as i32);
        self.builder.ins().iadd_imm_s(base, function.distance())
    }

    /// Calls a function.
    pub(super) fn call(
        &mut self,
        function: HostFunction,
        arguments: &[Value],
        result: Option<Type>,
    ) -> Option<Value> {
        let mut signature = Signature::new(self.isa.default_call_conv());
        for &argument in arguments {
            signature
                .params
                .push(AbiParam::new(self.builder.func.dfg.value_type(argument)));
        }
        signature.returns.extend(result.map(AbiParam::new));
        let signature = self.builder.import_signature(signature);
        let callee = self.function(function);
        let call = self
            .builder
            .ins()
            .call_indirect(signature, callee, arguments);
        self.builder.inst_results(call).first().copied()
    }

    /// Calls a function that returns a word.
    pub(super) fn call_word(&mut self, function: HostFunction, arguments: &[Value]) -> Value {
        self.call(function, arguments, Some(types::I64))
            .expect("a call with a result type has a result")
    }

    /// Calls a memory shim through its trampoline, as [`Self::call_memory`]; no register needs saving for it.
    pub(super) fn call_trampoline(&mut self, shim: Shim, arguments: &[Value]) {
        self.call_shim(shim, arguments);
        self.exit_where_refused();
    }

    /// What the last shim that was called through a trampoline has left.
    pub(super) fn shim_result(&mut self) -> Value {
        let offset = Context::RESULT as i32;
        let flags = MemFlagsData::trusted();
        let context = self.context();
        self.builder.ins().load(types::I64, flags, context, offset)
    }

    /// Calls a shim with the context and `arguments` through its trampoline; no register needs saving for it.
    pub(super) fn call_shim(&mut self, shim: Shim, arguments: &[Value]) {
        let arguments: Vec<Value> = std::iter::once(self.context())
            .chain(arguments.iter().copied())
            .collect();
        let signature = trampoline::signature(arguments.len());
        let signature = self.builder.import_signature(signature);
        let flags = MemFlagsData::trusted();
        let (of, offset) = (arguments[0], shim.in_context());
        let callee = self.builder.ins().load(types::I64, flags, of, offset);
        self.builder
            .ins()
            .call_indirect(signature, callee, &arguments);
    }

    /// Calls a memory shim with the context and `arguments`; leaves the block where the access was refused.
    pub(super) fn call_memory(
        &mut self,
        function: HostFunction,
        arguments: &[Value],
        result: Option<Type>,
    ) -> Option<Value> {
        let arguments: Vec<Value> = std::iter::once(self.context())
            .chain(arguments.iter().copied())
            .collect();
        let result = self.call(function, &arguments, result);
        self.exit_where_refused();
        result
    }

    /// Calls the function of an instruction that acts on the processor as a whole. It sees and leaves all registers in memory.
    pub(super) fn call_system(&mut self, function: HostFunction, insn: Insn) {
        self.materialise_fpscr();
        self.write_back();
        let next = self.address(self.offset + INSTRUCTION);
        self.store_nia(next);
        let (function, insn) = (self.function(function), self.word(insn.0.into()));
        let context = self.context();
        let goes_on = self.call_word(address!(shims::system), &[context, function, insn]);
        let [stay, leave, fault, changed] = [(); 4].map(|()| self.builder.create_block());
        for block in [leave, fault, changed] {
            self.builder.set_cold_block(block);
        }
        self.builder.ins().brif(goes_on, stay, &[], leave, &[]);
        self.builder.switch_to_block(leave);
        let faulted = self.faulted();
        self.builder.ins().brif(faulted, fault, &[], changed, &[]);
        for (block, kind) in [(fault, ExitKind::SystemFault), (changed, ExitKind::Changed)] {
            self.builder.switch_to_block(block);
            self.leave(kind, self.completed + 1);
        }
        self.builder.switch_to_block(stay);
        self.reload();
    }

    /// Whether the last call for memory or the processor was refused.
    pub(super) fn faulted(&mut self) -> Value {
        let context = self.context();
        self.builder.ins().load(
            types::I8,
            MemFlagsData::trusted(),
            context,
            Context::FAULTED as i32,
        )
    }

    /// Stack memory `index`, as an address.
    fn quadword(&mut self, index: usize) -> Value {
        let slot = match self.quadwords[index] {
            Some(slot) => slot,
            None => {
                let size = size_of::<u128>() as u32;
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size, QUADWORD_ALIGN);
                let slot = self.builder.create_sized_stack_slot(data);
                self.quadwords[index] = Some(slot);
                slot
            }
        };
        self.builder
            .ins()
            .stack_addr(self.isa.pointer_type(), slot, 0)
    }

    /// The address of a copy of operand `index` (0 to 2), good for the next call.
    pub(super) fn by_pointer(&mut self, index: usize, value: Value) -> Value {
        let address = self.quadword(index);
        self.builder
            .ins()
            .store(MemFlagsData::trusted(), value, address, 0);
        address
    }

    /// The address where a shim leaves its result.
    pub(super) fn result_pointer(&mut self) -> Value {
        self.quadword(RESULT)
    }

    /// What the last shim left as its result.
    pub(super) fn result(&mut self) -> Value {
        self.load_quadword_slot(RESULT)
    }

    /// What is in stack memory `index`.
    fn load_quadword_slot(&mut self, index: usize) -> Value {
        let address = self.quadword(index);
        self.builder
            .ins()
            .load(types::I64X2, MemFlagsData::trusted(), address, 0)
    }

    /// The address of FPSCR.
    pub(super) fn fpscr(&mut self) -> Value {
        let registers = self.registers();
        self.builder.ins().iadd_imm_s(registers, FPSCR)
    }

    /// The address of VSCR.
    pub(super) fn vscr(&mut self) -> Value {
        let registers = self.registers();
        self.builder.ins().iadd_imm_s(registers, VSCR)
    }

    /// Calls a floating-point shim: FPSCR, the function, the target's VSR by pointer, and `operands`.
    pub(super) fn call_float(
        &mut self,
        shim: HostFunction,
        function: HostFunction,
        target: u32,
        operands: &[Value],
    ) -> Done<Self> {
        let status = self.call_float_with_status(shim, function, target, operands);
        self.float_done(status)
    }

    /// As [`Self::call_float`]; the shim's result is yet to be looked at.
    pub(super) fn call_float_with_status(
        &mut self,
        shim: HostFunction,
        function: HostFunction,
        target: u32,
        operands: &[Value],
    ) -> Value {
        self.materialise_fpscr();
        let before = self.get(Slot::Vsr(target));
        let pointer = self.result_pointer();
        self.builder
            .ins()
            .store(MemFlagsData::trusted(), before, pointer, 0);
        let function = self.function(function);
        let fpscr = self.fpscr();
        let arguments: Vec<Value> = [fpscr, function, pointer]
            .into_iter()
            .chain(operands.iter().copied())
            .collect();
        let status = self.call_word(shim, &arguments);
        let after = self.result();
        self.set(Slot::Vsr(target), after);
        status
    }

    /// As [`Self::call_float`], for a result whose halves are in VSR `target` and the next.
    pub(super) fn call_float_pair(
        &mut self,
        shim: HostFunction,
        function: HostFunction,
        target: u32,
        operands: &[Value],
    ) -> Done<Self> {
        self.materialise_fpscr();
        let registers = [(target, RESULT), (target + 1, SECOND_RESULT)];
        let pointers = registers.map(|(n, index)| {
            let before = self.get(Slot::Vsr(n));
            let pointer = self.quadword(index);
            self.builder
                .ins()
                .store(MemFlagsData::trusted(), before, pointer, 0);
            pointer
        });
        let function = self.function(function);
        let fpscr = self.fpscr();
        let arguments: Vec<Value> = [fpscr, function]
            .into_iter()
            .chain(pointers)
            .chain(operands.iter().copied())
            .collect();
        let status = self.call_word(shim, &arguments);
        for (n, index) in registers {
            let after = self.load_quadword_slot(index);
            self.set(Slot::Vsr(n), after);
        }
        self.float_done(status)
    }

    /// Calls a comparison shim: FPSCR, the function, and `operands`. Its field goes to CR field `bf`.
    pub(super) fn call_float_compare(
        &mut self,
        shim: HostFunction,
        function: HostFunction,
        bf: u32,
        operands: &[Value],
    ) -> Done<Self> {
        self.materialise_fpscr();
        let function = self.function(function);
        let fpscr = self.fpscr();
        let arguments: Vec<Value> = [fpscr, function]
            .into_iter()
            .chain(operands.iter().copied())
            .collect();
        let status = self.call_word(shim, &arguments);
        self.float_compared(status, bf)
    }

    /// CR field `bf` from bits 1 to 4 of a shim's result, then FEX from bit 0.
    pub(super) fn float_compared(&mut self, status: Value, bf: u32) -> Done<Self> {
        let field = self.builder.ins().ushr_imm_u(status, 1);
        let field = self.field_of_word(field);
        self.set_field(bf, field);
        self.float_done(status)
    }

    /// After a floating-point operation: FPSCR\[FEX\], in bit 0 of a shim's result, interrupts where exceptions are enabled; but
    /// not before the instruction has done what it still does then (set CR field 1).
    fn float_done(&mut self, status: Value) -> Done<Self> {
        if self.mode.float_exceptions() {
            let fex = self.builder.ins().band_imm_u(status, 1);
            self.float_exception = Some(match self.float_exception {
                Some(earlier) => self.builder.ins().bor(earlier, fex),
                None => fex,
            });
        }
        Ok(())
    }

    /// Calls a vector shim: what comes `first`, the function, the result by pointer, and `operands`; the vector that it leaves.
    pub(super) fn call_vector(
        &mut self,
        shim: HostFunction,
        first: Option<Value>,
        function: HostFunction,
        operands: &[Value],
    ) -> Value {
        let function = self.function(function);
        let pointer = self.result_pointer();
        let arguments: Vec<Value> = first
            .into_iter()
            .chain([function, pointer])
            .chain(operands.iter().copied())
            .collect();
        self.call(shim, &arguments, None);
        self.result()
    }
}
