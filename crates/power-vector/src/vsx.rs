//! The VSX operations that only move or combine bits: permutes, splats, byte reversal, logic, and
//! the sign operations of the floating-point formats (Power ISA 3.0B, Book I, 7.6).

use crate::Vector;
use crate::lanes::{map, splat, vector_ops};
use crate::{element, permute};

vector_ops! {
    /// VSX Vector Logical AND.
    xxland(a, b) = a & b;
    /// VSX Vector Logical AND with Complement.
    xxlandc(a, b) = a & !b;
    /// VSX Vector Logical Equivalence.
    xxleqv(a, b) = !(a ^ b);
    /// VSX Vector Logical NAND.
    xxlnand(a, b) = !(a & b);
    /// VSX Vector Logical NOR.
    xxlnor(a, b) = !(a | b);
    /// VSX Vector Logical OR.
    xxlor(a, b) = a | b;
    /// VSX Vector Logical OR with Complement.
    xxlorc(a, b) = a | !b;
    /// VSX Vector Logical XOR.
    xxlxor(a, b) = a ^ b;
    /// VSX Vector Select: the bits of `b` where `c` has ones, those of `a` elsewhere.
    xxsel(a, b, c) = (a & !c) | (b & c);

    /// VSX Vector Merge Word High.
    xxmrghw(a, b) = permute::vmrghw(a, b);
    /// VSX Vector Merge Word Low.
    xxmrglw(a, b) = permute::vmrglw(a, b);
    /// VSX Vector Permute: bytes of `a || t` (`t` is the old target) by the numbers in `b`.
    xxperm(t, a, b) = permute::vperm(a, t, b);
    /// VSX Vector Permute Right-indexed.
    xxpermr(t, a, b) = permute::vpermr(a, t, b);

    /// VSX Vector Byte-Reverse Halfword.
    xxbrh(b) = map(b, u16::swap_bytes);
    /// VSX Vector Byte-Reverse Word.
    xxbrw(b) = map(b, u32::swap_bytes);
    /// VSX Vector Byte-Reverse Doubleword.
    xxbrd(b) = map(b, u64::swap_bytes);
    /// VSX Vector Byte-Reverse Quadword.
    xxbrq(b) = b.swap_bytes();
}

/// VSX Vector Permute Doubleword Immediate: the first bit of `dm` chooses a doubleword of `a`, the
/// second one of `b`.
#[inline]
#[must_use]
pub fn xxpermdi(a: Vector, b: Vector, dm: u8) -> Vector {
    let high = if dm & 2 == 0 { a >> 64 } else { a };
    let low = if dm & 1 == 0 {
        (b >> 64) as u64
    } else {
        b as u64
    };
    high << 64 | Vector::from(low)
}

/// VSX Vector Shift Left Double by Word Immediate: four words of `a || b` from word `shw` (modulo
/// 4).
#[inline]
#[must_use]
pub fn xxsldwi(a: Vector, b: Vector, shw: u8) -> Vector {
    crate::vsldoi(a, b, (shw & 3) * 4)
}

/// VSX Vector Splat Word: word `uim` (modulo 4) in every word.
#[inline]
#[must_use]
pub fn xxspltw(b: Vector, uim: u8) -> Vector {
    permute::vspltw(b, uim)
}

/// VSX Vector Splat Immediate Byte: all eight bits of the immediate count.
#[inline]
#[must_use]
pub fn xxspltib(imm8: u8) -> Vector {
    splat(imm8)
}

/// VSX Vector Extract Unsigned Word: the word at byte `uim` of `b` in doubleword 0. One that would
/// reach past the register (`uim` above 12) continues at its other end.
#[inline]
#[must_use]
pub fn xxextractuw(b: Vector, uim: u8) -> Vector {
    element::vextractuw(b, uim)
}

/// VSX Vector Insert Word: word 1 of `b` to byte `uim` of the old target `t`; bytes past its end are
/// dropped.
#[inline]
#[must_use]
pub fn xxinsertw(t: Vector, b: Vector, uim: u8) -> Vector {
    element::vinsertw(t, b, uim)
}

/// The sign bits of a register of single-precision elements.
const SP_SIGNS: Vector = 0x8000_0000_8000_0000_8000_0000_8000_0000;
/// The sign bits of a register of double-precision elements.
const DP_SIGNS: Vector = 0x8000_0000_0000_0000_8000_0000_0000_0000;
/// The sign bit of a quad-precision value, and that of a scalar in doubleword 0.
const SIGN: Vector = 1 << 127;
/// Doubleword 0, which holds a scalar double-precision value.
const SCALAR: Vector = Vector::MAX << 64;

