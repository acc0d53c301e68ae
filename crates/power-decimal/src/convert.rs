//! Conversions between the formats and from and to integers (Book I, 5.6.5).

use power_float::Fpscr;
use power_float::fpscr::bits as b;

use crate::format::{Format, Layout, unpack};
use crate::number::{Class, Number};
use crate::outcome::{Outcome, quieted};
use crate::round::{Control, Intermediate, Rounded, Rounding, cut, round};

/// `dctdp`: the short in the low word of `b` as a long, exactly. A signalling NaN stays one: a
/// short is data in storage.
pub fn dctdp(f: &mut Fpscr, b: u64) -> Option<u64> {
    let short = Layout::SHORT.unpack(u128::from(b as u32));
    Outcome::exact(short).deliver(f)
}

/// `dctqpq`: a long as an extended, exactly.
pub fn dctqpq(f: &mut Fpscr, b: u64) -> Option<u128> {
    let long = unpack(b);
    let outcome = match long.class {
        Class::Finite => Outcome::exact(long),
        Class::Infinity => Outcome::exact(Number::infinity(long.sign)),
        Class::Quiet | Class::Signalling => quieted(long),
    };
    outcome.deliver(f)
}

/// A finite number of the format `source` rounded to `target`. A wrapped result is in the format of
/// the source.
fn narrowed(f: Fpscr, source: Layout, target: Layout, number: Number) -> Rounded {
    let control = Control::narrowing(f, source);
    round(target, control, Intermediate::of(number), number.exponent)
}

/// `drsp`: a long rounded to short, in the low word. Where an overflow or underflow traps, the
/// result is a long of short precision with its exponent wrapped. A signalling NaN stays one.
pub fn drsp(f: &mut Fpscr, b: u64) -> Option<u64> {
    let long = unpack(b);
    let (layout, outcome) = if long.is_finite() {
        let rounded = narrowed(*f, Layout::LONG, Layout::SHORT, long);
        let layout = if rounded.wrapped {
            Layout::LONG
        } else {
            Layout::SHORT
        };
        (layout, rounded.outcome)
    } else {
        (Layout::SHORT, Outcome::exact(long))
    };
    let status = outcome.status | outcome.number.result_flags(layout);
    f.commit(status, b::RESULTS)
        .then(|| layout.pack(outcome.number) as u64)
}

/// `drdpq`: an extended rounded to long, in the first register of the pair; the second becomes 0.
/// Where an overflow or underflow traps, the result is an extended of long precision with its
/// exponent wrapped.
pub fn drdpq(f: &mut Fpscr, b: u128) -> Option<u128> {
    let extended = unpack(b);
    let outcome = match extended.class {
        Class::Infinity => Outcome::exact(Number::infinity(extended.sign)),
        Class::Quiet | Class::Signalling => quieted(extended),
        Class::Finite => {
            let rounded = narrowed(*f, Layout::EXTENDED, Layout::LONG, extended);
            if rounded.wrapped {
                return rounded.outcome.deliver(f);
            }
            rounded.outcome
        }
    };
    outcome.deliver::<u64>(f).map(|bits| u128::from(bits) << 64)
}

/// `dcffix`, `dcffixq`: a signed doubleword, rounded to the format's precision.
pub fn dcffix<F: Format>(f: &mut Fpscr, b: u64) -> Option<F> {
    let integer = b as i64;
    let number = Number::finite(integer < 0, integer.unsigned_abs().into(), 0);
    let control = Control::of(*f, F::LAYOUT);
    round(F::LAYOUT, control, Intermediate::of(number), 0)
        .outcome
        .deliver(f)
}

/// `dctfix`, `dctfixq`: B rounded to a signed doubleword as DRN says; out of range, the end that is
/// nearer, and -2^63 for a NaN.
///
/// FPRF is undefined after it: it stays.
pub fn dctfix<F: Format>(f: &mut Fpscr, b: F) -> Option<u64> {
    let b = unpack(b);
    let end = if b.sign { i64::MIN } else { i64::MAX };
    let (integer, status) = match b.class {
        Class::Quiet => (i64::MIN, b::VXCVI),
        Class::Signalling => (i64::MIN, b::VXCVI | b::VXSNAN),
        Class::Infinity => (end, b::VXCVI),
        Class::Finite => to_integer(Rounding::of(*f), b).unwrap_or((end, b::VXCVI)),
    };
    f.commit(status, b::FR | b::FI).then_some(integer as u64)
}

/// The nearest integer, with XX, FI and FR. None where no doubleword holds it.
fn to_integer(rounding: Rounding, number: Number) -> Option<(i64, u64)> {
    /// Numbers below 10^19 have at most this exponent.
    const MOST: i32 = 18;
    if number.is_zero() {
        return Some((0, 0));
    }
    if number.adjusted_exponent() > MOST {
        return None;
    }
    let (magnitude, status) = if number.exponent >= 0 {
        let magnitude = number.coefficient * 10u128.pow(number.exponent as u32);
        (magnitude, 0)
    } else {
        let count = number.exponent.unsigned_abs();
        let cut = cut(rounding, Intermediate::of(number), count);
        (cut.coefficient.as_u128(), cut.status())
    };
    let magnitude = i128::try_from(magnitude).ok()?;
    let integer = if number.sign { -magnitude } else { magnitude };
    Some((i64::try_from(integer).ok()?, status))
}
