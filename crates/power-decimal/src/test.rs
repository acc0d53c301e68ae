//! Tests of one operand: `dtstdc`, `dtstdg`, `dtstsf`, `dtstsfi` and their quad forms (Book I,
//! 5.6.3).
//!
//! All deliver a CR field, which FPCC receives too; none raises an exception.

use power_float::Fpscr;

use crate::compare::{UNORDERED, field};
use crate::format::{Format, unpack};
use crate::number::{Class, Number};

/// Sign in the first bit, whether the mask has `group` (0 is its most significant bit of six) in
/// the third.
fn tested(f: &mut Fpscr, number: Number, mask: u8, group: u32) -> u8 {
    let matches = mask >> (5 - group) & 1;
    let field = u8::from(number.sign) << 3 | matches << 1;
    f.set_fpcc(field);
    field
}

/// `dtstdc`, `dtstdcq`: whether A is of one of the classes in DCM: zero, subnormal, normal,
/// infinity, quiet NaN, signalling NaN.
pub fn dtstdc<F: Format>(f: &mut Fpscr, a: F, dcm: u8) -> u8 {
    let a = unpack(a);
    let class = match a.class {
        Class::Finite if a.is_zero() => 0,
        Class::Finite if a.is_subnormal(F::LAYOUT) => 1,
        Class::Finite => 2,
        Class::Infinity => 3,
        Class::Quiet => 4,
        Class::Signalling => 5,
    };
    tested(f, a, dcm, class)
}

/// `dtstdg`, `dtstdgq`: whether A is of one of the groups in DGM: zero; zero with an extreme
/// exponent; subnormal, or normal with an extreme exponent; normal with a leftmost digit of 0;
/// normal with another leftmost digit; not finite.
///
/// An extreme exponent is the least or the largest of the format.
pub fn dtstdg<F: Format>(f: &mut Fpscr, a: F, dgm: u8) -> u8 {
    let a = unpack(a);
    let extreme =
        a.exponent == F::LAYOUT.least_exponent() || a.exponent == F::LAYOUT.largest_exponent();
    let group = if !a.is_finite() {
        5
    } else if a.is_zero() {
        u32::from(extreme)
    } else if extreme || a.is_subnormal(F::LAYOUT) {
        2
    } else {
        3 + u32::from(a.significant_digits() == F::LAYOUT.digits())
    };
    tested(f, a, dgm, group)
}

fn significance<F: Format>(f: &mut Fpscr, reference: u32, b: F) -> u8 {
    let b = unpack(b);
    let field = if !b.is_finite() {
        UNORDERED
    } else if reference == 0 {
        4
    } else {
        field(reference.cmp(&b.significant_digits()))
    };
    f.set_fpcc(field);
    field
}

/// `dtstsf`, `dtstsfq`: compares the low six bits of `a` with the number of significant digits of
/// B, which zero has none of. 0 is greater than any number.
pub fn dtstsf<F: Format>(f: &mut Fpscr, a: u64, b: F) -> u8 {
    significance(f, (a & 63) as u32, b)
}

/// `dtstsfi`, `dtstsfiq`: as [`dtstsf`], with UIM for the reference.
pub fn dtstsfi<F: Format>(f: &mut Fpscr, uim: u8, b: F) -> u8 {
    significance(f, u32::from(uim) & 63, b)
}
