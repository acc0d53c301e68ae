//! Integers of 256 bits and the shifts, roots and quotients that exact significand arithmetic needs.

/// `value >> by`, with bit 0 set if any bit was shifted out (sticky).
#[inline]
pub(crate) const fn shift_right_jam(value: u128, by: u32) -> u128 {
    match by {
        0 => value,
        1..=127 => value >> by | (value << (128 - by) != 0) as u128,
        _ => (value != 0) as u128,
    }
}

/// An unsigned integer of 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct U256 {
    pub high: u128,
    pub low: u128,
}

impl U256 {
    /// The full product.
    #[inline]
    pub const fn product(a: u128, b: u128) -> Self {
        const MASK: u128 = u64::MAX as u128;
        let (a1, a0, b1, b0) = (a >> 64, a & MASK, b >> 64, b & MASK);
        let low = a0 * b0;
        let mid1 = a1 * b0 + (low >> 64);
        let mid2 = a0 * b1 + (mid1 & MASK);
        Self {
            high: a1 * b1 + (mid1 >> 64) + (mid2 >> 64),
            low: mid2 << 64 | low & MASK,
        }
    }

    /// `self + other`; the caller leaves room for the carry.
    #[inline]
    pub const fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        Self {
            high: self
                .high
                .wrapping_add(other.high)
                .wrapping_add(carry as u128),
            low,
        }
    }

    /// `self - other` for `self >= other`.
    #[inline]
    pub const fn minus(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self {
            high: self
                .high
                .wrapping_sub(other.high)
                .wrapping_sub(borrow as u128),
            low,
        }
    }

    /// `self << by` for `by < 256`.
    #[inline]
    pub const fn shifted_left(self, by: u32) -> Self {
        match by {
            0 => self,
            1..=127 => Self {
                high: self.high << by | self.low >> (128 - by),
                low: self.low << by,
            },
            _ => Self {
                high: self.low << (by - 128),
                low: 0,
            },
        }
    }

    /// `self >> by`, with bit 0 set if any bit was shifted out (sticky).
    #[inline]
    pub const fn shifted_right_jam(self, by: u32) -> Self {
        match by {
            0 => self,
            1..=127 => {
                let lost = self.low << (128 - by) != 0;
                Self {
                    high: self.high >> by,
                    low: self.low >> by | self.high << (128 - by) | lost as u128,
                }
            }
            128..=255 => {
                let low = shift_right_jam(self.high, by - 128);
                Self {
                    high: 0,
                    low: low | (self.low != 0) as u128,
                }
            }
            _ => Self {
                high: 0,
                low: (self.high != 0 || self.low != 0) as u128,
            },
        }
    }

    /// Zeros above the most significant 1.
    #[inline]
    pub const fn leading_zeros(self) -> u32 {
        if self.high != 0 {
            self.high.leading_zeros()
        } else {
            128 + self.low.leading_zeros()
        }
    }

    /// The high half, with bit 0 set if the low half is not 0 (sticky).
    #[inline]
    pub const fn high_jam(self) -> u128 {
        self.high | (self.low != 0) as u128
    }
}

/// `bits` bits of `a / b` for `a < 2b`, `b` at least 2^127: the first bit is the integer part; left-justified, sticky
/// bit 0.
pub(crate) fn quotient(a: u128, b: u128, bits: u32) -> u128 {
    if (a | b) << 53 == 0 && bits <= 64 {
        // Up to double precision one integer division does it.
        let (dividend, divisor) = ((a >> 75) << (bits - 1), b >> 75);
        return (dividend / divisor) << (128 - bits) | (dividend % divisor != 0) as u128;
    }
    let mut result = 0u128;
    let (mut rest, mut carry) = (a, false);
    for i in 0..bits {
        if carry || rest >= b {
            rest = rest.wrapping_sub(b);
            result |= 1 << (127 - i);
        }
        carry = rest >> 127 != 0;
        rest <<= 1;
    }
    result | (carry || rest != 0) as u128
}

/// `bits` bits of the square root of `a`, a fixed-point number in [1, 4) with 126 fraction bits of which the last
/// is 0; the first bit is the integer part; left-justified, sticky bit 0.
pub(crate) fn square_root(a: u128, bits: u32) -> u128 {
    // Digit by digit. All numbers have 125 fraction bits; before step i, `rest` is (a - root^2) * 2^i, which stays
    // below 8. Adding the digit 2^-i takes 2^-i * (2 root + 2^-i) from a - root^2, hence 2 root + 2^-i from `rest`.
    let mut root = 0u128;
    let mut rest = a >> 1;
    for i in 0..bits {
        let digit = 1u128 << (125 - i);
        let subtrahend = root << 1 | digit;
        if rest >= subtrahend {
            rest -= subtrahend;
            root |= digit;
        }
        rest <<= 1;
    }
    root << 2 | (rest != 0) as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_exact() {
        let p = U256::product(u128::MAX, u128::MAX);
        assert_eq!((p.high, p.low), (u128::MAX - 1, 1));
        let p = U256::product(3 << 100, 5 << 90);
        assert_eq!((p.high, p.low), (15 << 62, 0));
    }

    #[test]
    fn a_jamming_shift_remembers_what_it_loses() {
        assert_eq!(shift_right_jam(0b1000, 3), 1);
        assert_eq!(shift_right_jam(0b1001_0000, 5), 0b101);
        assert_eq!(shift_right_jam(1, 500), 1);
        let one = U256 { high: 0, low: 1 };
        assert_eq!(one.shifted_left(200).shifted_right_jam(200), one);
        assert_eq!(one.shifted_left(200).shifted_right_jam(255), one);
        assert_eq!(one.shifted_right_jam(130), one);
    }

    #[test]
    fn quotients_and_roots_are_exact_or_sticky() {
        let one = 1u128 << 127;
        assert_eq!(quotient(one | one >> 1, one, 116), one | one >> 1);
        assert_eq!(quotient(one, one | one >> 1, 4), 0b0101 << 124 | 1);
        // A bit far to the right in the dividend changes nothing but the sticky bit, and takes the other way.
        let (a, b) = (one | 0x1234_5678 << 80, one | 0x9876_5432 << 76);
        assert_eq!(quotient(a | 1, b, 56) | 1, quotient(a, b, 56) | 1);
        assert_eq!(square_root(9 << 124, 116), 3 << 126);
        assert_eq!(square_root(2 << 126, 8) >> 120, 0b1011_0101);
        assert_eq!(square_root(2 << 126, 8) & 1, 1);
    }
}
