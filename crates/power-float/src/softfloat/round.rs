//! Rounding to a format, with the ISA's treatment of overflow, underflow and inexactness (Book I, 4.4.3 to 4.4.5).

use super::wide::shift_right_jam;
use super::{Class, Format, Unpacked};
use crate::fpscr::{Fpscr, Rounding, bits as b};

/// What the FPSCR has to say about a rounding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control {
    pub rounding: Rounding,
    /// OE: an overflow delivers the result with its exponent reduced.
    pub overflow_traps: bool,
    /// UE: a tiny result is delivered normalised with its exponent increased.
    pub underflow_traps: bool,
}

impl Control {
    /// The control that an instruction without a rounding mode of its own takes from the FPSCR.
    #[inline]
    pub const fn of(f: Fpscr) -> Self {
        Self {
            rounding: f.rounding(),
            overflow_traps: f.oe(),
            underflow_traps: f.ue(),
        }
    }

    /// The same with another rounding mode.
    #[inline]
    pub const fn rounding(self, rounding: Rounding) -> Self {
        Self { rounding, ..self }
    }

    /// Round to nearest, nothing traps: VMX, and the condition under which `fast` is correct.
    pub const NEAREST: Self = Self {
        rounding: Rounding::NearestEven,
        overflow_traps: false,
        underflow_traps: false,
    };

    /// Whether results in the normal range are those of the host's default environment.
    #[inline]
    pub const fn is_nearest(self) -> bool {
        matches!(self.rounding, Rounding::NearestEven)
    }
}

/// What an operation delivers: the result's bits, and in FPSCR layout its exceptions, FR, FI and FPRF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub bits: u128,
    pub status: u64,
}

impl Outcome {
    /// The result as a double.
    #[inline]
    pub const fn double(self) -> u64 {
        self.bits as u64
    }

    /// The result as a single.
    #[inline]
    pub const fn single(self) -> u32 {
        self.bits as u32
    }

    /// The result with the opposite sign, unless it is a NaN (`fnmadd` and its kin negate after rounding).
    #[inline]
    #[must_use]
    pub const fn negated(self, container: Format) -> Self {
        const C: u64 = 0x10 << b::FPRF_SHIFT;
        const LESS_GREATER: u64 = 0xC << b::FPRF_SHIFT;
        let code = self.status & b::FPRF;
        if code == fprf(Class::Quiet, false, false) {
            return self;
        }
        // FL and FG tell the sign; of a zero, C does.
        let flip = if code & LESS_GREATER == 0 {
            C
        } else {
            LESS_GREATER
        };
        Self {
            bits: self.bits ^ 1 << container.sign_shift(),
            status: self.status ^ flip,
        }
    }
}

/// FPRF codes (Book I, figure "Floating-Point Result Flags"), in FPSCR position, without the sign.
pub(crate) const fn fprf(class: Class, denormalised: bool, sign: bool) -> u64 {
    let code = match (class, sign) {
        (Class::Quiet | Class::Signalling, _) => 0b10001,
        (Class::Infinity, true) => 0b01001,
        (Class::Infinity, false) => 0b00101,
        (Class::Zero, true) => 0b10010,
        (Class::Zero, false) => 0b00010,
        (Class::Finite, true) if denormalised => 0b11000,
        (Class::Finite, true) => 0b01000,
        (Class::Finite, false) if denormalised => 0b10100,
        (Class::Finite, false) => 0b00100,
    };
    code << b::FPRF_SHIFT
}

/// Whether rounding `significand`, cut to a multiple of `unit`, goes away from zero.
#[inline]
fn rounds_away(rounding: Rounding, sign: bool, significand: u128, unit: u128) -> bool {
    let rest = significand & (unit - 1);
    let half = unit >> 1;
    match rounding {
        Rounding::NearestEven => rest > half || rest == half && significand & unit != 0,
        Rounding::NearestAway => rest >= half,
        Rounding::TowardZero => false,
        Rounding::Up => !sign && rest != 0,
        Rounding::Down => sign && rest != 0,
        // Cutting keeps an odd value odd; an even one moves to the odd neighbour.
        Rounding::Odd => rest != 0 && significand & unit == 0,
    }
}

