//! Moves between GPRs and VSRs (Book I, 7.6.2).

use super::util::ra_or_zero;
use super::vsx_storage::facility_of;
use crate::engine::{Done, Engine, Facility, Width};
use crate::insn::Insn;

/// What the moves of doubleword 0 need: they came with the floating-point registers, and with the VMX ones.
#[inline(always)]
const fn scalar_facility(n: u32) -> Facility {
    if n < 32 {
        Facility::Float
    } else {
        Facility::Vmx
    }
}

/// The low word of `value` in all words of a vector.
#[inline(always)]
pub(super) fn splat_word<E: Engine>(e: &mut E, value: E::Word) -> E::Vector {
    let low = e.zero_extend(value, Width::Word);
    let by = e.imm(32);
    let high = e.shl(low, by);
    let both = e.or(high, low);
    e.vector(both, both)
}

pub(crate) fn mfvsrd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(scalar_facility(i.xt()))?;
    let value = e.vsr_high(i.xt());
    e.set_gpr(i.ra(), value);
    Ok(())
}

pub(crate) fn mfvsrwz<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(scalar_facility(i.xt()))?;
    let value = e.vsr_high(i.xt());
    let value = e.zero_extend(value, Width::Word);
    e.set_gpr(i.ra(), value);
    Ok(())
}

pub(crate) fn mfvsrld<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(facility_of(i.xt()))?;
    let value = e.vsr(i.xt());
    let (_, low) = e.halves(value);
    e.set_gpr(i.ra(), low);
    Ok(())
}

pub(crate) fn mtvsrd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(scalar_facility(i.xt()))?;
    let value = e.gpr(i.ra());
    e.set_vsr_high(i.xt(), value);
    Ok(())
}

pub(crate) fn mtvsrwa<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(scalar_facility(i.xt()))?;
    let value = e.gpr(i.ra());
    let value = e.sign_extend(value, Width::Word);
    e.set_vsr_high(i.xt(), value);
    Ok(())
}

pub(crate) fn mtvsrwz<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(scalar_facility(i.xt()))?;
    let value = e.gpr(i.ra());
    let value = e.zero_extend(value, Width::Word);
    e.set_vsr_high(i.xt(), value);
    Ok(())
}

pub(crate) fn mtvsrdd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(facility_of(i.xt()))?;
    let (high, low) = (ra_or_zero(e, i), e.gpr(i.rb()));
    let value = e.vector(high, low);
    e.set_vsr(i.xt(), value);
    Ok(())
}

pub(crate) fn mtvsrws<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(facility_of(i.xt()))?;
    let value = e.gpr(i.ra());
    let value = splat_word(e, value);
    e.set_vsr(i.xt(), value);
    Ok(())
}
