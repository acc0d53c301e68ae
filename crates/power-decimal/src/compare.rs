//! `dcmpu`, `dcmpo`, `dtstex` and their quad forms (Book I, 5.6.2 and 5.6.3).
//!
//! All deliver a CR field (LT 8, GT 4, EQ 2, unordered 1), which FPCC receives too.

use std::cmp::Ordering;

use ethnum::U256;
use power_float::Fpscr;
use power_float::fpscr::bits as b;

use crate::format::{Format, unpack};
use crate::number::{Class, Number};
use crate::wide::power_of_ten;

/// Unordered.
pub(crate) const UNORDERED: u8 = 1;

/// An order as a CR field.
pub(crate) const fn field(order: Ordering) -> u8 {
    match order {
        Ordering::Less => 8,
        Ordering::Greater => 4,
        Ordering::Equal => 2,
    }
}

/// The order of two numbers by value. None where one is a NaN.
fn order(a: Number, b: Number) -> Option<Ordering> {
    if a.is_nan() || b.is_nan() {
        return None;
    }
    // -1, 0 or 1.
    let sign = |number: Number| match (number.is_zero(), number.sign) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    };
    let by_sign = sign(a).cmp(&sign(b));
    if by_sign.is_ne() || a.is_zero() {
        return Some(by_sign);
    }
    let magnitudes = match (a.is_infinite(), b.is_infinite()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => magnitudes(a, b),
    };
    Some(if a.sign {
        magnitudes.reverse()
    } else {
        magnitudes
    })
}

/// The order of two finite numbers that are not zero, by magnitude.
fn magnitudes(a: Number, b: Number) -> Ordering {
    let by_exponent = a.adjusted_exponent().cmp(&b.adjusted_exponent());
    by_exponent.then_with(|| {
        // So the exponents differ by less than the digits of a significand.
        let least = a.exponent.min(b.exponent);
        let widened = |number: Number| {
            U256::from(number.coefficient) * power_of_ten((number.exponent - least) as u32)
        };
        widened(a).cmp(&widened(b))
    })
}

fn compare<F: Format>(a: F, b: F) -> (u8, bool) {
    let (a, b) = (unpack(a), unpack(b));
    let signalling = [a, b].iter().any(|each| each.class == Class::Signalling);
    (order(a, b).map_or(UNORDERED, field), signalling)
}

/// `dcmpu`, `dcmpuq`: compares A with B; VXSNAN for a signalling NaN.
pub fn dcmpu<F: Format>(f: &mut Fpscr, a: F, b: F) -> u8 {
    let (field, signalling) = compare(a, b);
    f.set_fpcc(field);
    f.raise(if signalling { b::VXSNAN } else { 0 });
    field
}

/// `dcmpo`, `dcmpoq`: as [`dcmpu`], and VXVC for a NaN, but for a signalling one only where VE=0.
pub fn dcmpo<F: Format>(f: &mut Fpscr, a: F, b: F) -> u8 {
    let (field, signalling) = compare(a, b);
    f.set_fpcc(field);
    if field == UNORDERED {
        f.raise(match (signalling, f.ve()) {
            (true, true) => b::VXSNAN,
            (true, false) => b::VXSNAN | b::VXVC,
            (false, _) => b::VXVC,
        });
    }
    field
}

/// `dtstex`, `dtstexq`: compares the exponents of A and B. Infinities are equal, and so are NaNs;
/// other pairs of which not both are finite are unordered.
pub fn dtstex<F: Format>(f: &mut Fpscr, a: F, b: F) -> u8 {
    let (a, b) = (unpack(a), unpack(b));
    let field = if a.is_finite() && b.is_finite() {
        field(a.exponent.cmp(&b.exponent))
    } else if a.is_infinite() && b.is_infinite() || a.is_nan() && b.is_nan() {
        field(Ordering::Equal)
    } else {
        UNORDERED
    };
    f.set_fpcc(field);
    field
}
