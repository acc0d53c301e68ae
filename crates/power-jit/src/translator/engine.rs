//! [`Engine`] on Cranelift values: words are 64-bit integers, conditions 0 or 1 in 8 bits, vectors two 64-bit lanes of which
//! lane 0 is the low doubleword.

use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{InstBuilder, InstructionData, Type, Value, types};
use power::Insn;
use power::decode::decode;
use power::engine::{
    BranchKind, BranchReg, Done, Engine, Facility, Fence, Lower, Order, SystemFn, Target, Width,
    XerBit,
};
use power::interrupt::{Interrupt, ProgramCause};
use power_float::{Fpscr, memory};

use super::calls::address;
use super::condition::Field;
use super::{Branched, Destination, Stop, Translator};
use crate::block::ExitKind;
use crate::effects::called_in_line;
use crate::shims;
use crate::slot::Slot;

impl Engine for Translator<'_> {
    type Word = Value;
    type Cond = Value;
    type Vector = Value;
    type Stop = Stop;

    fn imm(&mut self, value: u64) -> Value {
        self.word(value)
    }
    fn cond_imm(&mut self, value: bool) -> Value {
        self.builder.ins().iconst(types::I8, i64::from(value))
    }
    fn add(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().iadd(a, b)
    }
    fn sub(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().isub(a, b)
    }
    fn mul(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().imul(a, b)
    }
    fn mul_high_signed(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().smulhi(a, b)
    }
    fn mul_high_unsigned(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().umulhi(a, b)
    }
    fn div_signed(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().sdiv(a, b)
    }
    fn div_unsigned(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().udiv(a, b)
    }
    fn rem_signed(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().srem(a, b)
    }
    fn rem_unsigned(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().urem(a, b)
    }
    fn and(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().band(a, b)
    }
    fn or(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().bor(a, b)
    }
    fn xor(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().bxor(a, b)
    }
    fn not(&mut self, a: Value) -> Value {
        self.builder.ins().bnot(a)
    }
    // Cranelift's shifts take the amount modulo the width, as these do.
    fn shl(&mut self, a: Value, n: Value) -> Value {
        self.builder.ins().ishl(a, n)
    }
    fn shr(&mut self, a: Value, n: Value) -> Value {
        self.builder.ins().ushr(a, n)
    }
    fn sar(&mut self, a: Value, n: Value) -> Value {
        self.builder.ins().sshr(a, n)
    }
    fn rotl(&mut self, a: Value, n: Value) -> Value {
        self.builder.ins().rotl(a, n)
    }
    fn clz(&mut self, a: Value) -> Value {
        self.builder.ins().clz(a)
    }
    fn ctz(&mut self, a: Value) -> Value {
        self.builder.ins().ctz(a)
    }
    fn sign_extend(&mut self, a: Value, width: Width) -> Value {
        match narrow(width) {
            Some(narrow) => {
                let low = self.builder.ins().ireduce(narrow, a);
                self.builder.ins().sextend(types::I64, low)
            }
            None => a,
        }
    }
    fn zero_extend(&mut self, a: Value, width: Width) -> Value {
        match narrow(width) {
            Some(narrow) => {
                let low = self.builder.ins().ireduce(narrow, a);
                self.builder.ins().uextend(types::I64, low)
            }
            None => a,
        }
    }
    fn swap_bytes(&mut self, a: Value) -> Value {
        self.builder.ins().bswap(a)
    }
    fn pure1(&mut self, f: fn(u64) -> u64, a: Value) -> Value {
        let f = self.function(address!(f));
        self.call_word(address!(shims::pure1), &[f, a])
    }
    fn pure2(&mut self, f: fn(u64, u64) -> u64, a: Value, b: Value) -> Value {
        let f = self.function(address!(f));
        self.call_word(address!(shims::pure2), &[f, a, b])
    }
    fn pure3(&mut self, f: fn(u64, u64, u64) -> u64, a: Value, b: Value, c: Value) -> Value {
        let f = self.function(address!(f));
        self.call_word(address!(shims::pure3), &[f, a, b, c])
    }

    fn double_from_single(&mut self, a: Value) -> Value {
        self.loaded_single(a)
    }
    fn single_from_double(&mut self, a: Value) -> Value {
        self.stored_single(a, |this| {
            this.pure1(|a| memory::single_from_double(a).into(), a)
        })
    }
    fn float_select(&mut self, a: Value, b: Value, c: Value) -> Value {
        self.selected([a, b, c])
    }

    fn eq(&mut self, a: Value, b: Value) -> Value {
        self.icmp(IntCC::Equal, a, b)
    }
    fn lt_signed(&mut self, a: Value, b: Value) -> Value {
        self.icmp(IntCC::SignedLessThan, a, b)
    }
    fn lt_unsigned(&mut self, a: Value, b: Value) -> Value {
        self.icmp(IntCC::UnsignedLessThan, a, b)
    }
    fn both(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().band(a, b)
    }
    fn either(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().bor(a, b)
    }
    fn negate(&mut self, a: Value) -> Value {
        // A comparison is turned round, so that a branch on it needs no flag in a register.
        let made_by = self.builder.func.dfg.value_def(a).inst();
        if let Some(made_by) = made_by
            && let InstructionData::IntCompare {
                args: [a, b], cond, ..
            } = self.builder.func.dfg.insts[made_by]
        {
            return self.icmp(cond.complement(), a, b);
        }
        if let Some(made_by) = made_by
            && let InstructionData::FloatCompare {
                args: [a, b], cond, ..
            } = self.builder.func.dfg.insts[made_by]
        {
            return self.builder.ins().fcmp(cond.complement(), a, b);
        }
        self.builder.ins().bxor_imm_u(a, 1)
    }
    fn cond_word(&mut self, a: Value) -> Value {
        self.builder.ins().uextend(types::I64, a)
    }
    fn select(&mut self, c: Value, a: Value, b: Value) -> Value {
        self.builder.ins().select(c, a, b)
    }

    fn gpr(&mut self, n: u32) -> Value {
        self.get(Slot::Gpr(n))
    }
    fn set_gpr(&mut self, n: u32, value: Value) {
        self.set(Slot::Gpr(n), value);
    }
    fn branch_reg(&mut self, r: BranchReg) -> Value {
        self.get(Slot::Branch(r))
    }
    fn set_branch_reg(&mut self, r: BranchReg, value: Value) {
        self.set(Slot::Branch(r), value);
    }
    fn cr_bit(&mut self, n: u32) -> Value {
        let field = self.get_field(n / 4);
        self.field_bit(field, n % 4)
    }
    fn set_cr_bit(&mut self, n: u32, value: Value) {
        let field = self.get_field(n / 4);
        let field = self.field_with_bit(field, n % 4, value);
        self.set_field(n / 4, field);
    }
    fn cr_field(&mut self, n: u32) -> Value {
        let field = self.get_field(n);
        let number = self.field_number(field);
        self.builder.ins().uextend(types::I64, number)
    }
    fn set_cr_field(&mut self, n: u32, value: Value) {
        let field = self.field_of_word(value);
        self.set_field(n, field);
    }
    fn compare(&mut self, n: u32, a: Value, b: Value, signed: bool) {
        let so = self.get(Slot::Xer(XerBit::So));
        self.set_field(n, Field::Compare { a, b, signed, so });
    }
    fn xer_bit(&mut self, bit: XerBit) -> Value {
        self.get(Slot::Xer(bit))
    }
    fn set_xer_bit(&mut self, bit: XerBit, value: Value) {
        self.set(Slot::Xer(bit), value);
    }
    fn vsr(&mut self, n: u32) -> Value {
        self.get(Slot::Vsr(n))
    }
    fn set_vsr(&mut self, n: u32, value: Value) {
        self.set(Slot::Vsr(n), value);
    }
    fn vsr_high(&mut self, n: u32) -> Value {
        let vector = self.get(Slot::Vsr(n));
        self.split(vector).0
    }
    fn set_vsr_high(&mut self, n: u32, value: Value) {
        let vector = self.register_of(value);
        self.set(Slot::Vsr(n), vector);
    }
    fn vector(&mut self, high: Value, low: Value) -> Value {
        self.join(high, low)
    }
    fn halves(&mut self, v: Value) -> (Value, Value) {
        self.split(v)
    }

    fn load(&mut self, ea: Value, width: Width, order: Order) -> Result<Value, Stop> {
        Ok(self.load_number(ea, width, order))
    }
    fn store(&mut self, ea: Value, value: Value, width: Width, order: Order) -> Done<Self> {
        self.store_number(ea, value, width, order);
        Ok(())
    }
    fn load_vector(&mut self, ea: Value) -> Result<Value, Stop> {
        Ok(self.load_quadword(ea))
    }
    fn store_vector(&mut self, ea: Value, value: Value) -> Done<Self> {
        self.store_quadword(ea, value);
        Ok(())
    }
    fn load_reserve(&mut self, ea: Value, width: Width) -> Result<Value, Stop> {
        Ok(self.load_and_reserve(ea, width))
    }
    fn store_conditional(&mut self, ea: Value, value: Value, width: Width) -> Result<Value, Stop> {
        Ok(self.store_where_reserved(ea, value, width))
    }
    fn zero_block(&mut self, ea: Value) -> Done<Self> {
        self.call_on_block(address!(shims::zero_block), ea);
        Ok(())
    }
    fn touch_block(&mut self, ea: Value) -> Done<Self> {
        self.call_on_block(address!(shims::touch_block), ea);
        Ok(())
    }
    fn fence(&mut self, fence: Fence) {
        // Hosts with total store order keep everything in order but a store and a later load, which only `sync` asks for.
        if fence == Fence::Full || !cfg!(target_arch = "x86_64") {
            self.builder.ins().fence();
        }
    }
    fn big_endian(&mut self) -> bool {
        self.mode.big_endian()
    }

    fn cia(&mut self) -> Value {
        self.address(self.offset)
    }
    fn branch(&mut self, condition: Option<Value>, target: Target<Value>, _: BranchKind) {
        let to = match target {
            Target::Relative(distance) => Destination::Offset(self.offset.wrapping_add(distance)),
            Target::Absolute(address) => {
                let address = self.word(address);
                Destination::Address(self.effective(address))
            }
            Target::Register(address) => {
                let address = self.builder.ins().band_imm_s(address, !3);
                Destination::Address(self.effective(address))
            }
        };
        self.branched = Some(Branched { condition, to });
    }
    fn require(&mut self, facility: Facility) -> Done<Self> {
        if self.mode.has(facility) {
            return Ok(());
        }
        Err(self.raise(match facility {
            Facility::Float => Interrupt::FloatUnavailable,
            Facility::Vmx => Interrupt::VmxUnavailable,
            Facility::Vsx => Interrupt::VsxUnavailable,
            Facility::Privileged => Interrupt::Program(ProgramCause::Privileged),
        }))
    }
    fn raise(&mut self, interrupt: Interrupt) -> Stop {
        self.exit_always(interrupt);
        Stop
    }
    fn raise_if(&mut self, condition: Value, interrupt: Interrupt) -> Done<Self> {
        self.exit_if(condition, ExitKind::Interrupt(interrupt));
        Ok(())
    }
    fn system(&mut self, f: SystemFn, insn: Insn) -> Done<Self> {
        if self.region.is_some() && called_in_line(decode(insn)) {
            self.call_system(address!(f), insn);
            return Ok(());
        }
        self.needs_interpreter = true;
        Err(Stop)
    }

    fn float1(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u64) -> Option<u64>,
        target: u32,
        a: Value,
    ) -> Done<Self> {
        self.scalar_float(lower, address!(shims::float1), address!(f), target, &[a])
    }
    fn float2(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u64, u64) -> Option<u64>,
        target: u32,
        a: Value,
        b: Value,
    ) -> Done<Self> {
        self.scalar_float(lower, address!(shims::float2), address!(f), target, &[a, b])
    }
    fn float3(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u64, u64, u64) -> Option<u64>,
        target: u32,
        a: Value,
        b: Value,
        c: Value,
    ) -> Done<Self> {
        self.scalar_float(
            lower,
            address!(shims::float3),
            address!(f),
            target,
            &[a, b, c],
        )
    }
    fn float_compare(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u64, u64) -> u8,
        bf: u32,
        a: Value,
        b: Value,
    ) -> Done<Self> {
        self.float_compared_on_host(
            lower,
            address!(shims::float_compare),
            address!(f),
            bf,
            &[a, b],
        )
    }
    fn vfloat1(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u128) -> Option<u128>,
        target: u32,
        a: Value,
    ) -> Done<Self> {
        self.vector_float(lower, address!(shims::vfloat1), address!(f), target, &[a])
    }
    fn vfloat2(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u128, u128) -> Option<u128>,
        target: u32,
        a: Value,
        b: Value,
    ) -> Done<Self> {
        self.vector_float(
            lower,
            address!(shims::vfloat2),
            address!(f),
            target,
            &[a, b],
        )
    }
    fn vfloat3(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
        target: u32,
        a: Value,
        b: Value,
        c: Value,
    ) -> Done<Self> {
        self.vector_float(
            lower,
            address!(shims::vfloat3),
            address!(f),
            target,
            &[a, b, c],
        )
    }
    fn vfloat2_cr6(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u128, u128) -> Option<(u128, u8)>,
        target: u32,
        a: Value,
        b: Value,
    ) -> Done<Self> {
        self.vector_compared(
            lower,
            address!(shims::vfloat2_cr6),
            address!(f),
            target,
            [a, b],
        )
    }
    fn float_pair(
        &mut self,
        f: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
        target: u32,
        a: Value,
        b: Value,
        c: Value,
    ) -> Done<Self> {
        let operands = [
            self.by_pointer(0, a),
            self.by_pointer(1, b),
            self.by_pointer(2, c),
        ];
        self.call_float_pair(address!(shims::float_pair), address!(f), target, &operands)
    }
    fn vfloat_compare(
        &mut self,
        f: fn(&mut Fpscr, u128, u128) -> u8,
        bf: u32,
        a: Value,
        b: Value,
    ) -> Done<Self> {
        let (a, b) = (self.by_pointer(0, a), self.by_pointer(1, b));
        self.call_float_compare(address!(shims::vfloat_compare), address!(f), bf, &[a, b])
    }
    fn float_record(&mut self) {
        self.materialise_fpscr();
        let fpscr = self.fpscr();
        let field = self.call_word(address!(shims::float_record), &[fpscr]);
        self.set_cr_field(1, field);
    }

    fn vec1(&mut self, _: Lower, f: fn(u128) -> u128, a: Value) -> Value {
        let a = self.by_pointer(0, a);
        self.call_vector(address!(shims::vec1), None, address!(f), &[a])
    }
    fn vec2(&mut self, lower: Lower, f: fn(u128, u128) -> u128, a: Value, b: Value) -> Value {
        if let Some(result) = self.lower_vector(lower, a, b) {
            return result;
        }
        let (a, b) = (self.by_pointer(0, a), self.by_pointer(1, b));
        self.call_vector(address!(shims::vec2), None, address!(f), &[a, b])
    }
    fn vec3(
        &mut self,
        _: Lower,
        f: fn(u128, u128, u128) -> u128,
        a: Value,
        b: Value,
        c: Value,
    ) -> Value {
        let (a, b, c) = (
            self.by_pointer(0, a),
            self.by_pointer(1, b),
            self.by_pointer(2, c),
        );
        self.call_vector(address!(shims::vec3), None, address!(f), &[a, b, c])
    }
    fn vec1_imm(&mut self, f: fn(u128, u32) -> u128, a: Value, imm: u32) -> Value {
        let a = self.by_pointer(0, a);
        let imm = self.word(imm.into());
        self.call_vector(address!(shims::vec1_imm), None, address!(f), &[a, imm])
    }
    fn vec2_imm(&mut self, f: fn(u128, u128, u32) -> u128, a: Value, b: Value, imm: u32) -> Value {
        let (a, b) = (self.by_pointer(0, a), self.by_pointer(1, b));
        let imm = self.word(imm.into());
        self.call_vector(address!(shims::vec2_imm), None, address!(f), &[a, b, imm])
    }
    fn vec2_sat(&mut self, f: fn(u128, u128) -> (u128, bool), a: Value, b: Value) -> Value {
        let (a, b) = (self.by_pointer(0, a), self.by_pointer(1, b));
        let vscr = self.vscr();
        self.call_vector(address!(shims::vec2_sat), Some(vscr), address!(f), &[a, b])
    }
    fn vec3_sat(
        &mut self,
        f: fn(u128, u128, u128) -> (u128, bool),
        a: Value,
        b: Value,
        c: Value,
    ) -> Value {
        let (a, b, c) = (
            self.by_pointer(0, a),
            self.by_pointer(1, b),
            self.by_pointer(2, c),
        );
        let vscr = self.vscr();
        self.call_vector(
            address!(shims::vec3_sat),
            Some(vscr),
            address!(f),
            &[a, b, c],
        )
    }
    fn vec2_cr6(
        &mut self,
        f: fn(u128, u128, u32) -> (u128, u8),
        a: Value,
        b: Value,
        imm: u32,
    ) -> Value {
        let (a, b) = (self.by_pointer(0, a), self.by_pointer(1, b));
        let (f, out, imm) = (
            self.function(address!(f)),
            self.result_pointer(),
            self.word(imm.into()),
        );
        let field = self.call_word(address!(shims::vec2_cr6), &[f, out, a, b, imm]);
        self.set_cr_field(6, field);
        self.result()
    }
    fn vmx_float(
        &mut self,
        f: fn(u128, u128, u128, bool) -> u128,
        a: Value,
        b: Value,
        c: Value,
    ) -> Value {
        let (a, b, c) = (
            self.by_pointer(0, a),
            self.by_pointer(1, b),
            self.by_pointer(2, c),
        );
        let vscr = self.vscr();
        self.call_vector(
            address!(shims::vmx_float),
            Some(vscr),
            address!(f),
            &[a, b, c],
        )
    }
    fn vec_to_word(&mut self, f: fn(u128, u64) -> u64, a: Value, b: Value) -> Value {
        let a = self.by_pointer(0, a);
        let f = self.function(address!(f));
        self.call_word(address!(shims::vec_to_word), &[f, a, b])
    }
}

/// The type that holds a width less than a word's.
fn narrow(width: Width) -> Option<Type> {
    match width {
        Width::Byte => Some(types::I8),
        Width::Half => Some(types::I16),
        Width::Word => Some(types::I32),
        Width::Double => None,
    }
}