/// Rounds to `format`; the result stays unpacked. `status` receives OX, UX, XX, FR, FI and FPRF.
#[inline]
fn round(format: Format, control: Control, value: Unpacked, status: &mut u64) -> Unpacked {
    if value.class != Class::Finite {
        *status |= fprf(value.class, false, value.sign);
        return value;
    }
    let sign = value.sign;
    let mut exponent = value.exponent;
    let mut significand = value.significand;
    let tiny = exponent < format.min_exponent();
    if tiny {
        if control.underflow_traps {
            *status |= b::UX;
            exponent += format.trap_adjustment();
        } else {
            significand = shift_right_jam(significand, (format.min_exponent() - exponent) as u32);
            exponent = format.min_exponent();
        }
    }
    let unit = 1u128 << (128 - format.precision());
    let inexact = significand & (unit - 1) != 0;
    let away = inexact && rounds_away(control.rounding, sign, significand, unit);
    significand &= !(unit - 1);
    if away {
        let (sum, carried) = significand.overflowing_add(unit);
        (significand, exponent) = if carried {
            (1 << 127, exponent + 1)
        } else {
            (sum, exponent)
        };
    }
    if inexact {
        *status |= b::XX | b::FI | if away { b::FR } else { 0 };
        if tiny {
            *status |= b::UX;
        }
    }
    if exponent > format.bias() {
        *status |= b::OX;
        if control.overflow_traps {
            exponent -= format.trap_adjustment();
        } else {
            return overflowed(format, control.rounding, sign, status);
        }
    }
    let rounded = Unpacked::finite(sign, exponent, significand);
    let denormalised = tiny && !control.underflow_traps && rounded.exponent < format.min_exponent();
    *status |= fprf(rounded.class, denormalised, sign);
    rounded
}

/// The result of an overflow that does not trap (4.4.3.2). FR, which the ISA leaves undefined, tells whether
/// the magnitude grew.
#[cold]
fn overflowed(format: Format, rounding: Rounding, sign: bool, status: &mut u64) -> Unpacked {
    let to_infinity = match rounding {
        Rounding::NearestEven | Rounding::NearestAway => true,
        Rounding::TowardZero | Rounding::Odd => false,
        Rounding::Up => !sign,
        Rounding::Down => sign,
    };
    *status = *status & !b::FR | b::XX | b::FI;
    let result = if to_infinity {
        *status |= b::FR;
        Unpacked::infinity(sign)
    } else {
        let largest = u128::MAX << (128 - format.precision());
        Unpacked {
            class: Class::Finite,
            sign,
            exponent: format.bias(),
            significand: largest,
        }
    };
    *status |= fprf(result.class, false, sign);
    result
}

/// A result before rounding and the exceptions found on the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intermediate {
    pub value: Unpacked,
    pub status: u64,
}

impl Intermediate {
    /// A result without exceptions so far.
    #[inline]
    pub const fn of(value: Unpacked) -> Self {
        Self { value, status: 0 }
    }

    /// The default NaN, with the exceptions that made it.
    #[inline]
    pub const fn invalid(status: u64) -> Self {
        Self {
            value: Unpacked::DEFAULT_NAN,
            status,
        }
    }

    /// Rounds to `format` and packs in the same format.
    #[inline]
    pub fn round(self, format: Format, control: Control) -> Outcome {
        self.round_into(format, format, control)
    }

    /// Rounds to `format` and packs in `container`, as single-precision results in doubleword registers are.
    #[inline]
    pub fn round_into(mut self, format: Format, container: Format, control: Control) -> Outcome {
        let mut rounded = round(format, control, self.value, &mut self.status);
        if rounded.is_nan() {
            // The fraction of a NaN is cut to the narrower format: `frsp` and the single-precision VSX forms.
            rounded.significand &= u128::MAX << (128 - format.precision());
        }
        Outcome {
            bits: rounded.pack(container),
            status: self.status,
        }
    }
}

/// Rounds a finite number to an integral value; also says whether it was inexact and grew in magnitude.
#[inline]
pub(crate) fn to_integral(value: Unpacked, rounding: Rounding) -> (Unpacked, bool, bool) {
    if value.class != Class::Finite || value.exponent >= 127 {
        return (value, false, false);
    }
    // Make bit 127 of the significand worth 2^E with E >= 0, so that the units bit is inside.
    let (exponent, significand) = if value.exponent < 0 {
        (
            1,
            shift_right_jam(value.significand, (1 - value.exponent) as u32),
        )
    } else {
        (value.exponent, value.significand)
    };
    let unit = 1u128 << (127 - exponent);
    let inexact = significand & (unit - 1) != 0;
    let away = inexact && rounds_away(rounding, value.sign, significand, unit);
    let cut = significand & !(unit - 1);
    if !away {
        return (Unpacked::finite(value.sign, exponent, cut), inexact, false);
    }
    match cut.overflowing_add(unit) {
        (_, true) => (
            Unpacked::finite(value.sign, exponent + 1, 1 << 127),
            inexact,
            true,
        ),
        (sum, false) => (Unpacked::finite(value.sign, exponent, sum), inexact, true),
    }
}
