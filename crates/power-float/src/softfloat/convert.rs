//! Conversions between floating-point data and integers.

use super::round::{Intermediate, to_integral};
use super::{Class, Unpacked};
use crate::fpscr::{Rounding, bits as b};

/// A target of a conversion to integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integer {
    /// Signed, of this many bits.
    Signed(u32),
    /// Unsigned, of this many bits.
    Unsigned(u32),
}

/// Converts to an integer, sign-extended to 64 bits if it is signed; `status` in FPSCR layout, without FPRF.
///
/// Out of range: VXCVI and the nearest representable integer; NaN: VXCVI (and VXSNAN) and the most negative
/// (signed) or zero (unsigned).
#[inline]
pub(crate) fn to_integer(value: Unpacked, rounding: Rounding, target: Integer) -> (u64, u64) {
    let (min, max): (i128, i128) = match target {
        Integer::Signed(bits) => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        Integer::Unsigned(bits) => (0, (1 << bits) - 1),
    };
    match value.class {
        Class::Zero => (0, 0),
        Class::Quiet => (min as u64, b::VXCVI),
        Class::Signalling => (min as u64, b::VXCVI | b::VXSNAN),
        Class::Infinity => (if value.sign { min } else { max } as u64, b::VXCVI),
        Class::Finite => {
            let (whole, inexact, away) = to_integral(value, rounding);
            let magnitude = match whole.class {
                Class::Finite if whole.exponent > 64 => 1 << 100,
                Class::Finite => (whole.significand >> (127 - whole.exponent)) as i128,
                _ => 0,
            };
            let integer = if value.sign { -magnitude } else { magnitude };
            if integer < min || integer > max {
                return (if value.sign { min } else { max } as u64, b::VXCVI);
            }
            let status = if inexact {
                b::XX | b::FI | if away { b::FR } else { 0 }
            } else {
                0
            };
            (integer as u64, status)
        }
    }
}

/// The signed integer as a number, exactly.
#[inline]
pub(crate) const fn from_signed(integer: i64) -> Intermediate {
    from_magnitude(integer < 0, integer.unsigned_abs())
}

/// The unsigned integer as a number, exactly.
#[inline]
pub(crate) const fn from_unsigned(integer: u64) -> Intermediate {
    from_magnitude(false, integer)
}

const fn from_magnitude(sign: bool, magnitude: u64) -> Intermediate {
    let mut value = Unpacked::finite(sign, 127, magnitude as u128);
    if magnitude == 0 {
        value.sign = false;
    }
    Intermediate::of(value)
}

/// A change of format: NaNs are quieted (VXSNAN for a signalling one), the rest is left to rounding.
#[inline]
pub(crate) fn quieted(value: Unpacked) -> Intermediate {
    Intermediate {
        value: value.quieted(),
        status: if value.is_signalling() { b::VXSNAN } else { 0 },
    }
}
