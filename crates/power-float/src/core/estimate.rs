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
