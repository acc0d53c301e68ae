//! Quad-precision arithmetic and rounding to integral values and to double-extended precision.

use super::{deliver, odd, rounding_mode};
use crate::fpscr::Fpscr;
use crate::softfloat::element::{self, Fused, Quad};
use crate::softfloat::{Control, Format, Unpacked, convert};

macro_rules! binary {
    ($($name:ident, $odd:ident, $operation:ident, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, a: u128, b: u128) -> Option<u128> {
            let outcome = element::$operation::<Quad>(Control::of(*f), a, b);
            deliver(f, outcome)
        }

        #[doc = concat!($what, " Rounds to odd.")]
        pub fn $odd(f: &mut Fpscr, a: u128, b: u128) -> Option<u128> {
            let outcome = element::$operation::<Quad>(odd(*f), a, b);
            deliver(f, outcome)
        })*
    };
}

binary! {
    xsaddqp, xsaddqpo, add, "A + B.";
    xssubqp, xssubqpo, subtract, "A - B.";
    xsmulqp, xsmulqpo, multiply, "A * B.";
    xsdivqp, xsdivqpo, divide, "A / B.";
}

macro_rules! multiply_add {
    ($($name:ident, $odd:ident, $kind:ident, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, a: u128, c: u128, b: u128) -> Option<u128> {
            let outcome = element::fused::<Quad>(Fused::$kind, Control::of(*f), a, c, b);
            deliver(f, outcome)
        }

        #[doc = concat!($what, " Rounds to odd.")]
        pub fn $odd(f: &mut Fpscr, a: u128, c: u128, b: u128) -> Option<u128> {
            let outcome = element::fused::<Quad>(Fused::$kind, odd(*f), a, c, b);
            deliver(f, outcome)
        })*
    };
}

multiply_add! {
    xsmaddqp, xsmaddqpo, Add, "A * C + B, rounded once.";
    xsmsubqp, xsmsubqpo, Subtract, "A * C - B, rounded once.";
    xsnmaddqp, xsnmaddqpo, NegatedAdd, "-(A * C + B), rounded before it is negated.";
    xsnmsubqp, xsnmsubqpo, NegatedSubtract, "-(A * C - B), rounded before it is negated.";
}

/// The square root of B.
pub fn xssqrtqp(f: &mut Fpscr, b: u128) -> Option<u128> {
    let outcome = element::root::<Quad>(Control::of(*f), b);
    deliver(f, outcome)
}

/// The square root of B. Rounds to odd.
pub fn xssqrtqpo(f: &mut Fpscr, b: u128) -> Option<u128> {
    let outcome = element::root::<Quad>(odd(*f), b);
    deliver(f, outcome)
}

/// B rounded to an integral value in the mode that R and RMC name; never inexact.
pub fn xsrqpi(f: &mut Fpscr, b: u128, r: bool, rmc: u8) -> Option<u128> {
    let outcome = element::round_to_integral(Format::QUAD, rounding_mode(f, r, rmc), b, false);
    deliver(f, outcome)
}

/// As [`xsrqpi`], but sets XX, FI and FR where rounding changes the value.
pub fn xsrqpix(f: &mut Fpscr, b: u128, r: bool, rmc: u8) -> Option<u128> {
    let outcome = element::round_to_integral(Format::QUAD, rounding_mode(f, r, rmc), b, true);
    deliver(f, outcome)
}

/// B rounded to double-extended precision (64 bits of significand) in the mode that R and RMC name.
pub fn xsrqpxp(f: &mut Fpscr, b: u128, r: bool, rmc: u8) -> Option<u128> {
    let control = Control::of(*f).rounding(rounding_mode(f, r, rmc));
    let b = Unpacked::unpack(Format::QUAD, b);
    deliver(
        f,
        convert::quieted(b).round_into(Format::EXTENDED, Format::QUAD, control),
    )
}
