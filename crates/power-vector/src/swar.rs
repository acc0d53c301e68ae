//! Arithmetic on all bytes or halfwords of a register at once, with plain 128-bit integers ("SIMD
//! within a register").
//!
//! LLVM keeps a `u128` in two general registers and does not turn lane-wise code on it into
//! vector instructions: sixteen bytes become sixteen scalar operations, and putting them together
//! costs more still. For the narrow lanes, which string functions live on, these formulas are
//! several times faster; words and doublewords are as well served by [`crate::lanes`].

use crate::Vector;

/// A division of the register into equal lanes.
#[derive(Clone, Copy)]
pub(crate) struct Swar {
    /// The most significant bit of each lane.
    signs: Vector,
    /// The bits of a lane.
    width: u32,
}

/// Sixteen bytes.
pub(crate) const BYTES: Swar = Swar {
    signs: 0x8080_8080_8080_8080_8080_8080_8080_8080,
    width: 8,
};

/// Eight halfwords.
pub(crate) const HALFWORDS: Swar = Swar {
    signs: 0x8000_8000_8000_8000_8000_8000_8000_8000,
    width: 16,
};

impl Swar {
    /// A mask of all ones in each lane whose sign bit is set in `bits` (other bits are ignored).
    #[inline]
    fn spread(self, bits: Vector) -> Vector {
        let signs = bits & self.signs;
        (signs << 1).wrapping_sub(signs >> (self.width - 1))
    }

    /// `b` where `mask` has ones, `a` elsewhere.
    #[inline]
    fn select(a: Vector, b: Vector, mask: Vector) -> Vector {
        (a & !mask) | (b & mask)
    }

    /// The sums, modulo the width: without the sign bits nothing carries into the next lane.
    #[inline]
    pub fn add(self, a: Vector, b: Vector) -> Vector {
        ((a & !self.signs) + (b & !self.signs)) ^ ((a ^ b) & self.signs)
    }

    /// The differences, modulo the width: with a sign bit lent nothing borrows from the next lane.
    #[inline]
    pub fn subtract(self, a: Vector, b: Vector) -> Vector {
        ((a | self.signs) - (b & !self.signs)) ^ ((a ^ !b) & self.signs)
    }

    /// The bounds that a signed result of the sign of `a` is clamped to.
    #[inline]
    fn signed_bound(self, a: Vector) -> Vector {
        self.spread(a) ^ !self.signs
    }

    /// The unsigned sums, clamped; and whether any was.
    #[inline]
    pub fn add_unsigned(self, a: Vector, b: Vector) -> (Vector, bool) {
        let sum = self.add(a, b);
        let carries = self.spread((a & b) | ((a | b) & !sum));
        (sum | carries, carries != 0)
    }

    /// The signed sums, clamped; and whether any was.
    #[inline]
    pub fn add_signed(self, a: Vector, b: Vector) -> (Vector, bool) {
        let sum = self.add(a, b);
        let overflows = self.spread(!(a ^ b) & (a ^ sum));
        let clamped = Self::select(sum, self.signed_bound(a), overflows);
        (clamped, overflows != 0)
    }

    /// The unsigned differences, clamped to zero; and whether any was.
    #[inline]
    pub fn subtract_unsigned(self, a: Vector, b: Vector) -> (Vector, bool) {
        let borrows = self.greater_unsigned(b, a);
        (self.subtract(a, b) & !borrows, borrows != 0)
    }

    /// The signed differences, clamped; and whether any was.
    #[inline]
    pub fn subtract_signed(self, a: Vector, b: Vector) -> (Vector, bool) {
        let difference = self.subtract(a, b);
        let overflows = self.spread((a ^ b) & (a ^ difference));
        let clamped = Self::select(difference, self.signed_bound(a), overflows);
        (clamped, overflows != 0)
    }

    /// A mask of the lanes that differ.
    #[inline]
    pub fn not_equal(self, a: Vector, b: Vector) -> Vector {
        let differing = a ^ b;
        // Any bit below the sign bit carries into it.
        self.spread(((differing & !self.signs) + !self.signs) | differing)
    }

    /// A mask of the lanes where `a > b`, unsigned: where `b - a` borrows.
    #[inline]
    pub fn greater_unsigned(self, a: Vector, b: Vector) -> Vector {
        self.spread((!b & a) | (!(a ^ b) & self.subtract(b, a)))
    }

    /// A mask of the lanes where `a > b`, signed.
    #[inline]
    pub fn greater_signed(self, a: Vector, b: Vector) -> Vector {
        self.greater_unsigned(a ^ self.signs, b ^ self.signs)
    }

    /// The larger of each pair, unsigned.
    #[inline]
    pub fn max_unsigned(self, a: Vector, b: Vector) -> Vector {
        Self::select(b, a, self.greater_unsigned(a, b))
    }

    /// The larger of each pair, signed.
    #[inline]
    pub fn max_signed(self, a: Vector, b: Vector) -> Vector {
        Self::select(b, a, self.greater_signed(a, b))
    }

