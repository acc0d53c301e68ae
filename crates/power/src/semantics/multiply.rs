//! Multiply, divide, remainder (Book I, 3.3.9 and 3.3.9.1).

use super::util::{record, set_overflow};
use crate::engine::{Done, Engine, Width};
use crate::insn::Insn;

pub(crate) fn mulli<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = e.gpr(i.ra());
    let b = e.imm(i.si() as u64);
    let result = e.mul(a, b);
    e.set_gpr(i.rt(), result);
    Ok(())
}

#[inline(always)]
fn words<E: Engine>(e: &mut E, i: Insn, signed: bool) -> (E::Word, E::Word) {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    if signed {
        (e.sign_extend(a, Width::Word), e.sign_extend(b, Width::Word))
    } else {
        (e.zero_extend(a, Width::Word), e.zero_extend(b, Width::Word))
    }
}

#[inline(always)]
fn finish<E: Engine>(e: &mut E, i: Insn, result: E::Word) {
    e.set_gpr(i.rt(), result);
    record(e, i, result);
}

pub(crate) fn mullw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = words(e, i, true);
    let result = e.mul(a, b);
    if i.oe() {
        let narrow = e.sign_extend(result, Width::Word);
        let fits = e.eq(narrow, result);
        let ov = e.negate(fits);
        set_overflow(e, ov, ov);
    }
    finish(e, i, result);
    Ok(())
}

#[inline(always)]
fn mulh_word<E: Engine>(e: &mut E, i: Insn, signed: bool) -> Done<E> {
    let (a, b) = words(e, i, signed);
    let product = e.mul(a, b);
    let n = e.imm(32);
    // The upper half of RT is undefined; the sign or zero extension is as good as any, and CR0 follows the low word's sign.
    let result = if signed {
        e.sar(product, n)
    } else {
        e.shr(product, n)
    };
    e.set_gpr(i.rt(), result);
    if i.rc() {
        let word = e.sign_extend(result, Width::Word);
        super::util::record_always(e, word);
    }
    Ok(())
}

pub(crate) fn mulhw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    mulh_word(e, i, true)
}

pub(crate) fn mulhwu<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    mulh_word(e, i, false)
}

pub(crate) fn mulld<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let result = e.mul(a, b);
    if i.oe() {
        let high = e.mul_high_signed(a, b);
        let n = e.imm(63);
        let sign = e.sar(result, n);
        let fits = e.eq(high, sign);
        let ov = e.negate(fits);
        set_overflow(e, ov, ov);
    }
    finish(e, i, result);
    Ok(())
}

pub(crate) fn mulhd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let result = e.mul_high_signed(a, b);
    finish(e, i, result);
    Ok(())
}

pub(crate) fn mulhdu<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let result = e.mul_high_unsigned(a, b);
    finish(e, i, result);
    Ok(())
}

/// High doubleword of a*b + c: the product's high half plus the carry of the low addition plus the extension of c.
#[inline(always)]
fn madd_high<E: Engine>(e: &mut E, i: Insn, signed: bool) -> Done<E> {
    let (a, b, c) = (e.gpr(i.ra()), e.gpr(i.rb()), e.gpr(i.rc_reg()));
    let low = e.mul(a, b);
    let mut high = if signed {
        e.mul_high_signed(a, b)
    } else {
        e.mul_high_unsigned(a, b)
    };
    let total = e.add(low, c);
    let carry = e.lt_unsigned(total, low);
    let carry = e.cond_word(carry);
    high = e.add(high, carry);
    if signed {
        let n = e.imm(63);
        let extension = e.sar(c, n);
        high = e.add(high, extension);
    }
    e.set_gpr(i.rt(), high);
    Ok(())
}

pub(crate) fn maddhd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    madd_high(e, i, true)
}

pub(crate) fn maddhdu<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    madd_high(e, i, false)
}

pub(crate) fn maddld<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b, c) = (e.gpr(i.ra()), e.gpr(i.rb()), e.gpr(i.rc_reg()));
    let product = e.mul(a, b);
    let result = e.add(product, c);
    e.set_gpr(i.rt(), result);
    Ok(())
}

/// Which result of a division.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Quotient,
    Remainder,
}

