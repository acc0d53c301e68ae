//! Permutation of bytes and words between registers: `vperm` and its kin, merges, splats and the
//! permute-control generators (Power ISA 3.0B, Book I, 6.8; `vpermxor` of 6.10).

use crate::Vector;
use crate::lanes::{Lane, elements, from_elements, splat, vector_ops, zip, zip3};
use core::array::from_fn;

/// Picks 16 of the 32 bytes `a || b`, where an index counts from the *right* (least significant).
#[inline]
pub(crate) fn pick_bytes(a: Vector, b: Vector, from_right: Vector) -> Vector {
    let mut table = [0; 32];
    table[..16].copy_from_slice(&b.to_le_bytes());
    table[16..].copy_from_slice(&a.to_le_bytes());
    let index = from_right.to_le_bytes();
    Vector::from_le_bytes(from_fn(|i| table[usize::from(index[i] & 31)]))
}

vector_ops! {
    /// Vector Permute: byte `i` is the byte of `a || b` that byte `i` of `c` numbers.
    vperm(a, b, c) = pick_bytes(a, b, !c);
    /// Vector Permute Right-indexed: the numbers in `c` count from the right.
    vpermr(a, b, c) = pick_bytes(a, b, c);
    /// Vector Permute and Exclusive-OR: the two nibbles of a byte of `c` number one byte of `a`
    /// and one of `b`, which are XORed.
    vpermxor(a, b, c) = {
        let (x, y): ([u8; 16], [u8; 16]) = (elements(a), elements(b));
        let picked: [u8; 16] = elements::<u8, 16>(c)
            .map(|index| x[usize::from(index >> 4)] ^ y[usize::from(index & 15)]);
        from_elements(picked)
    };
}

/// Interleaves the elements of `a` and `b` from element `from` on.
#[inline]
fn interleave<T: Lane<N>, const N: usize>(a: Vector, b: Vector, from: usize) -> Vector {
    let (x, y): ([T; N], [T; N]) = (elements(a), elements(b));
    from_elements(from_fn::<T, N, _>(|i| {
        if i % 2 == 0 {
            x[from + i / 2]
        } else {
            y[from + i / 2]
        }
    }))
}

vector_ops! {
    /// Vector Merge High Byte: the upper halves, interleaved, `a` first.
    vmrghb(a, b) = interleave::<u8, 16>(a, b, 0);
    /// Vector Merge High Halfword.
    vmrghh(a, b) = interleave::<u16, 8>(a, b, 0);
    /// Vector Merge High Word.
    vmrghw(a, b) = interleave::<u32, 4>(a, b, 0);
    /// Vector Merge Low Byte: the lower halves, interleaved, `a` first.
    vmrglb(a, b) = interleave::<u8, 16>(a, b, 8);
    /// Vector Merge Low Halfword.
    vmrglh(a, b) = interleave::<u16, 8>(a, b, 4);
    /// Vector Merge Low Word.
    vmrglw(a, b) = interleave::<u32, 4>(a, b, 2);
    /// Vector Merge Even Word: words 0 and 2 of both.
    vmrgew(a, b) = zip(a, b, |x: u64, y| x >> 32 << 32 | y >> 32);
    /// Vector Merge Odd Word: words 1 and 3 of both.
    vmrgow(a, b) = zip(a, b, |x: u64, y| x << 32 | y & 0xffff_ffff);
}

/// Vector Splat Byte: element `uim` (modulo 16) in every byte.
#[inline]
#[must_use]
pub fn vspltb(b: Vector, uim: u8) -> Vector {
    splat(elements::<u8, 16>(b)[usize::from(uim % 16)])
}

/// Vector Splat Halfword: element `uim` (modulo 8) in every halfword.
#[inline]
#[must_use]
pub fn vsplth(b: Vector, uim: u8) -> Vector {
    splat(elements::<u16, 8>(b)[usize::from(uim % 8)])
}

/// Vector Splat Word: element `uim` (modulo 4) in every word.
#[inline]
#[must_use]
pub fn vspltw(b: Vector, uim: u8) -> Vector {
    splat(elements::<u32, 4>(b)[usize::from(uim % 4)])
}

/// Vector Splat Immediate Signed Byte: `sim` is the instruction's five bits, sign-extended.
#[inline]
#[must_use]
pub fn vspltisb(sim: i8) -> Vector {
    splat(sim)
}

/// Vector Splat Immediate Signed Halfword.
#[inline]
#[must_use]
pub fn vspltish(sim: i8) -> Vector {
    splat(i16::from(sim))
}

/// Vector Splat Immediate Signed Word.
#[inline]
#[must_use]
pub fn vspltisw(sim: i8) -> Vector {
    splat(i32::from(sim))
}

/// The byte numbers 0 to 15, in order: the permute control that changes nothing.
const ASCENDING: Vector = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f;

/// Load Vector for Shift Left: the permute control that turns two aligned quadwords around `ea`
/// into the unaligned one. The register value does not depend on endianness.
#[inline]
#[must_use]
pub fn lvsl(ea: u64) -> Vector {
    ASCENDING + splat((ea & 15) as u8)
}

/// Load Vector for Shift Right: the permute control `16 - sh, 17 - sh, ...`, `sh` as for [`lvsl`].
#[inline]
#[must_use]
pub fn lvsr(ea: u64) -> Vector {
    ASCENDING + splat(16 - (ea & 15) as u8)
}

