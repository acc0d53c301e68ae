//! A floating-point datum taken apart: class, sign, exponent and a left-justified significand.

use super::Format;

/// What kind of datum an [`Unpacked`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// ±0.
    Zero,
    /// A nonzero finite number, normalised or denormalised.
    Finite,
    /// ±infinity.
    Infinity,
    /// A quiet NaN.
    Quiet,
    /// A signalling NaN.
    Signalling,
}

/// The leading (integer) bit of a significand.
pub(crate) const TOP: u128 = 1 << 127;
/// The bit of a NaN's significand that makes it quiet.
const QUIET: u128 = 1 << 126;

/// A datum of any format.
///
/// A finite one has the value `significand * 2^(exponent - 127)` with bit [`TOP`] of the significand set.
/// A computed significand is exact except that bit 0 may stand for all that lies below it (sticky).
/// A NaN keeps its fraction left-justified under the leading bit, so that a change of format truncates it or
/// extends it with zeros, as the ISA's conversions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub class: Class,
    pub sign: bool,
    pub exponent: i32,
    pub significand: u128,
}

impl Unpacked {
    /// The quiet NaN that a disabled invalid-operation exception delivers.
    pub const DEFAULT_NAN: Self = Self {
        class: Class::Quiet,
        sign: false,
        exponent: 0,
        significand: QUIET,
    };

    /// ±0.
    pub const fn zero(sign: bool) -> Self {
        Self {
            class: Class::Zero,
            sign,
            exponent: 0,
            significand: 0,
        }
    }

    /// ±infinity.
    pub const fn infinity(sign: bool) -> Self {
        Self {
            class: Class::Infinity,
            sign,
            exponent: 0,
            significand: 0,
        }
    }

    /// The finite number ± `significand * 2^(exponent - 127)`, normalised; ±0 if the significand is 0.
    #[inline]
    pub const fn finite(sign: bool, exponent: i32, significand: u128) -> Self {
        if significand == 0 {
            return Self::zero(sign);
        }
        let zeros = significand.leading_zeros();
        Self {
            class: Class::Finite,
            sign,
            exponent: exponent - zeros as i32,
            significand: significand << zeros,
        }
    }

    /// Takes `bits` of format `format` apart.
    #[inline]
    pub const fn unpack(format: Format, bits: u128) -> Self {
        let sign = format.sign(bits);
        let biased = format.biased_exponent(bits);
        let fraction = format.fraction(bits) << (127 - format.fraction_bits);
        if biased == format.special_exponent() {
            if fraction == 0 {
                return Self::infinity(sign);
            }
            let class = if fraction & QUIET != 0 {
                Class::Quiet
            } else {
                Class::Signalling
            };
            Self {
                class,
                sign,
                exponent: 0,
                significand: fraction,
            }
        } else if biased == 0 {
            Self::finite(sign, format.min_exponent(), fraction)
        } else {
            Self {
                class: Class::Finite,
                sign,
                exponent: biased as i32 - format.bias(),
                significand: TOP | fraction,
            }
        }
    }

    /// Puts the datum together in `format`, which must hold it exactly, but for NaNs (truncated) and
    /// exponents out of range (reduced modulo the field: only after a trapped overflow or underflow of a
    /// conversion, where the ISA leaves the result undefined).
    #[inline]
    pub const fn pack(self, format: Format) -> u128 {
        let shift = 127 - format.fraction_bits;
        match self.class {
            Class::Zero => format.assemble(self.sign, 0, 0),
            Class::Infinity => format.assemble(self.sign, format.special_exponent(), 0),
            Class::Quiet | Class::Signalling => format.assemble(
                self.sign,
                format.special_exponent(),
                format.fraction(self.significand >> shift),
            ),
            Class::Finite => {
                let below = format.min_exponent() - self.exponent;
                if below > 0 && below <= format.fraction_bits as i32 {
                    format.assemble(self.sign, 0, self.significand >> shift >> below as u32)
                } else {
                    let biased = (self.exponent + format.bias()) as u32 & format.special_exponent();
                    format.assemble(
                        self.sign,
                        biased,
                        format.fraction(self.significand >> shift),
                    )
                }
            }
        }
    }

    /// Whether this is a NaN of either kind.
    #[inline]
    pub const fn is_nan(self) -> bool {
        matches!(self.class, Class::Quiet | Class::Signalling)
    }

    /// Whether this is a signalling NaN.
    #[inline]
    pub const fn is_signalling(self) -> bool {
        matches!(self.class, Class::Signalling)
    }

    /// Whether this is ±0.
    #[inline]
    pub const fn is_zero(self) -> bool {
        matches!(self.class, Class::Zero)
    }

    /// Whether this is ±infinity.
    #[inline]
    pub const fn is_infinite(self) -> bool {
        matches!(self.class, Class::Infinity)
    }

    /// The datum with the opposite sign, unless it is a NaN.
    #[inline]
    #[must_use]
    pub const fn negated(mut self) -> Self {
        if !self.is_nan() {
            self.sign = !self.sign;
        }
        self
    }

    /// The NaN made quiet; any other datum unchanged.
    #[inline]
    #[must_use]
    pub const fn quieted(mut self) -> Self {
        if self.is_signalling() {
            self.class = Class::Quiet;
            self.significand |= QUIET;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_unpacking_into_any_format() {
        for bits in 0..=0xFFFFu128 {
            let half = Unpacked::unpack(Format::HALF, bits);
            assert_eq!(half.pack(Format::HALF), bits);
            for wider in [Format::SINGLE, Format::DOUBLE, Format::QUAD] {
                assert_eq!(Unpacked::unpack(wider, half.pack(wider)), half);
            }
        }
    }

    #[test]
    fn a_denormal_is_normalised() {
        let smallest = Unpacked::unpack(Format::DOUBLE, 1);
        assert_eq!(
            (smallest.class, smallest.exponent, smallest.significand),
            (Class::Finite, -1074, TOP)
        );
    }
}
