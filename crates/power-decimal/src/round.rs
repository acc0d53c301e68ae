//! Rounding an exact result to a format: precision, overflow, underflow, and which of several forms
//! of a value is delivered (Book I, 5.5.2, 5.5.3 and 5.5.10).

use ethnum::U256;
use power_float::Fpscr;
use power_float::fpscr::bits as b;

use crate::format::Layout;
use crate::number::Number;
use crate::outcome::Outcome;
use crate::wide::{MOST_ZEROS, digits, power_of_ten};

/// How a value between two numbers of the format is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// To the nearest; of two, to the one with an even last digit.
    NearestEven,
    /// Toward zero.
    TowardZero,
    /// Toward +infinity.
    Up,
    /// Toward -infinity.
    Down,
    /// To the nearest; of two, away from zero.
    NearestAway,
    /// To the nearest; of two, toward zero.
    NearestTowardZero,
    /// Away from zero.
    AwayFromZero,
    /// To prepare for shorter precision: toward zero, but away where the last digit would be 0 or
    /// 5, so that a second rounding to fewer digits is as good as one.
    ShorterPrecision,
}

impl Rounding {
    /// What FPSCR\[DRN\] says.
    pub const fn of(f: Fpscr) -> Self {
        match f.drn() {
            0 => Self::NearestEven,
            1 => Self::TowardZero,
            2 => Self::Up,
            3 => Self::Down,
            4 => Self::NearestAway,
            5 => Self::NearestTowardZero,
            6 => Self::AwayFromZero,
            _ => Self::ShorterPrecision,
        }
    }

    /// What RMC says in its primary encoding (`dqua`, `dquai`, `drrnd`, and `drintx` with R=0).
    pub const fn primary(f: Fpscr, rmc: u8) -> Self {
        match rmc & 3 {
            0 => Self::NearestEven,
            1 => Self::TowardZero,
            2 => Self::NearestAway,
            _ => Self::of(f),
        }
    }

    /// What R and RMC say: RMC has its secondary encoding where R=1.
    pub const fn with_r(f: Fpscr, r: bool, rmc: u8) -> Self {
        match (r, rmc & 3) {
            (false, _) => Self::primary(f, rmc),
            (true, 0) => Self::Up,
            (true, 1) => Self::Down,
            (true, 2) => Self::AwayFromZero,
            (true, _) => Self::NearestTowardZero,
        }
    }

    /// Whether an overflow goes to infinity rather than to the largest number.
    const fn overflows_to_infinity(self, sign: bool) -> bool {
        match self {
            Self::NearestEven
            | Self::NearestAway
            | Self::NearestTowardZero
            | Self::AwayFromZero => true,
            Self::TowardZero | Self::ShorterPrecision => false,
            Self::Up => !sign,
            Self::Down => sign,
        }
    }
}

/// A value before rounding: `coefficient * 10^exponent`, and where `more` something less than the
/// coefficient's last digit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intermediate {
    pub sign: bool,
    pub coefficient: U256,
    pub exponent: i32,
    pub more: bool,
}

impl Intermediate {
    /// A finite number as it is.
    pub fn of(number: Number) -> Self {
        Self {
            sign: number.sign,
            coefficient: number.coefficient.into(),
            exponent: number.exponent,
            more: false,
        }
    }
}

/// A coefficient that has lost low digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub coefficient: U256,
    pub inexact: bool,
    /// Whether rounding has increased the magnitude.
    pub away: bool,
}

impl Cut {
    /// XX, FI and FR.
    pub const fn status(&self) -> u64 {
        let inexact = if self.inexact { b::XX | b::FI } else { 0 };
        let away = if self.away { b::FR } else { 0 };
        inexact | away
    }
}

/// Rounds away the last `count` digits of a value.
pub(crate) fn cut(rounding: Rounding, value: Intermediate, count: u32) -> Cut {
    use std::cmp::Ordering::{Equal, Greater, Less};

    // What is cut off, against half of what the last digit kept is worth.
    let (kept, rest, against_half) = if count > MOST_ZEROS {
        (U256::ZERO, value.coefficient, Less)
    } else {
        let unit = power_of_ten(count);
        let kept = value.coefficient / unit;
        let rest = value.coefficient - kept * unit;
        // Without a digit cut off, `more` alone is always less than half: who sets it provides a
        // digit more than is kept.
        let against_half = match rest.cmp(&(unit >> 1)) {
            _ if count == 0 => Less,
            Equal if value.more => Greater,
            order => order,
        };
        (kept, rest, against_half)
    };
    let inexact = rest != U256::ZERO || value.more;
    let last = (kept % U256::from(10u8)).as_u8();
    let away = inexact
        && match rounding {
            Rounding::NearestEven => {
                against_half == Greater || against_half == Equal && last % 2 != 0
            }
            Rounding::NearestAway => against_half != Less,
            Rounding::NearestTowardZero => against_half == Greater,
            Rounding::TowardZero => false,
            Rounding::AwayFromZero => true,
            Rounding::Up => !value.sign,
            Rounding::Down => value.sign,
            Rounding::ShorterPrecision => last % 5 == 0,
        };
    Cut {
        coefficient: kept + U256::from(away),
        inexact,
        away,
    }
}

/// How results are rounded, and what is done where they do not fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control {
    pub rounding: Rounding,
    /// OE: an overflow delivers the result with its exponent reduced (wrapped).
    overflow_traps: bool,
    /// UE: a tiny result is delivered with its exponent increased.
    underflow_traps: bool,
    /// By how much.
    adjustment: i32,
}

