//! Multiplication, multiply-add, multiply-sum and sum-across (Power ISA 3.0B, Book I, 6.9.1).
//!
//! "Even" and "odd" elements are in the ISA's order, so of each pair the even one is the upper
//! half of the double-width element: every even/odd product is element-wise on the wide type.

use crate::Vector;
use crate::lanes::zip3_saturating;
use crate::lanes::{elements, from_elements, map, saturating_ops, vector_ops, zip, zip3};

vector_ops! {
    /// Vector Multiply Even Unsigned Byte.
    vmuleub(a, b) = zip(a, b, |x: u16, y| (x >> 8) * (y >> 8));
    /// Vector Multiply Even Unsigned Halfword.
    vmuleuh(a, b) = zip(a, b, |x: u32, y| (x >> 16) * (y >> 16));
    /// Vector Multiply Even Unsigned Word.
    vmuleuw(a, b) = zip(a, b, |x: u64, y| (x >> 32) * (y >> 32));
    /// Vector Multiply Even Signed Byte.
    vmulesb(a, b) = zip(a, b, |x: i16, y| (x >> 8) * (y >> 8));
    /// Vector Multiply Even Signed Halfword.
    vmulesh(a, b) = zip(a, b, |x: i32, y| (x >> 16) * (y >> 16));
    /// Vector Multiply Even Signed Word.
    vmulesw(a, b) = zip(a, b, |x: i64, y| (x >> 32) * (y >> 32));

    /// Vector Multiply Odd Unsigned Byte.
    vmuloub(a, b) = zip(a, b, |x: u16, y| (x & 0xff) * (y & 0xff));
    /// Vector Multiply Odd Unsigned Halfword.
    vmulouh(a, b) = zip(a, b, |x: u32, y| (x & 0xffff) * (y & 0xffff));
    /// Vector Multiply Odd Unsigned Word.
    vmulouw(a, b) = zip(a, b, |x: u64, y| (x & 0xffff_ffff) * (y & 0xffff_ffff));
    /// Vector Multiply Odd Signed Byte.
    vmulosb(a, b) = zip(a, b, |x: i16, y| i16::from(x as i8) * i16::from(y as i8));
    /// Vector Multiply Odd Signed Halfword.
    vmulosh(a, b) = zip(a, b, |x: i32, y| i32::from(x as i16) * i32::from(y as i16));
    /// Vector Multiply Odd Signed Word.
    vmulosw(a, b) = zip(a, b, |x: i64, y| i64::from(x as i32) * i64::from(y as i32));

    /// Vector Multiply Unsigned Word Modulo.
    vmuluwm(a, b) = zip(a, b, u32::wrapping_mul);
    /// Vector Multiply-Low-Add Unsigned Halfword Modulo: `a * b + c`.
    vmladduhm(a, b, c) = zip3(a, b, c, |x: u16, y, z| x.wrapping_mul(y).wrapping_add(z));
}

saturating_ops! {
    /// Vector Multiply-High-Add Signed Halfword Saturate: `((a * b) >> 15) + c`.
    vmhaddshs(a, b, c) = zip3_saturating(a, b, c, |x: i16, y, z| {
        clamp_i16(((i32::from(x) * i32::from(y)) >> 15) + i32::from(z))
    });
    /// Vector Multiply-High-Round-Add Signed Halfword Saturate: `((a * b + 0x4000) >> 15) + c`.
    vmhraddshs(a, b, c) = zip3_saturating(a, b, c, |x: i16, y, z| {
        clamp_i16(((i32::from(x) * i32::from(y) + 0x4000) >> 15) + i32::from(z))
    });
}

vector_ops! {
    /// Vector Multiply-Sum Unsigned Byte Modulo: to each word of `c` its four byte products.
    vmsumubm(a, b, c) = zip3(a, b, c, |x: u32, y, z| {
        let (x, y) = (x.to_le_bytes(), y.to_le_bytes());
        (0..4).fold(z, |sum, i| sum.wrapping_add(u32::from(x[i]) * u32::from(y[i])))
    });
    /// Vector Multiply-Sum Mixed Byte Modulo: signed bytes of `a` times unsigned bytes of `b`.
    vmsummbm(a, b, c) = zip3(a, b, c, |x: i32, y, z| {
        let (x, y) = (x.to_le_bytes(), y.to_le_bytes());
        (0..4).fold(z, |sum, i| sum.wrapping_add(i32::from(x[i] as i8) * i32::from(y[i])))
    });
    /// Vector Multiply-Sum Unsigned Halfword Modulo.
    vmsumuhm(a, b, c) = zip3(a, b, c, |x: u32, y, z| {
        z.wrapping_add((x >> 16) * (y >> 16)).wrapping_add((x & 0xffff) * (y & 0xffff))
    });
    /// Vector Multiply-Sum Signed Halfword Modulo.
    vmsumshm(a, b, c) = zip3(a, b, c, |x: i32, y, z| {
        z.wrapping_add((x >> 16) * (y >> 16))
            .wrapping_add(i32::from(x as i16) * i32::from(y as i16))
    });
    /// Vector Multiply-Sum Unsigned Doubleword Modulo: both 128-bit products and `c`.
    vmsumudm(a, b, c) = {
        let low = u128::from(a as u64) * u128::from(b as u64);
        ((a >> 64) * (b >> 64)).wrapping_add(low).wrapping_add(c)
    };
}

