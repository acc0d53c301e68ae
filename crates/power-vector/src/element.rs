//! Moving single elements: extraction to a register or a GPR, and insertion (Power ISA 3.0B,
//! Book I, 6.8.5 and 6.9.7).
//!
//! The immediate is a *byte* number, so an element need not be aligned. One that would reach past
//! the register is undefined in the ISA; here the missing bytes continue at the other end.

use crate::Vector;

/// The `size` bytes of `v` from byte `first` on (counted from the left), as a number.
#[inline]
fn bytes_at(v: Vector, first: u8, size: u32) -> Vector {
    v.rotate_left(u32::from(first & 15) * 8) >> (128 - size * 8)
}

/// `t` with its `size` bytes from byte `first` on replaced by the low bytes of `value`.
#[inline]
fn with_bytes_at(t: Vector, first: u8, size: u32, value: Vector) -> Vector {
    let place = u32::from(first & 15) * 8 + size * 8;
    let ones = Vector::MAX >> (128 - size * 8);
    let mask = ones.rotate_right(place);
    (t & !mask) | (value & ones).rotate_right(place)
}

/// Vector Extract Unsigned Byte: byte `uim` of `b` in doubleword 0, the rest zero.
#[inline]
#[must_use]
pub fn vextractub(b: Vector, uim: u8) -> Vector {
    bytes_at(b, uim, 1) << 64
}

/// Vector Extract Unsigned Halfword: the halfword at byte `uim` of `b` in doubleword 0.
#[inline]
#[must_use]
pub fn vextractuh(b: Vector, uim: u8) -> Vector {
    bytes_at(b, uim, 2) << 64
}

/// Vector Extract Unsigned Word: the word at byte `uim` of `b` in doubleword 0.
#[inline]
#[must_use]
pub fn vextractuw(b: Vector, uim: u8) -> Vector {
    bytes_at(b, uim, 4) << 64
}

/// Vector Extract Doubleword: the doubleword at byte `uim` of `b` in doubleword 0.
#[inline]
#[must_use]
pub fn vextractd(b: Vector, uim: u8) -> Vector {
    bytes_at(b, uim, 8) << 64
}

/// Vector Insert Byte: byte 7 of `b` into byte `uim` of the old target `t`.
#[inline]
#[must_use]
pub fn vinsertb(t: Vector, b: Vector, uim: u8) -> Vector {
    with_bytes_at(t, uim, 1, b >> 64)
}

/// Vector Insert Halfword: halfword 3 of `b` to byte `uim` of the old target `t`.
#[inline]
#[must_use]
pub fn vinserth(t: Vector, b: Vector, uim: u8) -> Vector {
    with_bytes_at(t, uim, 2, b >> 64)
}

/// Vector Insert Word: word 1 of `b` to byte `uim` of the old target `t`.
#[inline]
#[must_use]
pub fn vinsertw(t: Vector, b: Vector, uim: u8) -> Vector {
    with_bytes_at(t, uim, 4, b >> 64)
}

/// Vector Insert Doubleword: doubleword 0 of `b` to byte `uim` of the old target `t`.
#[inline]
#[must_use]
pub fn vinsertd(t: Vector, b: Vector, uim: u8) -> Vector {
    with_bytes_at(t, uim, 8, b >> 64)
}

/// The `size` bytes that end at byte `last`, counted from the *right* of `b`.
#[inline]
fn right_indexed(ra: u64, b: Vector, size: u32) -> u64 {
    let ones = u64::MAX >> (64 - size * 8);
    b.rotate_right((ra & 15) as u32 * 8) as u64 & ones
}

/// Vector Extract Unsigned Byte to GPR using GPR-specified Left-Index: the last four bits of `ra`
/// number a byte of `b` from the left.
#[inline]
#[must_use]
pub fn vextublx(ra: u64, b: Vector) -> u64 {
    bytes_at(b, ra as u8, 1) as u64
}

/// Vector Extract Unsigned Halfword to GPR using GPR-specified Left-Index.
#[inline]
#[must_use]
pub fn vextuhlx(ra: u64, b: Vector) -> u64 {
    bytes_at(b, ra as u8, 2) as u64
}

/// Vector Extract Unsigned Word to GPR using GPR-specified Left-Index.
#[inline]
#[must_use]
pub fn vextuwlx(ra: u64, b: Vector) -> u64 {
    bytes_at(b, ra as u8, 4) as u64
}

/// Vector Extract Unsigned Byte to GPR using GPR-specified Right-Index: the last four bits of `ra`
/// number a byte of `b` from the right.
#[inline]
#[must_use]
pub fn vextubrx(ra: u64, b: Vector) -> u64 {
    right_indexed(ra, b, 1)
}

/// Vector Extract Unsigned Halfword to GPR using GPR-specified Right-Index.
#[inline]
#[must_use]
pub fn vextuhrx(ra: u64, b: Vector) -> u64 {
    right_indexed(ra, b, 2)
}

/// Vector Extract Unsigned Word to GPR using GPR-specified Right-Index.
#[inline]
#[must_use]
pub fn vextuwrx(ra: u64, b: Vector) -> u64 {
    right_indexed(ra, b, 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V: Vector = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f;

    #[test]
    fn extraction_lands_in_doubleword_zero() {
        assert_eq!(vextractub(V, 15), 0x0f << 64);
        assert_eq!(vextractuh(V, 1), 0x0102 << 64);
        assert_eq!(vextractuw(V, 12), 0x0c0d_0e0f << 64);
        assert_eq!(vextractd(V, 3), 0x0304_0506_0708_090a << 64);
    }

    #[test]
    fn insertion_takes_the_end_of_doubleword_zero() {
        let b = 0xa0a1_a2a3_a4a5_a6a7_a8a9_aaab_acad_aeaf;
        assert_eq!(vinsertb(0, b, 0), 0xa7 << 120);
        assert_eq!(
            vinserth(V, b, 14),
            0x0001_0203_0405_0607_0809_0a0b_0c0d_a6a7
        );
        assert_eq!(vinsertw(0, b, 1), 0xa4a5_a6a7 << 88);
        assert_eq!(vinsertd(0, b, 8), 0xa0a1_a2a3_a4a5_a6a7);
    }

    #[test]
    fn left_and_right_indices_count_from_their_end() {
        assert_eq!(vextublx(0x13, V), 0x03);
        assert_eq!(vextubrx(0x13, V), 0x0c);
        assert_eq!(vextuhlx(14, V), 0x0e0f);
        assert_eq!(vextuhrx(14, V), 0x0001);
        assert_eq!(vextuwlx(1, V), 0x0102_0304);
        assert_eq!(vextuwrx(1, V), 0x0b0c_0d0e);
    }

    proptest! {
        #[test]
        fn what_was_inserted_can_be_extracted(t: u128, b: u128, uim in 0_u8..=8) {
            prop_assert_eq!(vextractd(vinsertd(t, b, uim), uim), b >> 64 << 64);
            prop_assert_eq!(vextractub(vinsertb(t, b, uim), uim) >> 64, b >> 64 & 0xff);
        }

        #[test]
        fn no_index_panics(ra: u64, b: u128, uim: u8) {
            prop_assert_eq!(vextuwlx(ra, b), vextuwlx(ra % 16, b));
            prop_assert_eq!(vextractd(b, uim), vextractd(b, uim % 16));
            prop_assert_eq!(vinsertw(b, b, uim), vinsertw(b, b, uim % 16));
        }
    }
}
