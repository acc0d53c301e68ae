//! 128-bit values: lanes of every width, floating point, decimal.

use super::classify::Flavour;
use super::floats::{self, DOUBLE, Format, HALF, QUAD, SINGLE};
use super::{Random, decimals, integers};

/// A value that an instruction of this flavour finds interesting.
pub(super) fn vector(random: &mut Random, flavour: Flavour) -> u128 {
    match flavour {
        Flavour::Integer => integer_lanes(random),
        Flavour::Single => float_lanes(random, SINGLE, 32),
        Flavour::Double => float_lanes(random, DOUBLE, 64),
        Flavour::Half => float_lanes(random, HALF, 16),
        Flavour::Quad => floats::float(random, QUAD),
        Flavour::SingleInDouble => {
            u128::from(floats::single_as_double(random)) << 64
                | u128::from(floats::single_as_double(random))
        }
        Flavour::Decimal => decimal(random),
        Flavour::DecimalLong | Flavour::DecimalExtended => {
            u128::from(decimals::in_register(random)) << 64 | u128::from(random.u64())
        }
    }
}

fn lanes(width: u32, mut lane: impl FnMut() -> u128) -> u128 {
    let mask = u128::MAX >> (128 - width);
    (0..128 / width).fold(0, |all, i| all | (lane() & mask) << (i * width))
}

fn float_lanes(random: &mut Random, format: Format, width: u32) -> u128 {
    lanes(width, || floats::float(random, format))
}

fn integer_lanes(random: &mut Random) -> u128 {
    match random.below(10) {
        0 => random.pick(&[0, u128::MAX, 1, 1 << 127, u128::MAX >> 1]),
        1 => 1 << random.below(128),
        2 => random.u128() >> random.below(128),
        // Equal lanes, as a shift count or a splat would have
        3 => {
            let width = random.pick(&[8, 16, 32, 64]);
            let value = u128::from(integers::doubleword(random));
            lanes(width, || value)
        }
        // Small bytes: permute controls and shift counts
        4 => lanes(8, || u128::from(random.below(32))),
        5 => random.u128(),
        _ => {
            let width = random.pick(&[8, 16, 32, 64]);
            lanes(width, || u128::from(integers::doubleword(random)))
        }
    }
}

/// Packed decimal with every sign, zoned and national decimal, and each of them spoilt now and then.
fn decimal(random: &mut Random) -> u128 {
    let digits = |random: &mut Random| match random.below(4) {
        0 => 0,
        1 => lanes(4, || 9),
        2 => lanes(4, || u128::from(random.below(10))) >> (4 * random.below(32)),
        _ => lanes(4, || u128::from(random.below(10))),
    };
    let sign = |random: &mut Random| random.pick(&[0xa, 0xb, 0xc, 0xc, 0xd, 0xd, 0xe, 0xfu128]);
    let value = match random.below(8) {
        0 => lanes(8, || 0x30 | u128::from(random.below(10))) & !0xf0 | sign(random) << 4,
        1 => {
            lanes(16, || 0x30 | u128::from(random.below(10))) & !0xffff | random.pick(&[0x2b, 0x2d])
        }
        2 => digits(random), // unsigned: the last nibble is a digit
        3 => {
            0x30 | lanes(8, || 0x30 | u128::from(random.below(10))) & !0xff
                | random.pick(&[0x00, 0x40])
        }
        _ => digits(random) & !0xf | sign(random),
    };
    if random.chance(10) {
        return value | u128::from(random.below(16)) << (4 * random.below(32));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::Random;
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn most_decimals_are_valid_and_some_are_not() {
        let mut random = Random(ChaCha8Rng::seed_from_u64(5));
        let packed = |value: u128| value & 15 >= 10 && (1..32).all(|i| value >> (4 * i) & 15 < 10);
        let valid = (0..1000)
            .filter(|_| packed(vector(&mut random, Flavour::Decimal)))
            .count();
        assert!((300..900).contains(&valid), "{valid}");
    }
}
