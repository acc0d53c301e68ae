//! Addition, subtraction and what is made of them: modulo, saturating and quadword forms with
//! carries, averages, absolute differences, negation (Power ISA 3.0B, Book I, 6.9.1 and 6.9.2).

use crate::Vector;
use crate::lanes::{Lane, map, saturating_ops, vector_ops, zip};
use crate::swar::{BYTES, HALFWORDS};

vector_ops! {
    /// Vector Add Unsigned Byte Modulo.
    vaddubm(a, b) = BYTES.add(a, b);
    /// Vector Add Unsigned Halfword Modulo.
    vadduhm(a, b) = HALFWORDS.add(a, b);
    /// Vector Add Unsigned Word Modulo.
    vadduwm(a, b) = zip(a, b, u32::wrapping_add);
    /// Vector Add Unsigned Doubleword Modulo.
    vaddudm(a, b) = zip(a, b, u64::wrapping_add);
    /// Vector Add Unsigned Quadword Modulo.
    vadduqm(a, b) = a.wrapping_add(b);

    /// Vector Subtract Unsigned Byte Modulo.
    vsububm(a, b) = BYTES.subtract(a, b);
    /// Vector Subtract Unsigned Halfword Modulo.
    vsubuhm(a, b) = HALFWORDS.subtract(a, b);
    /// Vector Subtract Unsigned Word Modulo.
    vsubuwm(a, b) = zip(a, b, u32::wrapping_sub);
    /// Vector Subtract Unsigned Doubleword Modulo.
    vsubudm(a, b) = zip(a, b, u64::wrapping_sub);
    /// Vector Subtract Unsigned Quadword Modulo.
    vsubuqm(a, b) = a.wrapping_sub(b);
}

vector_ops! {
    /// Vector Add and Write Carry-out Unsigned Word: the carry of each sum, 0 or 1.
    vaddcuw(a, b) = zip(a, b, |x: u32, y| u32::from(x.overflowing_add(y).1));
    /// Vector Add and Write Carry Unsigned Quadword.
    vaddcuq(a, b) = Vector::from(a.overflowing_add(b).1);
    /// Vector Add Extended Unsigned Quadword Modulo: the carry in is the last bit of `c`.
    vaddeuqm(a, b, c) = a.wrapping_add(b).wrapping_add(c & 1);
    /// Vector Add Extended and Write Carry Unsigned Quadword.
    vaddecuq(a, b, c) = carry_out(a, b, c & 1);

    /// Vector Subtract and Write Carry-out Unsigned Word: 1 where there is *no* borrow.
    vsubcuw(a, b) = zip(a, b, |x: u32, y| u32::from(x >= y));
    /// Vector Subtract and Write Carry Unsigned Quadword: 1 when there is *no* borrow.
    vsubcuq(a, b) = Vector::from(a >= b);
    /// Vector Subtract Extended Unsigned Quadword Modulo: `a + !b` and the last bit of `c`.
    vsubeuqm(a, b, c) = a.wrapping_add(!b).wrapping_add(c & 1);
    /// Vector Subtract Extended and Write Carry Unsigned Quadword.
    vsubecuq(a, b, c) = carry_out(a, !b, c & 1);
}

/// The carry out of the 128-bit sum `a + b + carry_in`.
#[inline]
fn carry_out(a: Vector, b: Vector, carry_in: Vector) -> Vector {
    let (sum, first) = a.overflowing_add(b);
    Vector::from(first | sum.overflowing_add(carry_in).1)
}

