//! Vector arithmetic, estimates and rounding to integral values.

use super::{deliver, element_at, width};
use crate::fpscr::{Fpscr, Rounding};
use crate::softfloat::element::{self, Double, Fused, Shape, Single};
use crate::softfloat::{Control, Format, Outcome, estimate};

#[inline]
fn unary<S: Shape>(
    f: &mut Fpscr,
    b: u128,
    operation: impl Fn(Control, u128) -> Outcome,
) -> Option<u128> {
    let width = width(S::CONTAINER);
    deliver(f, width, |control, i| {
        operation(control, element_at(b, width, i))
    })
}

macro_rules! binary {
    ($($name:ident, $operation:ident, $shape:ty, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, a: u128, b: u128) -> Option<u128> {
            let width = width(<$shape>::CONTAINER);
            deliver(f, width, |control, i| {
                element::$operation::<$shape>(control, element_at(a, width, i), element_at(b, width, i))
            })
        })*
    };
}

binary! {
    xvadddp, add, Double, "A + B, doubles.";
    xvaddsp, add, Single, "A + B, singles.";
    xvsubdp, subtract, Double, "A - B, doubles.";
    xvsubsp, subtract, Single, "A - B, singles.";
    xvmuldp, multiply, Double, "A * B, doubles.";
    xvmulsp, multiply, Single, "A * B, singles.";
    xvdivdp, divide, Double, "A / B, doubles.";
    xvdivsp, divide, Single, "A / B, singles.";
}

macro_rules! multiply_add {
    ($($name:ident, $kind:ident, $shape:ty, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, a: u128, c: u128, b: u128) -> Option<u128> {
            let width = width(<$shape>::CONTAINER);
            deliver(f, width, |control, i| {
                let [a, c, b] = [a, c, b].map(|v| element_at(v, width, i));
                element::fused::<$shape>(Fused::$kind, control, a, c, b)
            })
        })*
    };
}

multiply_add! {
    xvmadddp, Add, Double, "`xvmadd[am]dp`: A * C + B, doubles.";
    xvmaddsp, Add, Single, "`xvmadd[am]sp`: A * C + B, singles.";
    xvmsubdp, Subtract, Double, "`xvmsub[am]dp`: A * C - B, doubles.";
    xvmsubsp, Subtract, Single, "`xvmsub[am]sp`: A * C - B, singles.";
    xvnmadddp, NegatedAdd, Double, "`xvnmadd[am]dp`: -(A * C + B), doubles.";
    xvnmaddsp, NegatedAdd, Single, "`xvnmadd[am]sp`: -(A * C + B), singles.";
    xvnmsubdp, NegatedSubtract, Double, "`xvnmsub[am]dp`: -(A * C - B), doubles.";
    xvnmsubsp, NegatedSubtract, Single, "`xvnmsub[am]sp`: -(A * C - B), singles.";
}

macro_rules! unary {
    ($($name:ident, $operation:path, $shape:ty, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, b: u128) -> Option<u128> {
            unary::<$shape>(f, b, $operation)
        })*
    };
}

unary! {
    xvsqrtdp, element::root::<Double>, Double, "The square roots, doubles.";
    xvsqrtsp, element::root::<Single>, Single, "The square roots, singles.";
    xvredp, estimate::reciprocal::<Double>, Double, "Estimates of 1 / B, doubles.";
    xvresp, estimate::reciprocal::<Single>, Single, "Estimates of 1 / B, singles.";
    xvrsqrtedp, estimate::reciprocal_root::<Double>, Double, "Estimates of 1 / sqrt(B), doubles.";
    xvrsqrtesp, estimate::reciprocal_root::<Single>, Single, "Estimates of 1 / sqrt(B), singles.";
}

macro_rules! integral {
    ($($double:ident, $single:ident, $rounding:expr, $exact:literal, $what:literal;)*) => {
        $(#[doc = concat!($what, " Doubles.")]
        pub fn $double(f: &mut Fpscr, b: u128) -> Option<u128> {
            unary::<Double>(f, b, |control, b| {
                let rounding: fn(Control) -> Rounding = $rounding;
                element::round_to_integral(Format::DOUBLE, rounding(control), b, $exact)
            })
        }

        #[doc = concat!($what, " Singles.")]
        pub fn $single(f: &mut Fpscr, b: u128) -> Option<u128> {
            unary::<Single>(f, b, |control, b| {
                let rounding: fn(Control) -> Rounding = $rounding;
                element::round_to_integral(Format::SINGLE, rounding(control), b, $exact)
            })
        })*
    };
}

integral! {
    xvrdpi, xvrspi, |_| Rounding::NearestAway, false, "To the nearest integral value, ties away from zero.";
    xvrdpic, xvrspic, |control| control.rounding, true, "To an integral value as RN says; sets XX if that changes a value.";
    xvrdpim, xvrspim, |_| Rounding::Down, false, "To an integral value toward -infinity.";
    xvrdpip, xvrspip, |_| Rounding::Up, false, "To an integral value toward +infinity.";
    xvrdpiz, xvrspiz, |_| Rounding::TowardZero, false, "To an integral value toward zero.";
}
