//! Decimal floating-point numbers with a taste for edges, and what else decimal instructions take
//! from an FPR.

use super::Random;

/// A DFP format.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// Bits of the exponent's continuation.
    continuation: u32,
    /// Declets of the trailing significand.
    declets: u32,
    bias: u32,
}

pub(super) const SHORT: Format = Format {
    continuation: 6,
    declets: 2,
    bias: 101,
};
pub(super) const LONG: Format = Format {
    continuation: 8,
    declets: 5,
    bias: 398,
};
pub(super) const EXTENDED: Format = Format {
    continuation: 12,
    declets: 11,
    bias: 6176,
};

impl Format {
    fn digits(self) -> u32 {
        3 * self.declets + 1
    }

    fn largest_biased(self) -> u32 {
        (3 << self.continuation) - 1
    }
}

/// A number, an infinity or a NaN of a format, in the low bits; in one of six cases its declets are
/// not canonical.
pub(super) fn decimal_float(random: &mut Random, format: Format) -> u128 {
    let sign = u128::from(random.chance(50));
    let digits = coefficient(random, format);
    let (leftmost, rest) = (
        digits / 10u128.pow(3 * format.declets),
        digits % 10u128.pow(3 * format.declets),
    );
    let trailing_bits = 10 * format.declets;
    let trailing = if random.below(6) == 0 {
        random.u128() & ((1 << trailing_bits) - 1)
    } else {
        declets(rest, format.declets)
    };
    let continuation_mask = (1 << format.continuation) - 1;
    let combination = if random.chance(13) {
        // An infinity or a NaN; the bits after the one that makes it signalling mean nothing.
        let kind = random.pick(&[0b11110, 0b11111]) << format.continuation;
        let signalling = u128::from(random.chance(50)) << (format.continuation - 1);
        let rest = if random.chance(30) { random.u128() } else { 0 };
        kind | signalling | rest & (continuation_mask >> 1)
    } else {
        let biased = u128::from(biased_exponent(random, format));
        let (high, low) = (biased >> format.continuation, biased & continuation_mask);
        let first = if leftmost < 8 {
            high << 3 | leftmost
        } else {
            0b11000 | high << 1 | leftmost & 1
        };
        first << format.continuation | low
    };
    sign << (trailing_bits + format.continuation + 5) | combination << trailing_bits | trailing
}

/// What an FPR holds for instructions on DFP long, and those that take integers, packed decimal or
/// DFP short from it.
pub(super) fn in_register(random: &mut Random) -> u64 {
    match random.below(20) {
        0 => u64::from(random.below(72)),
        1 => random.pick(&[0, 1, 383, 766, 767, 768, 6176, 12287, 12288, 1 << 40]),
        2 => u64::from(random.below(6)).wrapping_neg(),
        3 => bcd(random),
        4 => decimal_float(random, SHORT) as u64 | u64::from(random.u32() & random.u32()) << 32,
        5 => random.u64() >> random.below(64),
        _ => decimal_float(random, LONG) as u64,
    }
}

/// Packed decimal with and without a sign, now and then with something else than a digit.
fn bcd(random: &mut Random) -> u64 {
    let digits = (0..16).fold(0, |all, _| all << 4 | u64::from(random.below(10)));
    match random.below(4) {
        0 => digits,
        1 => random.u64() & 0xF | digits & !0xF,
        2 => digits & !0xF | 0xC,
        _ => digits | u64::from(random.below(16)) << (4 * random.below(16)),
    }
}

/// Exponents around that of integers, at both ends, and anywhere.
fn biased_exponent(random: &mut Random, format: Format) -> u32 {
    let largest = format.largest_biased();
    let near = |random: &mut Random, at: u32, span: u32| {
        (at + random.below(span))
            .saturating_sub(span / 2)
            .min(largest)
    };
    match random.below(12) {
        0 => random.below(3),
        1 => largest - random.below(3),
        2 => near(random, format.digits(), 2 * format.digits()),
        3 => near(random, largest, 2 * format.digits()),
        // Products overflow and underflow from here.
        4 => near(random, format.bias + largest / 4, 40),
        5 => near(random, format.bias / 2, 40),
        6 => random.below(largest + 1),
        7..=9 => near(random, format.bias, 3 * format.digits()),
        _ => near(random, format.bias, 5),
    }
}

/// Digits where rounding has something to decide: few, all nines, ties and their neighbours,
/// trailing zeros.
fn coefficient(random: &mut Random, format: Format) -> u128 {
    let length = match random.below(4) {
        0 => format.digits(),
        1 => format.digits() - random.below(3),
        _ => random.below(format.digits() + 1),
    };
    let any = random.u128() % 10u128.pow(length);
    let low = 10u128.pow(random.below(length + 1));
    match random.below(10) {
        0 => 0,
        1 => 10u128.pow(length) - 1,
        2 => 10u128.pow(length.saturating_sub(1)),
        3 => any / low * low,
        4 | 5 => {
            // A tie for a format or an exponent with fewer digits, or one off it.
            let tie = any / low * low + low / 2;
            let tie = match random.below(4) {
                0 => tie + 1,
                1 => tie.saturating_sub(1),
                _ => tie,
            };
            tie.min(10u128.pow(format.digits()) - 1)
        }
        6 => any % 10u128.pow(length.min(3)),
        _ => any,
    }
}

fn declets(mut number: u128, count: u32) -> u128 {
    (0..count).fold(0, |all, index| {
        let three = (number % 1000) as u32;
        number /= 1000;
        all | u128::from(declet(three)) << (10 * index)
    })
}

/// Three digits in ten bits, by the boolean equations of the encoding.
fn declet(three: u32) -> u32 {
    let bit = |digit: u32, n: u32| digit >> n & 1 != 0;
    let (high, middle, low) = (three / 100, three / 10 % 10, three % 10);
    let [a, b, c, d] = [3, 2, 1, 0].map(|n| bit(high, n));
    let [e, f, g, h] = [3, 2, 1, 0].map(|n| bit(middle, n));
    let [i, j, k, m] = [3, 2, 1, 0].map(|n| bit(low, n));
    let bits = [
        b || a && j || a && f && i,
        c || a && k || a && g && i,
        d,
        f && (!a || !i) || !a && e && j || e && i,
        g || !a && e && k || a && i,
        h,
        a || e || i,
        a || e && i || !e && j,
        e || a && i || !a && k,
        m,
    ];
    bits.iter().fold(0, |all, bit| all << 1 | u32::from(*bit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn numbers_of_both_formats_fill_their_bits_and_no_more() {
        let mut random = Random(ChaCha8Rng::seed_from_u64(8));
        let mut specials = 0;
        for _ in 0..2000 {
            let long = decimal_float(&mut random, LONG);
            assert_eq!(long >> 64, 0);
            specials += u32::from(long >> 59 & 0xF == 0xF);
            assert_eq!(decimal_float(&mut random, SHORT) >> 32, 0);
        }
        assert!((150..400).contains(&specials), "{specials}");
    }

    #[test]
    fn declets_of_different_numbers_differ() {
        let mut all: Vec<u32> = (0..1000).map(declet).collect();
        assert_eq!((all[5], all[80], all[999]), (5, 0xA, 0xFF));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1000);
    }
}
