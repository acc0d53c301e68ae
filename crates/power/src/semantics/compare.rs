//! Compare, trap, select (Book I, 3.3.10 to 3.3.12).

use super::util::ra_or_zero;
use crate::engine::{Done, Engine, Width};
use crate::insn::Insn;
use crate::interrupt::{Interrupt, ProgramCause};

#[inline(always)]
fn compare<E: Engine>(e: &mut E, i: Insn, b: E::Word, signed: bool) -> Done<E> {
    let a = e.gpr(i.ra());
    if i.l10() {
        e.compare(i.bf(), a, b, signed);
    } else {
        let (a, b) = if signed {
            (e.sign_extend(a, Width::Word), e.sign_extend(b, Width::Word))
        } else {
            (e.zero_extend(a, Width::Word), e.zero_extend(b, Width::Word))
        };
        e.compare(i.bf(), a, b, signed);
    }
    Ok(())
}

pub(crate) fn cmpi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.imm(i.si() as u64);
    compare(e, i, b, true)
}

pub(crate) fn cmpli<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.imm(i.ui());
    compare(e, i, b, false)
}

pub(crate) fn cmp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.gpr(i.rb());
    compare(e, i, b, true)
}

pub(crate) fn cmpl<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.gpr(i.rb());
    compare(e, i, b, false)
}

/// CR field for "found": GT is set where the match was made, the rest is 0.
#[inline(always)]
fn set_match<E: Engine>(e: &mut E, i: Insn, found: E::Word) -> Done<E> {
    let two = e.imm(2);
    let field = e.shl(found, two);
    e.set_cr_field(i.bf(), field);
    Ok(())
}

pub(crate) fn cmprb<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    fn in_range(a: u64, ranges: u64) -> u64 {
        let [high1, low1, high2, low2] = (ranges as u32).to_be_bytes();
        let byte = a as u8;
        let second = (low2..=high2).contains(&byte);
        let first = (low1..=high1).contains(&byte);
        // Bit 32 tells that both ranges count.
        let both = ranges >> 32 & 1 != 0;
        u64::from(second || (both && first))
    }
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let b = e.zero_extend(b, Width::Word);
    let flag = e.imm(u64::from(i.l10()) << 32);
    let ranges = e.or(b, flag);
    let found = e.pure2(in_range, a, ranges);
    set_match(e, i, found)
}

pub(crate) fn cmpeqb<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let found = e.pure2(|a, b| u64::from(b.to_be_bytes().contains(&(a as u8))), a, b);
    set_match(e, i, found)
}

/// Traps where one of the conditions that TO names holds between a and b.
#[inline(always)]
fn trap<E: Engine>(e: &mut E, i: Insn, a: E::Word, b: E::Word) -> Done<E> {
    let to = i.rt();
    let mut hit = e.cond_imm(false);
    if to & 16 != 0 {
        let c = e.lt_signed(a, b);
        hit = e.either(hit, c);
    }
    if to & 8 != 0 {
        let c = e.lt_signed(b, a);
        hit = e.either(hit, c);
    }
    if to & 4 != 0 {
        let c = e.eq(a, b);
        hit = e.either(hit, c);
    }
    if to & 2 != 0 {
        let c = e.lt_unsigned(a, b);
        hit = e.either(hit, c);
    }
    if to & 1 != 0 {
        let c = e.lt_unsigned(b, a);
        hit = e.either(hit, c);
    }
    e.raise_if(hit, Interrupt::Program(ProgramCause::Trap))
}

pub(crate) fn twi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = e.gpr(i.ra());
    let a = e.sign_extend(a, Width::Word);
    let b = e.imm(i.si() as u64);
    trap(e, i, a, b)
}

pub(crate) fn tdi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = e.gpr(i.ra());
    let b = e.imm(i.si() as u64);
    trap(e, i, a, b)
}

pub(crate) fn tw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    // Sign extension keeps the unsigned order of words too.
    let (a, b) = (e.sign_extend(a, Width::Word), e.sign_extend(b, Width::Word));
    trap(e, i, a, b)
}

pub(crate) fn td<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    trap(e, i, a, b)
}

pub(crate) fn isel<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = ra_or_zero(e, i);
    let b = e.gpr(i.rb());
    let c = e.cr_bit(i.rc_reg());
    let result = e.select(c, a, b);
    e.set_gpr(i.rt(), result);
    Ok(())
}

pub(crate) fn setb<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let lt = e.cr_bit(i.bfa() * 4);
    let gt = e.cr_bit(i.bfa() * 4 + 1);
    let minus_one = e.imm(u64::MAX);
    let gt = e.cond_word(gt);
    let result = e.select(lt, minus_one, gt);
    e.set_gpr(i.rt(), result);
    Ok(())
}
