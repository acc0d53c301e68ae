//! VMX comparisons (mask and CR6), maximum and minimum.

use super::{flushed, map, vector, words};
use crate::softfloat::{Format, Unpacked};
use crate::vector::cr6;

fn compare(a: u128, b: u128, nj: bool, holds: impl Fn(f32, f32) -> bool) -> (u128, u8) {
    let (a, b) = (words(a), words(b));
    let mask = vector(std::array::from_fn(|i| {
        let [x, y] = [a[i], b[i]].map(|word| f32::from_bits(flushed(word, nj)));
        if holds(x, y) { u32::MAX } else { 0 }
    }));
    (mask, cr6(mask))
}

/// `vcmpeqfp`: the mask of A = B, and CR6.
pub fn vcmpeqfp(a: u128, b: u128, nj: bool) -> (u128, u8) {
    compare(a, b, nj, |x, y| x == y)
}

/// `vcmpgefp`: the mask of A >= B, and CR6.
pub fn vcmpgefp(a: u128, b: u128, nj: bool) -> (u128, u8) {
    compare(a, b, nj, |x, y| x >= y)
}

/// `vcmpgtfp`: the mask of A > B, and CR6.
pub fn vcmpgtfp(a: u128, b: u128, nj: bool) -> (u128, u8) {
    compare(a, b, nj, |x, y| x > y)
}

/// `vcmpbfp`: bit 0 of a word says that A is not <= B, bit 1 that A is not >= -B; CR6 is 0b0010 if all are within bounds.
pub fn vcmpbfp(a: u128, b: u128, nj: bool) -> (u128, u8) {
    let (a, b) = (words(a), words(b));
    let result = vector(std::array::from_fn(|i| {
        let [x, y] = [a[i], b[i]].map(|word| f32::from_bits(flushed(word, nj)));
        // Both comparisons fail for a NaN, and so both bits are set.
        u32::from(!matches!(x.partial_cmp(&y), Some(o) if o.is_le())) << 31
            | u32::from(!matches!(x.partial_cmp(&-y), Some(o) if o.is_ge())) << 30
    }));
    (result, if result == 0 { 0b0010 } else { 0 })
}

/// `vmaxfp`: the larger; a NaN (A's first, quieted) if there is one; +0 rather than -0.
pub fn vmaxfp(a: u128, b: u128, nj: bool) -> u128 {
    map(nj, [a, b], |[a, b]| {
        nan_or(a, b, |x, y| x > y || x == y && a >> 31 == 0)
    })
}

/// `vminfp`: the smaller; a NaN (A's first, quieted) if there is one; -0 rather than +0.
pub fn vminfp(a: u128, b: u128, nj: bool) -> u128 {
    map(nj, [a, b], |[a, b]| {
        nan_or(a, b, |x, y| x < y || x == y && a >> 31 != 0)
    })
}

fn nan_or(a: u32, b: u32, picks_a: impl Fn(f32, f32) -> bool) -> u32 {
    let [x, y] = [a, b].map(f32::from_bits);
    if x.is_nan() || y.is_nan() {
        let nan = if x.is_nan() { a } else { b };
        return Unpacked::unpack(Format::SINGLE, nan.into())
            .quieted()
            .pack(Format::SINGLE) as u32;
    }
    if picks_a(x, y) { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singles(x: [f32; 4]) -> u128 {
        vector(x.map(f32::to_bits))
    }

    #[test]
    fn cr6_tells_all_and_none() {
        let (one, two) = (singles([1.0; 4]), singles([2.0; 4]));
        assert_eq!(vcmpgtfp(two, one, false), (u128::MAX, 0b1000));
        assert_eq!(vcmpgtfp(one, two, false), (0, 0b0010));
        assert_eq!(
            vcmpeqfp(one, singles([1.0, 1.0, 1.0, 2.0]), false),
            (u128::MAX << 32, 0)
        );
        assert_eq!(vcmpgefp(singles([f32::NAN; 4]), one, false), (0, 0b0010));
    }

    #[test]
    fn bounds_are_compared_with_both_signs() {
        let a = singles([1.0, -3.0, 3.0, f32::NAN]);
        let (result, field) = vcmpbfp(a, singles([2.0; 4]), false);
        assert_eq!((words(result), field), ([0, 1 << 30, 1 << 31, 3 << 30], 0));
        assert_eq!(
            vcmpbfp(singles([-2.0; 4]), singles([2.0; 4]), false),
            (0, 0b0010)
        );
        assert_eq!(words(vcmpbfp(0, singles([-1.0; 4]), false).0), [3 << 30; 4]);
    }

    #[test]
    fn maximum_and_minimum_order_the_zeros_and_prefer_nans() {
        let nan = f32::from_bits(0x7F80_0001);
        let (a, b) = (
            singles([0.0, -0.0, nan, 1.0]),
            singles([-0.0, 0.0, 1.0, nan]),
        );
        assert_eq!(words(vmaxfp(a, b, false)), [0, 0, 0x7FC0_0001, 0x7FC0_0001]);
        assert_eq!(words(vminfp(a, b, false))[..2], [1 << 31, 1 << 31]);
    }
}
