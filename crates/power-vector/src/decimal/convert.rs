//! Conversion between packed decimal and the national, zoned and binary formats.

use super::packed::{INVALID, Packed, SO, UNDEFINED, are_digits, digits_of, low_digits, number_of};
use crate::Vector;
use crate::lanes::{elements, from_elements};
use core::array::from_fn;

/// UTF-16 plus and minus, the signs of the national format.
const NATIONAL_PLUS: u16 = 0x002b;
const NATIONAL_MINUS: u16 = 0x002d;
/// UTF-16 zero, to which a national digit is added.
const NATIONAL_ZERO: u16 = 0x0030;

/// Decimal Convert From National: seven UTF-16 digits and a sign in `b` to packed decimal.
#[inline]
#[must_use]
pub fn bcdcfn(b: Vector, ps: bool) -> (Vector, u8) {
    let characters: [u16; 8] = elements(b);
    let negative = match characters[7] {
        NATIONAL_PLUS => false,
        NATIONAL_MINUS => true,
        _ => return INVALID,
    };
    let digits = characters[..7]
        .iter()
        .try_fold(0_u128, |digits, &character| {
            let digit = character
                .checked_sub(NATIONAL_ZERO)
                .filter(|&digit| digit <= 9)?;
            Some(digits << 4 | u128::from(digit))
        });
    digits.map_or(INVALID, |digits| {
        let value = Packed { digits, negative };
        (value.encode(ps), value.sign_bits())
    })
}

/// Decimal Convert To National: the low seven digits of `b`; the last CR bit says that others were
/// not zero.
#[inline]
#[must_use]
pub fn bcdctn(b: Vector) -> (Vector, u8) {
    let Some(value) = Packed::decode(b) else {
        return INVALID;
    };
    let national = from_elements::<u16, 8>(from_fn(|i| match (i, value.negative) {
        (0..7, _) => NATIONAL_ZERO + (value.digits >> (4 * (6 - i)) & 0xf) as u16,
        (_, false) => NATIONAL_PLUS,
        (_, true) => NATIONAL_MINUS,
    }));
    (national, value.sign_bits() | lost_digits(value.digits, 7))
}

/// Decimal Convert From Zoned: 16 digits of a byte each, whose zones `ps` says to be 3 (ASCII) or
/// F (EBCDIC); the sign is in the last zone.
#[inline]
#[must_use]
pub fn bcdcfz(b: Vector, ps: bool) -> (Vector, u8) {
    let bytes = b.to_be_bytes();
    let (zone, sign) = (if ps { 0xf } else { 0x3 }, bytes[15] >> 4);
    let zones_fit = bytes[..15].iter().all(|byte| byte >> 4 == zone);
    let digits = bytes
        .iter()
        .fold(0, |digits, byte| digits << 4 | u128::from(byte & 0xf));
    if !zones_fit || !are_digits(digits) || (ps && sign < 0xa) {
        return INVALID;
    }
    let negative = if ps {
        matches!(sign, 0xb | 0xd)
    } else {
        sign & 0x4 != 0
    };
    let value = Packed { digits, negative };
    // Here PS names the zones: the sign code of the result is always the first preferred one.
    (value.encode(false), value.sign_bits())
}

/// Decimal Convert To Zoned: the low 16 digits of `b`; the last CR bit says that others were not
/// zero. `ps` as for [`bcdcfz`].
#[inline]
#[must_use]
pub fn bcdctz(b: Vector, ps: bool) -> (Vector, u8) {
    let Some(value) = Packed::decode(b) else {
        return INVALID;
    };
    let zone = if ps { 0xf0 } else { 0x30 };
    let sign = match (ps, value.negative) {
        (false, false) => 0x30,
        (false, true) => 0x70,
        (true, false) => 0xc0,
        (true, true) => 0xd0,
    };
    let zoned = from_elements::<u8, 16>(from_fn(|i| {
        let digit = (value.digits >> (4 * (15 - i)) & 0xf) as u8;
        digit | if i == 15 { sign } else { zone }
    }));
    (zoned, value.sign_bits() | lost_digits(value.digits, 16))
}

/// The CR bit that says that a digit above the low `kept` ones is not zero.
fn lost_digits(digits: u128, kept: u32) -> u8 {
    if low_digits(digits, kept) == digits {
        0
    } else {
        SO
    }
}

