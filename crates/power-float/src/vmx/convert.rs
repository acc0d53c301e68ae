//! VMX conversions between singles and fixed-point words, scaled by a power of two.
//!
//! All is exact in the host's doubles but the one rounding to single precision, or the truncation.

use super::{flushed, vector, words};

/// 2^`exponent`, for exponents from -31 to 31.
fn power(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// `vcfsx`: signed words divided by 2^`uim` (0..=31).
pub fn vcfsx(b: u128, uim: u8) -> u128 {
    let scale = power(-i32::from(uim & 31));
    vector(words(b).map(|word| ((f64::from(word as i32) * scale) as f32).to_bits()))
}

/// `vcfux`: unsigned words divided by 2^`uim` (0..=31).
pub fn vcfux(b: u128, uim: u8) -> u128 {
    let scale = power(-i32::from(uim & 31));
    vector(words(b).map(|word| ((f64::from(word) * scale) as f32).to_bits()))
}

/// `vctsxs`: singles times 2^`uim`, truncated to signed words; and whether one saturated. A NaN gives 0.
pub fn vctsxs(b: u128, uim: u8, nj: bool) -> (u128, bool) {
    saturating(b, uim, nj, f64::from(i32::MIN), f64::from(i32::MAX), |x| {
        x as i32 as u32
    })
}

/// `vctuxs`: singles times 2^`uim`, truncated to unsigned words; and whether one saturated. A NaN gives 0.
pub fn vctuxs(b: u128, uim: u8, nj: bool) -> (u128, bool) {
    saturating(b, uim, nj, 0.0, f64::from(u32::MAX), |x| x as u32)
}

fn saturating(
    b: u128,
    uim: u8,
    nj: bool,
    min: f64,
    max: f64,
    convert: impl Fn(f64) -> u32,
) -> (u128, bool) {
    let scale = power(i32::from(uim & 31));
    let scaled = words(b).map(|word| f64::from(f32::from_bits(flushed(word, nj))) * scale);
    // What truncates into the range did not saturate.
    let saturated = scaled.iter().any(|&x| x <= min - 1.0 || x >= max + 1.0);
    (vector(scaled.map(convert)), saturated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singles(x: [f32; 4]) -> u128 {
        vector(x.map(f32::to_bits))
    }

    #[test]
    fn conversions_scale_and_round_once() {
        assert_eq!(
            vcfsx(vector([3, u32::MAX, 0x8000_0000, 0x01FF_FFFF]), 1),
            singles([1.5, -0.5, -1073741824.0, 16777216.0])
        );
        assert_eq!(
            vcfux(vector([3, u32::MAX, 0, 1]), 31),
            singles([3.0 / 2147483648.0, 2.0, 0.0, 1.0 / 2147483648.0])
        );
    }

    #[test]
    fn conversions_saturate_and_say_so() {
        assert_eq!(
            vctsxs(singles([1.75, -1.75, f32::NAN, -0.2]), 1, false),
            (vector([3, -3i32 as u32, 0, 0]), false)
        );
        assert_eq!(
            vctsxs(singles([3e9, -3e9, 0.0, 0.0]), 0, false),
            (vector([0x7FFF_FFFF, 0x8000_0000, 0, 0]), true)
        );
        assert_eq!(
            vctsxs(singles([-2147483648.0; 4]), 0, false),
            (vector([0x8000_0000; 4]), false)
        );
        assert_eq!(
            vctuxs(singles([-0.9, 0.0, 1.0, 2.0]), 0, false),
            (vector([0, 0, 1, 2]), false)
        );
        assert_eq!(vctuxs(singles([-1.0, 0.0, 0.0, 0.0]), 0, false), (0, true));
        assert_eq!(
            vctuxs(singles([f32::INFINITY, 0.0, 0.0, 0.0]), 31, false).0 >> 96,
            0xFFFF_FFFF
        );
    }
}