saturating_ops! {
    /// Vector Add Unsigned Byte Saturate.
    vaddubs(a, b) = BYTES.add_unsigned(a, b);
    /// Vector Add Unsigned Halfword Saturate.
    vadduhs(a, b) = HALFWORDS.add_unsigned(a, b);
    /// Vector Add Unsigned Word Saturate.
    vadduws(a, b) = clamped(a, b, u32::saturating_add, u32::wrapping_add);
    /// Vector Add Signed Byte Saturate.
    vaddsbs(a, b) = BYTES.add_signed(a, b);
    /// Vector Add Signed Halfword Saturate.
    vaddshs(a, b) = HALFWORDS.add_signed(a, b);
    /// Vector Add Signed Word Saturate.
    vaddsws(a, b) = clamped(a, b, i32::saturating_add, i32::wrapping_add);

    /// Vector Subtract Unsigned Byte Saturate.
    vsububs(a, b) = BYTES.subtract_unsigned(a, b);
    /// Vector Subtract Unsigned Halfword Saturate.
    vsubuhs(a, b) = HALFWORDS.subtract_unsigned(a, b);
    /// Vector Subtract Unsigned Word Saturate.
    vsubuws(a, b) = clamped(a, b, u32::saturating_sub, u32::wrapping_sub);
    /// Vector Subtract Signed Byte Saturate.
    vsubsbs(a, b) = BYTES.subtract_signed(a, b);
    /// Vector Subtract Signed Halfword Saturate.
    vsubshs(a, b) = HALFWORDS.subtract_signed(a, b);
    /// Vector Subtract Signed Word Saturate.
    vsubsws(a, b) = clamped(a, b, i32::saturating_sub, i32::wrapping_sub);
}

/// A saturating sum or difference. A lane saturated exactly when its wrapped value differs (an
/// overflow never wraps onto the bound), and comparing whole registers costs no lane-wise flags.
#[inline]
fn clamped<T: Lane<N>, const N: usize>(
    a: Vector,
    b: Vector,
    saturating: impl Fn(T, T) -> T,
    wrapping: impl Fn(T, T) -> T,
) -> (Vector, bool) {
    let value = zip(a, b, saturating);
    (value, value != zip(a, b, wrapping))
}

vector_ops! {
    /// Vector Average Unsigned Byte: rounded up.
    vavgub(a, b) = BYTES.average_unsigned(a, b);
    /// Vector Average Unsigned Halfword: rounded up.
    vavguh(a, b) = HALFWORDS.average_unsigned(a, b);
    /// Vector Average Unsigned Word: rounded up.
    vavguw(a, b) = zip(a, b, |x: u32, y| ((u64::from(x) + u64::from(y) + 1) >> 1) as u32);
    /// Vector Average Signed Byte: rounded towards plus infinity.
    vavgsb(a, b) = BYTES.average_signed(a, b);
    /// Vector Average Signed Halfword: rounded towards plus infinity.
    vavgsh(a, b) = HALFWORDS.average_signed(a, b);
    /// Vector Average Signed Word: rounded towards plus infinity.
    vavgsw(a, b) = zip(a, b, |x: i32, y| ((i64::from(x) + i64::from(y) + 1) >> 1) as i32);

    /// Vector Absolute Difference Unsigned Byte.
    vabsdub(a, b) = BYTES.absolute_difference(a, b);
    /// Vector Absolute Difference Unsigned Halfword.
    vabsduh(a, b) = HALFWORDS.absolute_difference(a, b);
    /// Vector Absolute Difference Unsigned Word.
    vabsduw(a, b) = zip(a, b, u32::abs_diff);

    /// Vector Negate Word.
    vnegw(b) = map(b, u32::wrapping_neg);
    /// Vector Negate Doubleword.
    vnegd(b) = map(b, u64::wrapping_neg);
}

