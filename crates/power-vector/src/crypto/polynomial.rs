//! Carry-less (polynomial) multiply-sums: products over GF(2) of corresponding elements, each pair
//! XORed into one element of twice the width.

use crate::lanes::{vector_ops, zip};

vector_ops! {
    /// Vector Polynomial Multiply-Sum Byte.
    vpmsumb(a, b) = zip(a, b, |x: u16, y| {
        (0..8).fold(0, |sum, i| {
            let (high, low) = (x >> 8 << i, (x & 0xff) << i);
            sum ^ high & bit_mask16(y, i + 8) ^ low & bit_mask16(y, i)
        })
    });
    /// Vector Polynomial Multiply-Sum Halfword.
    vpmsumh(a, b) = zip(a, b, |x: u32, y| {
        (0..16).fold(0, |sum, i| {
            let (high, low) = (x >> 16 << i, (x & 0xffff) << i);
            sum ^ high & bit_mask32(y, i + 16) ^ low & bit_mask32(y, i)
        })
    });
    /// Vector Polynomial Multiply-Sum Word.
    vpmsumw(a, b) = zip(a, b, |x: u64, y| {
        product(x >> 32, y >> 32, 32) as u64 ^ product(x & 0xffff_ffff, y & 0xffff_ffff, 32) as u64
    });
    /// Vector Polynomial Multiply-Sum Doubleword.
    vpmsumd(a, b) = {
        product((a >> 64) as u64, (b >> 64) as u64, 64) ^ product(a as u64, b as u64, 64)
    };
}

/// All ones if bit `i` of `y` (from the right) is set.
#[inline]
fn bit_mask16(y: u16, i: u32) -> u16 {
    (y >> i & 1).wrapping_neg()
}

/// All ones if bit `i` of `y` (from the right) is set.
#[inline]
fn bit_mask32(y: u32, i: u32) -> u32 {
    (y >> i & 1).wrapping_neg()
}

/// The carry-less product of `x` and the low `bits` bits of `y`, four bits of `y` at a time.
#[inline]
fn product(x: u64, y: u64, bits: u32) -> u128 {
    let x = u128::from(x);
    let mut multiples = [0; 16];
    for i in 1..16 {
        // Halving drops the last bit; doubling the half's multiple and adding `x` puts it back.
        multiples[i] = multiples[i / 2] << 1 ^ if i % 2 == 1 { x } else { 0 };
    }
    (0..bits / 4).rev().fold(0, |sum, i| {
        sum << 4 ^ multiples[(y >> (4 * i) & 15) as usize]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn products_do_not_carry() {
        // (x + 1)^2 = x^2 + 1 over GF(2).
        assert_eq!(vpmsumb(0x03, 0x03), 0x05);
        assert_eq!(vpmsumh(0x03, 0x03), 0x05);
        assert_eq!(vpmsumw(0x03, 0x03), 0x05);
        assert_eq!(vpmsumd(0x03, 0x03), 0x05);
        assert_eq!(vpmsumb(0xff, 0xff), 0x5555);
    }

    #[test]
    fn pairs_are_summed() {
        assert_eq!(vpmsumb(0x8001, 0x8001), 0x4001);
        assert_eq!(vpmsumd(1 << 127 | 1, 1 << 127 | 1), 1 << 126 | 1);
        assert_eq!(vpmsumd(1 << 64 | 1, 7 << 64 | 7), 0);
    }

    #[test]
    fn carry_less_multiplication_known_answer() {
        // The worked example of Intel's carry-less multiplication paper (Gueron and Kounavis).
        let (a, b) = (0x7b5b_5465_7374_5665, 0x4869_2853_6861_7929);
        assert_eq!(vpmsumd(a, b), vpmsumd(b, a));
        let bit_by_bit = (0..64).fold(0, |sum, i| sum ^ if b >> i & 1 == 1 { a << i } else { 0 });
        assert_eq!(vpmsumd(a, b), bit_by_bit);
    }

    proptest! {
        #[test]
        fn multiplication_distributes_over_addition(a: u128, b: u128, c: u128) {
            prop_assert_eq!(vpmsumb(a, b ^ c), vpmsumb(a, b) ^ vpmsumb(a, c));
            prop_assert_eq!(vpmsumh(a, b ^ c), vpmsumh(a, b) ^ vpmsumh(a, c));
            prop_assert_eq!(vpmsumw(a, b ^ c), vpmsumw(a, b) ^ vpmsumw(a, c));
            prop_assert_eq!(vpmsumd(a, b ^ c), vpmsumd(a, b) ^ vpmsumd(a, c));
        }

        #[test]
        fn narrow_elements_multiply_the_same_at_every_width(x: u8, y: u8) {
            let (x, y) = (u128::from(x), u128::from(y));
            prop_assert_eq!(vpmsumb(x, y), vpmsumh(x, y));
            prop_assert_eq!(vpmsumw(x, y), vpmsumd(x, y));
            prop_assert_eq!(vpmsumb(x, y), vpmsumd(x, y));
        }
    }
}