impl Control {
    /// For operations in one format: exponents wrap by 576 in DFP long, by 9216 in DFP extended.
    pub const fn of(f: Fpscr, layout: Layout) -> Self {
        Self::wrapping(f, (layout.largest_biased() + 1) / 4 * 3)
    }

    /// For rounding from `source` to a narrower format: by 192 from DFP long, by 3072 from DFP
    /// extended.
    pub const fn narrowing(f: Fpscr, source: Layout) -> Self {
        Self::wrapping(f, (source.largest_biased() + 1) / 4)
    }

    const fn wrapping(f: Fpscr, adjustment: i32) -> Self {
        Self {
            rounding: Rounding::of(f),
            overflow_traps: f.oe(),
            underflow_traps: f.ue(),
            adjustment,
        }
    }
}

/// A rounded result; `wrapped` where its exponent was adjusted for a trap.
pub(crate) struct Rounded {
    pub outcome: Outcome,
    pub wrapped: bool,
}

/// Rounds to a format. Where an exact result has several forms, that with the exponent closest to
/// `ideal` is delivered; an inexact one has the least exponent.
///
/// Where the result is wrapped, exponents have no bounds: it is of the format's precision, but may
/// have an exponent of a wider format.
pub(crate) fn round(layout: Layout, control: Control, value: Intermediate, ideal: i32) -> Rounded {
    if value.coefficient == U256::ZERO && !value.more {
        let exponent = ideal.clamp(layout.least_exponent(), layout.largest_exponent());
        return Rounded {
            outcome: Outcome::exact(Number::finite(value.sign, 0, exponent)),
            wrapped: false,
        };
    }
    let length = digits(value.coefficient);
    let tiny = value.exponent + length as i32 - 1 < layout.least_normal();
    if tiny && control.underflow_traps {
        let wrapped = to_precision(layout, control, value, ideal, control.adjustment);
        return wrapped.with(b::UX);
    }
    let below = (layout.least_exponent() - value.exponent).max(0) as u32;
    let count = length.saturating_sub(layout.digits()).max(below);
    let cut = cut(control.rounding, value, count);
    let exponent = value.exponent + count as i32;
    let (number, overflow) = form(layout, &cut, value.sign, exponent, ideal);
    if overflow {
        if control.overflow_traps {
            let wrapped = to_precision(layout, control, value, ideal, -control.adjustment);
            return wrapped.with(b::OX);
        }
        return Rounded {
            outcome: overflowed(layout, control.rounding, value.sign),
            wrapped: false,
        };
    }
    let underflow = if tiny && cut.inexact { b::UX } else { 0 };
    Rounded {
        outcome: Outcome {
            number,
            status: cut.status() | underflow,
        },
        wrapped: false,
    }
}

impl Rounded {
    fn with(mut self, exceptions: u64) -> Self {
        self.outcome.status |= exceptions;
        self
    }
}

/// Rounds to the precision of a format after `adjustment` was added to the exponent.
fn to_precision(
    layout: Layout,
    control: Control,
    value: Intermediate,
    ideal: i32,
    adjustment: i32,
) -> Rounded {
    let count = digits(value.coefficient).saturating_sub(layout.digits());
    let cut = cut(control.rounding, value, count);
    let exponent = value.exponent + count as i32 + adjustment;
    let (exponent, coefficient) = closest(
        layout.digits(),
        &cut,
        exponent,
        ideal.saturating_add(adjustment),
    );
    Rounded {
        outcome: Outcome {
            number: Number::finite(value.sign, coefficient, exponent),
            status: cut.status(),
        },
        wrapped: true,
    }
}

/// The form of a rounded value in a format, and whether it is too large for it.
fn form(layout: Layout, cut: &Cut, sign: bool, exponent: i32, ideal: i32) -> (Number, bool) {
    let ideal = ideal.clamp(layout.least_exponent(), layout.largest_exponent());
    let (exponent, coefficient) = closest(layout.digits(), cut, exponent, ideal);
    let overflow = exponent > layout.largest_exponent();
    (Number::finite(sign, coefficient, exponent), overflow)
}

/// Of the forms of a rounded value with at most `precision` digits: if it is exact, that with the
/// exponent closest to `ideal`.
fn closest(precision: u32, cut: &Cut, mut exponent: i32, ideal: i32) -> (i32, u128) {
    let mut coefficient = cut.coefficient.as_u128();
    if coefficient == 10u128.pow(precision) {
        coefficient /= 10;
        exponent += 1;
    }
    if coefficient == 0 || cut.inexact {
        return (exponent, coefficient);
    }
    let most = 10u128.pow(precision - 1);
    while exponent > ideal && coefficient < most {
        coefficient *= 10;
        exponent -= 1;
    }
    while exponent < ideal && coefficient.is_multiple_of(10) {
        coefficient /= 10;
        exponent += 1;
    }
    (exponent, coefficient)
}

/// The result of an overflow that does not trap (5.5.10.3). FR, which the ISA leaves undefined,
/// tells whether the magnitude grew.
fn overflowed(layout: Layout, rounding: Rounding, sign: bool) -> Outcome {
    let status = b::OX | b::XX | b::FI;
    if rounding.overflows_to_infinity(sign) {
        return Outcome {
            number: Number::infinity(sign),
            status: status | b::FR,
        };
    }
    Outcome {
        number: Number::finite(
            sign,
            layout.largest_coefficient(),
            layout.largest_exponent(),
        ),
        status,
    }
}
