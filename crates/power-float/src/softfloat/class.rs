//! Bit-level questions about a datum: its data class (`xststdc`) and the operand tests for division and
//! square root (`ftdiv`, `ftsqrt` and the VSX forms).

use super::{Class, Format, Unpacked};

/// Whether `bits` is in one of the classes that the mask `dcmx` names (bit 6 down to 0: NaN, +infinity,
/// -infinity, +0, -0, +denormalised, -denormalised).
pub(crate) const fn in_data_class(format: Format, bits: u128, dcmx: u8) -> bool {
    let biased = format.biased_exponent(bits);
    let fraction_is_zero = format.fraction(bits) == 0;
    let negative = format.sign(bits) as u8;
    let bit = if biased == format.special_exponent() {
        if fraction_is_zero {
            0x20 >> negative
        } else {
            0x40
        }
    } else if biased == 0 {
        if fraction_is_zero {
            0x08 >> negative
        } else {
            0x02 >> negative
        }
    } else {
        0
    };
    dcmx & bit != 0
}

/// The CR field of `xststdcdp` and `xststdcqp`: LT the sign, EQ the match.
pub(crate) const fn test_data_class(format: Format, bits: u128, dcmx: u8) -> u8 {
    (format.sign(bits) as u8) << 3 | (in_data_class(format, bits, dcmx) as u8) << 1
}

/// The CR field of `xststdcsp`: as [`test_data_class`] of a single in double format; UN if single precision can't
/// hold the value.
pub(crate) fn test_single_data_class(bits: u64, dcmx: u8) -> u8 {
    let double = Unpacked::unpack(Format::DOUBLE, bits.into());
    // The smallest normalised single has the biased double exponent 897.
    let tiny = double.class == Class::Finite && double.exponent < Format::SINGLE.min_exponent();
    let matches = if tiny {
        dcmx & (0x02 >> double.sign as u8) != 0
    } else {
        in_data_class(Format::DOUBLE, bits.into(), dcmx)
    };
    let held = super::convert::quieted(double).round_into(
        Format::SINGLE,
        Format::DOUBLE,
        super::Control::NEAREST,
    );
    let fits = double.is_nan() && bits & 0x1FFF_FFFF == 0 || held.double() == bits;
    (double.sign as u8) << 3 | (matches as u8) << 1 | !fits as u8
}

/// The CR field of a comparison of exponents: unordered if either is a NaN.
pub(crate) const fn compare_exponents(format: Format, a: u128, b: u128) -> u8 {
    let (ea, eb) = (format.biased_exponent(a), format.biased_exponent(b));
    let special = format.special_exponent();
    if ea == special && format.fraction(a) != 0 || eb == special && format.fraction(b) != 0 {
        1
    } else if ea < eb {
        8
    } else if ea > eb {
        4
    } else {
        2
    }
}

/// The fraction, with the implicit bit of a normalised number.
pub(crate) const fn significand(format: Format, bits: u128) -> u128 {
    let biased = format.biased_exponent(bits);
    let normalised = biased != 0 && biased != format.special_exponent();
    format.fraction(bits) | (normalised as u128) << format.fraction_bits
}

/// Sign and fraction of `bits` with another biased exponent.
pub(crate) const fn insert_exponent(format: Format, bits: u128, biased: u64) -> u128 {
    format.assemble(
        format.sign(bits),
        biased as u32 & format.special_exponent(),
        format.fraction(bits),
    )
}

/// The unbiased exponent that the tests for division and square root use.
const fn test_exponent(format: Format, bits: u128) -> i32 {
    format.biased_exponent(bits) as i32 - format.bias()
}

/// The CR field of a test: 0b1000 always, FG 0b0100, FE 0b0010.
const fn test_field(fg: bool, fe: bool) -> u8 {
    0b1000 | (fg as u8) << 2 | (fe as u8) << 1
}

