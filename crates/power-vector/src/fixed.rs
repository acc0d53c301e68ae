//! Fixed-point instructions that are pure functions of GPRs and share their arithmetic with the
//! vector forms: bit permute, byte compare, parity, counts and BCD assists (Power ISA 3.0B,
//! Book I, 3.3.13 and 3.3.9).

use crate::lanes::Negate;

/// Bit Permute Doubleword: for each byte of `rs` the bit of `rb` that it numbers (from the left), or
/// 0 for a number above 63.
#[inline]
#[must_use]
pub fn bpermd(rs: u64, rb: u64) -> u64 {
    rs.to_be_bytes().iter().fold(0, |bits, &i| {
        bits << 1 | rb.checked_shr(63_u32.wrapping_sub(i.into())).unwrap_or(0) & 1
    })
}

/// Compare Bytes: all ones in each byte where `rs` and `rb` agree.
#[inline]
#[must_use]
pub fn cmpb(rs: u64, rb: u64) -> u64 {
    let equal = (rs ^ rb)
        .to_le_bytes()
        .map(|byte| u8::from(byte == 0).negate());
    u64::from_le_bytes(equal)
}

/// Parity Word: in each word, the parity of the last bits of its bytes.
#[inline]
#[must_use]
pub fn prtyw(rs: u64) -> u64 {
    let bits = rs & 0x0101_0101_0101_0101;
    let pairs = bits ^ bits >> 16;
    (pairs ^ pairs >> 8) & 0x0000_0001_0000_0001
}

/// Parity Doubleword: the parity of the last bits of all bytes.
#[inline]
#[must_use]
pub fn prtyd(rs: u64) -> u64 {
    u64::from((rs & 0x0101_0101_0101_0101).count_ones() & 1)
}

/// Population Count Bytes.
#[inline]
#[must_use]
pub fn popcntb(rs: u64) -> u64 {
    u64::from_le_bytes(rs.to_le_bytes().map(|byte| byte.count_ones() as u8))
}

/// Population Count Words.
#[inline]
#[must_use]
pub fn popcntw(rs: u64) -> u64 {
    u64::from((rs >> 32).count_ones()) << 32 | u64::from((rs as u32).count_ones())
}

/// Population Count Doubleword.
#[inline]
#[must_use]
pub fn popcntd(rs: u64) -> u64 {
    rs.count_ones().into()
}

/// Count Leading Zeros Word: of the low word.
#[inline]
#[must_use]
pub fn cntlzw(rs: u64) -> u64 {
    (rs as u32).leading_zeros().into()
}

/// Count Leading Zeros Doubleword.
#[inline]
#[must_use]
pub fn cntlzd(rs: u64) -> u64 {
    rs.leading_zeros().into()
}

/// Count Trailing Zeros Word: of the low word.
#[inline]
#[must_use]
pub fn cnttzw(rs: u64) -> u64 {
    (rs as u32).trailing_zeros().into()
}

/// Count Trailing Zeros Doubleword.
#[inline]
#[must_use]
pub fn cnttzd(rs: u64) -> u64 {
    rs.trailing_zeros().into()
}

/// Add and Generate Sixes: a 6 in each nibble where adding `ra` and `rb` does *not* carry out, the
/// correction that a decimal addition done in binary needs.
#[inline]
#[must_use]
pub fn addg6s(ra: u64, rb: u64) -> u64 {
    let sum = ra.wrapping_add(rb);
    let carries_out = (ra & rb) | ((ra | rb) & !sum);
    let no_carry = !carries_out & 0x8888_8888_8888_8888;
    no_carry >> 1 | no_carry >> 2
}

/// Convert Binary Coded Decimal To Declets: in each word, six BCD digits (the low 24 bits) become
/// two declets (the low 20 bits). A digit above 9 is undefined in the ISA; here it is taken as 8
/// or 9 by its last bit.
#[inline]
#[must_use]
pub fn cbcdtd(rs: u64) -> u64 {
    let word = |x: u64| declet_of_bcd(x >> 12 & 0xfff) << 10 | declet_of_bcd(x & 0xfff);
    word(rs >> 32) << 32 | word(rs)
}

/// Convert Declets To Binary Coded Decimal: the inverse of [`cbcdtd`].
#[inline]
#[must_use]
pub fn cdtbcd(rs: u64) -> u64 {
    let word = |x: u64| bcd_of_declet(x >> 10 & 0x3ff) << 12 | bcd_of_declet(x & 0x3ff);
    word(rs >> 32) << 32 | word(rs)
}

