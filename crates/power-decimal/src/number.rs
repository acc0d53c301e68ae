//! What a bit pattern stands for: sign, class, significand and exponent.

use crate::format::Layout;
use power_float::fpscr::bits as b;

/// The class of a number, by its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A finite number, maybe zero.
    Finite,
    /// An infinity.
    Infinity,
    /// A quiet NaN.
    Quiet,
    /// A signalling NaN.
    Signalling,
}

/// A number: `coefficient * 10^exponent` where it is finite. Of an infinity or a NaN, the trailing
/// significand is `coefficient`, and the exponent is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    pub class: Class,
    pub sign: bool,
    pub exponent: i32,
    pub coefficient: u128,
}

impl Number {
    /// What an invalid operation delivers.
    pub const DEFAULT_NAN: Self = Self {
        class: Class::Quiet,
        sign: false,
        exponent: 0,
        coefficient: 0,
    };

    /// A finite number.
    pub const fn finite(sign: bool, coefficient: u128, exponent: i32) -> Self {
        Self {
            class: Class::Finite,
            sign,
            exponent,
            coefficient,
        }
    }

    /// The default infinity of a sign: its trailing significand is zero.
    pub const fn infinity(sign: bool) -> Self {
        Self {
            class: Class::Infinity,
            sign,
            exponent: 0,
            coefficient: 0,
        }
    }

    /// Whether it is a NaN.
    pub const fn is_nan(self) -> bool {
        matches!(self.class, Class::Quiet | Class::Signalling)
    }

    /// Whether it is an infinity.
    pub const fn is_infinite(self) -> bool {
        matches!(self.class, Class::Infinity)
    }

    /// Whether it is a finite number.
    pub const fn is_finite(self) -> bool {
        matches!(self.class, Class::Finite)
    }

    /// Whether it is a zero.
    pub const fn is_zero(self) -> bool {
        self.is_finite() && self.coefficient == 0
    }

    /// A NaN as a quiet one.
    #[must_use]
    pub const fn quieted(self) -> Self {
        Self {
            class: Class::Quiet,
            ..self
        }
    }

    /// Significant digits of a finite number; none of zero.
    pub fn significant_digits(self) -> u32 {
        self.coefficient.checked_ilog10().map_or(0, |log| log + 1)
    }

    /// The exponent of the first digit of a finite number that is not zero.
    pub fn adjusted_exponent(self) -> i32 {
        self.exponent + self.significant_digits() as i32 - 1
    }

    /// Whether a finite number is less than all normal numbers of a format, and not zero.
    pub fn is_subnormal(self, layout: Layout) -> bool {
        self.is_finite()
            && self.coefficient != 0
            && self.adjusted_exponent() < layout.least_normal()
    }

    /// The FPRF code (Book I, 5.2.2), in its place in FPSCR.
    pub fn result_flags(self, layout: Layout) -> u64 {
        let code = match (self.class, self.sign) {
            (Class::Signalling, _) => 0b00001,
            (Class::Quiet, _) => 0b10001,
            (Class::Infinity, true) => 0b01001,
            (Class::Infinity, false) => 0b00101,
            (Class::Finite, true) if self.coefficient == 0 => 0b10010,
            (Class::Finite, false) if self.coefficient == 0 => 0b00010,
            (Class::Finite, true) if self.is_subnormal(layout) => 0b11000,
            (Class::Finite, false) if self.is_subnormal(layout) => 0b10100,
            (Class::Finite, true) => 0b01000,
            (Class::Finite, false) => 0b00100,
        };
        code << b::FPRF_SHIFT
    }
}
