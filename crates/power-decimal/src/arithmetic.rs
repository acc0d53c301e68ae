//! `dadd`, `dsub`, `dmul`, `ddiv` and their quad forms (Book I, 5.6.1).

use ethnum::U256;
use power_float::Fpscr;
use power_float::fpscr::bits as b;

use crate::format::{Format, unpack};
use crate::number::Number;
use crate::outcome::{Outcome, propagated};
use crate::round::{Control, Intermediate, Rounding, round};
use crate::wide::{MOST_ZEROS, digits, power_of_ten};

fn rounded<F: Format>(f: Fpscr, value: Intermediate, ideal: i32) -> Outcome {
    round(F::LAYOUT, Control::of(f, F::LAYOUT), value, ideal).outcome
}

/// `dadd`, `daddq`: A + B.
pub fn dadd<F: Format>(f: &mut Fpscr, a: F, b: F) -> Option<F> {
    sum::<F>(*f, unpack(a), unpack(b)).deliver(f)
}

/// `dsub`, `dsubq`: A - B.
pub fn dsub<F: Format>(f: &mut Fpscr, a: F, b: F) -> Option<F> {
    let b = unpack(b);
    // A NaN is delivered with its sign.
    let negated = Number {
        sign: b.sign ^ !b.is_nan(),
        ..b
    };
    sum::<F>(*f, unpack(a), negated).deliver(f)
}

fn sum<F: Format>(f: Fpscr, a: Number, b: Number) -> Outcome {
    if let Some(nan) = propagated([a, b]) {
        return nan;
    }
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) if a.sign != b.sign => return Outcome::invalid(b::VXISI),
        (true, _) => return Outcome::exact(Number::infinity(a.sign)),
        (_, true) => return Outcome::exact(Number::infinity(b.sign)),
        (false, false) => {}
    }
    let ideal = a.exponent.min(b.exponent);
    let mut value = magnitudes(a, b);
    if value.coefficient == U256::ZERO && a.sign != b.sign {
        value.sign = Rounding::of(f) == Rounding::Down;
    }
    rounded::<F>(f, value, ideal)
}

/// The sum of finite numbers, exactly but that what is far below the last digit that matters
/// becomes `more`.
fn magnitudes(a: Number, b: Number) -> Intermediate {
    // The coefficient of the larger exponent, unless it is zero, is widened as far as it can be:
    // more digits than any format keeps.
    let (high, low) = if a.exponent >= b.exponent {
        (a, b)
    } else {
        (b, a)
    };
    if high.coefficient == 0 || low.coefficient == 0 {
        let number = if high.coefficient == 0 { low } else { high };
        return Intermediate::of(number);
    }
    let distance = (high.exponent - low.exponent) as u32;
    let widened = distance.min(MOST_ZEROS - 1 - high.significant_digits());
    let large = U256::from(high.coefficient) * power_of_ten(widened);
    let low_coefficient = U256::from(low.coefficient);
    // What of the other is below the last digit then.
    let narrowed = distance - widened;
    let (small, more) = if narrowed > MOST_ZEROS {
        (U256::ZERO, true)
    } else {
        let unit = power_of_ten(narrowed);
        (low_coefficient / unit, low_coefficient % unit != U256::ZERO)
    };
    let exponent = low.exponent + narrowed as i32;
    let (sign, coefficient) = if high.sign == low.sign {
        (high.sign, large + small)
    } else if large >= small {
        // large - (small + something) = (large - small - 1) + (1 - something)
        (high.sign, large - small - U256::from(more))
    } else {
        (low.sign, small - large)
    };
    Intermediate {
        sign,
        coefficient,
        exponent,
        more,
    }
}

/// `dmul`, `dmulq`: A * B.
pub fn dmul<F: Format>(f: &mut Fpscr, a: F, b: F) -> Option<F> {
    product::<F>(*f, unpack(a), unpack(b)).deliver(f)
}

fn product<F: Format>(f: Fpscr, a: Number, b: Number) -> Outcome {
    if let Some(nan) = propagated([a, b]) {
        return nan;
    }
    let sign = a.sign ^ b.sign;
    if a.is_infinite() || b.is_infinite() {
        if a.is_zero() || b.is_zero() {
            return Outcome::invalid(b::VXIMZ);
        }
        return Outcome::exact(Number::infinity(sign));
    }
    let exponent = a.exponent + b.exponent;
    let value = Intermediate {
        sign,
        coefficient: U256::from(a.coefficient) * U256::from(b.coefficient),
        exponent,
        more: false,
    };
    rounded::<F>(f, value, exponent)
}

/// `ddiv`, `ddivq`: A / B.
pub fn ddiv<F: Format>(f: &mut Fpscr, a: F, b: F) -> Option<F> {
    quotient::<F>(*f, unpack(a), unpack(b)).deliver(f)
}

fn quotient<F: Format>(f: Fpscr, a: Number, b: Number) -> Outcome {
    if let Some(nan) = propagated([a, b]) {
        return nan;
    }
    let sign = a.sign ^ b.sign;
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) => return Outcome::invalid(b::VXIDI),
        (true, false) => return Outcome::exact(Number::infinity(sign)),
        (false, true) => {
            return Outcome::exact(Number::finite(sign, 0, F::LAYOUT.least_exponent()));
        }
        (false, false) => {}
    }
    let ideal = a.exponent - b.exponent;
    let (dividend, divisor) = (U256::from(a.coefficient), U256::from(b.coefficient));
    if b.is_zero() {
        if a.is_zero() {
            return Outcome::invalid(b::VXZDZ);
        }
        return Outcome {
            number: Number::infinity(sign),
            status: b::ZX,
        };
    }
    // As many digits as the format keeps, and at least one more to round by.
    let widened = F::LAYOUT.digits() + 2 + digits(divisor) - digits(dividend);
    let dividend = dividend * power_of_ten(widened);
    let coefficient = dividend / divisor;
    let value = Intermediate {
        sign,
        coefficient,
        exponent: ideal - widened as i32,
        more: coefficient * divisor != dividend,
    };
    rounded::<F>(f, value, ideal)
}