vector_ops! {
    /// Vector Bit Permute Quadword: for each byte of `b` the bit of `a` that it numbers, or 0 for a
    /// number above 127; the 16 bits end doubleword 0.
    vbpermq(a, b) = {
        let index: [u8; 16] = elements(b);
        let bits = index.iter().fold(0, |bits, &i| {
            bits << 1 | a.checked_shr(127_u32.wrapping_sub(i.into())).unwrap_or(0) & 1
        });
        bits << 64
    };
    /// Vector Bit Permute Doubleword: [`bpermd`](crate::bpermd) of each doubleword of `b` on that
    /// of `a`.
    vbpermd(a, b) = zip(a, b, |x: u64, index| crate::bpermd(index, x));
    /// Vector Gather Bits by Bytes by Doubleword: transposes each doubleword as a matrix of 8 by 8
    /// bits.
    vgbbd(b) = zip3(b, 0, 0, |x: u64, _, _| transpose(x));
}

/// Transposes an 8 by 8 bit matrix by swapping ever larger blocks across its diagonal.
#[inline]
fn transpose(x: u64) -> u64 {
    [
        (7, 0x00aa_00aa_00aa_00aa),
        (14, 0x0000_cccc_0000_cccc),
        (28, 0xf0f0_f0f0),
    ]
    .into_iter()
    .fold(x, |x, (distance, mask)| {
        let differing = (x ^ x >> distance) & mask;
        x ^ differing ^ differing << distance
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: Vector = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f;
    const B: Vector = 0x1011_1213_1415_1617_1819_1a1b_1c1d_1e1f;

    #[test]
    fn permute_numbers_bytes_from_the_left_of_a() {
        assert_eq!(vperm(A, B, 0x1f), 0x1f);
        assert_eq!(vperm(A, B, splat(0x10_u8)), splat(0x10_u8));
        // Only five bits of each control byte count.
        assert_eq!(vperm(A, B, splat(0xe3_u8)), splat(0x03_u8));
        assert_eq!(vpermr(A, B, 0), splat(0x1f_u8));
    }

    #[test]
    fn merges_interleave() {
        assert_eq!(vmrghb(A, B), 0x0010_0111_0212_0313_0414_0515_0616_0717);
        assert_eq!(vmrglh(A, B), 0x0809_1819_0a0b_1a1b_0c0d_1c1d_0e0f_1e1f);
        assert_eq!(vmrghw(A, B), 0x0001_0203_1011_1213_0405_0607_1415_1617);
        assert_eq!(vmrgew(A, B), 0x0001_0203_1011_1213_0809_0a0b_1819_1a1b);
        assert_eq!(vmrgow(A, B), 0x0405_0607_1415_1617_0c0d_0e0f_1c1d_1e1f);
    }

    #[test]
    fn splats_repeat_one_element() {
        assert_eq!(vspltb(A, 3), splat(0x03_u8));
        assert_eq!(vsplth(A, 7), splat(0x0e0f_u16));
        assert_eq!(vspltw(A, 1), splat(0x0405_0607_u32));
        assert_eq!(vspltisb(-1), u128::MAX);
        assert_eq!(vspltish(-16), splat(0xfff0_u16));
        assert_eq!(vspltisw(15), splat(15_u32));
    }

    #[test]
    fn shift_controls_realign_two_quadwords() {
        assert_eq!(lvsl(0x1003), A + splat(3_u8));
        assert_eq!(vperm(A, B, lvsl(5)), crate::vsldoi(A, B, 5));
        assert_eq!(vperm(A, B, lvsr(5)), crate::vsldoi(A, B, 11));
        assert_eq!(lvsr(0x20), A + splat(16_u8));
    }

    #[test]
    fn bit_permutes_ignore_numbers_past_the_source() {
        // Bits 0 and 127 of `a` are set; the last two indices ask for them, the one before is out of range.
        let a = 1 << 127 | 1;
        assert_eq!(
            vbpermq(a, 0x0101_0101_0101_0101_0101_0101_0180_007f),
            0b011 << 64
        );
        assert_eq!(vbpermd(1 << 63, 0x4040_4040_4040_0040), 0b10);
    }

    #[test]
    fn gather_bits_transposes() {
        assert_eq!(vgbbd(0xff00_0000_0000_0000), 0x8080_8080_8080_8080);
        assert_eq!(vgbbd(0x0000_0000_0000_0040), 0x0001_0000_0000_0000);
    }

    proptest! {
        #[test]
        fn the_identity_control_changes_nothing(a: u128, b: u128) {
            prop_assert_eq!(vperm(a, b, A), a);
            prop_assert_eq!(vperm(a, b, B), b);
        }

        #[test]
        fn right_indexed_is_left_indexed_of_the_complement(a: u128, b: u128, c: u128) {
            prop_assert_eq!(vpermr(a, b, c), vperm(a, b, !c));
        }

        #[test]
        fn transposing_twice_changes_nothing(b: u128) {
            prop_assert_eq!(vgbbd(vgbbd(b)), b);
        }

        #[test]
        fn permute_xor_is_two_permutes(a: u128, b: u128, c: u128) {
            let (high, low) = (crate::vsrb(c, splat(4_u8)), c & splat(0x0f_u8));
            prop_assert_eq!(vpermxor(a, b, c), vperm(a, a, high) ^ vperm(b, b, low));
        }
    }
}