saturating_ops! {
    /// Vector Multiply-Sum Unsigned Halfword Saturate: the exact sum, clamped once.
    vmsumuhs(a, b, c) = zip3_saturating(a, b, c, |x: u32, y, z| {
        let even = u64::from(x >> 16) * u64::from(y >> 16);
        let odd = u64::from(x & 0xffff) * u64::from(y & 0xffff);
        clamp_u32(even + odd + u64::from(z))
    });
    /// Vector Multiply-Sum Signed Halfword Saturate: the exact sum, clamped once.
    vmsumshs(a, b, c) = zip3_saturating(a, b, c, |x: i32, y, z| {
        let even = i64::from(x >> 16) * i64::from(y >> 16);
        let odd = i64::from(x as i16) * i64::from(y as i16);
        clamp_i32(even + odd + i64::from(z))
    });

    /// Vector Sum across Quarter Unsigned Byte Saturate: four bytes of `a` and a word of `b`.
    vsum4ubs(a, b) = zip3_saturating(a, b, 0, |x: u32, y, _| {
        clamp_u32(x.to_le_bytes().iter().fold(u64::from(y), |sum, &byte| sum + u64::from(byte)))
    });
    /// Vector Sum across Quarter Signed Byte Saturate.
    vsum4sbs(a, b) = zip3_saturating(a, b, 0, |x: i32, y, _| {
        let bytes = x.to_le_bytes();
        clamp_i32(bytes.iter().fold(i64::from(y), |sum, &byte| sum + i64::from(byte as i8)))
    });
    /// Vector Sum across Quarter Signed Halfword Saturate.
    vsum4shs(a, b) = zip3_saturating(a, b, 0, |x: i32, y, _| {
        clamp_i32(i64::from(x >> 16) + i64::from(x as i16) + i64::from(y))
    });
    /// Vector Sum across Half Signed Word Saturate: into the odd words; the even ones become 0.
    vsum2sws(a, b) = {
        let (value, saturated) = zip3_saturating(a, b, 0, |x: i64, y, _| {
            let (sum, clamped) = clamp_i32((x >> 32) + i64::from(x as i32) + i64::from(y as i32));
            (i64::from(sum), clamped)
        });
        (map(value, |sum: u64| sum & 0xffff_ffff), saturated)
    };
    /// Vector Sum across Signed Word Saturate: into the last word; the others become 0.
    vsumsws(a, b) = {
        let words: [i32; 4] = elements(a);
        let (sum, saturated) = clamp_i32(words.iter().fold(i64::from(b as i32), |s, &w| s + i64::from(w)));
        (from_elements([0, 0, 0, sum]), saturated)
    };
}

/// `exact` as a signed halfword, and whether it had to be clamped.
#[inline]
fn clamp_i16(exact: i32) -> (i16, bool) {
    let clamped = exact.clamp(i16::MIN.into(), i16::MAX.into());
    (clamped as i16, clamped != exact)
}

/// `exact` as a signed word, and whether it had to be clamped.
#[inline]
fn clamp_i32(exact: i64) -> (i32, bool) {
    let clamped = exact.clamp(i32::MIN.into(), i32::MAX.into());
    (clamped as i32, clamped != exact)
}

/// `exact` as an unsigned word, and whether it had to be clamped.
#[inline]
fn clamp_u32(exact: u64) -> (u32, bool) {
    let clamped = exact.min(u32::MAX.into());
    (clamped as u32, clamped != exact)
}

/// The 128 by 4 bit product of the decimal multiplies: low and high part of `a * 10 + digit`.
#[inline]
fn times_ten(a: Vector, digit: Vector) -> (Vector, Vector) {
    let low = (a & u128::from(u64::MAX)) * 10 + digit;
    let high = (a >> 64) * 10 + (low >> 64);
    (high << 64 | low & u128::from(u64::MAX), high >> 64)
}

