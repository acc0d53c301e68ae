//! Decimal floating point on DFP extended (Book I, chapter 5): a number is in an even FPR, its more
//! significant half, and the next.
//!
//! Immediate fields and single FPRs are operands of 128 bits like others, in the low doubleword.

use power_decimal as pd;
use power_float::Fpscr;

use super::decimal::{rmc, rounding, te_and_rmc, te_of};
use super::float_arithmetic::record;
use crate::engine::{Done, Engine, Facility, Lower};
use crate::insn::Insn;

/// The number in FPRs `n` and `n + 1`.
#[inline(always)]
fn pair<E: Engine>(e: &mut E, n: u32) -> E::Vector {
    let (high, low) = (e.vsr_high(n), e.vsr_high(n + 1));
    e.vector(high, low)
}

/// Sets FPRs `n` and `n + 1`.
#[inline(always)]
fn set_pair<E: Engine>(e: &mut E, n: u32, value: E::Vector) {
    let (high, low) = e.halves(value);
    e.set_vsr_high(n, high);
    e.set_vsr_high(n + 1, low);
}

/// A doubleword as a vector's low one.
#[inline(always)]
fn low<E: Engine>(e: &mut E, value: E::Word) -> E::Vector {
    let zero = e.imm(0);
    e.vector(zero, value)
}

/// A field of the instruction as an operand.
#[inline(always)]
fn immediate<E: Engine>(e: &mut E, value: u32) -> E::Vector {
    let value = e.imm(value.into());
    low(e, value)
}

/// FPR `n` as an operand.
#[inline(always)]
fn single<E: Engine>(e: &mut E, n: u32) -> E::Vector {
    let value = e.vsr_high(n);
    low(e, value)
}

/// Operations whose result is a pair: FRTp = f(operands).
type PairFn = fn(&mut Fpscr, u128, u128, u128) -> Option<u128>;

/// FRTp = f(a, b, c) and the record.
#[inline(always)]
fn to_pair<E: Engine>(e: &mut E, i: Insn, f: PairFn, operands: [E::Vector; 3]) -> Done<E> {
    let [a, b, c] = operands;
    let done = e.float_pair(f, i.rt(), a, b, c);
    record(e, i, done)
}

/// FRTp = f(FRAp, FRBp).
macro_rules! binaries {
    ($($name:ident $function:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let (a, b) = (pair(e, i.ra()), pair(e, i.rb()));
            to_pair(e, i, |f, a, b, _| pd::$function(f, a, b), [a, b, b])
        }
    )* };
}
binaries! {
    daddq dadd;
    dsubq dsub;
    dmulq dmul;
    ddivq ddiv;
}

/// FRTp = f(FRBp, an immediate).
macro_rules! with_immediate {
    ($($name:ident $immediate:expr, |$f:ident, $b:ident, $value:ident| $call:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let field: fn(Insn) -> u32 = $immediate;
            let (b, value) = (pair(e, i.rb()), immediate(e, field(i)));
            to_pair(e, i, |$f, $b, $value, _| $call, [b, value, value])
        }
    )* };
}
with_immediate! {
    dquaiq te_and_rmc, |f, b, value| pd::dquai(f, b, te_of(value as u64), value as u8);
    drintxq rounding, |f, b, mode| pd::drintx(f, b, mode & 4 != 0, mode as u8);
    drintnq rounding, |f, b, mode| pd::drintn(f, b, mode & 4 != 0, mode as u8);
    denbcdq |i| i.bits(11, 1), |f, b, signed| pd::denbcd(f, b, signed != 0);
}

pub(crate) fn dquaq<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, b, rmc) = (pair(e, i.ra()), pair(e, i.rb()), immediate(e, rmc(i)));
    to_pair(
        e,
        i,
        |f, a, b, rmc| pd::dqua(f, a, b, rmc as u8),
        [a, b, rmc],
    )
}

