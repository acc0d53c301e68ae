//! Comparison, and the exceptions that comparing NaNs raises.

use std::cmp::Ordering;

use super::unpacked::TOP;
use super::{Class, Format, Unpacked};
use crate::fpscr::{Fpscr, bits as b};

/// How two data compare, as a CR field: LT 8, GT 4, EQ 2, UN 1.
#[inline]
pub(crate) fn compare(a: Unpacked, b: Unpacked) -> u8 {
    if a.is_nan() || b.is_nan() {
        return 1;
    }
    match key(a).cmp(&key(b)) {
        Ordering::Less => 8,
        Ordering::Greater => 4,
        Ordering::Equal => 2,
    }
}

/// A key that orders all data but NaNs: (sign of the value, magnitude).
fn key(x: Unpacked) -> (i8, i32, u128) {
    let (exponent, significand) = match x.class {
        Class::Zero => return (0, 0, 0),
        Class::Infinity => (i32::MAX - 1, TOP),
        _ => (x.exponent, x.significand),
    };
    if x.sign {
        (-1, !exponent, !significand)
    } else {
        (1, exponent, significand)
    }
}

/// The CR field of a comparison of two bit patterns, and whether one of them is a signalling NaN.
#[inline]
pub(crate) fn compare_bits(format: Format, a: u128, b: u128) -> (u8, bool) {
    let (x, y) = (Unpacked::unpack(format, a), Unpacked::unpack(format, b));
    (compare(x, y), x.is_signalling() || y.is_signalling())
}

/// The exceptions of an unordered comparison that only a signalling NaN makes invalid.
#[inline]
pub(crate) const fn quiet_exceptions(signalling: bool) -> u64 {
    if signalling { b::VXSNAN } else { 0 }
}

/// The exceptions of an unordered comparison that any NaN makes invalid: a signalling one is VXVC too unless
/// its VXSNAN traps.
#[inline]
pub(crate) const fn ordered_exceptions(f: Fpscr, signalling: bool) -> u64 {
    match (signalling, f.ve()) {
        (true, true) => b::VXSNAN,
        (true, false) => b::VXSNAN | b::VXVC,
        (false, _) => b::VXVC,
    }
}
