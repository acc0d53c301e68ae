//! Decimal addition, subtraction and sign manipulation.

use super::packed::{
    DIGITS, EQ, GT, INVALID, LT, Packed, SO, add_digits, low_digits, subtract_digits,
};
use crate::Vector;

/// Decimal Add Modulo: `a + b` with the preferred sign that `ps` chooses.
///
/// The CR nibble compares the exact sum with zero; its last bit says that the sum has more than
/// 31 digits (of which the low ones are answered) or that an operand is invalid.
#[inline]
#[must_use]
pub fn bcdadd(a: Vector, b: Vector, ps: bool) -> (Vector, u8) {
    match (Packed::decode(a), Packed::decode(b)) {
        (Some(a), Some(b)) => add(a, b, ps),
        _ => INVALID,
    }
}

/// Decimal Subtract Modulo: `a - b`; otherwise as [`bcdadd`].
#[inline]
#[must_use]
pub fn bcdsub(a: Vector, b: Vector, ps: bool) -> (Vector, u8) {
    match (Packed::decode(a), Packed::decode(b)) {
        (Some(a), Some(b)) => add(
            a,
            Packed {
                negative: !b.negative,
                ..b
            },
            ps,
        ),
        _ => INVALID,
    }
}

/// The sum of two valid operands. A sum of zero is always positive.
fn add(a: Packed, b: Packed, ps: bool) -> (Vector, u8) {
    let (digits, negative) = if a.negative == b.negative {
        (add_digits(a.digits, b.digits), a.negative)
    } else if a.digits >= b.digits {
        (subtract_digits(a.digits, b.digits), a.negative)
    } else {
        (subtract_digits(b.digits, a.digits), b.negative)
    };
    let (comparison, negative) = match (digits, negative) {
        (0, _) => (EQ, false),
        (_, true) => (LT, true),
        (_, false) => (GT, false),
    };
    let kept = low_digits(digits, DIGITS);
    let overflow = if kept == digits { 0 } else { SO };
    (
        Packed {
            digits: kept,
            negative,
        }
        .encode(ps),
        comparison | overflow,
    )
}

/// Decimal Copy Sign: the digits of `a` with the sign code of `b`, as it is.
#[inline]
#[must_use]
pub fn bcdcpsgn(a: Vector, b: Vector) -> (Vector, u8) {
    match (Packed::decode(a), Packed::decode(b)) {
        (Some(digits), Some(sign)) => {
            let result = Packed {
                negative: sign.negative,
                ..digits
            };
            ((a & !0xf) | (b & 0xf), result.sign_bits())
        }
        _ => INVALID,
    }
}

/// Decimal Set Sign: `b` with its sign code replaced by the preferred one of the same sign.
#[inline]
#[must_use]
pub fn bcdsetsgn(b: Vector, ps: bool) -> (Vector, u8) {
    Packed::decode(b).map_or(INVALID, |value| (value.encode(ps), value.sign_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::packed::{digits_of, number_of};
    use proptest::prelude::*;

    const NINES: Vector = 0x9999_9999_9999_9999_9999_9999_9999_999c;

    #[test]
    fn signs_follow_the_larger_magnitude() {
        assert_eq!(bcdadd(0x5c, 0x7c, false), (0x12c, GT));
        assert_eq!(bcdadd(0x5c, 0x7d, false), (0x2d, LT));
        assert_eq!(bcdadd(0x9f, 0x7b, true), (0x2f, GT));
        assert_eq!(bcdsub(0x5a, 0x7e, true), (0x2d, LT));
        assert_eq!(bcdsub(0x5d, 0x5d, true), (0x0f, EQ));
    }

    #[test]
    fn overflow_is_reported_beside_the_sign() {
        assert_eq!(bcdadd(NINES, 0x1c, false), (0x0c, GT | SO));
        assert_eq!(bcdsub(NINES ^ 1, 0x2c, false), (0x1d, LT | SO));
    }

    #[test]
    fn a_zero_sum_is_never_negative() {
        assert_eq!(bcdadd(0x0d, 0x0d, false), (0x0c, EQ));
        assert_eq!(bcdadd(0x3d, 0x3c, true), (0x0f, EQ));
    }

    #[test]
    fn invalid_operands_set_only_the_last_bit() {
        assert_eq!(bcdadd(0xac, 0x1c, false).1, SO);
        assert_eq!(bcdsub(0x1c, 0x19, false).1, SO);
        assert_eq!(bcdcpsgn(0x1c, 0x15).1, SO);
        assert_eq!(bcdsetsgn(0x15, false).1, SO);
    }

    #[test]
    fn sign_operations_keep_the_digits() {
        assert_eq!(bcdcpsgn(0x123c, 0x456b), (0x123b, LT));
        assert_eq!(bcdcpsgn(0x000c, 0x456d), (0x000d, EQ));
        assert_eq!(bcdsetsgn(0x123e, false), (0x123c, GT));
        assert_eq!(bcdsetsgn(0x123a, true), (0x123f, GT));
        assert_eq!(bcdsetsgn(0x123b, true), (0x123d, LT));
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_integers(
            x in -10_i128.pow(30)..10_i128.pow(30),
            y in -10_i128.pow(30)..10_i128.pow(30),
        ) {
            let encode = |n: i128| {
                Packed { digits: digits_of(n.unsigned_abs()), negative: n < 0 }.encode(false)
            };
            let (sum, cr) = bcdadd(encode(x), encode(y), false);
            prop_assert_eq!(sum, encode(x + y));
            prop_assert_eq!(bcdsub(sum, encode(y), false).0, encode(x));
            prop_assert_eq!(number_of(sum >> 4), (x + y).unsigned_abs());
            prop_assert_eq!(cr, match (x + y).signum() { -1 => LT, 0 => EQ, _ => GT });
        }
    }
}
