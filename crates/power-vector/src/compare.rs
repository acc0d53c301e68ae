//! Integer compares, minima and maxima (Power ISA 3.0B, Book I, 6.9.3 and 6.9.1).
//!
//! A compare answers a mask register: all ones in each element where the relation holds. The
//! recording form (`vcmpequb.`) writes the same register and sets CR field 6 to
//! [`cr6_of_mask`] of it.

use crate::Vector;
use crate::lanes::{mask, vector_ops, zip};
use crate::swar::{BYTES, HALFWORDS};

/// The CR field 6 nibble of a compare's mask: `0b1000` when all elements compare true, `0b0010`
/// when all compare false, 0 otherwise.
#[inline]
#[must_use]
pub fn cr6_of_mask(mask: Vector) -> u8 {
    match mask {
        Vector::MAX => 0b1000,
        0 => 0b0010,
        _ => 0,
    }
}

vector_ops! {
    /// Vector Compare Equal Unsigned Byte.
    vcmpequb(a, b) = !BYTES.not_equal(a, b);
    /// Vector Compare Equal Unsigned Halfword.
    vcmpequh(a, b) = !HALFWORDS.not_equal(a, b);
    /// Vector Compare Equal Unsigned Word.
    vcmpequw(a, b) = mask(a, b, |x: i32, y| x == y);
    /// Vector Compare Equal Unsigned Doubleword.
    vcmpequd(a, b) = mask(a, b, |x: i64, y| x == y);

    /// Vector Compare Greater Than Unsigned Byte.
    vcmpgtub(a, b) = BYTES.greater_unsigned(a, b);
    /// Vector Compare Greater Than Unsigned Halfword.
    vcmpgtuh(a, b) = HALFWORDS.greater_unsigned(a, b);
    /// Vector Compare Greater Than Unsigned Word.
    vcmpgtuw(a, b) = mask(a, b, |x: u32, y| x > y);
    /// Vector Compare Greater Than Unsigned Doubleword.
    vcmpgtud(a, b) = mask(a, b, |x: u64, y| x > y);
    /// Vector Compare Greater Than Signed Byte.
    vcmpgtsb(a, b) = BYTES.greater_signed(a, b);
    /// Vector Compare Greater Than Signed Halfword.
    vcmpgtsh(a, b) = HALFWORDS.greater_signed(a, b);
    /// Vector Compare Greater Than Signed Word.
    vcmpgtsw(a, b) = mask(a, b, |x: i32, y| x > y);
    /// Vector Compare Greater Than Signed Doubleword.
    vcmpgtsd(a, b) = mask(a, b, |x: i64, y| x > y);

    /// Vector Compare Not Equal Byte.
    vcmpneb(a, b) = BYTES.not_equal(a, b);
    /// Vector Compare Not Equal Halfword.
    vcmpneh(a, b) = HALFWORDS.not_equal(a, b);
    /// Vector Compare Not Equal Word.
    vcmpnew(a, b) = mask(a, b, |x: i32, y| x != y);
    /// Vector Compare Not Equal or Zero Byte: also true where either operand is zero.
    vcmpnezb(a, b) = BYTES.not_equal(a, b) | !BYTES.not_equal(a, 0);
    /// Vector Compare Not Equal or Zero Halfword: also true where either operand is zero.
    vcmpnezh(a, b) = HALFWORDS.not_equal(a, b) | !HALFWORDS.not_equal(a, 0);
    /// Vector Compare Not Equal or Zero Word: also true where either operand is zero.
    vcmpnezw(a, b) = mask(a, b, |x: i32, y| x != y || x == 0);
}