    /// The smaller of each pair, unsigned.
    #[inline]
    pub fn min_unsigned(self, a: Vector, b: Vector) -> Vector {
        Self::select(a, b, self.greater_unsigned(a, b))
    }

    /// The smaller of each pair, signed.
    #[inline]
    pub fn min_signed(self, a: Vector, b: Vector) -> Vector {
        Self::select(a, b, self.greater_signed(a, b))
    }

    /// The unsigned averages, rounded up: `a + b = 2 * (a | b) - (a ^ b)`.
    #[inline]
    pub fn average_unsigned(self, a: Vector, b: Vector) -> Vector {
        (a | b) - ((a ^ b) >> 1 & !self.signs)
    }

    /// The signed averages, rounded up: those of the operands moved into the unsigned range.
    #[inline]
    pub fn average_signed(self, a: Vector, b: Vector) -> Vector {
        self.average_unsigned(a ^ self.signs, b ^ self.signs) ^ self.signs
    }

    /// The unsigned distances.
    #[inline]
    pub fn absolute_difference(self, a: Vector, b: Vector) -> Vector {
        self.subtract(self.max_unsigned(a, b), self.min_unsigned(a, b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Lane, zip};
    use proptest::prelude::*;

    /// The lane-wise result and whether `exact` and `wrapped` values differ anywhere.
    fn saturating<T: Lane<N>, const N: usize>(
        a: Vector,
        b: Vector,
        saturated: impl Fn(T, T) -> T,
        wrapped: impl Fn(T, T) -> T,
    ) -> (Vector, bool) {
        let value = zip(a, b, saturated);
        (value, value != zip(a, b, wrapped))
    }

    /// Bytes that are often equal, zero, or next to a bound.
    fn vector() -> impl Strategy<Value = Vector> {
        let byte = prop_oneof![
            Just(0_u8),
            Just(1),
            Just(0x7f),
            Just(0x80),
            Just(0xff),
            any::<u8>()
        ];
        prop::array::uniform16(byte).prop_map(Vector::from_be_bytes)
    }

    macro_rules! agrees_with_lanes {
        ($name:ident, $lanes:ident, $unsigned:ty, $signed:ty, $wide:ty) => {
            proptest! {
                #[test]
                fn $name(a in vector(), b in vector()) {
                    let all = |yes: bool| if yes { <$unsigned>::MAX } else { 0 };
                    prop_assert_eq!($lanes.add(a, b), zip(a, b, <$unsigned>::wrapping_add));
                    prop_assert_eq!($lanes.subtract(a, b), zip(a, b, <$unsigned>::wrapping_sub));
                    prop_assert_eq!(
                        $lanes.add_unsigned(a, b),
                        saturating(a, b, <$unsigned>::saturating_add, <$unsigned>::wrapping_add)
                    );
                    prop_assert_eq!(
                        $lanes.add_signed(a, b),
                        saturating(a, b, <$signed>::saturating_add, <$signed>::wrapping_add)
                    );
                    prop_assert_eq!(
                        $lanes.subtract_unsigned(a, b),
                        saturating(a, b, <$unsigned>::saturating_sub, <$unsigned>::wrapping_sub)
                    );
                    prop_assert_eq!(
                        $lanes.subtract_signed(a, b),
                        saturating(a, b, <$signed>::saturating_sub, <$signed>::wrapping_sub)
                    );
                    prop_assert_eq!($lanes.not_equal(a, b), zip(a, b, |x, y| all(x != y)));
                    prop_assert_eq!($lanes.greater_unsigned(a, b), zip(a, b, |x, y| all(x > y)));
                    prop_assert_eq!(
                        $lanes.greater_signed(a, b),
                        zip(a, b, |x, y| all(x as $signed > y as $signed))
                    );
                    prop_assert_eq!($lanes.max_unsigned(a, b), zip(a, b, <$unsigned as Ord>::max));
                    prop_assert_eq!($lanes.min_unsigned(a, b), zip(a, b, <$unsigned as Ord>::min));
                    prop_assert_eq!($lanes.max_signed(a, b), zip(a, b, <$signed as Ord>::max));
                    prop_assert_eq!($lanes.min_signed(a, b), zip(a, b, <$signed as Ord>::min));
                    prop_assert_eq!(
                        $lanes.average_unsigned(a, b),
                        zip(a, b, |x: $unsigned, y| {
                            ((x as $wide + y as $wide + 1) >> 1) as $unsigned
                        })
                    );
                    prop_assert_eq!(
                        $lanes.average_signed(a, b),
                        zip(a, b, |x: $signed, y| ((x as $wide + y as $wide + 1) >> 1) as $signed)
                    );
                    prop_assert_eq!(
                        $lanes.absolute_difference(a, b),
                        zip(a, b, <$unsigned>::abs_diff)
                    );
                }
            }
        };
    }

    agrees_with_lanes!(bytes_agree_with_lane_by_lane, BYTES, u8, i8, i32);
    agrees_with_lanes!(halfwords_agree_with_lane_by_lane, HALFWORDS, u16, i16, i32);
}
