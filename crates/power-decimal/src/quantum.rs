//! Quantum adjustment: `dqua`, `dquai`, `drrnd`, `drintx`, `drintn` and their quad forms (Book I,
//! 5.6.4).

use power_float::Fpscr;
use power_float::fpscr::bits as b;

use crate::format::{Format, unpack};
use crate::number::Number;
use crate::outcome::{Outcome, propagated, quieted};
use crate::round::{Intermediate, Rounding, cut};

/// A finite number with another exponent; an invalid conversion where its digits do not fit then.
fn with_exponent<F: Format>(rounding: Rounding, number: Number, exponent: i32) -> Outcome {
    let (sign, layout) = (number.sign, F::LAYOUT);
    if number.is_zero() {
        return Outcome::exact(Number::finite(sign, 0, exponent));
    }
    if exponent <= number.exponent {
        let zeros = (number.exponent - exponent) as u32;
        if number.significant_digits() + zeros > layout.digits() {
            return Outcome::invalid(b::VXCVI);
        }
        let coefficient = number.coefficient * 10u128.pow(zeros);
        return Outcome::exact(Number::finite(sign, coefficient, exponent));
    }
    let count = (exponent - number.exponent) as u32;
    let cut = cut(rounding, Intermediate::of(number), count);
    Outcome {
        number: Number::finite(sign, cut.coefficient.as_u128(), exponent),
        status: cut.status(),
    }
}

/// `dqua`, `dquaq`: B with the exponent of A, rounded as RMC says.
pub fn dqua<F: Format>(f: &mut Fpscr, a: F, b: F, rmc: u8) -> Option<F> {
    let (a, b) = (unpack(a), unpack(b));
    let outcome = match (a.is_infinite(), b.is_infinite()) {
        _ if a.is_nan() || b.is_nan() => propagated([a, b]).unwrap_or(Outcome::exact(b)),
        (true, true) => Outcome::exact(Number::infinity(b.sign)),
        (true, false) | (false, true) => Outcome::invalid(b::VXCVI),
        (false, false) => with_exponent::<F>(Rounding::primary(*f, rmc), b, a.exponent),
    };
    outcome.deliver(f)
}

/// B as it is, if it is not finite: infinities without a trailing significand, NaNs quiet.
fn special(number: Number) -> Option<Outcome> {
    if number.is_nan() {
        Some(quieted(number))
    } else if number.is_infinite() {
        Some(Outcome::exact(Number::infinity(number.sign)))
    } else {
        None
    }
}

/// `dquai`, `dquaiq`: B with the exponent `te` (-16 to 15), rounded as RMC says. An infinity has
/// none: an invalid conversion.
pub fn dquai<F: Format>(f: &mut Fpscr, b: F, te: i8, rmc: u8) -> Option<F> {
    let b = unpack(b);
    let outcome = if b.is_nan() {
        quieted(b)
    } else if b.is_infinite() {
        Outcome::invalid(b::VXCVI)
    } else {
        with_exponent::<F>(Rounding::primary(*f, rmc), b, te.into())
    };
    outcome.deliver(f)
}

/// `drrnd`, `drrndq`: B rounded as RMC says to as many significant digits as the low six bits of
/// `a` tell, if it has more; 0 is no limit. An invalid conversion where the exponent would be too
/// large.
pub fn drrnd<F: Format>(f: &mut Fpscr, a: u64, b: F, rmc: u8) -> Option<F> {
    let b = unpack(b);
    let outcome = special(b).unwrap_or_else(|| {
        let (significance, length) = ((a & 63) as u32, b.significant_digits());
        if significance == 0 || length <= significance {
            return Outcome::exact(b);
        }
        let count = length - significance;
        let cut = cut(Rounding::primary(*f, rmc), Intermediate::of(b), count);
        let (mut coefficient, mut exponent) =
            (cut.coefficient.as_u128(), b.exponent + count as i32);
        if coefficient == 10u128.pow(significance) {
            coefficient /= 10;
            exponent += 1;
        }
        if exponent > F::LAYOUT.largest_exponent() {
            return Outcome::invalid(b::VXCVI);
        }
        Outcome {
            number: Number::finite(b.sign, coefficient, exponent),
            status: cut.status(),
        }
    });
    outcome.deliver(f)
}

/// B rounded to an integral value in the mode that R and RMC name.
fn integral<F: Format>(f: Fpscr, b: F, r: bool, rmc: u8) -> Outcome {
    let b = unpack(b);
    special(b).unwrap_or_else(|| {
        if b.exponent >= 0 {
            return Outcome::exact(b);
        }
        with_exponent::<F>(Rounding::with_r(f, r, rmc), b, 0)
    })
}

/// `drintx`, `drintxq`: B rounded to an integral value in the mode that R and RMC name; inexact
/// where that changes it.
pub fn drintx<F: Format>(f: &mut Fpscr, b: F, r: bool, rmc: u8) -> Option<F> {
    integral(*f, b, r, rmc).deliver(f)
}

/// `drintn`, `drintnq`: as [`drintx`], but never inexact.
pub fn drintn<F: Format>(f: &mut Fpscr, b: F, r: bool, rmc: u8) -> Option<F> {
    let outcome = integral(*f, b, r, rmc);
    Outcome {
        status: outcome.status & !(b::XX | b::FI | b::FR),
        ..outcome
    }
    .deliver(f)
}