/// Decimal Convert From Signed Quadword. A magnitude of 10^31 or more does not fit: the last CR bit
/// says so, beside the sign, and the register is [`UNDEFINED`].
#[inline]
#[must_use]
pub fn bcdcfsq(b: Vector, ps: bool) -> (Vector, u8) {
    let (number, negative) = ((b as i128).unsigned_abs(), (b as i128) < 0);
    if number < 10_u128.pow(31) {
        let value = Packed {
            digits: digits_of(number),
            negative,
        };
        (value.encode(ps), value.sign_bits())
    } else {
        (
            UNDEFINED,
            Packed {
                digits: number,
                negative,
            }
            .sign_bits()
                | SO,
        )
    }
}

/// Decimal Convert To Signed Quadword, which all packed decimal values fit.
#[inline]
#[must_use]
pub fn bcdctsq(b: Vector) -> (Vector, u8) {
    Packed::decode(b).map_or(INVALID, |value| {
        let number = number_of(value.digits);
        let signed = if value.negative {
            number.wrapping_neg()
        } else {
            number
        };
        (signed, value.sign_bits())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::packed::{EQ, GT, LT};
    use proptest::prelude::*;

    fn national(text: &str) -> Vector {
        text.encode_utf16()
            .fold(0, |v, unit| v << 16 | u128::from(unit))
    }

    #[test]
    fn national_is_utf_16_with_a_trailing_sign() {
        assert_eq!(bcdcfn(national("1234567-"), false), (0x1234_567d, LT));
        assert_eq!(bcdcfn(national("0000042+"), true), (0x42f, GT));
        assert_eq!(bcdcfn(national("0000000-"), false), (0x0d, EQ));
        assert_eq!(bcdcfn(national("00000a0+"), false).1, SO);
        assert_eq!(bcdcfn(national("00000000"), false).1, SO);
        assert_eq!(bcdctn(0x1234_567d), (national("1234567-"), LT));
        assert_eq!(bcdctn(0x9_1234_567a), (national("1234567+"), GT | SO));
        assert_eq!(bcdctn(0xab).1, SO);
    }

    #[test]
    fn zoned_ascii_carries_its_sign_in_the_last_zone() {
        let zoned = u128::from_be_bytes(*b"0000000000000125");
        assert_eq!(bcdcfz(zoned, false), (0x125c, GT));
        assert_eq!(bcdcfz(zoned | 0x40, false), (0x125d, LT));
        assert_eq!(bcdctz(0x125e, false), (zoned, GT));
        assert_eq!(bcdctz(0x125b, false), (zoned | 0x40, LT));
        assert_eq!(bcdcfz(zoned ^ 0x1000, false).1, SO);
    }

    #[test]
    fn zoned_ebcdic_has_packed_sign_codes() {
        let zoned = 0xf0f0_f0f0_f0f0_f0f0_f0f0_f0f0_f0f1_f2d5;
        assert_eq!(bcdcfz(zoned, true), (0x125d, LT));
        assert_eq!(bcdctz(0x125d, true), (zoned, LT));
        assert_eq!(bcdcfz(zoned & !0xf0, true).1, SO);
        assert_eq!(bcdctz(1 << 68 | 0xc, true).1, GT | SO);
    }

    #[test]
    fn quadwords_that_need_32_digits_do_not_fit() {
        let most = 10_i128.pow(31) - 1;
        assert_eq!(
            bcdcfsq(most as u128, true),
            (0x9999_9999_9999_9999_9999_9999_9999_999f, GT)
        );
        assert_eq!(bcdcfsq((most + 1) as u128, true).1, GT | SO);
        assert_eq!(bcdcfsq(i128::MIN as u128, true).1, LT | SO);
        assert_eq!(bcdcfsq(0, false), (0xc, EQ));
        assert_eq!(bcdctsq(0x0d), (0, EQ));
    }

    proptest! {
        #[test]
        fn quadwords_survive_the_round_trip(n in 1 - 10_i128.pow(31)..10_i128.pow(31)) {
            let (packed, cr) = bcdcfsq(n as u128, false);
            prop_assert_eq!(bcdctsq(packed), (n as u128, cr));
        }
    }
}
