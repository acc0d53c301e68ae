//! The layout of DFP numbers (Book I, 5.4.1): sign, combination field, trailing significand.
//!
//! The combination field's first five bits hold the exponent's two high bits and the leftmost
//! digit, or say that this is an infinity or a NaN; the rest of it is the exponent's continuation.
//! The trailing significand is declets, three digits each.

use crate::declet;
use crate::number::{Class, Number};

/// Numbers of one DFP format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bits of the exponent's continuation.
    continuation: u32,
    /// Declets of the trailing significand.
    declets: u32,
    /// What is added to an exponent.
    pub bias: i32,
}

/// First bits of the combination field that say "infinity".
const INFINITY: u128 = 0b11110;
/// And "NaN"; the next bit then tells a signalling one.
const NAN: u128 = 0b11111;

impl Layout {
    /// DFP short, 32 bits.
    pub const SHORT: Self = Self {
        continuation: 6,
        declets: 2,
        bias: 101,
    };
    /// DFP long, 64 bits.
    pub const LONG: Self = Self {
        continuation: 8,
        declets: 5,
        bias: 398,
    };
    /// DFP extended, 128 bits.
    pub const EXTENDED: Self = Self {
        continuation: 12,
        declets: 11,
        bias: 6176,
    };

    /// Digits of a significand.
    pub const fn digits(self) -> u32 {
        3 * self.declets + 1
    }

    /// The largest biased exponent.
    pub const fn largest_biased(self) -> i32 {
        (3 << self.continuation) - 1
    }

    /// The least exponent of a significand's last digit.
    pub const fn least_exponent(self) -> i32 {
        -self.bias
    }

    /// The largest exponent of a significand's last digit.
    pub const fn largest_exponent(self) -> i32 {
        self.largest_biased() - self.bias
    }

    /// The least exponent of a normal number's first digit (Emin).
    pub const fn least_normal(self) -> i32 {
        self.least_exponent() + self.digits() as i32 - 1
    }

    /// The largest exponent of a number's first digit (Emax).
    pub const fn largest_normal(self) -> i32 {
        self.largest_exponent() + self.digits() as i32 - 1
    }

    /// The largest significand: all digits 9.
    pub const fn largest_coefficient(self) -> u128 {
        10u128.pow(self.digits()) - 1
    }

    const fn trailing_bits(self) -> u32 {
        10 * self.declets
    }

    const fn sign_shift(self) -> u32 {
        self.trailing_bits() + self.continuation + 5
    }

    /// What a bit pattern stands for.
    pub fn unpack(self, bits: u128) -> Number {
        let sign = bits >> self.sign_shift() & 1 != 0;
        let trailing = declet::number(bits, self.declets);
        let after_trailing = bits >> self.trailing_bits();
        let continuation = after_trailing & ((1 << self.continuation) - 1);
        let combination = after_trailing >> self.continuation & 0x1F;
        let special = |class| Number {
            class,
            sign,
            exponent: 0,
            coefficient: trailing,
        };
        if combination == INFINITY {
            return special(Class::Infinity);
        }
        if combination == NAN {
            let signalling = continuation >> (self.continuation - 1) != 0;
            return special(if signalling {
                Class::Signalling
            } else {
                Class::Quiet
            });
        }
        // 0xxxx, 10xxx: two bits of the exponent and a digit up to 7; 11xxx: the digit is 8 or 9.
        let (high, digit) = if combination >> 3 == 3 {
            (combination >> 1 & 3, 8 | combination & 1)
        } else {
            (combination >> 3, combination & 7)
        };
        Number {
            class: Class::Finite,
            sign,
            exponent: (high << self.continuation | continuation) as i32 - self.bias,
            coefficient: digit * 10u128.pow(3 * self.declets) + trailing,
        }
    }

