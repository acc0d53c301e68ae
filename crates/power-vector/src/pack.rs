//! Packs and unpacks: elements narrowed two to one (modulo, saturating, pixel) and widened
//! (Power ISA 3.0B, Book I, 6.8.1).

use crate::Vector;
use crate::lanes::{Lane, map, narrow, saturating_ops, vector_ops, widen_high, widen_low};

vector_ops! {
    /// Vector Pack Unsigned Halfword Unsigned Modulo.
    vpkuhum(a, b) = narrow(a, b, |x: u16| x as u8);
    /// Vector Pack Unsigned Word Unsigned Modulo.
    vpkuwum(a, b) = narrow(a, b, |x: u32| x as u16);
    /// Vector Pack Unsigned Doubleword Unsigned Modulo.
    vpkudum(a, b) = narrow(a, b, |x: u64| x as u32);
    /// Vector Pack Pixel: 8:8:8:8 words to 1:5:5:5 halfwords, by dropping low bits.
    vpkpx(a, b) = narrow(a, b, |x: u32| {
        (x >> 9 & 0xfc00 | x >> 6 & 0x03e0 | x >> 3 & 0x001f) as u16
    });
}

saturating_ops! {
    /// Vector Pack Signed Halfword Signed Saturate.
    vpkshss(a, b) = narrow_clamped(a, b, |x: i16| x.clamp(i8::MIN.into(), i8::MAX.into()), |x| x as i8);
    /// Vector Pack Signed Halfword Unsigned Saturate.
    vpkshus(a, b) = narrow_clamped(a, b, |x: i16| x.clamp(0, u8::MAX.into()), |x| x as u8);
    /// Vector Pack Signed Word Signed Saturate.
    vpkswss(a, b) = narrow_clamped(a, b, |x: i32| x.clamp(i16::MIN.into(), i16::MAX.into()), |x| x as i16);
    /// Vector Pack Signed Word Unsigned Saturate.
    vpkswus(a, b) = narrow_clamped(a, b, |x: i32| x.clamp(0, u16::MAX.into()), |x| x as u16);
    /// Vector Pack Signed Doubleword Signed Saturate.
    vpksdss(a, b) = narrow_clamped(a, b, |x: i64| x.clamp(i32::MIN.into(), i32::MAX.into()), |x| x as i32);
    /// Vector Pack Signed Doubleword Unsigned Saturate.
    vpksdus(a, b) = narrow_clamped(a, b, |x: i64| x.clamp(0, u32::MAX.into()), |x| x as u32);
    /// Vector Pack Unsigned Halfword Unsigned Saturate.
    vpkuhus(a, b) = narrow_clamped(a, b, |x: u16| x.min(u8::MAX.into()), |x| x as u8);
    /// Vector Pack Unsigned Word Unsigned Saturate.
    vpkuwus(a, b) = narrow_clamped(a, b, |x: u32| x.min(u16::MAX.into()), |x| x as u16);
    /// Vector Pack Unsigned Doubleword Unsigned Saturate.
    vpkudus(a, b) = narrow_clamped(a, b, |x: u64| x.min(u32::MAX.into()), |x| x as u32);
}

/// Clamps every lane, then narrows it by `cast`; the flag says whether clamping changed any.
#[inline]
fn narrow_clamped<W: Lane<N>, T: Lane<M>, const N: usize, const M: usize>(
    a: Vector,
    b: Vector,
    clamp: impl Fn(W) -> W,
    cast: impl Fn(W) -> T,
) -> (Vector, bool) {
    let (high, low) = (map(a, &clamp), map(b, &clamp));
    (narrow(high, low, cast), high != a || low != b)
}

vector_ops! {
    /// Vector Unpack High Signed Byte: the upper eight bytes, sign-extended.
    vupkhsb(b) = widen_high(b, |x: i8| i16::from(x));
    /// Vector Unpack High Signed Halfword.
    vupkhsh(b) = widen_high(b, |x: i16| i32::from(x));
    /// Vector Unpack High Signed Word.
    vupkhsw(b) = widen_high(b, |x: i32| i64::from(x));
    /// Vector Unpack High Pixel: 1:5:5:5 halfwords to 8:8:8:8 words.
    vupkhpx(b) = widen_high(b, unpack_pixel);
    /// Vector Unpack Low Signed Byte: the lower eight bytes, sign-extended.
    vupklsb(b) = widen_low(b, |x: i8| i16::from(x));
    /// Vector Unpack Low Signed Halfword.
    vupklsh(b) = widen_low(b, |x: i16| i32::from(x));
    /// Vector Unpack Low Signed Word.
    vupklsw(b) = widen_low(b, |x: i32| i64::from(x));
    /// Vector Unpack Low Pixel.
    vupklpx(b) = widen_low(b, unpack_pixel);
}

/// A 1:5:5:5 pixel as 8:8:8:8: the first field is sign-extended, the others are zero-extended.
#[inline]
fn unpack_pixel(pixel: u16) -> u32 {
    let x = u32::from(pixel);
    ((x >> 15) * 0xff00_0000) | (x & 0x7c00) << 6 | (x & 0x03e0) << 3 | x & 0x001f
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn modulo_packs_keep_the_low_half() {
        assert_eq!(vpkuhum(0x1234, 0xabcd), 0x34 << 64 | 0xcd);
        assert_eq!(vpkudum(1 << 32 | 2, 3), 2 << 64 | 3);
    }

    #[test]
    fn saturating_packs_clamp_to_the_result_type() {
        assert_eq!(vpkshss(0x0080, 0xff7f), (0x7f << 64 | 0x80, true));
        assert_eq!(vpkshss(0x007f, 0xff80), (0x7f << 64 | 0x80, false));
        assert_eq!(vpkshus(0xffff, 0x0100), (0xff, true));
        assert_eq!(vpkswus(0x0001_0000, 0x8000_0000), (0xffff << 64, true));
        assert_eq!(
            vpksdss(1 << 31, (1 << 64) - 1),
            (0x7fff_ffff << 64 | 0xffff_ffff, true)
        );
        assert_eq!(vpkudus(u64::MAX.into(), 5), (0xffff_ffff << 64 | 5, true));
        assert_eq!(vpkuhus(0x00ff, 0), (0xff << 64, false));
    }

    #[test]
    fn pixels_drop_and_regain_their_low_bits() {
        let word = 0x01ff_8844;
        assert_eq!(vpkpx(0, word), 0b1_11111_10001_01000);
        assert_eq!(vupklpx(0b1_11111_10001_01000), 0xff1f_1108);
    }

    #[test]
    fn unpacks_extend_the_sign() {
        let b = 0x80 << 120 | 0x7f;
        assert_eq!(vupkhsb(b), 0xff80 << 112);
        assert_eq!(vupklsb(b), 0x7f);
        assert_eq!(vupklsw(0x8000_0000), 0xffff_ffff_8000_0000);
    }

    proptest! {
        #[test]
        fn packing_what_was_unpacked_changes_nothing(b: u128) {
            prop_assert_eq!(vpkshss(vupkhsb(b), vupklsb(b)), (b, false));
            prop_assert_eq!(vpkswss(vupkhsh(b), vupklsh(b)), (b, false));
            prop_assert_eq!(vpksdss(vupkhsw(b), vupklsw(b)), (b, false));
            prop_assert_eq!(vpkuwum(vupkhsh(b), vupklsh(b)), b);
        }
    }
}
