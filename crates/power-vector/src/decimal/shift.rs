//! Decimal shifts, by powers of ten, and truncation. The CR nibble compares the *source* with zero;
//! its last bit says that digits other than zero were lost on the left.

use super::packed::{DIGITS, EQ, GT, INVALID, Packed, SO, add_one, are_digits, low_digits};
use crate::Vector;

/// Digits in an unsigned operand.
const UNSIGNED_DIGITS: u32 = 32;

/// The shift count of an instruction: byte 7 of `a`, signed; to the left if positive.
fn count(a: Vector) -> i8 {
    (a >> 64) as i8
}

/// Shifts a string of `width` digits, and says whether any but zeros were lost on the left.
fn shift_digits(digits: u128, count: i8, width: u32) -> (u128, bool) {
    let places = u32::from(count.unsigned_abs()).min(width);
    if count <= 0 {
        return (digits.checked_shr(4 * places).unwrap_or(0), false);
    }
    let kept = low_digits(digits, width - places);
    (kept.checked_shl(4 * places).unwrap_or(0), kept != digits)
}

/// The CR bit for lost digits.
fn lost(digits: bool) -> u8 {
    if digits { SO } else { 0 }
}

/// Decimal Shift: `b` by as many digits as byte 7 of `a` says, left if positive.
#[inline]
#[must_use]
pub fn bcds(a: Vector, b: Vector, ps: bool) -> (Vector, u8) {
    Packed::decode(b).map_or(INVALID, |value| {
        let (digits, overflow) = shift_digits(value.digits, count(a), DIGITS);
        (
            Packed { digits, ..value }.encode(ps),
            value.sign_bits() | lost(overflow),
        )
    })
}

/// Decimal Shift and Round: as [`bcds`]; a shift to the right rounds the magnitude half up.
#[inline]
#[must_use]
pub fn bcdsr(a: Vector, b: Vector, ps: bool) -> (Vector, u8) {
    Packed::decode(b).map_or(INVALID, |value| {
        let (mut digits, overflow) = shift_digits(value.digits, count(a), DIGITS);
        if count(a) < 0 {
            // Longer shifts count as one by all digits, so the first digit still rounds.
            let places = u32::from(count(a).unsigned_abs()).min(DIGITS);
            let first_dropped = value.digits >> (4 * (places - 1)) & 0xf;
            if first_dropped >= 5 {
                digits = add_one(digits);
            }
        }
        (
            Packed { digits, ..value }.encode(ps),
            value.sign_bits() | lost(overflow),
        )
    })
}

/// Decimal Unsigned Shift: as [`bcds`] on 32 digits without a sign.
#[inline]
#[must_use]
pub fn bcdus(a: Vector, b: Vector) -> (Vector, u8) {
    if !are_digits(b) {
        return INVALID;
    }
    let (digits, overflow) = shift_digits(b, count(a), UNSIGNED_DIGITS);
    (digits, unsigned_sign_bits(b) | lost(overflow))
}

/// The length that a truncation keeps: halfword 3 of `a`.
fn length(a: Vector) -> u32 {
    (a >> 64) as u32 & 0xffff
}

/// Decimal Truncate: the low digits of `b`, as many as halfword 3 of `a` says.
#[inline]
#[must_use]
pub fn bcdtrunc(a: Vector, b: Vector, ps: bool) -> (Vector, u8) {
    Packed::decode(b).map_or(INVALID, |value| {
        let digits = low_digits(value.digits, length(a));
        let cr = value.sign_bits() | lost(digits != value.digits);
        (Packed { digits, ..value }.encode(ps), cr)
    })
}

/// Decimal Unsigned Truncate: as [`bcdtrunc`] on 32 digits without a sign.
#[inline]
#[must_use]
pub fn bcdutrunc(a: Vector, b: Vector) -> (Vector, u8) {
    if !are_digits(b) {
        return INVALID;
    }
    let digits = low_digits(b, length(a));
    (digits, unsigned_sign_bits(b) | lost(digits != b))
}

/// How an unsigned value compares with zero, as CR bits.
fn unsigned_sign_bits(digits: u128) -> u8 {
    if digits == 0 { EQ } else { GT }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::packed::LT;

    fn by(count: i8) -> Vector {
        // Everything but byte 7 is noise.
        !0xff_u128.rotate_left(64) | u128::from(count as u8) << 64
    }

    fn keep(length: u16) -> Vector {
        u128::from(length) << 64 | 0xffff << 80
    }

    #[test]
    fn shifts_multiply_and_divide_by_ten() {
        assert_eq!(bcds(by(2), 0x12d, false), (0x1200d, LT));
        assert_eq!(bcds(by(-1), 0x12c, true), (0x1f, GT));
        assert_eq!(bcds(by(0), 0x12a, false), (0x12c, GT));
        assert_eq!(bcdus(by(-1), 0x12c), INVALID);
        assert_eq!(bcdus(by(-1), 0x129), (0x12, GT));
        assert_eq!(bcdus(by(1), 0x129), (0x1290, GT));
    }

    #[test]
    fn the_nibble_compares_the_source_and_tells_of_lost_digits() {
        assert_eq!(bcds(by(30), 0x12c, false), (2 << 124 | 0xc, GT | SO));
        assert_eq!(bcds(by(31), 0x12c, false), (0xc, GT | SO));
        assert_eq!(bcds(by(127), 0x0d, false), (0xd, EQ));
        assert_eq!(bcds(by(-128), 0x12d, false), (0xd, LT));
        assert_eq!(bcdus(by(127), 0x1), (0, GT | SO));
        assert_eq!(bcdus(by(31), 0x1), (1 << 124, GT));
    }

    #[test]
    fn rounding_looks_at_the_first_digit_dropped() {
        assert_eq!(bcdsr(by(-1), 0x125c, false), (0x13c, GT));
        assert_eq!(bcdsr(by(-1), 0x124c, false), (0x12c, GT));
        assert_eq!(bcdsr(by(-2), 0x9950d, false), (0x100d, LT));
        assert_eq!(bcdsr(by(-31), 5 << 124 | 0xc, false), (0x1c, GT));
        assert_eq!(bcdsr(by(-99), 5 << 124 | 0xc, false), (0x1c, GT));
        assert_eq!(bcdsr(by(-31), 4 << 124 | 0xc, false), (0x0c, GT));
        assert_eq!(bcdsr(by(3), 0x1c, false), (0x1000c, GT));
    }

    #[test]
    fn truncation_keeps_the_low_digits() {
        assert_eq!(bcdtrunc(keep(2), 0x1234d, false), (0x34d, LT | SO));
        assert_eq!(bcdtrunc(keep(4), 0x1234d, false), (0x1234d, LT));
        assert_eq!(bcdtrunc(keep(0), 0x1234b, false), (0xd, LT | SO));
        assert_eq!(bcdtrunc(keep(0xffff), 0x1234e, true), (0x1234f, GT));
        assert_eq!(bcdutrunc(keep(1), 0x1230), (0, GT | SO));
        assert_eq!(bcdutrunc(keep(31), 7 << 124), (0, GT | SO));
        assert_eq!(bcdutrunc(keep(32), 7 << 124), (7 << 124, GT));
    }
}
