//! Counts of bits and bytes, and parity (Power ISA 3.0B, Book I, 6.9.6, 6.12 and 6.13).

use crate::Vector;
use crate::lanes::{map, splat, vector_ops};

vector_ops! {
    /// Vector Count Leading Zeros Byte.
    vclzb(b) = map(b, |x: u8| x.leading_zeros() as u8);
    /// Vector Count Leading Zeros Halfword.
    vclzh(b) = map(b, |x: u16| x.leading_zeros() as u16);
    /// Vector Count Leading Zeros Word.
    vclzw(b) = map(b, u32::leading_zeros);
    /// Vector Count Leading Zeros Doubleword.
    vclzd(b) = map(b, |x: u64| x.leading_zeros().into());
    /// Vector Count Trailing Zeros Byte.
    vctzb(b) = map(b, |x: u8| x.trailing_zeros() as u8);
    /// Vector Count Trailing Zeros Halfword.
    vctzh(b) = map(b, |x: u16| x.trailing_zeros() as u16);
    /// Vector Count Trailing Zeros Word.
    vctzw(b) = map(b, u32::trailing_zeros);
    /// Vector Count Trailing Zeros Doubleword.
    vctzd(b) = map(b, |x: u64| x.trailing_zeros().into());
    /// Vector Population Count Byte.
    vpopcntb(b) = map(b, |x: u8| x.count_ones() as u8);
    /// Vector Population Count Halfword.
    vpopcnth(b) = map(b, |x: u16| x.count_ones() as u16);
    /// Vector Population Count Word.
    vpopcntw(b) = map(b, u32::count_ones);
    /// Vector Population Count Doubleword.
    vpopcntd(b) = map(b, |x: u64| x.count_ones().into());

    /// Vector Parity Byte Word: in each word, the parity of the last bits of its bytes.
    vprtybw(b) = map(b, |x: u32| (x & 0x0101_0101).count_ones() & 1);
    /// Vector Parity Byte Doubleword.
    vprtybd(b) = map(b, |x: u64| u64::from((x & 0x0101_0101_0101_0101).count_ones() & 1));
    /// Vector Parity Byte Quadword.
    vprtybq(b) = Vector::from((b & splat(1_u8)).count_ones() & 1);
}

/// Vector Count Leading Zero Least-Significant Bits Byte: how many bytes from the left have a zero
/// last bit, up to the first that has not. The answer (0 to 16) is for a GPR.
#[inline]
#[must_use]
pub fn vclzlsbb(b: Vector) -> u64 {
    u64::from((b & splat(1_u8)).leading_zeros() / 8)
}

/// Vector Count Trailing Zero Least-Significant Bits Byte: as [`vclzlsbb`], from the right.
#[inline]
#[must_use]
pub fn vctzlsbb(b: Vector) -> u64 {
    u64::from((b & splat(1_u8)).trailing_zeros() / 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_elements_count_their_whole_width() {
        assert_eq!(vclzb(0), splat(8_u8));
        assert_eq!(vctzh(0), splat(16_u16));
        assert_eq!(vclzw(1), 32 << 96 | 32 << 64 | 32 << 32 | 31);
        assert_eq!(vctzd(1 << 63), 64 << 64 | 63);
        assert_eq!(vpopcntd(u128::MAX), 64 << 64 | 64);
    }

    #[test]
    fn parity_takes_only_the_last_bit_of_each_byte() {
        assert_eq!(vprtybw(0xfe01_0101), 1);
        assert_eq!(vprtybd(0x0100_0000_0000_0001), 0);
        assert_eq!(vprtybq(1 << 120 | 1 << 64 | 0xff), 1);
    }

    #[test]
    fn byte_counts_find_the_first_odd_byte() {
        assert_eq!(vclzlsbb(0), 16);
        assert_eq!(vctzlsbb(0), 16);
        assert_eq!(vclzlsbb(0xfe01 << 96), 3);
        assert_eq!(vctzlsbb(0x01_00fe), 2);
        assert_eq!(vctzlsbb(u128::MAX), 0);
    }

    proptest! {
        #[test]
        fn population_of_wide_elements_is_the_sum_of_narrow(b: u128) {
            let sum = crate::vsum4ubs(vpopcntb(b), 0);
            prop_assert_eq!(sum, (vpopcntw(b), false));
        }

        #[test]
        fn quadword_parity_combines_those_of_the_words(b: u128) {
            prop_assert_eq!(vprtybq(b), (vprtybw(b).count_ones() & 1).into());
        }
    }
}