/// Densely packed decimal (IEEE 754-2008, 3.5.2): three BCD digits in ten bits.
///
/// A digit up to 7 takes three bits, an 8 or 9 only its last one; the bits that large digits leave
/// free say which digits are large.
#[inline]
fn declet_of_bcd(bcd: u64) -> u64 {
    let (a, b, c) = (bcd >> 8 & 15, bcd >> 4 & 15, bcd & 15);
    // What of the low two digits moves into the places of large ones.
    let (b_bits, c_bits) = (b >> 1 & 3, c >> 1 & 3);
    let (top, middle, bottom) = match (a > 7, b > 7, c > 7) {
        (false, false, false) => return (a << 7) | (b << 4) | c,
        (false, false, true) => (a >> 1, b_bits, 0b00),
        (false, true, false) => (a >> 1, c_bits, 0b01),
        (true, false, false) => (c_bits, b_bits, 0b10),
        (true, true, false) => (c_bits, 0b00, 0b11),
        (true, false, true) => (b_bits, 0b01, 0b11),
        (false, true, true) => (a >> 1, 0b10, 0b11),
        (true, true, true) => (0b00, 0b11, 0b11),
    };
    top << 8 | (a & 1) << 7 | middle << 5 | (b & 1) << 4 | 1 << 3 | bottom << 1 | c & 1
}

/// The three BCD digits of a declet; the 24 non-canonical declets decode like their canonical twin.
#[inline]
fn bcd_of_declet(declet: u64) -> u64 {
    let (top, middle, bottom) = (declet >> 8 & 3, declet >> 5 & 3, declet >> 1 & 3);
    let (a_low, b_low, c_low) = (declet >> 7 & 1, declet >> 4 & 1, declet & 1);
    let small = |bits: u64, low: u64| bits << 1 | low;
    let large = |low: u64| 8 | low;
    let (a, b, c) = match (declet >> 3 & 1, bottom, middle) {
        (0, _, _) => (declet >> 7 & 7, declet >> 4 & 7, declet & 7),
        (_, 0b00, _) => (small(top, a_low), small(middle, b_low), large(c_low)),
        (_, 0b01, _) => (small(top, a_low), large(b_low), small(middle, c_low)),
        (_, 0b10, _) => (large(a_low), small(middle, b_low), small(top, c_low)),
        (_, _, 0b00) => (large(a_low), large(b_low), small(top, c_low)),
        (_, _, 0b01) => (large(a_low), small(top, b_low), large(c_low)),
        (_, _, 0b10) => (small(top, a_low), large(b_low), large(c_low)),
        _ => (large(a_low), large(b_low), large(c_low)),
    };
    a << 8 | b << 4 | c
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bit_permute_gathers_numbered_bits() {
        assert_eq!(bpermd(0x0001_3f40_ff00_3f00, 1 << 63 | 1), 0b1010_0111);
    }

    #[test]
    fn compare_marks_equal_bytes() {
        assert_eq!(
            cmpb(0x1122_3344_5566_7788, 0x1100_3300_5500_7700),
            0xff00_ff00_ff00_ff00
        );
    }

    #[test]
    fn parities_and_counts() {
        assert_eq!(prtyw(0x0101_0100_0101_0000), 0x0000_0001_0000_0000);
        assert_eq!(prtyd(0x0101_0100_0101_0000), 1);
        assert_eq!(popcntb(0xff00_0103_070f_1f3f), 0x0800_0102_0304_0506);
        assert_eq!(popcntw(u64::MAX), 32 << 32 | 32);
        assert_eq!(cntlzw(0xffff_ffff_0000_0001), 31);
        assert_eq!(cnttzw(0xffff_ffff_0000_0000), 32);
    }

    #[test]
    fn generated_sixes_correct_a_decimal_sum() {
        // The classic use: add 6 to each digit beforehand, take back the sixes where none carried.
        let (a, b) = (0x0000_0123_4567_8999_u64, 0x0000_0987_6543_2101_u64);
        let biased = a + 0x6666_6666_6666_6666;
        assert_eq!(
            biased.wrapping_add(b) - addg6s(biased, b),
            0x0000_1111_1111_1100
        );
    }

    #[test]
    fn declets_match_the_standards_examples() {
        // The examples that descriptions of densely packed decimal commonly give.
        let examples = [
            (0x005, 0b00_0000_0101),
            (0x009, 0b00_0000_1001),
            (0x055, 0b00_0101_0101),
            (0x079, 0b00_0111_1001),
            (0x080, 0b00_0000_1010),
            (0x099, 0b00_0101_1111),
            (0x555, 0b10_1101_0101),
            (0x999, 0b00_1111_1111),
        ];
        for (bcd, declet) in examples {
            assert_eq!(declet_of_bcd(bcd), declet, "{bcd:03x}");
            assert_eq!(bcd_of_declet(declet), bcd, "{declet:010b}");
        }
    }

    #[test]
    fn every_three_digits_survive_the_round_trip() {
        for n in 0..1000 {
            let bcd = (n / 100) << 8 | (n / 10 % 10) << 4 | (n % 10);
            assert_eq!(bcd_of_declet(declet_of_bcd(bcd)), bcd);
        }
    }

    proptest! {
        #[test]
        fn converting_declets_and_back_is_canonical(rs: u64) {
            let bcd = cdtbcd(rs);
            prop_assert_eq!(cdtbcd(cbcdtd(bcd)), bcd);
        }
    }
}
