//! The signed packed decimal format: 31 digits, most significant first, then a sign code; and
//! arithmetic on strings of digits held in a number, four bits each.

use crate::Vector;

/// What a decimal operation answers for the register where the ISA leaves it undefined, together
/// with a CR nibble that says so.
pub const UNDEFINED: Vector = 0;

/// Digits in a signed packed decimal operand.
pub(super) const DIGITS: u32 = 31;

/// The CR bit for a result below zero.
pub(super) const LT: u8 = 0b1000;
/// The CR bit for a result above zero.
pub(super) const GT: u8 = 0b0100;
/// The CR bit for a result of zero.
pub(super) const EQ: u8 = 0b0010;
/// The CR bit for an overflow, lost digits or an invalid operand.
pub(super) const SO: u8 = 0b0001;

/// The answer to an invalid operand.
pub(super) const INVALID: (Vector, u8) = (UNDEFINED, SO);

/// Which sign code a result that is not negative gets: the PS bit of the instruction.
pub(super) fn plus_code(ps: bool) -> Vector {
    if ps { 0xf } else { 0xc }
}

/// The sign code of negative results.
const MINUS_CODE: Vector = 0xd;

/// A valid signed packed decimal value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    /// Up to 31 digits, four bits each, least significant last.
    pub digits: u128,
    /// What the sign code says; zero can have either sign.
    pub negative: bool,
}

impl Packed {
    /// The value in a register, unless a digit is above 9 or the sign code below 10.
    pub fn decode(v: Vector) -> Option<Self> {
        let (digits, sign) = (v >> 4, v & 0xf);
        let valid = are_digits(digits) && sign >= 0xa;
        valid.then_some(Self {
            digits,
            negative: matches!(sign, 0xb | 0xd),
        })
    }

    /// The register for this value. Digits past the 31st are dropped.
    pub fn encode(self, ps: bool) -> Vector {
        self.digits << 4
            | if self.negative {
                MINUS_CODE
            } else {
                plus_code(ps)
            }
    }

    /// How the value compares with zero, as CR bits.
    pub fn sign_bits(self) -> u8 {
        match (self.digits, self.negative) {
            (0, _) => EQ,
            (_, true) => LT,
            (_, false) => GT,
        }
    }
}

/// Every nibble's lowest bit.
const ONES: u128 = 0x1111_1111_1111_1111_1111_1111_1111_1111;

/// Whether each nibble is a digit, 0 to 9.
pub(super) fn are_digits(x: u128) -> bool {
    // 10 to 15 are those with an 8 and also a 4 or a 2.
    x >> 3 & (x >> 2 | x >> 1) & ONES == 0
}

/// The sum of two digit strings of up to 31 digits; a carry becomes the 32nd digit.
pub(super) fn add_digits(a: u128, b: u128) -> u128 {
    let biased = a + 6 * (ONES >> 4);
    let sum = biased + b;
    // A digit that did not carry into the next still has its bias.
    let carried_into = sum ^ biased ^ b;
    let no_carry = !(carried_into >> 4) & ONES >> 4;
    sum - 6 * no_carry
}

/// The difference of two digit strings of up to 31 digits, `a >= b`.
pub(super) fn subtract_digits(a: u128, b: u128) -> u128 {
    let nines_complement = 9 * (ONES >> 4) - b;
    let low_digits = u128::MAX >> 4;
    // a + (10^31 - 1 - b) + 1 = 10^31 + (a - b), without its leading one.
    add_one(add_digits(a, nines_complement)) & low_digits
}

/// A digit string plus one; a carry out of the 31st digit becomes the 32nd.
pub(super) fn add_one(digits: u128) -> u128 {
    // The trailing nines turn to zeros, and the digit above them, which is none, can be incremented.
    let nines = (digits ^ (9 * ONES)).trailing_zeros() / 4;
    ((digits >> (4 * nines)) + 1) << (4 * nines)
}

/// The low `n` digits of a string.
pub(super) fn low_digits(digits: u128, n: u32) -> u128 {
    match n {
        0 => 0,
        1..32 => digits & u128::MAX >> (128 - 4 * n),
        _ => digits,
    }
}

/// The number that a digit string writes.
pub(super) fn number_of(digits: u128) -> u128 {
    digits.to_be_bytes().iter().fold(0_u128, |number, byte| {
        number * 100 + u128::from(byte >> 4) * 10 + u128::from(byte & 15)
    })
}

/// The digit string of a number below 10^31.
pub(super) fn digits_of(mut number: u128) -> u128 {
    let mut digits = 0;
    for place in 0..DIGITS {
        digits |= (number % 10) << (4 * place);
        number /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_sign_codes_b_and_d_are_negative() {
        for sign in 0..16_u128 {
            let decoded = Packed::decode(0x120 | sign);
            match sign {
                0..=9 => assert_eq!(decoded, None),
                0xb | 0xd => assert_eq!(
                    decoded,
                    Some(Packed {
                        digits: 0x12,
                        negative: true
                    })
                ),
                _ => assert_eq!(
                    decoded,
                    Some(Packed {
                        digits: 0x12,
                        negative: false
                    })
                ),
            }
        }
    }

    #[test]
    fn any_nibble_above_nine_is_no_digit() {
        for place in 0..32 {
            assert!(are_digits(9 << (4 * place)));
            for nibble in 10..16 {
                assert!(!are_digits(nibble << (4 * place)));
            }
        }
    }

    #[test]
    fn adding_one_ripples_through_nines() {
        assert_eq!(add_one(0x1299), 0x1300);
        assert_eq!(add_one(0), 1);
        let nines = 9 * (ONES >> 4);
        assert_eq!(add_one(nines), 1 << 124);
        assert_eq!(subtract_digits(nines, nines), 0);
        assert_eq!(subtract_digits(nines, 0), nines);
    }

    proptest! {
        #[test]
        fn digit_arithmetic_is_arithmetic(x in 0..10_u128.pow(31), y in 0..10_u128.pow(31)) {
            let (a, b) = (digits_of(x), digits_of(y));
            prop_assert_eq!(number_of(a), x);
            prop_assert_eq!(number_of(add_digits(a, b)), x + y);
            prop_assert_eq!(number_of(add_one(a)), x + 1);
            let (larger, smaller) = (a.max(b), a.min(b));
            prop_assert_eq!(number_of(subtract_digits(larger, smaller)), x.abs_diff(y));
        }
    }
}
