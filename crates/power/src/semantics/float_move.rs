//! Moves that leave FPSCR alone: copies, signs, merges, select (Book I, 4.6.5 and 4.6.9).

use super::float_arithmetic::record;
use crate::engine::{Done, Engine, Facility};
use crate::insn::Insn;

pub(super) const SIGN: u64 = 1 << 63;

/// What to do to a double's sign.
#[derive(Clone, Copy)]
pub(super) enum Sign {
    Keep,
    Clear,
    Set,
    Invert,
}

/// A double with its sign changed.
#[inline(always)]
pub(super) fn with_sign<E: Engine>(e: &mut E, value: E::Word, sign: Sign) -> E::Word {
    match sign {
        Sign::Keep => value,
        Sign::Clear => {
            let mask = e.imm(!SIGN);
            e.and(value, mask)
        }
        Sign::Set => {
            let mask = e.imm(SIGN);
            e.or(value, mask)
        }
        Sign::Invert => {
            let mask = e.imm(SIGN);
            e.xor(value, mask)
        }
    }
}

/// The sign of `a` on the magnitude of `b`.
#[inline(always)]
pub(super) fn copy_sign<E: Engine>(e: &mut E, a: E::Word, b: E::Word) -> E::Word {
    let mask = e.imm(SIGN);
    let sign = e.and(a, mask);
    let magnitude = with_sign(e, b, Sign::Clear);
    e.or(sign, magnitude)
}

macro_rules! signs {
    ($($name:ident $sign:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let b = e.vsr_high(i.rb());
            let value = with_sign(e, b, Sign::$sign);
            e.set_vsr_high(i.rt(), value);
            record(e, i, Ok(()))
        }
    )* };
}
signs! {
    fmr Keep;
    fabs Clear;
    fnabs Set;
    fneg Invert;
}

pub(crate) fn fcpsgn<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, b) = (e.vsr_high(i.ra()), e.vsr_high(i.rb()));
    let value = copy_sign(e, a, b);
    e.set_vsr_high(i.rt(), value);
    record(e, i, Ok(()))
}

/// fmrgew: the even (left) words of FRA and FRB.
pub(crate) fn fmrgew<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, b) = (e.vsr_high(i.ra()), e.vsr_high(i.rb()));
    let value = e.pure2(|a, b| a & !0xffff_ffff | b >> 32, a, b);
    e.set_vsr_high(i.rt(), value);
    Ok(())
}

/// fmrgow: the odd (right) words of FRA and FRB.
pub(crate) fn fmrgow<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, b) = (e.vsr_high(i.ra()), e.vsr_high(i.rb()));
    let value = e.pure2(|a, b| a << 32 | b & 0xffff_ffff, a, b);
    e.set_vsr_high(i.rt(), value);
    Ok(())
}

/// fsel: FRC where FRA >= 0 (-0 too), else, and for a NaN, FRB.
pub(crate) fn fsel<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, c, b) = (
        e.vsr_high(i.ra()),
        e.vsr_high(i.rc_reg()),
        e.vsr_high(i.rb()),
    );
    let value = e.float_select(a, c, b);
    e.set_vsr_high(i.rt(), value);
    record(e, i, Ok(()))
}