vector_ops! {
    /// Vector Maximum Unsigned Byte.
    vmaxub(a, b) = BYTES.max_unsigned(a, b);
    /// Vector Maximum Unsigned Halfword.
    vmaxuh(a, b) = HALFWORDS.max_unsigned(a, b);
    /// Vector Maximum Unsigned Word.
    vmaxuw(a, b) = zip(a, b, <u32 as Ord>::max);
    /// Vector Maximum Unsigned Doubleword.
    vmaxud(a, b) = zip(a, b, <u64 as Ord>::max);
    /// Vector Maximum Signed Byte.
    vmaxsb(a, b) = BYTES.max_signed(a, b);
    /// Vector Maximum Signed Halfword.
    vmaxsh(a, b) = HALFWORDS.max_signed(a, b);
    /// Vector Maximum Signed Word.
    vmaxsw(a, b) = zip(a, b, <i32 as Ord>::max);
    /// Vector Maximum Signed Doubleword.
    vmaxsd(a, b) = zip(a, b, <i64 as Ord>::max);

    /// Vector Minimum Unsigned Byte.
    vminub(a, b) = BYTES.min_unsigned(a, b);
    /// Vector Minimum Unsigned Halfword.
    vminuh(a, b) = HALFWORDS.min_unsigned(a, b);
    /// Vector Minimum Unsigned Word.
    vminuw(a, b) = zip(a, b, <u32 as Ord>::min);
    /// Vector Minimum Unsigned Doubleword.
    vminud(a, b) = zip(a, b, <u64 as Ord>::min);
    /// Vector Minimum Signed Byte.
    vminsb(a, b) = BYTES.min_signed(a, b);
    /// Vector Minimum Signed Halfword.
    vminsh(a, b) = HALFWORDS.min_signed(a, b);
    /// Vector Minimum Signed Word.
    vminsw(a, b) = zip(a, b, <i32 as Ord>::min);
    /// Vector Minimum Signed Doubleword.
    vminsd(a, b) = zip(a, b, <i64 as Ord>::min);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signedness_decides_the_order() {
        assert_eq!(vcmpgtub(0x80, 0x7f), 0xff);
        assert_eq!(vcmpgtsb(0x80, 0x7f), 0);
        assert_eq!(vcmpgtsd(1 << 127, 1 << 126), 0);
        assert_eq!(vcmpgtud(1 << 127, 1 << 126), u128::MAX << 64);
        assert_eq!(vmaxsh(0x8000, 0x0001), 0x0001);
        assert_eq!(vminsh(0x8000, 0x0001), 0x8000);
        assert_eq!(vminuh(0x8000, 0x0001), 0x0001);
    }

    #[test]
    fn not_equal_or_zero_finds_the_end_of_a_string() {
        let a = u128::from_be_bytes(*b"same\0same tail!!");
        let b = u128::from_be_bytes(*b"same\0same tail??");
        assert_eq!(vcmpneb(a, b), 0xffff);
        assert_eq!(vcmpnezb(a, b), 0xff << 88 | 0xffff);
        assert_eq!(vcmpnezw(0, 1 << 64), u128::MAX);
    }

    #[test]
    fn record_nibble_tells_all_from_none_from_some() {
        assert_eq!(cr6_of_mask(vcmpequw(7, 7)), 0b1000);
        assert_eq!(cr6_of_mask(vcmpequd(u128::MAX, 0)), 0b0010);
        assert_eq!(cr6_of_mask(vcmpequb(1, 2)), 0b0000);
    }

    proptest! {
        #[test]
        fn minimum_and_maximum_share_out_the_operands(a: u128, b: u128) {
            prop_assert_eq!(vminsw(a, b) ^ vmaxsw(a, b), a ^ b);
            prop_assert_eq!(vminub(a, b) ^ vmaxub(a, b), a ^ b);
            prop_assert_eq!(vcmpgtuh(vminuh(a, b), vmaxuh(a, b)), 0);
        }

        #[test]
        fn trichotomy(a: u128, b: u128) {
            let (less, equal, greater) = (vcmpgtsh(b, a), vcmpequh(a, b), vcmpgtsh(a, b));
            prop_assert_eq!(less ^ equal ^ greater, u128::MAX);
            prop_assert_eq!(vcmpneh(a, b), !equal);
        }
    }
}
