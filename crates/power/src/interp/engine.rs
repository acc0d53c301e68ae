//! [`Engine`] on plain numbers: what rustc inlines into the interpreter's handlers.

use std::sync::atomic::{Ordering, fence};

use power_float::Fpscr;

use crate::cpu::{Cpu, Stopped};
use crate::engine::{
    BranchKind, BranchReg, Done, Engine, Facility, Fence, Lower, Order, SystemFn, Target, Width,
    XerBit,
};
use crate::insn::Insn;
use crate::interrupt::{Interrupt, ProgramCause};
use crate::msr;

const VSCR_SAT: u32 = 1;
const VSCR_NJ: u32 = 1 << 16;

/// `if` with the number's bytes swapped where the operand is not in host (little-endian) order.
macro_rules! load_as {
    ($cpu:ident, $ea:ident, $swap:ident, $type:ty) => {
        match $cpu.load_host::<$type>($ea) {
            Ok(value) => Ok(u64::from(if $swap { value.swap_bytes() } else { value })),
            Err(interrupt) => Err($cpu.stop(interrupt)),
        }
    };
}

macro_rules! store_as {
    ($cpu:ident, $ea:ident, $value:ident, $swap:ident, $type:ty) => {{
        let value = $value as $type;
        match $cpu.store_host::<$type>($ea, if $swap { value.swap_bytes() } else { value }) {
            Ok(()) => Ok(()),
            Err(interrupt) => Err($cpu.stop(interrupt)),
        }
    }};
}

impl Cpu {
    /// Whether an operand is in the order that a little-endian host must swap.
    #[inline(always)]
    fn swapped(&self, order: Order) -> bool {
        (self.big_endian != (order == Order::Reversed)) != cfg!(target_endian = "big")
    }

    /// After a floating-point operation: an enabled exception interrupts, the result written or not.
    #[inline(always)]
    fn float_done(&mut self) -> Result<(), Stopped> {
        if self.float_exceptions && self.regs.fpscr.fex() {
            return Err(self.stop(Interrupt::Program(ProgramCause::FloatingPoint)));
        }
        Ok(())
    }

    #[inline(always)]
    fn float_result(&mut self, target: u32, result: Option<u64>) -> Result<(), Stopped> {
        if let Some(value) = result {
            self.set_vsr_high(target, value);
        }
        self.float_done()
    }

    #[inline(always)]
    fn vfloat_result(&mut self, target: u32, result: Option<u128>) -> Result<(), Stopped> {
        if let Some(value) = result {
            self.regs.vsr[target as usize] = value;
        }
        self.float_done()
    }

    #[inline(always)]
    fn saturating(&mut self, (value, saturated): (u128, bool)) -> u128 {
        self.regs.vscr |= u32::from(saturated) * VSCR_SAT;
        value
    }
}

impl Engine for Cpu {
    type Word = u64;
    type Cond = bool;
    type Vector = u128;
    type Stop = Stopped;

