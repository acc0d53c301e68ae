//! VMX arithmetic, estimates and rounding to integral values.

use super::{delivered, map};
use crate::fpscr::Rounding;
use crate::softfloat::element::{self, Fused, Single};
use crate::softfloat::{Control, Format, Unpacked, estimate};

/// `vaddfp`: A + B.
pub fn vaddfp(a: u128, b: u128, nj: bool) -> u128 {
    map(nj, [a, b], |[a, b]| {
        delivered(
            element::add::<Single>(Control::NEAREST, a.into(), b.into()),
            nj,
        )
    })
}

/// `vsubfp`: A - B.
pub fn vsubfp(a: u128, b: u128, nj: bool) -> u128 {
    map(nj, [a, b], |[a, b]| {
        delivered(
            element::subtract::<Single>(Control::NEAREST, a.into(), b.into()),
            nj,
        )
    })
}

/// `vmaddfp`: A * C + B, rounded once.
pub fn vmaddfp(a: u128, c: u128, b: u128, nj: bool) -> u128 {
    fused(Fused::Add, a, c, b, nj)
}

/// `vnmsubfp`: -(A * C - B), rounded once.
pub fn vnmsubfp(a: u128, c: u128, b: u128, nj: bool) -> u128 {
    fused(Fused::NegatedSubtract, a, c, b, nj)
}

fn fused(kind: Fused, a: u128, c: u128, b: u128, nj: bool) -> u128 {
    map(nj, [a, c, b], |[a, c, b]| {
        delivered(
            element::fused::<Single>(kind, Control::NEAREST, a.into(), c.into(), b.into()),
            nj,
        )
    })
}

/// `vrefp`: estimates of 1 / B.
pub fn vrefp(b: u128, nj: bool) -> u128 {
    map(nj, [b], |[b]| {
        delivered(
            estimate::reciprocal::<Single>(Control::NEAREST, b.into()),
            nj,
        )
    })
}

/// `vrsqrtefp`: estimates of 1 / sqrt(B).
pub fn vrsqrtefp(b: u128, nj: bool) -> u128 {
    map(nj, [b], |[b]| {
        delivered(
            estimate::reciprocal_root::<Single>(Control::NEAREST, b.into()),
            nj,
        )
    })
}

const DEFAULT_NAN: u32 = 0x7FC0_0000;

/// `vexptefp`: estimates of 2 to the power B.
pub fn vexptefp(b: u128, nj: bool) -> u128 {
    map(nj, [b], |[b]| transcendental(b, f64::exp2))
}

/// `vlogefp`: estimates of the logarithm of B to base 2.
pub fn vlogefp(b: u128, nj: bool) -> u128 {
    map(nj, [b], |[b]| transcendental(b, f64::log2))
}

/// A function on the host's doubles, whose error is far below the estimates' (1/16 and 1/32).
fn transcendental(b: u32, function: impl Fn(f64) -> f64) -> u32 {
    let operand = Unpacked::unpack(Format::SINGLE, b.into());
    if operand.is_nan() {
        return operand.quieted().pack(Format::SINGLE) as u32;
    }
    let result = function(f64::from(f32::from_bits(b)));
    if result.is_nan() {
        DEFAULT_NAN
    } else {
        (result as f32).to_bits()
    }
}

macro_rules! integral {
    ($($name:ident, $rounding:ident, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(b: u128, nj: bool) -> u128 {
            map(nj, [b], |[b]| {
                element::round_to_integral(Format::SINGLE, Rounding::$rounding, b.into(), false).single()
            })
        })*
    };
}

integral! {
    vrfin, NearestEven, "`vrfin`: to the nearest integral value, ties to even.";
    vrfiz, TowardZero, "`vrfiz`: to an integral value toward zero.";
    vrfip, Up, "`vrfip`: to an integral value toward +infinity.";
    vrfim, Down, "`vrfim`: to an integral value toward -infinity.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vmx::{vector, words};

    fn singles(x: [f32; 4]) -> u128 {
        vector(x.map(f32::to_bits))
    }

    #[test]
    fn denormalised_numbers_are_flushed_only_in_non_java_mode() {
        let tiny = singles([
            f32::from_bits(1),
            f32::from_bits(0x8000_0001),
            f32::MIN_POSITIVE,
            0.0,
        ]);
        assert_eq!(vaddfp(tiny, 0, false), tiny);
        assert_eq!(words(vaddfp(tiny, 0, true))[..3], [0, 0, 0x0080_0000]);
        let half = singles([0.5; 4]);
        assert_eq!(
            words(vmaddfp(
                singles([f32::MIN_POSITIVE; 4]),
                half,
                singles([-0.0; 4]),
                true
            )),
            [0; 4]
        );
    }

    #[test]
    fn nans_are_quieted_in_the_order_a_b_c() {
        let nan = |payload: u32| vector([0x7F80_0000 | payload; 4]);
        let one = singles([1.0; 4]);
        assert_eq!(vmaddfp(nan(1), nan(3), nan(2), false), nan(0x40_0001));
        assert_eq!(vmaddfp(one, nan(3), nan(2), false), nan(0x40_0002));
        assert_eq!(vnmsubfp(one, nan(3), one, false), nan(0x40_0003));
        assert_eq!(vlogefp(nan(5), false), nan(0x40_0005));
    }

    #[test]
    fn estimates_have_the_special_values_of_the_isa() {
        let b = singles([0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!(
            vrefp(b, false),
            singles([f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0])
        );
        let inf = f32::INFINITY.to_bits();
        assert_eq!(
            words(vrsqrtefp(b, false)),
            [inf, inf | 1 << 31, 0, DEFAULT_NAN]
        );
        assert_eq!(
            words(vlogefp(b, false)),
            [inf | 1 << 31, inf | 1 << 31, inf, DEFAULT_NAN]
        );
        assert_eq!(vexptefp(b, false), singles([1.0, 1.0, f32::INFINITY, 0.0]));
        assert_eq!(
            vexptefp(singles([3.0, -2.0, 200.0, -149.0]), false),
            singles([8.0, 0.25, f32::INFINITY, f32::from_bits(1)])
        );
    }

    #[test]
    fn rounding_to_integral_values_keeps_the_sign_of_zero() {
        let b = singles([0.5, -0.5, 1.5, -2.5]);
        assert_eq!(vrfin(b, false), singles([0.0, -0.0, 2.0, -2.0]));
        assert_eq!(vrfip(b, false), singles([1.0, -0.0, 2.0, -2.0]));
        assert_eq!(vrfim(b, false), singles([0.0, -1.0, 1.0, -3.0]));
        assert_eq!(vrfiz(b, false), singles([0.0, -0.0, 1.0, -2.0]));
    }
}
