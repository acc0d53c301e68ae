//! The functions that translated code calls: guest memory, and the pure functions that semantics name to the engine.
//!
//! They follow the host's C convention. Quadwords go by pointer, as no two platforms pass them alike. Generated code calls each
//! with exactly the parameters written here (`translator::calls`), which is all that the references in them rely on.
#![allow(
    improper_ctypes_definitions,
    reason = "function pointers and references only pass through generated code as addresses"
)]

use power::Insn;
use power::engine::{SystemFn, Width};
use power_float::Fpscr;

use crate::context::Context;

/// Bit of [`power::Registers::vscr`]: a saturating operation saturated.
const VSCR_SAT: u32 = 1;
/// Bit of [`power::Registers::vscr`]: denormal numbers count as zero.
const VSCR_NJ: u32 = 1 << 16;

/// The width that generated code names by its number of bytes.
fn width(bytes: u64) -> Width {
    match bytes {
        1 => Width::Byte,
        2 => Width::Half,
        4 => Width::Word,
        _ => Width::Double,
    }
}

pub(crate) extern "C" fn system(context: &mut Context<'_>, f: SystemFn, insn: u64) -> u64 {
    u64::from(context.carry_out(f, Insn(insn as u32)))
}

/// What is left of the budget after a poll that had nothing to do; 0: it has.
pub(crate) extern "C" fn poll(context: &mut Context<'_>, left: u64) -> u64 {
    context.poll(left)
}

pub(crate) extern "C" fn load(context: &mut Context<'_>, ea: u64, bytes: u64) -> u64 {
    context.access(|memory| memory.load(ea, width(bytes)))
}

pub(crate) extern "C" fn store(context: &mut Context<'_>, ea: u64, value: u64, bytes: u64) {
    context.store(ea, bytes, |memory| memory.store(ea, value, width(bytes)));
}

pub(crate) extern "C" fn probe_store(context: &mut Context<'_>, ea: u64) {
    context.access(|memory| memory.probe_store(ea));
}

pub(crate) extern "C" fn zero_block(context: &mut Context<'_>, ea: u64) {
    // A block does not leave its page: any byte of it will do.
    context.store(ea, 1, |memory| memory.zero_block(ea));
}

pub(crate) extern "C" fn touch_block(context: &mut Context<'_>, ea: u64) {
    context.access(|memory| memory.touch_block(ea));
}

pub(crate) extern "C" fn load_reserve(context: &mut Context<'_>, ea: u64, bytes: u64) -> u64 {
    context.access(|memory| memory.load_reserve(ea, width(bytes)))
}

pub(crate) extern "C" fn store_conditional(
    context: &mut Context<'_>,
    ea: u64,
    value: u64,
    bytes: u64,
) -> u64 {
    u64::from(context.access(|memory| memory.store_conditional(ea, value, width(bytes))))
}

pub(crate) extern "C" fn pure1(f: fn(u64) -> u64, a: u64) -> u64 {
    f(a)
}

pub(crate) extern "C" fn pure2(f: fn(u64, u64) -> u64, a: u64, b: u64) -> u64 {
    f(a, b)
}

pub(crate) extern "C" fn pure3(f: fn(u64, u64, u64) -> u64, a: u64, b: u64, c: u64) -> u64 {
    f(a, b, c)
}

/// Floating-point operations: `target` holds the VSR before and after; the result is FPSCR\[FEX\].
macro_rules! float {
    ($($name:ident ($($operand:ident: $by:ty),*) $function:ty, |$value:ident| $widened:expr;)*) => { $(
        pub(crate) extern "C" fn $name(fpscr: &mut Fpscr, f: $function, target: &mut u128, $($operand: $by),*) -> u64 {
            if let Some($value) = f(fpscr, $(load_operand($operand)),*) {
                *target = $widened;
            }
            u64::from(fpscr.fex())
        }
    )* };
}

/// An operand as the function takes it: words come by value, quadwords by pointer.
fn load_operand<O: Operand>(operand: O) -> O::Value {
    operand.value()
}

trait Operand {
    type Value;
    fn value(self) -> Self::Value;
}

impl Operand for u64 {
    type Value = u64;
    fn value(self) -> u64 {
        self
    }
}

impl Operand for &u128 {
    type Value = u128;
    fn value(self) -> u128 {
        *self
    }
}

float! {
    float1(a: u64) fn(&mut Fpscr, u64) -> Option<u64>, |value| u128::from(value) << 64;
    float2(a: u64, b: u64) fn(&mut Fpscr, u64, u64) -> Option<u64>, |value| u128::from(value) << 64;
    float3(a: u64, b: u64, c: u64) fn(&mut Fpscr, u64, u64, u64) -> Option<u64>, |value| u128::from(value) << 64;
    vfloat1(a: &u128) fn(&mut Fpscr, u128) -> Option<u128>, |value| value;
    vfloat2(a: &u128, b: &u128) fn(&mut Fpscr, u128, u128) -> Option<u128>, |value| value;
    vfloat3(a: &u128, b: &u128, c: &u128) fn(&mut Fpscr, u128, u128, u128) -> Option<u128>, |value| value;
}