    #[inline(always)]
    fn imm(&mut self, value: u64) -> u64 {
        value
    }
    #[inline(always)]
    fn cond_imm(&mut self, value: bool) -> bool {
        value
    }
    #[inline(always)]
    fn add(&mut self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn sub(&mut self, a: u64, b: u64) -> u64 {
        a.wrapping_sub(b)
    }
    #[inline(always)]
    fn mul(&mut self, a: u64, b: u64) -> u64 {
        a.wrapping_mul(b)
    }
    #[inline(always)]
    fn mul_high_signed(&mut self, a: u64, b: u64) -> u64 {
        ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64
    }
    #[inline(always)]
    fn mul_high_unsigned(&mut self, a: u64, b: u64) -> u64 {
        ((u128::from(a) * u128::from(b)) >> 64) as u64
    }
    #[inline(always)]
    fn div_signed(&mut self, a: u64, b: u64) -> u64 {
        (a as i64).wrapping_div(b as i64) as u64
    }
    #[inline(always)]
    fn div_unsigned(&mut self, a: u64, b: u64) -> u64 {
        a / b
    }
    #[inline(always)]
    fn rem_signed(&mut self, a: u64, b: u64) -> u64 {
        (a as i64).wrapping_rem(b as i64) as u64
    }
    #[inline(always)]
    fn rem_unsigned(&mut self, a: u64, b: u64) -> u64 {
        a % b
    }
    #[inline(always)]
    fn and(&mut self, a: u64, b: u64) -> u64 {
        a & b
    }
    #[inline(always)]
    fn or(&mut self, a: u64, b: u64) -> u64 {
        a | b
    }
    #[inline(always)]
    fn xor(&mut self, a: u64, b: u64) -> u64 {
        a ^ b
    }
    #[inline(always)]
    fn not(&mut self, a: u64) -> u64 {
        !a
    }
    #[inline(always)]
    fn shl(&mut self, a: u64, n: u64) -> u64 {
        a << (n & 63)
    }
    #[inline(always)]
    fn shr(&mut self, a: u64, n: u64) -> u64 {
        a >> (n & 63)
    }
    #[inline(always)]
    fn sar(&mut self, a: u64, n: u64) -> u64 {
        (a as i64 >> (n & 63)) as u64
    }
    #[inline(always)]
    fn rotl(&mut self, a: u64, n: u64) -> u64 {
        a.rotate_left((n & 63) as u32)
    }
    #[inline(always)]
    fn clz(&mut self, a: u64) -> u64 {
        u64::from(a.leading_zeros())
    }
    #[inline(always)]
    fn ctz(&mut self, a: u64) -> u64 {
        u64::from(a.trailing_zeros())
    }
    #[inline(always)]
    fn sign_extend(&mut self, a: u64, width: Width) -> u64 {
        match width {
            Width::Byte => a as i8 as u64,
            Width::Half => a as i16 as u64,
            Width::Word => a as i32 as u64,
            Width::Double => a,
        }
    }
    #[inline(always)]
    fn zero_extend(&mut self, a: u64, width: Width) -> u64 {
        match width {
            Width::Byte => a & 0xff,
            Width::Half => a & 0xffff,
            Width::Word => a & 0xffff_ffff,
            Width::Double => a,
        }
    }
    #[inline(always)]
    fn swap_bytes(&mut self, a: u64) -> u64 {
        a.swap_bytes()
    }
    #[inline(always)]
    fn pure1(&mut self, f: fn(u64) -> u64, a: u64) -> u64 {
        f(a)
    }
    #[inline(always)]
    fn pure2(&mut self, f: fn(u64, u64) -> u64, a: u64, b: u64) -> u64 {
        f(a, b)
    }
    #[inline(always)]
    fn pure3(&mut self, f: fn(u64, u64, u64) -> u64, a: u64, b: u64, c: u64) -> u64 {
        f(a, b, c)
    }

    #[inline(always)]
    fn eq(&mut self, a: u64, b: u64) -> bool {
        a == b
    }
    #[inline(always)]
    fn lt_signed(&mut self, a: u64, b: u64) -> bool {
        (a as i64) < b as i64
    }
    #[inline(always)]
    fn lt_unsigned(&mut self, a: u64, b: u64) -> bool {
        a < b
    }
    #[inline(always)]
    fn both(&mut self, a: bool, b: bool) -> bool {
        a & b
    }
    #[inline(always)]
    fn either(&mut self, a: bool, b: bool) -> bool {
        a | b
    }
    #[inline(always)]
    fn negate(&mut self, a: bool) -> bool {
        !a
    }
    #[inline(always)]
    fn cond_word(&mut self, a: bool) -> u64 {
        u64::from(a)
    }
    #[inline(always)]
    fn select(&mut self, c: bool, a: u64, b: u64) -> u64 {
        if c { a } else { b }
    }

    #[inline(always)]
    fn gpr(&mut self, n: u32) -> u64 {
        self.regs.gpr[n as usize & 31]
    }
    #[inline(always)]
    fn set_gpr(&mut self, n: u32, value: u64) {
        self.regs.gpr[n as usize & 31] = value;
    }
    #[inline(always)]
    fn branch_reg(&mut self, r: BranchReg) -> u64 {
        match r {
            BranchReg::Lr => self.regs.lr,
            BranchReg::Ctr => self.regs.ctr,
            BranchReg::Tar => self.regs.tar,
        }
    }
    #[inline(always)]
    fn set_branch_reg(&mut self, r: BranchReg, value: u64) {
        match r {
            BranchReg::Lr => self.regs.lr = value,
            BranchReg::Ctr => self.regs.ctr = value,
            BranchReg::Tar => self.regs.tar = value,
        }
    }
    #[inline(always)]
    fn cr_bit(&mut self, n: u32) -> bool {
        self.regs.cr[(n as usize / 4) & 7] >> (3 - n % 4) & 1 != 0
    }
    #[inline(always)]
    fn set_cr_bit(&mut self, n: u32, value: bool) {
        let field = &mut self.regs.cr[(n as usize / 4) & 7];
        let shift = 3 - n % 4;
        *field = *field & !(1 << shift) | u8::from(value) << shift;
    }
    #[inline(always)]
    fn cr_field(&mut self, n: u32) -> u64 {
        u64::from(self.regs.cr[n as usize & 7])
    }
    #[inline(always)]
    fn set_cr_field(&mut self, n: u32, value: u64) {
        self.regs.cr[n as usize & 7] = value as u8 & 15;
    }
    #[inline(always)]
    fn compare(&mut self, n: u32, a: u64, b: u64, signed: bool) {
        let (lt, gt) = if signed {
            ((a as i64) < b as i64, a as i64 > b as i64)
        } else {
            (a < b, a > b)
        };
        self.regs.cr[n as usize & 7] = u8::from(lt) << 3
            | u8::from(gt) << 2
            | u8::from(a == b) << 1
            | u8::from(self.regs.xer.so);
    }
    #[inline(always)]
    fn xer_bit(&mut self, bit: XerBit) -> bool {
        match bit {
            XerBit::So => self.regs.xer.so,
            XerBit::Ov => self.regs.xer.ov,
            XerBit::Ov32 => self.regs.xer.ov32,
            XerBit::Ca => self.regs.xer.ca,
            XerBit::Ca32 => self.regs.xer.ca32,
        }
    }
    #[inline(always)]
    fn set_xer_bit(&mut self, bit: XerBit, value: bool) {
        match bit {
            XerBit::So => self.regs.xer.so = value,
            XerBit::Ov => self.regs.xer.ov = value,
            XerBit::Ov32 => self.regs.xer.ov32 = value,
            XerBit::Ca => self.regs.xer.ca = value,
            XerBit::Ca32 => self.regs.xer.ca32 = value,
        }
    }
    #[inline(always)]
    fn vsr(&mut self, n: u32) -> u128 {
        self.regs.vsr[n as usize & 63]
    }
    #[inline(always)]
    fn set_vsr(&mut self, n: u32, value: u128) {
        self.regs.vsr[n as usize & 63] = value;
    }
    #[inline(always)]
    fn vsr_high(&mut self, n: u32) -> u64 {
        (self.regs.vsr[n as usize & 63] >> 64) as u64
    }
    #[inline(always)]
    fn set_vsr_high(&mut self, n: u32, value: u64) {
        self.regs.vsr[n as usize & 63] = u128::from(value) << 64;
    }
    #[inline(always)]
    fn vector(&mut self, high: u64, low: u64) -> u128 {
        u128::from(high) << 64 | u128::from(low)
    }
    #[inline(always)]
    fn halves(&mut self, v: u128) -> (u64, u64) {
        ((v >> 64) as u64, v as u64)
    }

    #[inline(always)]
    fn load(&mut self, ea: u64, width: Width, order: Order) -> Result<u64, Stopped> {
        let swap = self.swapped(order);
        match width {
            Width::Byte => load_as!(self, ea, swap, u8),
            Width::Half => load_as!(self, ea, swap, u16),
            Width::Word => load_as!(self, ea, swap, u32),
            Width::Double => load_as!(self, ea, swap, u64),
        }
    }
    #[inline(always)]
    fn store(&mut self, ea: u64, value: u64, width: Width, order: Order) -> Done<Self> {
        let swap = self.swapped(order);
        match width {
            Width::Byte => store_as!(self, ea, value, swap, u8),
            Width::Half => store_as!(self, ea, value, swap, u16),
            Width::Word => store_as!(self, ea, value, swap, u32),
            Width::Double => store_as!(self, ea, value, swap, u64),
        }
    }
    #[inline(always)]
    fn load_vector(&mut self, ea: u64) -> Result<u128, Stopped> {
        let first = self.load(ea, Width::Double, Order::Mode)?;
        let second = self.load(ea.wrapping_add(8), Width::Double, Order::Mode)?;
        Ok(if self.big_endian {
            self.vector(first, second)
        } else {
            self.vector(second, first)
        })
    }
    #[inline(always)]
    fn store_vector(&mut self, ea: u64, value: u128) -> Done<Self> {
        let (high, low) = self.halves(value);
        let (first, second) = if self.big_endian {
            (high, low)
        } else {
            (low, high)
        };
        // The second half is probed first where it is in another page, so that a fault leaves nothing written.
        if ea >> 12 != ea.wrapping_add(15) >> 12 {
            let last = ea.wrapping_add(15) & self.ea_mask;
            if let Err(interrupt) = self.probe_store(last) {
                return Err(self.stop(interrupt));
            }
        }
        self.store(ea, first, Width::Double, Order::Mode)?;
        self.store(ea.wrapping_add(8), second, Width::Double, Order::Mode)
    }
    fn load_reserve(&mut self, ea: u64, width: Width) -> Result<u64, Stopped> {
        let swap = self.swapped(Order::Mode);
        macro_rules! reserve {
            ($type:ty) => {
                Cpu::load_reserve::<$type>(self, ea)
                    .map(|v| u64::from(if swap { v.swap_bytes() } else { v }))
            };
        }
        let result = match width {
            Width::Byte => reserve!(u8),
            Width::Half => reserve!(u16),
            Width::Word => reserve!(u32),
            Width::Double => reserve!(u64),
        };
        result.map_err(|interrupt| self.stop(interrupt))
    }
    fn store_conditional(&mut self, ea: u64, value: u64, width: Width) -> Result<bool, Stopped> {
        let swap = self.swapped(Order::Mode);
        macro_rules! store {
            ($type:ty) => {{
                let value = value as $type;
                Cpu::store_conditional::<$type>(
                    self,
                    ea,
                    if swap { value.swap_bytes() } else { value },
                )
            }};
        }
        let result = match width {
            Width::Byte => store!(u8),
            Width::Half => store!(u16),
            Width::Word => store!(u32),
            Width::Double => store!(u64),
        };
        result.map_err(|interrupt| self.stop(interrupt))
    }
    fn zero_block(&mut self, ea: u64) -> Done<Self> {
        Cpu::zero_block(self, ea).map_err(|interrupt| self.stop(interrupt))
    }
    fn touch_block(&mut self, ea: u64) -> Done<Self> {
        self.check_load(ea)
            .map_err(|interrupt| self.stop(interrupt))
    }
    #[inline(always)]
    fn fence(&mut self, kind: Fence) {
        match kind {
            Fence::Full => fence(Ordering::SeqCst),
            Fence::Light | Fence::Io => fence(Ordering::AcqRel),
        }
    }
    #[inline(always)]
    fn big_endian(&mut self) -> bool {
        self.big_endian
    }

    #[inline(always)]
    fn cia(&mut self) -> u64 {
        self.regs.nia.wrapping_sub(4)
    }
    #[inline(always)]
    fn branch(&mut self, condition: Option<bool>, target: Target<u64>, _: BranchKind) {
        if condition.unwrap_or(true) {
            let target = match target {
                Target::Relative(offset) => {
                    self.regs.nia.wrapping_sub(4).wrapping_add_signed(offset)
                }
                Target::Absolute(address) => address,
                Target::Register(address) => address & !3,
            };
            self.regs.nia = target & self.ea_mask;
        }
    }
    #[inline(always)]
    fn require(&mut self, facility: Facility) -> Done<Self> {
        let (available, interrupt) = match facility {
            Facility::Float => (self.regs.msr & msr::FP != 0, Interrupt::FloatUnavailable),
            Facility::Vmx => (self.regs.msr & msr::VEC != 0, Interrupt::VmxUnavailable),
            Facility::Vsx => (self.regs.msr & msr::VSX != 0, Interrupt::VsxUnavailable),
            Facility::Privileged => (
                self.regs.msr & msr::PR == 0,
                Interrupt::Program(ProgramCause::Privileged),
            ),
        };
        if available {
            Ok(())
        } else {
            Err(self.stop(interrupt))
        }
    }
    fn raise(&mut self, interrupt: Interrupt) -> Stopped {
        self.stop(interrupt)
    }
    #[inline(always)]
    fn raise_if(&mut self, condition: bool, interrupt: Interrupt) -> Done<Self> {
        if condition {
            Err(self.stop(interrupt))
        } else {
            Ok(())
        }
    }
    #[inline(always)]
    fn system(&mut self, f: SystemFn, insn: Insn) -> Done<Self> {
        f(self, insn).map_err(|interrupt| self.stop(interrupt))
    }

    #[inline(always)]
    fn float1(
        &mut self,
        _: Lower,
        f: fn(&mut Fpscr, u64) -> Option<u64>,
        target: u32,
        a: u64,
    ) -> Done<Self> {
        let result = f(&mut self.regs.fpscr, a);
        self.float_result(target, result)
    }
    #[inline(always)]
    fn float2(
        &mut self,
        _: Lower,
        f: fn(&mut Fpscr, u64, u64) -> Option<u64>,
        target: u32,
        a: u64,
        b: u64,
    ) -> Done<Self> {
        let result = f(&mut self.regs.fpscr, a, b);
        self.float_result(target, result)
    }
    #[inline(always)]
    fn float3(
        &mut self,
        _: Lower,
        f: fn(&mut Fpscr, u64, u64, u64) -> Option<u64>,
        target: u32,
        a: u64,
        b: u64,
        c: u64,
    ) -> Done<Self> {
        let result = f(&mut self.regs.fpscr, a, b, c);
        self.float_result(target, result)
    }
    #[inline(always)]
    fn float_compare(
        &mut self,
        _: Lower,
        f: fn(&mut Fpscr, u64, u64) -> u8,
        bf: u32,
        a: u64,
        b: u64,
    ) -> Done<Self> {
        self.regs.cr[bf as usize & 7] = f(&mut self.regs.fpscr, a, b);
        self.float_done()
    }
    #[inline(always)]
    fn vfloat1(
        &mut self,
        _: Lower,
        f: fn(&mut Fpscr, u128) -> Option<u128>,
        target: u32,
        a: u128,
    ) -> Done<Self> {
        let result = f(&mut self.regs.fpscr, a);
        self.vfloat_result(target, result)
    }
    #[inline(always)]
    fn vfloat2(
        &mut self,
        _: Lower,
        f: fn(&mut Fpscr, u128, u128) -> Option<u128>,
        target: u32,
        a: u128,
        b: u128,
    ) -> Done<Self> {
        let result = f(&mut self.regs.fpscr, a, b);
        self.vfloat_result(target, result)
    }
    #[inline(always)]
    fn vfloat3(
        &mut self,
        _: Lower,
        f: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
        target: u32,
        a: u128,
        b: u128,
        c: u128,
    ) -> Done<Self> {
        let result = f(&mut self.regs.fpscr, a, b, c);
        self.vfloat_result(target, result)
    }
    #[inline(always)]
    fn vfloat2_cr6(
        &mut self,
        _: Lower,
        f: fn(&mut Fpscr, u128, u128) -> Option<(u128, u8)>,
        target: u32,
        a: u128,
        b: u128,
    ) -> Done<Self> {
        if let Some((value, field)) = f(&mut self.regs.fpscr, a, b) {
            self.regs.vsr[target as usize & 63] = value;
            self.regs.cr[6] = field;
        }
        self.float_done()
    }
    #[inline(always)]
    fn float_pair(
        &mut self,
        f: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
        target: u32,
        a: u128,
        b: u128,
        c: u128,
    ) -> Done<Self> {
        if let Some(value) = f(&mut self.regs.fpscr, a, b, c) {
            let (high, low) = self.halves(value);
            self.set_vsr_high(target, high);
            self.set_vsr_high(target + 1, low);
        }
        self.float_done()
    }
    #[inline(always)]
    fn vfloat_compare(
        &mut self,
        f: fn(&mut Fpscr, u128, u128) -> u8,
        bf: u32,
        a: u128,
        b: u128,
    ) -> Done<Self> {
        self.regs.cr[bf as usize & 7] = f(&mut self.regs.fpscr, a, b);
        self.float_done()
    }
    #[inline(always)]
    fn float_record(&mut self) {
        self.regs.cr[1] = (self.regs.fpscr.bits() >> 28 & 15) as u8;
    }

    #[inline(always)]
    fn vec1(&mut self, _: Lower, f: fn(u128) -> u128, a: u128) -> u128 {
        f(a)
    }
    #[inline(always)]
    fn vec2(&mut self, _: Lower, f: fn(u128, u128) -> u128, a: u128, b: u128) -> u128 {
        f(a, b)
    }
    #[inline(always)]
    fn vec3(
        &mut self,
        _: Lower,
        f: fn(u128, u128, u128) -> u128,
        a: u128,
        b: u128,
        c: u128,
    ) -> u128 {
        f(a, b, c)
    }
    #[inline(always)]
    fn vec1_imm(&mut self, f: fn(u128, u32) -> u128, a: u128, imm: u32) -> u128 {
        f(a, imm)
    }
    #[inline(always)]
    fn vec2_imm(&mut self, f: fn(u128, u128, u32) -> u128, a: u128, b: u128, imm: u32) -> u128 {
        f(a, b, imm)
    }
    #[inline(always)]
    fn vec2_sat(&mut self, f: fn(u128, u128) -> (u128, bool), a: u128, b: u128) -> u128 {
        let result = f(a, b);
        self.saturating(result)
    }
    #[inline(always)]
    fn vec3_sat(
        &mut self,
        f: fn(u128, u128, u128) -> (u128, bool),
        a: u128,
        b: u128,
        c: u128,
    ) -> u128 {
        let result = f(a, b, c);
        self.saturating(result)
    }
    #[inline(always)]
    fn vec2_cr6(
        &mut self,
        f: fn(u128, u128, u32) -> (u128, u8),
        a: u128,
        b: u128,
        imm: u32,
    ) -> u128 {
        let (value, field) = f(a, b, imm);
        self.regs.cr[6] = field;
        value
    }
    #[inline(always)]
    fn vmx_float(
        &mut self,
        f: fn(u128, u128, u128, bool) -> u128,
        a: u128,
        b: u128,
        c: u128,
    ) -> u128 {
        f(a, b, c, self.regs.vscr & VSCR_NJ != 0)
    }
    #[inline(always)]
    fn vec_to_word(&mut self, f: fn(u128, u64) -> u64, a: u128, b: u64) -> u64 {
        f(a, b)
    }
}