    /// The canonical bit pattern of a number of this format. Of the significand of an infinity or a
    /// NaN the low digits are kept, as many as the trailing significand holds.
    pub fn pack(self, number: Number) -> u128 {
        let trailing = declet::declets(number.coefficient, self.declets);
        let combination = match number.class {
            Class::Infinity => INFINITY << self.continuation,
            Class::Quiet => NAN << self.continuation,
            Class::Signalling => NAN << self.continuation | 1 << (self.continuation - 1),
            Class::Finite => {
                let biased = (number.exponent + self.bias) as u128;
                debug_assert!(biased <= self.largest_biased() as u128, "{number:?}");
                debug_assert!(
                    number.coefficient <= self.largest_coefficient(),
                    "{number:?}"
                );
                let (high, rest) = (
                    biased >> self.continuation,
                    biased & ((1 << self.continuation) - 1),
                );
                let digit = number.coefficient / 10u128.pow(3 * self.declets);
                let first = if digit < 8 {
                    high << 3 | digit
                } else {
                    3 << 3 | high << 1 | digit & 1
                };
                first << self.continuation | rest
            }
        };
        u128::from(number.sign) << self.sign_shift()
            | combination << self.trailing_bits()
            | trailing
    }
}

mod sealed {
    use super::Layout;

    pub trait Bits: Copy + Into<u128> {
        /// Of the numbers in these bits.
        const LAYOUT: Layout;
        /// Of the same bits at the less significant end.
        fn of(bits: u128) -> Self;
    }

    impl Bits for u64 {
        const LAYOUT: Layout = Layout::LONG;
        fn of(bits: u128) -> Self {
            bits as Self
        }
    }

    impl Bits for u128 {
        const LAYOUT: Layout = Layout::EXTENDED;
        fn of(bits: u128) -> Self {
            bits
        }
    }
}

pub(crate) use sealed::Bits;

/// The bits of a format that instructions compute in: `u64` is DFP long, `u128` DFP extended.
pub trait Format: Bits {}

impl Format for u64 {}
impl Format for u128 {}

/// What the bits of an operand stand for.
pub(crate) fn unpack<F: Format>(bits: F) -> Number {
    F::LAYOUT.unpack(bits.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Layout; 3] = [Layout::SHORT, Layout::LONG, Layout::EXTENDED];

    #[test]
    fn formats_have_the_bounds_of_the_isa() {
        let bounds = ALL.map(|layout| {
            (
                layout.digits(),
                layout.largest_biased(),
                layout.least_normal(),
                layout.largest_normal(),
                layout.sign_shift(),
            )
        });
        assert_eq!(
            bounds,
            [
                (7, 191, -95, 96, 31),
                (16, 767, -383, 384, 63),
                (34, 12287, -6143, 6144, 127)
            ]
        );
    }

    #[test]
    fn the_encodings_of_the_standard_are_read() {
        let one = Layout::LONG.unpack(0x2238_0000_0000_0001);
        assert_eq!(one, Number::finite(false, 1, 0));
        let most = Layout::LONG.unpack(0x77FC_FF3F_CFF3_FCFF);
        assert_eq!(most, Number::finite(false, 9_999_999_999_999_999, 369));
        assert_eq!(Layout::SHORT.unpack(0xF800_0000).class, Class::Infinity);
        assert_eq!(Layout::LONG.unpack(0x7E00 << 48).class, Class::Signalling);
        assert!(Layout::EXTENDED.unpack(0xFC00 << 112).sign);
    }

    proptest! {
        #[test]
        fn packing_makes_a_number_canonical_and_keeps_it(bits: u128, which in 0usize..3) {
            let layout = ALL[which];
            let bits = bits & (u128::MAX >> (127 - layout.sign_shift()));
            let number = layout.unpack(bits);
            let canonical = layout.pack(number);
            prop_assert_eq!(layout.unpack(canonical), number);
            prop_assert_eq!(layout.pack(layout.unpack(canonical)), canonical);
        }
    }
}