pub(crate) fn drrndq<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, b, rmc) = (single(e, i.ra()), pair(e, i.rb()), immediate(e, rmc(i)));
    to_pair(
        e,
        i,
        |f, a, b, rmc| pd::drrnd(f, a as u64, b, rmc as u8),
        [a, b, rmc],
    )
}

/// FRTp = f(FRB).
macro_rules! widening {
    ($($name:ident $function:path;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let b = single(e, i.rb());
            to_pair(e, i, |f, b, _, _| $function(f, b as u64), [b, b, b])
        }
    )* };
}
widening! {
    dctqpq pd::dctqpq;
    dcffixq pd::dcffix;
}

pub(crate) fn drdpq<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let b = pair(e, i.rb());
    to_pair(e, i, |f, b, _, _| pd::drdpq(f, b), [b, b, b])
}

pub(crate) fn dctfixq<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let b = pair(e, i.rb());
    let function = |f: &mut Fpscr, b: u128| pd::dctfix(f, b).map(|value| u128::from(value) << 64);
    let done = e.vfloat1(Lower::Call, function, i.rt(), b);
    record(e, i, done)
}

/// CR field BF = f(a, b).
macro_rules! comparisons {
    ($($name:ident $a:expr, $b:expr => $function:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let a = Operand::get($a, e, i);
            let b = Operand::get($b, e, i);
            e.vfloat_compare($function, i.bf(), a, b)
        }
    )* };
}
comparisons! {
    dcmpuq Operand::PairA, Operand::PairB => pd::dcmpu::<u128>;
    dcmpoq Operand::PairA, Operand::PairB => pd::dcmpo::<u128>;
    dtstexq Operand::PairA, Operand::PairB => pd::dtstex::<u128>;
    dtstsfq Operand::SingleA, Operand::PairB => |f, a, b| pd::dtstsf(f, a as u64, b);
    dtstsfiq Operand::Field(10), Operand::PairB => |f, uim, b| pd::dtstsfi(f, uim as u8, b);
    dtstdcq Operand::PairA, Operand::Field(16) => |f, a, dcm| pd::dtstdc(f, a, dcm as u8);
    dtstdgq Operand::PairA, Operand::Field(16) => |f, a, dgm| pd::dtstdg(f, a, dgm as u8);
}

/// What comparisons and tests take.
#[derive(Clone, Copy)]
enum Operand {
    /// The pair in FRAp.
    PairA,
    /// The pair in FRBp.
    PairB,
    /// FRA.
    SingleA,
    /// Six bits of the instruction, from this one on.
    Field(u32),
}

impl Operand {
    #[inline(always)]
    fn get<E: Engine>(self, e: &mut E, i: Insn) -> E::Vector {
        match self {
            Self::PairA => pair(e, i.ra()),
            Self::PairB => pair(e, i.rb()),
            Self::SingleA => single(e, i.ra()),
            Self::Field(first) => immediate(e, i.bits(first, 6)),
        }
    }
}

/// FRTp = f(a pair, an immediate), FPSCR left alone.
macro_rules! bit_operations {
    ($($name:ident $register:ident $first:literal $length:literal, $function:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let operand = pair(e, i.$register());
            let immediate = i.bits($first, $length);
            let result = e.vec1_imm(|a, imm| pd::$function(a, imm as u8), operand, immediate);
            set_pair(e, i.rt(), result);
            record(e, i, Ok(()))
        }
    )* };
}
bit_operations! {
    ddedpdq rb 11 2, ddedpd;
    dscliq ra 16 6, dscli;
    dscriq ra 16 6, dscri;
}

pub(crate) fn dxexq<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (b, zero) = (pair(e, i.rb()), e.imm(0));
    let exponent = e.vec_to_word(|b, _| pd::dxex(b), b, zero);
    e.set_vsr_high(i.rt(), exponent);
    record(e, i, Ok(()))
}

pub(crate) fn diexq<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, b) = (single(e, i.ra()), pair(e, i.rb()));
    let result = e.vec2(Lower::Call, |a, b| pd::diex(a as u64, b), a, b);
    set_pair(e, i.rt(), result);
    record(e, i, Ok(()))
}