/// `ftdiv`, `xstdivdp`, an element of `xvtdiv`: whether a software division of `a` by `b` needs care.
pub(crate) fn test_divide(format: Format, a: u128, b: u128) -> u8 {
    let (x, y) = (Unpacked::unpack(format, a), Unpacked::unpack(format, b));
    let (ea, eb) = (test_exponent(format, a), test_exponent(format, b));
    let (bias, precision) = (format.bias(), format.fraction_bits as i32);
    let denormalised = y.class == Class::Finite && format.biased_exponent(b) == 0;
    let fg = x.is_infinite() || y.is_zero() || y.is_infinite() || denormalised;
    let fe = x.is_nan()
        || x.is_infinite()
        || y.is_nan()
        || y.is_infinite()
        || y.is_zero()
        || eb <= format.min_exponent()
        || eb >= bias - 2
        || !x.is_zero()
            && (ea - eb >= bias
                || ea - eb <= format.min_exponent() + 1
                || ea <= format.min_exponent() + precision);
    test_field(fg, fe)
}

/// `ftsqrt`, `xstsqrtdp`, an element of `xvtsqrt`: whether a software square root of `b` needs care.
pub(crate) fn test_root(format: Format, b: u128) -> u8 {
    let y = Unpacked::unpack(format, b);
    let denormalised = y.class == Class::Finite && format.biased_exponent(b) == 0;
    let fg = y.is_zero() || y.is_infinite() || denormalised;
    let fe = y.is_nan()
        || y.is_infinite()
        || y.is_zero()
        || y.sign
        || test_exponent(format, b) <= format.min_exponent() + format.fraction_bits as i32;
    test_field(fg, fe)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(x: f64) -> u128 {
        u128::from(x.to_bits())
    }

    #[test]
    fn each_class_has_its_bit() {
        let denormal = f64::from_bits(1);
        let cases = [
            (f64::NAN, 0x40),
            (-f64::NAN, 0x40),
            (f64::INFINITY, 0x20),
            (f64::NEG_INFINITY, 0x10),
            (0.0, 0x08),
            (-0.0, 0x04),
            (denormal, 0x02),
            (-denormal, 0x01),
        ];
        for (x, bit) in cases {
            assert!(in_data_class(Format::DOUBLE, d(x), bit));
            assert!(!in_data_class(Format::DOUBLE, d(x), 0x7F & !bit));
        }
        assert!(!in_data_class(Format::DOUBLE, d(1.0), 0x7F));
    }

    #[test]
    fn the_division_test_has_the_limits_of_the_isa() {
        let p = |e: i32| d(2f64.powi(e));
        let fe = |a, b| test_divide(Format::DOUBLE, a, b) & 2 != 0;
        assert!(!fe(p(0), p(0)) && fe(p(0), p(1021)) && !fe(p(0), p(1020)));
        assert!(fe(p(0), p(-1022)) && !fe(p(1), p(-1021)));
        assert!(fe(p(3), p(-1020)) && !fe(p(2), p(-1020)));
        assert!(fe(p(-1), p(1020)) && !fe(p(0), p(1020)));
        assert!(fe(p(-970), p(0)) && !fe(p(-969), p(0)));
        assert_eq!(test_divide(Format::DOUBLE, p(0), d(0.0)), 0b1110);
        assert_eq!(test_divide(Format::DOUBLE, d(f64::NAN), p(0)), 0b1010);
        let single = |e: i32| u128::from(2f32.powi(e).to_bits());
        let fe = |a, b| test_divide(Format::SINGLE, a, b) & 2 != 0;
        assert!(fe(single(0), single(125)) && !fe(single(0), single(124)));
        assert!(fe(single(-103), single(0)) && !fe(single(-102), single(0)));
    }

    #[test]
    fn the_root_test_has_the_limits_of_the_isa() {
        let fe = |x: f64| test_root(Format::DOUBLE, d(x));
        assert_eq!(fe(2f64.powi(-970)), 0b1010);
        assert_eq!(fe(2f64.powi(-969)), 0b1000);
        assert_eq!(fe(-1.0), 0b1010);
        assert_eq!(fe(f64::INFINITY), 0b1110);
        assert_eq!(fe(f64::from_bits(5)), 0b1110);
    }
}
