//! Pieces that several families share: effective addresses, record and overflow bits, masks.

use crate::engine::{Engine, XerBit};
use crate::insn::Insn;

/// (RA|0): GPR RA, or 0 where the field is 0.
#[inline(always)]
pub(super) fn ra_or_zero<E: Engine>(e: &mut E, i: Insn) -> E::Word {
    if i.ra() == 0 { e.imm(0) } else { e.gpr(i.ra()) }
}

/// EA of D, DS and DQ forms: (RA|0) + displacement.
#[inline(always)]
pub(super) fn ea_displacement<E: Engine>(e: &mut E, i: Insn, displacement: i64) -> E::Word {
    if i.ra() == 0 {
        return e.imm(displacement as u64);
    }
    let base = e.gpr(i.ra());
    let displacement = e.imm(displacement as u64);
    e.add(base, displacement)
}

/// EA of X forms: (RA|0) + (RB).
#[inline(always)]
pub(super) fn ea_indexed<E: Engine>(e: &mut E, i: Insn) -> E::Word {
    let index = e.gpr(i.rb());
    if i.ra() == 0 {
        return index;
    }
    let base = e.gpr(i.ra());
    e.add(base, index)
}

/// CR field 0 from a result, where Rc says so.
#[inline(always)]
pub(super) fn record<E: Engine>(e: &mut E, i: Insn, result: E::Word) {
    if i.rc() {
        record_always(e, result);
    }
}

/// CR field 0 from a result.
#[inline(always)]
pub(super) fn record_always<E: Engine>(e: &mut E, result: E::Word) {
    let zero = e.imm(0);
    e.compare(0, result, zero, true);
}

/// Bit `n` (0 = least significant) of a value as a condition.
#[inline(always)]
pub(super) fn bit<E: Engine>(e: &mut E, value: E::Word, n: u64) -> E::Cond {
    let mask = e.imm(1 << n);
    let masked = e.and(value, mask);
    let zero = e.imm(0);
    let clear = e.eq(masked, zero);
    e.negate(clear)
}

/// OV, OV32 and, sticky, SO.
#[inline(always)]
pub(super) fn set_overflow<E: Engine>(e: &mut E, ov: E::Cond, ov32: E::Cond) {
    let so = e.xer_bit(XerBit::So);
    let so = e.either(so, ov);
    e.set_xer_bit(XerBit::So, so);
    e.set_xer_bit(XerBit::Ov, ov);
    e.set_xer_bit(XerBit::Ov32, ov32);
}

/// MASK(mb, me) of 64 bits, ISA bit numbering, wrapping where mb > me.
#[inline(always)]
pub(super) const fn mask64(mb: u32, me: u32) -> u64 {
    let from = u64::MAX >> mb;
    let to = u64::MAX << (63 - me);
    if mb <= me { from & to } else { from | to }
}