vector_ops! {
    /// VSX Vector Absolute Value Double-Precision.
    xvabsdp(b) = b & !DP_SIGNS;
    /// VSX Vector Negative Absolute Value Double-Precision.
    xvnabsdp(b) = b | DP_SIGNS;
    /// VSX Vector Negate Double-Precision.
    xvnegdp(b) = b ^ DP_SIGNS;
    /// VSX Vector Copy Sign Double-Precision: the signs of `a` on the magnitudes of `b`.
    xvcpsgndp(a, b) = (a & DP_SIGNS) | (b & !DP_SIGNS);

    /// VSX Vector Absolute Value Single-Precision.
    xvabssp(b) = b & !SP_SIGNS;
    /// VSX Vector Negative Absolute Value Single-Precision.
    xvnabssp(b) = b | SP_SIGNS;
    /// VSX Vector Negate Single-Precision.
    xvnegsp(b) = b ^ SP_SIGNS;
    /// VSX Vector Copy Sign Single-Precision: the signs of `a` on the magnitudes of `b`.
    xvcpsgnsp(a, b) = (a & SP_SIGNS) | (b & !SP_SIGNS);

    /// VSX Scalar Absolute Value Double-Precision: of doubleword 0. The scalar forms leave
    /// doubleword 1 undefined in the ISA; here it becomes 0, as ISA 3.1 requires.
    xsabsdp(b) = xvabsdp(b) & SCALAR;
    /// VSX Scalar Negative Absolute Value Double-Precision; doubleword 1 becomes 0.
    xsnabsdp(b) = xvnabsdp(b) & SCALAR;
    /// VSX Scalar Negate Double-Precision; doubleword 1 becomes 0.
    xsnegdp(b) = xvnegdp(b) & SCALAR;
    /// VSX Scalar Copy Sign Double-Precision; doubleword 1 becomes 0.
    xscpsgndp(a, b) = xvcpsgndp(a, b) & SCALAR;

    /// VSX Scalar Absolute Value Quad-Precision.
    xsabsqp(b) = b & !SIGN;
    /// VSX Scalar Negative Absolute Value Quad-Precision.
    xsnabsqp(b) = b | SIGN;
    /// VSX Scalar Negate Quad-Precision.
    xsnegqp(b) = b ^ SIGN;
    /// VSX Scalar Copy Sign Quad-Precision: the sign of `a` on the magnitude of `b`.
    xscpsgnqp(a, b) = (a & SIGN) | (b & !SIGN);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: Vector = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f;
    const B: Vector = 0x1011_1213_1415_1617_1819_1a1b_1c1d_1e1f;

    #[test]
    fn doubleword_permute_chooses_one_of_each() {
        assert_eq!(
            xxpermdi(A, B, 0b00),
            0x0001_0203_0405_0607_1011_1213_1415_1617
        );
        assert_eq!(
            xxpermdi(A, B, 0b01),
            0x0001_0203_0405_0607_1819_1a1b_1c1d_1e1f
        );
        assert_eq!(
            xxpermdi(A, B, 0b10),
            0x0809_0a0b_0c0d_0e0f_1011_1213_1415_1617
        );
        assert_eq!(xxpermdi(A, A, 0b10), A.rotate_left(64));
    }

    #[test]
    fn word_forms_count_words() {
        assert_eq!(xxsldwi(A, B, 1), 0x0405_0607_0809_0a0b_0c0d_0e0f_1011_1213);
        assert_eq!(xxspltw(A, 2), 0x0809_0a0b_0809_0a0b_0809_0a0b_0809_0a0b);
        assert_eq!(xxextractuw(A, 3), 0x0304_0506 << 64);
        assert_eq!(
            xxinsertw(A, B, 12),
            0x0001_0203_0405_0607_0809_0a0b_1415_1617
        );
        assert_eq!(xxspltib(0xff), u128::MAX);
    }

    #[test]
    fn permute_reads_the_old_target_second() {
        assert_eq!(xxperm(B, A, crate::lvsl(0)), A);
        assert_eq!(xxperm(B, A, crate::lvsr(0)), B);
    }

    #[test]
    fn byte_reversal_stays_within_the_element() {
        assert_eq!(xxbrh(A), 0x0100_0302_0504_0706_0908_0b0a_0d0c_0f0e);
        assert_eq!(xxbrw(A), 0x0302_0100_0706_0504_0b0a_0908_0f0e_0d0c);
        assert_eq!(xxbrd(A), 0x0706_0504_0302_0100_0f0e_0d0c_0b0a_0908);
        assert_eq!(xxbrq(A), 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100);
    }

    #[test]
    fn sign_operations_agree_with_the_host() {
        let pack = |x: f64, y: f64| u128::from(x.to_bits()) << 64 | u128::from(y.to_bits());
        assert_eq!(xvabsdp(pack(-1.5, 2.0)), pack(1.5, 2.0));
        assert_eq!(xvnegdp(pack(-0.0, 2.0)), pack(0.0, -2.0));
        assert_eq!(xvcpsgndp(pack(-1.0, 1.0), pack(3.0, -4.0)), pack(-3.0, 4.0));
        assert_eq!(xsnabsdp(pack(7.0, 9.0)), pack(-7.0, 0.0));
        assert_eq!(xvnabssp(0), SP_SIGNS);
    }

    proptest! {
        #[test]
        fn negation_is_an_involution_that_absolute_value_forgets(b: u128) {
            prop_assert_eq!(xvnegsp(xvnegsp(b)), b);
            prop_assert_eq!(xvabsdp(xvnegdp(b)), xvabsdp(b));
            prop_assert_eq!(xsabsqp(xsnegqp(b)), xsabsqp(b));
            prop_assert_eq!(xvnabsdp(b), xvnegdp(xvabsdp(b)));
            prop_assert_eq!(xscpsgnqp(b, b), b);
        }
    }
}
