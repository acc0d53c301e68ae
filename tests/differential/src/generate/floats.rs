//! Binary floating-point numbers of any IEEE format with a taste for edges.

use super::Random;

/// An IEEE 754 binary interchange format.
#[derive(Clone, Copy)]
pub(super) struct Format {
    exponent_bits: u32,
    fraction_bits: u32,
}

pub(super) const HALF: Format = Format {
    exponent_bits: 5,
    fraction_bits: 10,
};
pub(super) const SINGLE: Format = Format {
    exponent_bits: 8,
    fraction_bits: 23,
};
pub(super) const DOUBLE: Format = Format {
    exponent_bits: 11,
    fraction_bits: 52,
};
pub(super) const QUAD: Format = Format {
    exponent_bits: 15,
    fraction_bits: 112,
};

impl Format {
    fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// Puts the parts together. A biased exponent out of range becomes the nearest in range.
    fn pack(self, negative: bool, exponent: i32, fraction: u128) -> u128 {
        let exponent = exponent.clamp(0, (1 << self.exponent_bits) - 1) as u128;
        let fraction = fraction & ((1 << self.fraction_bits) - 1);
        u128::from(negative) << (self.exponent_bits + self.fraction_bits)
            | exponent << self.fraction_bits
            | fraction
    }
}

/// A number, an infinity or a NaN.
pub(super) fn float(random: &mut Random, format: Format) -> u128 {
    let negative = random.chance(50);
    let special = (1 << format.exponent_bits) - 1;
    let quiet = 1u128 << (format.fraction_bits - 1);
    let (exponent, fraction) = match random.below(20) {
        0 => (0, 0),
        1 => (special, 0),
        2 => (special, quiet | fraction(random, format)),
        3 => (special, fraction(random, format) & (quiet - 1) | 1),
        4 => (0, fraction(random, format)),
        5 => (0, random.pick(&[1, quiet, u128::MAX])),
        6 => (
            random.pick(&[1, 2, special - 1, special - 2]),
            fraction(random, format),
        ),
        7 => (
            random.pick(&[1, special - 1]),
            random.pick(&[0, 1, u128::MAX]),
        ),
        8 => (
            format.bias() + random.below(5) as i32 - 2,
            random.pick(&[0, 1, quiet, u128::MAX]),
        ),
        9 | 10 => return integer_limit(random, format, negative),
        11 | 12 => return narrower_limit(random, format, negative),
        // Neighbours of one: sums cancel, products and quotients stay in range.
        13..=17 => (
            format.bias() + random.below(120) as i32 - 60,
            fraction(random, format),
        ),
        _ => (
            random.below(special as u32) as i32,
            fraction(random, format),
        ),
    };
    format.pack(negative, exponent, fraction)
}

/// A single-precision number in double format, as the FPRs hold them; now and then one that is no single.
pub(super) fn single_as_double(random: &mut Random) -> u64 {
    if random.chance(5) {
        return float(random, DOUBLE) as u64;
    }
    let bits = float(random, SINGLE) as u32;
    let value = f32::from_bits(bits);
    if value.is_nan() {
        // Widened by hand, so that a signalling NaN stays one.
        return u64::from(bits >> 31) << 63 | 0x7ff << 52 | u64::from(bits & 0x7f_ffff) << 29;
    }
    f64::from(value).to_bits()
}

/// Fractions where rounding has something to decide: few bits, all bits, ties and their neighbours.
fn fraction(random: &mut Random, format: Format) -> u128 {
    let any = random.u128();
    match random.below(6) {
        0 => 1 << random.below(format.fraction_bits),
        1 => u128::MAX << random.below(format.fraction_bits),
        2 => {
            // A tie for a format with fewer bits, or one off it.
            let dropped = random
                .pick(&[13, 16, 29, 42, 49, 60, 89])
                .min(format.fraction_bits);
            let tie = any >> dropped << dropped | 1 << (dropped - 1);
            tie.wrapping_add(random.pick(&[0, 0, 1, u128::MAX]))
        }
        3 => any << random.below(format.fraction_bits),
        _ => any,
    }
}

/// Numbers around 2^31, 2^32, 2^63, 2^64 and small integers and halves: where conversions saturate and round.
fn integer_limit(random: &mut Random, format: Format, negative: bool) -> u128 {
    let power = random.pick(&[
        0, 1, 2, 7, 8, 15, 16, 31, 31, 32, 52, 53, 63, 63, 64, 112, 127, 128,
    ]);
    let at = format.pack(negative, format.bias() + power, 0);
    let half_unit = format.fraction_bits as i32 - power - 1;
    match random.below(6) {
        0 => at.wrapping_add(1),
        1 => at.wrapping_sub(1),
        // The integer just below the power, and the halves around it
        2 if half_unit >= 0 => at.wrapping_sub(1 << half_unit),
        3 if half_unit >= 0 => at | 1 << half_unit,
        4 if half_unit >= 1 => at.wrapping_sub(3 << (half_unit - 1)),
        _ => at,
    }
}

/// Numbers at the overflow, underflow and denormal limits of the narrower formats.
fn narrower_limit(random: &mut Random, format: Format, negative: bool) -> u128 {
    let power = random.pick(&[
        15, 16, -14, -15, -24, -25, 127, 128, -126, -127, -149, -150, 1023, 1024, -1022, -1023,
        -1074, -1075,
    ]);
    let power = power + random.below(3) as i32 - 1;
    let fraction = if random.chance(30) {
        u128::MAX
    } else {
        fraction(random, format)
    };
    format.pack(negative, format.bias() + power, fraction)
}

#[cfg(test)]
mod tests {
    use super::super::Random;
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use std::num::FpCategory;

    #[test]
    fn every_category_of_double_turns_up() {
        let mut random = Random(ChaCha8Rng::seed_from_u64(2));
        let all: Vec<f64> = (0..2000)
            .map(|_| f64::from_bits(float(&mut random, DOUBLE) as u64))
            .collect();
        for category in [
            FpCategory::Nan,
            FpCategory::Infinite,
            FpCategory::Zero,
            FpCategory::Subnormal,
            FpCategory::Normal,
        ] {
            assert!(
                all.iter().any(|value| value.classify() == category),
                "{category:?}"
            );
        }
        let signalling = |value: &f64| value.is_nan() && value.to_bits() >> 51 & 1 == 0;
        assert!(all.iter().any(signalling));
        assert!(all.contains(&2147483648.0) && all.contains(&-9223372036854775808.0));
    }

    #[test]
    fn formats_keep_to_their_width() {
        let mut random = Random(ChaCha8Rng::seed_from_u64(3));
        for _ in 0..2000 {
            assert!(float(&mut random, HALF) <= 0xffff);
            assert!(float(&mut random, SINGLE) <= 0xffff_ffff);
            assert!(float(&mut random, DOUBLE) <= u128::from(u64::MAX));
        }
    }

    #[test]
    fn single_signalling_nan_stays_signalling_in_double_format() {
        let mut random = Random(ChaCha8Rng::seed_from_u64(4));
        let found = (0..2000)
            .map(|_| single_as_double(&mut random))
            .any(|bits| {
                f64::from_bits(bits).is_nan() && bits >> 51 & 1 == 0 && bits & 0x1fff_ffff == 0
            });
        assert!(found);
    }
}
