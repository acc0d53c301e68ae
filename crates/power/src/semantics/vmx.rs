//! The shapes that VMX instructions have: which registers go in, where the result goes. The operations themselves are the pure
//! functions of `power-vector` and `power-float`.

use crate::engine::{Done, Engine, Facility, Lower};
use crate::insn::Insn;

#[inline(always)]
pub(super) fn vra<E: Engine>(e: &mut E, i: Insn) -> E::Vector {
    e.vsr(32 + i.ra())
}

#[inline(always)]
pub(super) fn vrb<E: Engine>(e: &mut E, i: Insn) -> E::Vector {
    e.vsr(32 + i.rb())
}

#[inline(always)]
pub(super) fn vrc<E: Engine>(e: &mut E, i: Insn) -> E::Vector {
    e.vsr(32 + i.rc_reg())
}

/// The old target, and VRS of stores.
#[inline(always)]
pub(super) fn vrt<E: Engine>(e: &mut E, i: Insn) -> E::Vector {
    e.vsr(32 + i.rt())
}

#[inline(always)]
pub(super) fn set_vrt<E: Engine>(e: &mut E, i: Insn, value: E::Vector) -> Done<E> {
    e.set_vsr(32 + i.rt(), value);
    Ok(())
}

/// An immediate as an operand of an operation that takes vectors only.
#[inline(always)]
pub(super) fn immediate<E: Engine>(e: &mut E, value: u32) -> E::Vector {
    let (high, low) = (e.imm(0), e.imm(value.into()));
    e.vector(high, low)
}

/// A vector known from the instruction word alone.
#[inline(always)]
pub(super) fn constant<E: Engine>(e: &mut E, value: u128) -> E::Vector {
    let (high, low) = (e.imm((value >> 64) as u64), e.imm(value as u64));
    e.vector(high, low)
}

/// VRT = f(VRB).
#[inline(always)]
pub(super) fn unary<E: Engine>(e: &mut E, i: Insn, f: fn(u128) -> u128) -> Done<E> {
    e.require(Facility::Vmx)?;
    let b = vrb(e, i);
    let value = e.vec1(Lower::Call, f, b);
    set_vrt(e, i, value)
}

/// VRT = f(VRA).
#[inline(always)]
pub(super) fn unary_a<E: Engine>(e: &mut E, i: Insn, f: fn(u128) -> u128) -> Done<E> {
    e.require(Facility::Vmx)?;
    let a = vra(e, i);
    let value = e.vec1(Lower::Call, f, a);
    set_vrt(e, i, value)
}

/// VRT = f(VRB, immediate).
#[inline(always)]
pub(super) fn unary_immediate<E: Engine>(
    e: &mut E,
    i: Insn,
    f: fn(u128, u32) -> u128,
    immediate: u32,
) -> Done<E> {
    e.require(Facility::Vmx)?;
    let b = vrb(e, i);
    let value = e.vec1_imm(f, b, immediate);
    set_vrt(e, i, value)
}

/// VRT = f(VRA, VRB).
#[inline(always)]
pub(super) fn binary<E: Engine>(
    e: &mut E,
    i: Insn,
    lower: Lower,
    f: fn(u128, u128) -> u128,
) -> Done<E> {
    e.require(Facility::Vmx)?;
    let (a, b) = (vra(e, i), vrb(e, i));
    let value = e.vec2(lower, f, a, b);
    set_vrt(e, i, value)
}

/// VRT = f(VRA, VRB); VSCR\[SAT\].
#[inline(always)]
pub(super) fn binary_saturating<E: Engine>(
    e: &mut E,
    i: Insn,
    f: fn(u128, u128) -> (u128, bool),
) -> Done<E> {
    e.require(Facility::Vmx)?;
    let (a, b) = (vra(e, i), vrb(e, i));
    let value = e.vec2_sat(f, a, b);
    set_vrt(e, i, value)
}

/// VRT = f(VRA, VRB, VRC).
#[inline(always)]
pub(super) fn ternary<E: Engine>(e: &mut E, i: Insn, f: fn(u128, u128, u128) -> u128) -> Done<E> {
    e.require(Facility::Vmx)?;
    let (a, b, c) = (vra(e, i), vrb(e, i), vrc(e, i));
    let value = e.vec3(Lower::Call, f, a, b, c);
    set_vrt(e, i, value)
}

/// VRT = f(VRA, VRB, VRC); VSCR\[SAT\].
#[inline(always)]
pub(super) fn ternary_saturating<E: Engine>(
    e: &mut E,
    i: Insn,
    f: fn(u128, u128, u128) -> (u128, bool),
) -> Done<E> {
    e.require(Facility::Vmx)?;
    let (a, b, c) = (vra(e, i), vrb(e, i), vrc(e, i));
    let value = e.vec3_sat(f, a, b, c);
    set_vrt(e, i, value)
}

/// VRT = f(old VRT, VRA, VRB).
#[inline(always)]
pub(super) fn accumulating<E: Engine>(
    e: &mut E,
    i: Insn,
    f: fn(u128, u128, u128) -> u128,
) -> Done<E> {
    e.require(Facility::Vmx)?;
    let (t, a, b) = (vrt(e, i), vra(e, i), vrb(e, i));
    let value = e.vec3(Lower::Call, f, t, a, b);
    set_vrt(e, i, value)
}

/// Semantic functions that give a shape the function of `power-vector` with their own name.
macro_rules! bind {
    ($shape:ident: $($name:ident),* $(,)?) => { $(
        pub(crate) fn $name<E: crate::engine::Engine>(e: &mut E, i: crate::insn::Insn) -> crate::engine::Done<E> {
            super::vmx::$shape(e, i, power_vector::$name)
        }
    )* };
}

/// As [`bind`], for the shape `binary`, which says how an engine may lower the operation.
macro_rules! bind_binary {
    ($($name:ident $lower:expr;)*) => { $(
        pub(crate) fn $name<E: crate::engine::Engine>(e: &mut E, i: crate::insn::Insn) -> crate::engine::Done<E> {
            super::vmx::binary(e, i, $lower, power_vector::$name)
        }
    )* };
    ($($name:ident),* $(,)?) => { $(
        pub(crate) fn $name<E: crate::engine::Engine>(e: &mut E, i: crate::insn::Insn) -> crate::engine::Done<E> {
            super::vmx::binary(e, i, crate::engine::Lower::Call, power_vector::$name)
        }
    )* };
}

pub(super) use {bind, bind_binary};