vector_ops! {
    /// Vector Multiply-by-10 Unsigned Quadword.
    vmul10uq(a) = times_ten(a, 0).0;
    /// Vector Multiply-by-10 and Write Carry Unsigned Quadword: the digit that overflows.
    vmul10cuq(a) = times_ten(a, 0).1;
    /// Vector Multiply-by-10 Extended Unsigned Quadword: adds the last digit (nibble) of `b`.
    ///
    /// A nibble above 9 is undefined in the ISA; here it is added all the same.
    vmul10euq(a, b) = times_ten(a, b & 0xf).0;
    /// Vector Multiply-by-10 Extended and Write Carry Unsigned Quadword.
    vmul10ecuq(a, b) = times_ten(a, b & 0xf).1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn even_is_the_upper_of_each_pair() {
        assert_eq!(vmuleub(0x0203, 0x0405), 0x0008);
        assert_eq!(vmuloub(0x0203, 0x0405), 0x000f);
        assert_eq!(vmulesb(0x8000, 0x8000), 0x4000);
        assert_eq!(vmulosb(0x00ff, 0x0002), 0xfffe);
        assert_eq!(vmulosh(0x8000, 0x8000), 0x4000_0000);
        assert_eq!(
            vmuleuw(u128::MAX, u128::MAX),
            0xffff_fffe_0000_0001_ffff_fffe_0000_0001
        );
        assert_eq!(
            vmulesw(u128::MAX, u128::MAX),
            0x0000_0000_0000_0001_0000_0000_0000_0001
        );
    }

    #[test]
    fn multiply_high_saturates_only_at_minus_one_squared() {
        assert_eq!(vmhaddshs(0x8000, 0x8000, 0), (0x7fff, true));
        assert_eq!(vmhaddshs(0x4000, 0x4000, 0), (0x2000, false));
        assert_eq!(vmhaddshs(0x0001, 0x4000, 0), (0, false));
        assert_eq!(vmhraddshs(0x0001, 0x4000, 0), (1, false));
    }

    #[test]
    fn multiply_sums_clamp_the_exact_sum_once() {
        let minus = 0x8000_8000;
        assert_eq!(vmsumshs(minus, minus, 0), (0x7fff_ffff, true));
        assert_eq!(vmsumshs(minus, minus, 0xffff_ffff), (0x7fff_ffff, false));
        assert_eq!(vmsumshm(minus, minus, 0), 0x8000_0000);
        assert_eq!(vmsumuhs(0xffff_ffff, 0xffff_ffff, 0), (0xffff_ffff, true));
        assert_eq!(vmsummbm(0xff, 0xff, 0), 0xffff_ff01);
        assert_eq!(vmsumubm(0x0102_0304, 0x0101_0101, 5), 15);
    }

    #[test]
    fn doubleword_multiply_sum_wraps_at_128_bits() {
        assert_eq!(vmsumudm(3 << 64 | 5, 7 << 64 | 11, 1), 21 + 55 + 1);
        let square = u128::from(u64::MAX) * u128::from(u64::MAX);
        assert_eq!(vmsumudm(u128::MAX, u128::MAX, 0), square.wrapping_mul(2));
    }

    #[test]
    fn sums_across_leave_zeros_in_the_other_words() {
        let a = 0x0000_0001_0000_0002_0000_0003_ffff_ffff;
        assert_eq!(vsumsws(a, 10), (15, false));
        assert_eq!(vsum2sws(a, 10), (3 << 64 | 12, false));
        assert_eq!(
            vsum2sws(u128::MAX, 0x8000_0000),
            (0xffff_fffe << 64 | 0x8000_0000, true)
        );
        assert_eq!(vsum4sbs(0xffff_ffff, 0x8000_0003), (0x8000_0000, true));
        assert_eq!(vsum4ubs(0xff, 0xffff_ff00), (0xffff_ffff, false));
        assert_eq!(vsum4shs(0x0001_8000, 0), (0xffff_8001, false));
    }

    #[test]
    fn multiply_by_ten_chains_through_its_carry() {
        let a = u128::MAX;
        assert_eq!(vmul10uq(a), a.wrapping_mul(10));
        assert_eq!(vmul10cuq(a), 9);
        assert_eq!(
            vmul10euq(a, 0x19),
            0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff
        );
        assert_eq!(vmul10ecuq(a, 9), 9);
        assert_eq!(vmul10euq(4, 0xf2), 42);
    }

    proptest! {
        #[test]
        fn even_and_odd_products_add_up_to_the_multiply_sum(a: u128, b: u128, c: u128) {
            let pairs = zip(vmuleuh(a, b), vmulouh(a, b), u32::wrapping_add);
            prop_assert_eq!(vmsumuhm(a, b, c), zip(pairs, c, u32::wrapping_add));
        }

        #[test]
        fn signed_and_unsigned_low_products_agree(a: u128, b: u128) {
            let low = |v| map(v, |x: u64| x & 0xffff_ffff);
            prop_assert_eq!(low(vmulosw(a, b)), low(vmulouw(a, b)));
            prop_assert_eq!(low(vmuluwm(a, b)), low(vmulouw(a, b)));
        }
    }
}
