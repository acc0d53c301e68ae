//! The arithmetic operations of one element, on bit patterns: the host's arithmetic where it serves, else the exact path.
//!
//! A [`Shape`] says how operands and result are held: double, quad, single, or single in double format (the
//! scalar `s` forms). Scalar and vector instructions share these functions.

use super::round::Intermediate;
use super::{Control, Format, Outcome, Unpacked, arith, fast};
use crate::fpscr::Rounding;

/// How an instruction holds its operands and its result.
pub(crate) trait Shape {
    /// The format that operands and result are held in.
    const CONTAINER: Format;
    /// The format that the result is rounded to.
    const TARGET: Format;

    /// `a + b` by host arithmetic.
    fn fast_add(_a: u128, _b: u128) -> Option<Outcome> {
        None
    }
    /// `a * b` by host arithmetic.
    fn fast_multiply(_a: u128, _b: u128) -> Option<Outcome> {
        None
    }
    /// `a / b` by host arithmetic.
    fn fast_divide(_a: u128, _b: u128) -> Option<Outcome> {
        None
    }
    /// The square root of `a` by host arithmetic.
    fn fast_root(_a: u128) -> Option<Outcome> {
        None
    }
    /// `a * c + b` by host arithmetic.
    fn fast_multiply_add(_a: u128, _c: u128, _b: u128) -> Option<Outcome> {
        None
    }
}

/// Double precision.
pub(crate) struct Double;
/// Single precision in double format: the scalar `s` forms.
pub(crate) struct SingleInDouble;
/// Single precision: elements of vectors.
pub(crate) struct Single;
/// Quad precision.
pub(crate) struct Quad;

impl Shape for Quad {
    const CONTAINER: Format = Format::QUAD;
    const TARGET: Format = Format::QUAD;
}

macro_rules! host_shape {
    ($shape:ty, $target:ident, $container:ident, $module:ident, $widen:expr, $narrow:expr) => {
        impl Shape for $shape {
            const CONTAINER: Format = Format::$container;
            const TARGET: Format = Format::$target;

            #[inline]
            fn fast_add(a: u128, b: u128) -> Option<Outcome> {
                fast::$module::add($widen(a), $widen(b)).map($narrow)
            }
            #[inline]
            fn fast_multiply(a: u128, b: u128) -> Option<Outcome> {
                fast::$module::multiply($widen(a), $widen(b)).map($narrow)
            }
            #[inline]
            fn fast_divide(a: u128, b: u128) -> Option<Outcome> {
                fast::$module::divide($widen(a), $widen(b)).map($narrow)
            }
            #[inline]
            fn fast_root(a: u128) -> Option<Outcome> {
                fast::$module::root($widen(a)).map($narrow)
            }
            #[inline]
            fn fast_multiply_add(a: u128, c: u128, b: u128) -> Option<Outcome> {
                fast::$module::multiply_add($widen(a), $widen(c), $widen(b)).map($narrow)
            }
        }
    };
}

const fn low_doubleword(bits: u128) -> u64 {
    bits as u64
}

const fn as_is(outcome: Outcome) -> Outcome {
    outcome
}

/// A single in double format, by the host (a NaN may be quieted; the fast paths refuse NaNs anyway).
fn widened(bits: u128) -> u64 {
    f64::from(f32::from_bits(bits as u32)).to_bits()
}

fn narrowed(outcome: Outcome) -> Outcome {
    let single = f64::from_bits(outcome.double()) as f32;
    Outcome {
        bits: u128::from(single.to_bits()),
        ..outcome
    }
}

host_shape!(Double, DOUBLE, DOUBLE, double, low_doubleword, as_is);
host_shape!(
    SingleInDouble,
    SINGLE,
    DOUBLE,
    single,
    low_doubleword,
    as_is
);
host_shape!(Single, SINGLE, SINGLE, single, widened, narrowed);

/// The bits of an operand taken apart.
#[inline]
pub(crate) fn unpack<S: Shape>(bits: u128) -> Unpacked {
    Unpacked::unpack(S::CONTAINER, bits)
}

/// The exact path's last step.
#[inline]
pub(crate) fn finish<S: Shape>(control: Control, result: Intermediate) -> Outcome {
    result.round_into(S::TARGET, S::CONTAINER, control)
}

/// `a + b`.
#[inline]
pub(crate) fn add<S: Shape>(control: Control, a: u128, b: u128) -> Outcome {
    nearest(control, || S::fast_add(a, b)).unwrap_or_else(|| exact::add::<S>(control, a, b))
}

/// `a - b`.
#[inline]
pub(crate) fn subtract<S: Shape>(control: Control, a: u128, b: u128) -> Outcome {
    let minus_b = b ^ 1 << S::CONTAINER.sign_shift();
    nearest(control, || S::fast_add(a, minus_b))
        .unwrap_or_else(|| exact::subtract::<S>(control, a, b))
}

