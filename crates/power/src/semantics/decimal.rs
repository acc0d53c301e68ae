//! Decimal floating point on DFP long, one FPR a number (Book I, chapter 5).
//!
//! Immediate fields of the instruction are operands like others, so that the functions stay pure.

use power_decimal as pd;
use power_float::Fpscr;

use super::float_arithmetic::{record, unary};
use crate::engine::{Done, Engine, Facility, Lower};
use crate::insn::Insn;

/// R of `drintx` and `drintn`, bit 2, and RMC.
pub(super) const fn rounding(i: Insn) -> u32 {
    i.bits(15, 1) << 2 | rmc(i)
}

/// RMC, how an instruction of quantum adjustment rounds.
pub(super) const fn rmc(i: Insn) -> u32 {
    i.bits(21, 2)
}

/// TE, the exponent that `dquai` asks for, in the low byte.
pub(super) const fn te(i: Insn) -> u32 {
    ((i.bits(11, 5) << 27) as i32 >> 27) as u32
}

/// TE and RMC as one immediate.
pub(super) const fn te_and_rmc(i: Insn) -> u32 {
    te(i) << 8 | rmc(i)
}

/// The TE of [`te_and_rmc`].
pub(super) const fn te_of(immediate: u64) -> i8 {
    (immediate >> 8) as i8
}

/// FRT = f(FRA, FRB).
macro_rules! binaries {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let (a, b) = (e.vsr_high(i.ra()), e.vsr_high(i.rb()));
            let done = e.float2(Lower::Call, pd::$name::<u64>, i.rt(), a, b);
            record(e, i, done)
        }
    )* };
}
binaries!(dadd, dsub, dmul, ddiv);

/// FRT = f(FRB).
macro_rules! unaries {
    ($($name:ident $function:path;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            unary(e, i, Lower::Call, $function)
        }
    )* };
}
unaries! {
    dctdp pd::dctdp;
    drsp pd::drsp;
    dcffix pd::dcffix::<u64>;
    dctfix pd::dctfix::<u64>;
}

/// FRT = f(FRB, an immediate).
fn with_immediate<E: Engine>(
    e: &mut E,
    i: Insn,
    f: fn(&mut Fpscr, u64, u64) -> Option<u64>,
    immediate: u32,
) -> Done<E> {
    e.require(Facility::Float)?;
    let (b, immediate) = (e.vsr_high(i.rb()), e.imm(immediate.into()));
    let done = e.float2(Lower::Call, f, i.rt(), b, immediate);
    record(e, i, done)
}

pub(crate) fn dquai<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    with_immediate(
        e,
        i,
        |f, b, immediate| pd::dquai(f, b, te_of(immediate), immediate as u8),
        te_and_rmc(i),
    )
}

pub(crate) fn drintx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    with_immediate(
        e,
        i,
        |f, b, mode| pd::drintx(f, b, mode & 4 != 0, mode as u8),
        rounding(i),
    )
}

pub(crate) fn drintn<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    with_immediate(
        e,
        i,
        |f, b, mode| pd::drintn(f, b, mode & 4 != 0, mode as u8),
        rounding(i),
    )
}

pub(crate) fn denbcd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let function = |f: &mut Fpscr, b: u64, signed: u64| pd::denbcd(f, b, signed != 0);
    with_immediate(e, i, function, i.bits(11, 1))
}

/// FRT = f(FRA, FRB, RMC).
macro_rules! adjustments {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let (a, b, rmc) = (e.vsr_high(i.ra()), e.vsr_high(i.rb()), e.imm(rmc(i).into()));
            let function = |f: &mut Fpscr, a, b, rmc: u64| pd::$name::<u64>(f, a, b, rmc as u8);
            let done = e.float3(Lower::Call, function, i.rt(), a, b, rmc);
            record(e, i, done)
        }
    )* };
}
adjustments!(dqua, drrnd);

/// CR field BF = f(FRA, FRB).
macro_rules! comparisons {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let (a, b) = (e.vsr_high(i.ra()), e.vsr_high(i.rb()));
            e.float_compare(Lower::Call, pd::$name::<u64>, i.bf(), a, b)
        }
    )* };
}
comparisons!(dcmpu, dcmpo, dtstex, dtstsf);

/// CR field BF = f(a register, an immediate).
fn test<E: Engine>(
    e: &mut E,
    i: Insn,
    f: fn(&mut Fpscr, u64, u64) -> u8,
    register: u32,
    immediate: u32,
) -> Done<E> {
    e.require(Facility::Float)?;
    let (value, immediate) = (e.vsr_high(register), e.imm(immediate.into()));
    e.float_compare(Lower::Call, f, i.bf(), value, immediate)
}

pub(crate) fn dtstdc<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    test(
        e,
        i,
        |f, a, dcm| pd::dtstdc(f, a, dcm as u8),
        i.ra(),
        i.bits(16, 6),
    )
}

pub(crate) fn dtstdg<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    test(
        e,
        i,
        |f, a, dgm| pd::dtstdg(f, a, dgm as u8),
        i.ra(),
        i.bits(16, 6),
    )
}

pub(crate) fn dtstsfi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    test(
        e,
        i,
        |f, b, uim| pd::dtstsfi(f, uim as u8, b),
        i.rb(),
        i.bits(10, 6),
    )
}

/// FRT = f(a register, an immediate), FPSCR left alone.
fn bits<E: Engine>(
    e: &mut E,
    i: Insn,
    f: fn(u64, u64) -> u64,
    register: u32,
    immediate: u32,
) -> Done<E> {
    e.require(Facility::Float)?;
    let (value, immediate) = (e.vsr_high(register), e.imm(immediate.into()));
    let result = e.pure2(f, value, immediate);
    e.set_vsr_high(i.rt(), result);
    record(e, i, Ok(()))
}

pub(crate) fn ddedpd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    bits(e, i, |b, sp| pd::ddedpd(b, sp as u8), i.rb(), i.bits(11, 2))
}

pub(crate) fn dscli<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    bits(e, i, |a, sh| pd::dscli(a, sh as u8), i.ra(), i.bits(16, 6))
}

pub(crate) fn dscri<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    bits(e, i, |a, sh| pd::dscri(a, sh as u8), i.ra(), i.bits(16, 6))
}

pub(crate) fn dxex<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let b = e.vsr_high(i.rb());
    let exponent = e.pure1(pd::dxex::<u64>, b);
    e.set_vsr_high(i.rt(), exponent);
    record(e, i, Ok(()))
}

pub(crate) fn diex<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, b) = (e.vsr_high(i.ra()), e.vsr_high(i.rb()));
    let result = e.pure2(pd::diex::<u64>, a, b);
    e.set_vsr_high(i.rt(), result);
    record(e, i, Ok(()))
}
