//! The FPSCR instructions (Book I, 4.6.10).
//!
//! They are floating-point operations that use FPSCR itself: one that delivers something to an FPR returns it, one that only
//! changes FPSCR returns None. Fields of the instruction are operands like others, so that the functions stay pure.

use power_float::Fpscr;

use super::float_arithmetic::record;
use crate::engine::{Done, Engine, Facility, Lower};
use crate::insn::Insn;

/// FRT = f(FPSCR, an immediate).
#[inline(always)]
fn read<E: Engine>(
    e: &mut E,
    i: Insn,
    f: fn(&mut Fpscr, u64) -> Option<u64>,
    immediate: u32,
) -> Done<E> {
    e.require(Facility::Float)?;
    let immediate = e.imm(immediate.into());
    e.float1(Lower::Call, f, i.rt(), immediate)
}

/// Changes FPSCR as a value and the instruction word say.
#[inline(always)]
fn write<E: Engine>(
    e: &mut E,
    i: Insn,
    f: fn(&mut Fpscr, u64, u64) -> Option<u64>,
    value: E::Word,
) -> Done<E> {
    e.require(Facility::Float)?;
    let word = e.imm(i.0.into());
    let done = e.float2(Lower::Call, f, i.rt(), value, word);
    record(e, i, done)
}

/// The instruction word that [`write`] passes.
const fn insn(word: u64) -> Insn {
    Insn(word as u32)
}

pub(crate) fn mffs<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    // Before the record: an unavailable facility suppresses that too.
    e.require(Facility::Float)?;
    let done = read(e, i, |f, _| Some(f.mffs()), 0);
    record(e, i, done)
}

pub(crate) fn mffsce<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    read(e, i, |f, _| Some(f.mffsce()), 0)
}

pub(crate) fn mffsl<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    read(e, i, |f, _| Some(f.mffsl()), 0)
}

pub(crate) fn mffscrn<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let b = e.vsr_high(i.rb());
    e.float1(Lower::Call, |f, b| Some(f.mffscrn(b as u8 & 3)), i.rt(), b)
}

pub(crate) fn mffscrni<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    read(e, i, |f, rm| Some(f.mffscrn(rm as u8)), i.bits(19, 2))
}

/// mffscdrn: DRN is replaced by the bits of FRB at its own place, 29 to 31.
pub(crate) fn mffscdrn<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let b = e.vsr_high(i.rb());
    e.float1(
        Lower::Call,
        |f, b| Some(f.mffscdrn((b >> 32) as u8 & 7)),
        i.rt(),
        b,
    )
}

pub(crate) fn mffscdrni<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    read(e, i, |f, drm| Some(f.mffscdrn(drm as u8)), i.bits(18, 3))
}

pub(crate) fn mtfsf<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    fn fields(f: &mut Fpscr, value: u64, word: u64) -> Option<u64> {
        let i = insn(word);
        f.mtfsf(
            i.bits(7, 8) as u8,
            i.bits(6, 1) != 0,
            i.bits(15, 1) != 0,
            value,
        );
        None
    }
    let b = e.vsr_high(i.rb());
    write(e, i, fields, b)
}

pub(crate) fn mtfsfi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    fn field(f: &mut Fpscr, _: u64, word: u64) -> Option<u64> {
        let i = insn(word);
        f.mtfsfi(i.bf() as u8, i.bits(16, 4) as u8, i.bits(15, 1) != 0);
        None
    }
    let none = e.imm(0);
    write(e, i, field, none)
}

pub(crate) fn mtfsb0<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    fn clear(f: &mut Fpscr, _: u64, word: u64) -> Option<u64> {
        f.mtfsb0(insn(word).rt() as u8);
        None
    }
    let none = e.imm(0);
    write(e, i, clear, none)
}

pub(crate) fn mtfsb1<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    fn set(f: &mut Fpscr, _: u64, word: u64) -> Option<u64> {
        f.mtfsb1(insn(word).rt() as u8);
        None
    }
    let none = e.imm(0);
    write(e, i, set, none)
}

pub(crate) fn mcrfs<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let field = e.imm(i.bfa().into());
    e.float_compare(
        Lower::Call,
        |f, field, _| f.mcrfs(field as u8),
        i.bf(),
        field,
        field,
    )
}