vector_ops! {
    /// Vector Extend Sign Byte To Word: the last byte of each word.
    vextsb2w(b) = map(b, |x: i32| i32::from(x as i8));
    /// Vector Extend Sign Halfword To Word.
    vextsh2w(b) = map(b, |x: i32| i32::from(x as i16));
    /// Vector Extend Sign Byte To Doubleword.
    vextsb2d(b) = map(b, |x: i64| i64::from(x as i8));
    /// Vector Extend Sign Halfword To Doubleword.
    vextsh2d(b) = map(b, |x: i64| i64::from(x as i16));
    /// Vector Extend Sign Word To Doubleword.
    vextsw2d(b) = map(b, |x: i64| i64::from(x as i32));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONES: Vector = Vector::MAX;

    #[test]
    fn modulo_sums_do_not_carry_between_lanes() {
        let a = 0xff00_ffff_ffff_ffff_ffff_ffff_ffff_ffff;
        let ones = 0x0101_0101_0101_0101_0101_0101_0101_0101;
        assert_eq!(vaddubm(a, ones), 0x0001_0000_0000_0000_0000_0000_0000_0000);
        assert_eq!(vadduhm(ONES, 0x0001_0001_0001_0001_0001_0001_0001_0001), 0);
        assert_eq!(vadduwm(ONES, 1), 0xffff_ffff_ffff_ffff_ffff_ffff_0000_0000);
        assert_eq!(vaddudm(ONES, 1), 0xffff_ffff_ffff_ffff_0000_0000_0000_0000);
        assert_eq!(vadduqm(ONES, 1), 0);
    }

    #[test]
    fn saturation_is_flagged_only_when_a_lane_is_clamped() {
        assert_eq!(vaddubs(0xfe, 0x01), (0xff, false));
        assert_eq!(vaddubs(0xfe, 0x02), (0xff, true));
        assert_eq!(vaddsbs(0x7f, 0x01), (0x7f, true));
        assert_eq!(vaddsbs(0x80, 0xff), (0x80, true));
        assert_eq!(vsubshs(0x8000, 0x0001), (0x8000, true));
        assert_eq!(vsubuws(0, 0), (0, false));
        assert_eq!(vsubuws(0, 1), (0, true));
        assert_eq!(vsubsws(0x7fff_ffff, 0xffff_ffff), (0x7fff_ffff, true));
    }

    #[test]
    fn extended_quadword_sums_chain() {
        // 256-bit (2^256 - 1) + 1 = 2^256, in two halves.
        let carry = vaddcuq(ONES, 1);
        assert_eq!(carry, 1);
        assert_eq!(vaddeuqm(ONES, 0, carry), 0);
        assert_eq!(vaddecuq(ONES, 0, carry), 1);
        // Only the last bit of the carry register counts.
        assert_eq!(vaddeuqm(0, 0, 0xfffe), 0);
    }

    #[test]
    fn subtract_carries_mean_no_borrow() {
        assert_eq!(vsubcuw(5, 5), 0x0000_0001_0000_0001_0000_0001_0000_0001);
        assert_eq!(vsubcuw(5, 6), 0x0000_0001_0000_0001_0000_0001_0000_0000);
        assert_eq!(vsubcuq(4, 5), 0);
        assert_eq!(vsubecuq(5, 5, 0), 0);
        assert_eq!(vsubecuq(5, 5, 1), 1);
    }

    #[test]
    fn averages_round_up() {
        assert_eq!(vavgub(0xff, 0xfe), 0xff);
        assert_eq!(vavgsb(0xff, 0x00), 0x00);
        assert_eq!(vavgsw(0x8000_0000, 0x8000_0001), 0x8000_0001);
        assert_eq!(vavguw(0xffff_ffff, 0xffff_ffff), 0xffff_ffff);
    }

    #[test]
    fn sign_extension_takes_the_last_part_of_each_element() {
        let b = 0x1234_5680_0000_007f_ffff_8000_0000_0001;
        assert_eq!(vextsb2w(b), 0xffff_ff80_0000_007f_0000_0000_0000_0001);
        assert_eq!(vextsh2w(b), 0x0000_5680_0000_007f_ffff_8000_0000_0001);
        assert_eq!(vextsw2d(0x8000_0000), 0xffff_ffff_8000_0000);
    }

    proptest! {
        #[test]
        fn subtraction_undoes_addition(a: u128, b: u128) {
            prop_assert_eq!(vsububm(vaddubm(a, b), b), a);
            prop_assert_eq!(vsubuhm(vadduhm(a, b), b), a);
            prop_assert_eq!(vsubuwm(vadduwm(a, b), b), a);
            prop_assert_eq!(vsubudm(vaddudm(a, b), b), a);
            prop_assert_eq!(vsubuqm(vadduqm(a, b), b), a);
        }

        #[test]
        fn an_unflagged_saturating_sum_is_the_modulo_sum(a: u128, b: u128) {
            let below_half = 0x7f7f_7f7f_7f7f_7f7f_7f7f_7f7f_7f7f_7f7f;
            let (a, b) = (a & below_half, b & below_half);
            prop_assert_eq!(vaddubs(a, b), (vaddubm(a, b), false));
        }

        #[test]
        fn difference_is_symmetric(a: u128, b: u128) {
            prop_assert_eq!(vabsdub(a, b), vabsdub(b, a));
            prop_assert_eq!(vnegd(vnegd(a)), a);
        }
    }
}