/// A division whose undefined cases (by zero; the one signed overflow) give 0 and, for quotients with OE, overflow.
#[inline(always)]
fn divide<E: Engine>(
    e: &mut E,
    i: Insn,
    a: E::Word,
    b: E::Word,
    signed: bool,
    part: Part,
    min: u64,
) -> Done<E> {
    let zero = e.imm(0);
    let one = e.imm(1);
    let mut undefined = e.eq(b, zero);
    if signed {
        let min = e.imm(min);
        let minus_one = e.imm(u64::MAX);
        let a_min = e.eq(a, min);
        let b_minus_one = e.eq(b, minus_one);
        let overflow = e.both(a_min, b_minus_one);
        undefined = e.either(undefined, overflow);
    }
    let divisor = e.select(undefined, one, b);
    let value = match (signed, part) {
        (true, Part::Quotient) => e.div_signed(a, divisor),
        (false, Part::Quotient) => e.div_unsigned(a, divisor),
        (true, Part::Remainder) => e.rem_signed(a, divisor),
        (false, Part::Remainder) => e.rem_unsigned(a, divisor),
    };
    let result = e.select(undefined, zero, value);
    e.set_gpr(i.rt(), result);
    if part == Part::Quotient {
        if i.oe() {
            set_overflow(e, undefined, undefined);
        }
        record(e, i, result);
    }
    Ok(())
}

pub(crate) fn divw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = words(e, i, true);
    divide(e, i, a, b, true, Part::Quotient, i32::MIN as u64)
}

pub(crate) fn divwu<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = words(e, i, false);
    divide(e, i, a, b, false, Part::Quotient, 0)
}

pub(crate) fn modsw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = words(e, i, true);
    divide(e, i, a, b, true, Part::Remainder, i32::MIN as u64)
}

pub(crate) fn moduw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = words(e, i, false);
    divide(e, i, a, b, false, Part::Remainder, 0)
}

pub(crate) fn divd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    divide(e, i, a, b, true, Part::Quotient, i64::MIN as u64)
}

pub(crate) fn divdu<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    divide(e, i, a, b, false, Part::Quotient, 0)
}

pub(crate) fn modsd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    divide(e, i, a, b, true, Part::Remainder, i64::MIN as u64)
}

pub(crate) fn modud<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    divide(e, i, a, b, false, Part::Remainder, 0)
}

/// The dividend is RA followed by as many zeros as RA has bits; a quotient that does not fit is undefined (0 here) and overflow.
#[inline(always)]
fn divide_extended<E: Engine>(
    e: &mut E,
    i: Insn,
    value: fn(u64, u64) -> u64,
    overflow: fn(u64, u64) -> u64,
) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let result = e.pure2(value, a, b);
    if i.oe() {
        let ov = e.pure2(overflow, a, b);
        let ov = super::util::bit(e, ov, 0);
        set_overflow(e, ov, ov);
    }
    finish(e, i, result);
    Ok(())
}

macro_rules! extended_divisions {
    ($($name:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            divide_extended(
                e,
                i,
                |a, b| extended::$name(a, b).unwrap_or(0),
                |a, b| u64::from(extended::$name(a, b).is_none()),
            )
        }
    )* };
}
extended_divisions! {
    divwe;
    divweu;
    divde;
    divdeu;
}

/// The extended divisions on numbers: None where the quotient does not fit or the divisor is 0.
mod extended {
    pub(super) fn divwe(a: u64, b: u64) -> Option<u64> {
        let dividend = i64::from(a as i32) << 32;
        let quotient = dividend.checked_div(i64::from(b as i32))?;
        i32::try_from(quotient).ok().map(|q| u64::from(q as u32))
    }

    pub(super) fn divweu(a: u64, b: u64) -> Option<u64> {
        let quotient = (a << 32).checked_div(b & 0xffff_ffff)?;
        u32::try_from(quotient).ok().map(u64::from)
    }

    pub(super) fn divde(a: u64, b: u64) -> Option<u64> {
        let dividend = i128::from(a as i64) << 64;
        let quotient = dividend.checked_div(i128::from(b as i64))?;
        i64::try_from(quotient).ok().map(|q| q as u64)
    }

    pub(super) fn divdeu(a: u64, b: u64) -> Option<u64> {
        let quotient = (u128::from(a) << 64).checked_div(u128::from(b))?;
        u64::try_from(quotient).ok()
    }
}
