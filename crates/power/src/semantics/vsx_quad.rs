//! Quad-precision instructions, on VMX registers under the VSX facility (Book I, 7.6.3).

use power_float::{Fpscr, quad as fq};

use super::vmx::{immediate, set_vrt, vra, vrb, vrt};
use crate::engine::{Done, Engine, Facility, Lower};
use crate::insn::Insn;

/// The forms with RO round to odd where bit 31 says so.
macro_rules! rounding {
    ($i:ident, $plain:path, $odd:path) => {
        if $i.rc() { $odd } else { $plain }
    };
}

macro_rules! binaries {
    ($($name:ident $odd:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (a, b) = (vra(e, i), vrb(e, i));
            e.vfloat2(Lower::Call, rounding!(i, fq::$name, fq::$odd), 32 + i.rt(), a, b)
        }
    )* };
}
binaries! {
    xsaddqp xsaddqpo;
    xssubqp xssubqpo;
    xsmulqp xsmulqpo;
    xsdivqp xsdivqpo;
}

/// VRT = VRA * VRB + VRT and its kin.
macro_rules! multiply_adds {
    ($($name:ident $odd:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (a, c, b) = (vra(e, i), vrb(e, i), vrt(e, i));
            e.vfloat3(Lower::Call, rounding!(i, fq::$name, fq::$odd), 32 + i.rt(), a, c, b)
        }
    )* };
}
multiply_adds! {
    xsmaddqp xsmaddqpo;
    xsmsubqp xsmsubqpo;
    xsnmaddqp xsnmaddqpo;
    xsnmsubqp xsnmsubqpo;
}

/// VRT = f(VRB).
#[inline(always)]
fn unary<E: Engine>(e: &mut E, i: Insn, f: fn(&mut Fpscr, u128) -> Option<u128>) -> Done<E> {
    e.require(Facility::Vsx)?;
    let b = vrb(e, i);
    e.vfloat1(Lower::Call, f, 32 + i.rt(), b)
}

/// The doubleword 0 that conversions from narrower formats read.
#[inline(always)]
const fn high(v: u128) -> u64 {
    (v >> 64) as u64
}

/// A result of one doubleword: it goes to doubleword 0, and doubleword 1 becomes 0.
#[inline(always)]
fn in_high(result: Option<u64>) -> Option<u128> {
    result.map(|value| u128::from(value) << 64)
}

pub(crate) fn xssqrtqp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    unary(e, i, rounding!(i, fq::xssqrtqp, fq::xssqrtqpo))
}

pub(crate) fn xscvqpdp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    fn nearest(f: &mut Fpscr, b: u128) -> Option<u128> {
        in_high(fq::xscvqpdp(f, b))
    }
    fn odd(f: &mut Fpscr, b: u128) -> Option<u128> {
        in_high(fq::xscvqpdpo(f, b))
    }
    unary(e, i, rounding!(i, nearest, odd))
}

macro_rules! conversions {
    ($($name:ident $function:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            unary(e, i, $function)
        }
    )* };
}
conversions! {
    xscvdpqp |f, b| fq::xscvdpqp(f, high(b));
    xscvsdqp |f, b| fq::xscvsdqp(f, high(b));
    xscvudqp |f, b| fq::xscvudqp(f, high(b));
    xscvqpsdz |f, b| in_high(fq::xscvqpsdz(f, b));
    xscvqpudz |f, b| in_high(fq::xscvqpudz(f, b));
    xscvqpswz |f, b| in_high(fq::xscvqpswz(f, b));
    xscvqpuwz |f, b| in_high(fq::xscvqpuwz(f, b));
}

/// VRT = f(VRB, R, RMC): R and RMC are one immediate, R its bit 2.
macro_rules! roundings {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (b, mode) = (vrb(e, i), immediate(e, i.bits(15, 1) << 2 | i.bits(21, 2)));
            e.vfloat2(Lower::Call, |f, b, mode| fq::$name(f, b, mode & 4 != 0, mode as u8 & 3), 32 + i.rt(), b, mode)
        }
    )* };
}
roundings!(xsrqpi, xsrqpix, xsrqpxp);

/// CR field BF = f(VRA, VRB).
macro_rules! comparisons {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (a, b) = (vra(e, i), vrb(e, i));
            e.vfloat_compare(fq::$name, i.bf(), a, b)
        }
    )* };
}
comparisons!(xscmpuqp, xscmpoqp, xscmpexpqp);

pub(crate) fn xststdcqp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (b, classes) = (vrb(e, i), immediate(e, i.bits(9, 7)));
    e.vfloat_compare(
        |f, b, classes| fq::xststdcqp(f, b, classes as u8),
        i.bf(),
        b,
        classes,
    )
}

/// VRT = f(VRB), FPSCR left alone.
macro_rules! bit_operations {
    ($($name:ident $function:path;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let b = vrb(e, i);
            let value = e.vec1(Lower::Call, $function, b);
            set_vrt(e, i, value)
        }
    )* };
}
bit_operations! {
    xsabsqp power_vector::xsabsqp;
    xsnabsqp power_vector::xsnabsqp;
    xsnegqp power_vector::xsnegqp;
    xsxexpqp fq::xsxexpqp;
    xsxsigqp fq::xsxsigqp;
}

pub(crate) fn xscpsgnqp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b) = (vra(e, i), vrb(e, i));
    let value = e.vec2(Lower::Call, power_vector::xscpsgnqp, a, b);
    set_vrt(e, i, value)
}

pub(crate) fn xsiexpqp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b) = (vra(e, i), vrb(e, i));
    let value = e.vec2(Lower::Call, |a, b| fq::xsiexpqp(a, high(b)), a, b);
    set_vrt(e, i, value)
}
