//! The format change of single-precision loads and stores (Book I, 4.6.2 and 4.6.3): bits are moved, no flag is set.

use crate::softfloat::{Format, Unpacked};

/// `DOUBLE(word)`: what `lfs` puts into the register. NaNs keep their kind and payload.
#[inline]
pub fn double_from_single(word: u32) -> u64 {
    let biased = word >> 23 & 0xFF;
    if (1..0xFF).contains(&biased) {
        // Rebiased; the 23 bits of fraction and their exponent only move.
        let magnitude = (u64::from(word & 0x7FFF_FFFF) << 29) + (896 << 52);
        return u64::from(word >> 31) << 63 | magnitude;
    }
    Unpacked::unpack(Format::SINGLE, u128::from(word)).pack(Format::DOUBLE) as u64
}

/// `SINGLE(doubleword)`: what `stfs` stores.
///
/// The ISA defines it for values that single precision holds, normalised or not; a value too large or with
/// too many bits is cut field by field, one too small is stored as zero.
#[inline]
pub fn single_from_double(doubleword: u64) -> u32 {
    let biased = (doubleword >> 52) as u32 & 0x7FF;
    let sign = (doubleword >> 32) as u32 & 0x8000_0000;
    if biased > 896 || doubleword << 1 == 0 {
        // Bits 0:1 and 5:34: the exponent loses three redundant bits.
        return (doubleword >> 32) as u32 & 0xC000_0000 | (doubleword >> 29) as u32 & 0x3FFF_FFFF;
    }
    let significand = 1 << 52 | doubleword & ((1 << 52) - 1);
    if biased < 874 {
        return sign;
    }
    sign | (significand >> (29 + 897 - biased)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_single_survives_a_load_and_a_store() {
        let samples = (0..=0xFFFF)
            .map(|high: u32| high << 16 | high.wrapping_mul(0x9E37))
            .chain([1, 0x8000_0001, 0x007F_FFFF]);
        for word in samples {
            assert_eq!(
                single_from_double(double_from_single(word)),
                word,
                "{word:#x}"
            );
            let host = f32::from_bits(word);
            if !host.is_nan() {
                assert_eq!(double_from_single(word), f64::from(host).to_bits());
            }
        }
    }

    #[test]
    fn a_signalling_nan_is_loaded_unchanged() {
        assert_eq!(double_from_single(0x7F80_0001), 0x7FF0_0000_2000_0000);
    }

    #[test]
    fn a_store_cuts_what_single_precision_does_not_hold() {
        assert_eq!(single_from_double(0x3FF0_0000_3FFF_FFFF), 0x3F80_0001);
        assert_eq!(single_from_double(1), 0);
        assert_eq!(single_from_double(0x8000_0000_0000_0001), 0x8000_0000);
    }
}
