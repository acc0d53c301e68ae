//! Reciprocal and reciprocal-square-root estimates.
//!
//! The ISA bounds their relative error (2^-14, or 1/256 for older forms); here they are correctly rounded but for
//! the last bit of the root's reciprocal, which only raises their quality. Exceptions are those of the instructions.

use super::arith::propagated;
use super::element::{Shape, finish, unpack};
use super::round::Intermediate;
use super::wide::{quotient, square_root};
use super::{Class, Control, Outcome, Unpacked, unpacked::TOP};
use crate::fpscr::bits as b;

/// `1 / a`: ZX for zero, no other invalid operation than a signalling NaN.
pub(crate) fn reciprocal<S: Shape>(control: Control, a: u128) -> Outcome {
    const ONE: Unpacked = Unpacked::finite(false, 0, TOP);
    finish::<S>(
        control,
        super::arith::divide(ONE, unpack::<S>(a), S::TARGET.precision()),
    )
}

/// `1 / sqrt(a)`: ZX for zero (the result keeps its sign), VXSQRT for negative numbers.
pub(crate) fn reciprocal_root<S: Shape>(control: Control, a: u128) -> Outcome {
    let a = unpack::<S>(a);
    let result = if let Some(nan) = propagated([a]) {
        nan
    } else {
        match a.class {
            Class::Zero => Intermediate {
                value: Unpacked::infinity(a.sign),
                status: b::ZX,
            },
            _ if a.sign => Intermediate::invalid(b::VXSQRT),
            Class::Finite => Intermediate::of(reciprocal_root_of_finite(a)),
            _ => Intermediate::of(Unpacked::zero(false)),
        }
    };
    finish::<S>(control, result)
}

fn reciprocal_root_of_finite(a: Unpacked) -> Unpacked {
    const BITS: u32 = 120;
    let radicand = if a.exponent % 2 == 0 {
        a.significand >> 1
    } else {
        a.significand
    };
    let root = square_root(radicand, BITS);
    Unpacked::finite(false, -a.exponent.div_euclid(2), quotient(TOP, root, BITS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::element::{Double, SingleInDouble};
    use super::*;

    const INFINITY: u64 = 0x7FF0_0000_0000_0000;

    fn root(a: f64) -> (u64, u64) {
        let outcome = reciprocal_root::<Double>(Control::NEAREST, a.to_bits().into());
        (outcome.double(), outcome.status & b::STICKY)
    }

    #[test]
    fn special_values_are_those_of_the_isa() {
        assert_eq!(root(f64::INFINITY), (0, 0));
        assert_eq!(root(0.0), (INFINITY, b::ZX));
        assert_eq!(root(-0.0), (INFINITY | 1 << 63, b::ZX));
        assert_eq!(root(0.25), (2f64.to_bits(), 0));
        assert_eq!(root(2f64.powi(-1074)), (2f64.powi(537).to_bits(), 0));
        assert_eq!(root(-1.0).1, b::VXSQRT);
        let zero = reciprocal::<Double>(Control::NEAREST, (INFINITY | 1 << 63).into());
        assert_eq!((zero.double(), zero.status & b::STICKY), (1 << 63, 0));
        // 1 / 2^-149 is no single.
        let big = reciprocal::<SingleInDouble>(Control::NEAREST, 2f64.powi(-149).to_bits().into());
        assert_eq!(
            (big.double(), big.status & b::STICKY),
            (INFINITY, b::OX | b::XX)
        );
    }

    proptest! {
        #[test]
        fn estimates_are_far_better_than_required(a in 1e-300f64..1e300) {
            let want = 1.0 / a.sqrt();
            let got = f64::from_bits(root(a).0);
            prop_assert!((got - want).abs() <= want * f64::EPSILON * 2.0);
            let single = reciprocal::<SingleInDouble>(Control::NEAREST, f64::from(a as f32).to_bits().into());
            if a > 1e-37 && a < 1e37 {
                prop_assert_eq!(f64::from_bits(single.double()) as f32, 1.0 / (a as f32));
            }
        }
    }
}