/// `high` and `low` hold the VSRs of the pair before and after, each in doubleword 0 half of the result.
pub(crate) extern "C" fn float_pair(
    fpscr: &mut Fpscr,
    f: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
    high: &mut u128,
    low: &mut u128,
    a: &u128,
    b: &u128,
    c: &u128,
) -> u64 {
    if let Some(value) = f(fpscr, *a, *b, *c) {
        *high = value >> 64 << 64;
        *low = value << 64;
    }
    u64::from(fpscr.fex())
}

/// Results that are a CR field beside FPSCR\[FEX\]: the field in bits 1 to 4 above FEX in bit 0.
fn field_and_fex(field: u8, fpscr: Fpscr) -> u64 {
    u64::from(field & 15) << 1 | u64::from(fpscr.fex())
}

pub(crate) extern "C" fn float_compare(
    fpscr: &mut Fpscr,
    f: fn(&mut Fpscr, u64, u64) -> u8,
    a: u64,
    b: u64,
) -> u64 {
    let field = f(fpscr, a, b);
    field_and_fex(field, *fpscr)
}

pub(crate) extern "C" fn vfloat_compare(
    fpscr: &mut Fpscr,
    f: fn(&mut Fpscr, u128, u128) -> u8,
    a: &u128,
    b: &u128,
) -> u64 {
    let field = f(fpscr, *a, *b);
    field_and_fex(field, *fpscr)
}

/// `target` and `field` hold VSR and CR field 6 from before.
pub(crate) extern "C" fn vfloat2_cr6(
    fpscr: &mut Fpscr,
    f: fn(&mut Fpscr, u128, u128) -> Option<(u128, u8)>,
    target: &mut u128,
    a: &u128,
    b: &u128,
    field: u64,
) -> u64 {
    let mut field = field as u8;
    if let Some((value, compared)) = f(fpscr, *a, *b) {
        *target = value;
        field = compared;
    }
    field_and_fex(field, *fpscr)
}

/// FPSCR bits 0 to 3 (FX, FEX, VX, OX) as a CR field.
pub(crate) extern "C" fn float_record(fpscr: &Fpscr) -> u64 {
    fpscr.bits() >> 28 & 15
}

pub(crate) extern "C" fn vec1(f: fn(u128) -> u128, out: &mut u128, a: &u128) {
    *out = f(*a);
}

pub(crate) extern "C" fn vec2(f: fn(u128, u128) -> u128, out: &mut u128, a: &u128, b: &u128) {
    *out = f(*a, *b);
}

pub(crate) extern "C" fn vec3(
    f: fn(u128, u128, u128) -> u128,
    out: &mut u128,
    a: &u128,
    b: &u128,
    c: &u128,
) {
    *out = f(*a, *b, *c);
}

pub(crate) extern "C" fn vec1_imm(f: fn(u128, u32) -> u128, out: &mut u128, a: &u128, imm: u64) {
    *out = f(*a, imm as u32);
}

pub(crate) extern "C" fn vec2_imm(
    f: fn(u128, u128, u32) -> u128,
    out: &mut u128,
    a: &u128,
    b: &u128,
    imm: u64,
) {
    *out = f(*a, *b, imm as u32);
}

pub(crate) extern "C" fn vec2_sat(
    vscr: &mut u32,
    f: fn(u128, u128) -> (u128, bool),
    out: &mut u128,
    a: &u128,
    b: &u128,
) {
    let (value, saturated) = f(*a, *b);
    *out = value;
    *vscr |= u32::from(saturated) * VSCR_SAT;
}

pub(crate) extern "C" fn vec3_sat(
    vscr: &mut u32,
    f: fn(u128, u128, u128) -> (u128, bool),
    out: &mut u128,
    a: &u128,
    b: &u128,
    c: &u128,
) {
    let (value, saturated) = f(*a, *b, *c);
    *out = value;
    *vscr |= u32::from(saturated) * VSCR_SAT;
}

/// The result is CR field 6.
pub(crate) extern "C" fn vec2_cr6(
    f: fn(u128, u128, u32) -> (u128, u8),
    out: &mut u128,
    a: &u128,
    b: &u128,
    imm: u64,
) -> u64 {
    let (value, field) = f(*a, *b, imm as u32);
    *out = value;
    u64::from(field & 15)
}

pub(crate) extern "C" fn vmx_float(
    vscr: &u32,
    f: fn(u128, u128, u128, bool) -> u128,
    out: &mut u128,
    a: &u128,
    b: &u128,
    c: &u128,
) {
    *out = f(*a, *b, *c, *vscr & VSCR_NJ != 0);
}

pub(crate) extern "C" fn vec_to_word(f: fn(u128, u64) -> u64, a: &u128, b: u64) -> u64 {
    f(*a, b)
}
