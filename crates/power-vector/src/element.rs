//! Moving single elements: extraction to a register or a GPR, and insertion (Power ISA 3.0B,
//! Book I, 6.8.5 and 6.9.7).
//!
//! An index numbers a *byte*, so an element need not be aligned. One that reaches past the register
//! is undefined in the ISA. Here an extraction to a register continues at the other end, an
//! extraction to a GPR reads zeros there, and an insertion drops what does not fit.

use crate::Vector;

/// The `size` bytes of `v` from byte `first` on (counted from the left), continuing at its start.
#[inline]
fn bytes_at(v: Vector, first: u8, size: u32) -> Vector {
    v.rotate_left(u32::from(first & 15) * 8) >> (128 - size * 8)
}

/// `t` with its `size` bytes from byte `first` on replaced by the last ones of doubleword 0 of `b`.
#[inline]
fn with_bytes_at(t: Vector, b: Vector, first: u8, size: u32) -> Vector {
    let mask = (Vector::MAX << (128 - size * 8)) >> (u32::from(first & 15) * 8);
    let value = (b << (64 - size * 8)) >> (u32::from(first & 15) * 8);
    (t & !mask) | (value & mask)
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
    with_bytes_at(t, b, uim, 1)
}

/// Vector Insert Halfword: halfword 3 of `b` to byte `uim` of the old target `t`.
#[inline]
#[must_use]
pub fn vinserth(t: Vector, b: Vector, uim: u8) -> Vector {
    with_bytes_at(t, b, uim, 2)
}

/// Vector Insert Word: word 1 of `b` to byte `uim` of the old target `t`.
#[inline]
#[must_use]
pub fn vinsertw(t: Vector, b: Vector, uim: u8) -> Vector {
    with_bytes_at(t, b, uim, 4)
}

/// Vector Insert Doubleword: doubleword 0 of `b` to byte `uim` of the old target `t`.
#[inline]
#[must_use]
pub fn vinsertd(t: Vector, b: Vector, uim: u8) -> Vector {
    with_bytes_at(t, b, uim, 8)
}

/// The `size` bytes from byte `ra` on, counted from the left of `b`.
#[inline]
fn left_indexed(ra: u64, b: Vector, size: u32) -> u64 {
    (b << ((ra & 15) * 8) >> (128 - size * 8)) as u64
}

/// The `size` bytes that end at byte `ra`, counted from the right of `b`.
#[inline]
fn right_indexed(ra: u64, b: Vector, size: u32) -> u64 {
    (b >> ((ra & 15) * 8)) as u64 & u64::MAX >> (64 - size * 8)
}

/// Vector Extract Unsigned Byte to GPR using GPR-specified Left-Index: the last four bits of `ra`
/// number a byte of `b` from the left.
#[inline]
#[must_use]
pub fn vextublx(ra: u64, b: Vector) -> u64 {
    left_indexed(ra, b, 1)
}

/// Vector Extract Unsigned Halfword to GPR using GPR-specified Left-Index.
#[inline]
#[must_use]
pub fn vextuhlx(ra: u64, b: Vector) -> u64 {
    left_indexed(ra, b, 2)
}

/// Vector Extract Unsigned Word to GPR using GPR-specified Left-Index.
#[inline]
#[must_use]
pub fn vextuwlx(ra: u64, b: Vector) -> u64 {
    left_indexed(ra, b, 4)
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

    #[test]
    fn what_reaches_past_the_register_is_defined_all_the_same() {
        assert_eq!(vextractuw(V, 14), 0x0e0f_0001 << 64);
        assert_eq!(vinsertw(0, 0x1122_3344 << 64, 14), 0x1122);
        assert_eq!(vextuwlx(14, V), 0x0e0f_0000);
        assert_eq!(vextuwrx(14, V), 0x0000_0001);
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