/// `a * b`.
#[inline]
pub(crate) fn multiply<S: Shape>(control: Control, a: u128, b: u128) -> Outcome {
    nearest(control, || S::fast_multiply(a, b))
        .unwrap_or_else(|| exact::multiply::<S>(control, a, b))
}

/// `a / b`.
#[inline]
pub(crate) fn divide<S: Shape>(control: Control, a: u128, b: u128) -> Outcome {
    nearest(control, || S::fast_divide(a, b)).unwrap_or_else(|| exact::divide::<S>(control, a, b))
}

/// The square root of `a`.
#[inline]
pub(crate) fn root<S: Shape>(control: Control, a: u128) -> Outcome {
    nearest(control, || S::fast_root(a)).unwrap_or_else(|| exact::root::<S>(control, a))
}

/// The four fused multiply-adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fused {
    /// `a * c + b`.
    Add,
    /// `a * c - b`.
    Subtract,
    /// `-(a * c + b)`.
    NegatedAdd,
    /// `-(a * c - b)`.
    NegatedSubtract,
}

/// A fused multiply-add, operands in the order A, C, B of the classic forms (B is the addend).
#[inline]
pub(crate) fn fused<S: Shape>(kind: Fused, control: Control, a: u128, c: u128, b: u128) -> Outcome {
    let subtracts = matches!(kind, Fused::Subtract | Fused::NegatedSubtract);
    let signed_b = b ^ u128::from(subtracts) << S::CONTAINER.sign_shift();
    let outcome = nearest(control, || S::fast_multiply_add(a, c, signed_b))
        .unwrap_or_else(|| exact::multiply_add::<S>(subtracts, control, a, c, b));
    match kind {
        Fused::NegatedAdd | Fused::NegatedSubtract => outcome.negated(S::CONTAINER),
        _ => outcome,
    }
}

#[inline]
fn nearest(control: Control, fast: impl FnOnce() -> Option<Outcome>) -> Option<Outcome> {
    if control.is_nearest() { fast() } else { None }
}

/// The exact path: every operand, every rounding mode.
pub(crate) mod exact {
    use super::*;

    #[cold]
    #[inline(never)]
    pub fn add<S: Shape>(control: Control, a: u128, b: u128) -> Outcome {
        finish::<S>(
            control,
            arith::add(unpack::<S>(a), unpack::<S>(b), control.rounding),
        )
    }

    #[cold]
    #[inline(never)]
    pub fn subtract<S: Shape>(control: Control, a: u128, b: u128) -> Outcome {
        finish::<S>(
            control,
            arith::subtract(unpack::<S>(a), unpack::<S>(b), control.rounding),
        )
    }

    #[cold]
    #[inline(never)]
    pub fn multiply<S: Shape>(control: Control, a: u128, b: u128) -> Outcome {
        finish::<S>(control, arith::multiply(unpack::<S>(a), unpack::<S>(b)))
    }

    #[cold]
    #[inline(never)]
    pub fn divide<S: Shape>(control: Control, a: u128, b: u128) -> Outcome {
        finish::<S>(
            control,
            arith::divide(unpack::<S>(a), unpack::<S>(b), S::TARGET.precision()),
        )
    }

    #[cold]
    #[inline(never)]
    pub fn root<S: Shape>(control: Control, a: u128) -> Outcome {
        finish::<S>(control, arith::root(unpack::<S>(a), S::TARGET.precision()))
    }

    #[cold]
    #[inline(never)]
    pub fn multiply_add<S: Shape>(
        subtracts: bool,
        control: Control,
        a: u128,
        c: u128,
        b: u128,
    ) -> Outcome {
        let b = unpack::<S>(b);
        let b = if subtracts { b.negated() } else { b };
        finish::<S>(
            control,
            arith::multiply_add(unpack::<S>(a), unpack::<S>(c), b, control.rounding),
        )
    }
}

/// Rounds to an integral value in the same format; FI, FR and XX only if `reports_inexact`.
#[inline]
pub(crate) fn round_to_integral(
    format: Format,
    rounding: Rounding,
    a: u128,
    reports_inexact: bool,
) -> Outcome {
    use crate::fpscr::bits as b;
    let a = Unpacked::unpack(format, a);
    let (value, inexact, away) = super::round::to_integral(a, rounding);
    let mut result = super::convert::quieted(value);
    if inexact && reports_inexact {
        result.status |= b::XX | b::FI | if away { b::FR } else { 0 };
    }
    // The value is in the format: this only classifies and packs it.
    result.round(format, Control::NEAREST)
}
