//! Integers with a taste for edges.

use super::Random;

/// A 64-bit operand: an edge, a single bit, a pattern, a small number or any number.
pub(super) fn doubleword(random: &mut Random) -> u64 {
    match random.below(8) {
        0 | 1 => edge(random),
        2 => 1 << random.below(64),
        3 => u64::from(random.below(256)).wrapping_sub(128),
        4 => pattern(random),
        // A random number of random bits: all magnitudes are equally likely.
        5 => random.u64() >> random.below(64),
        6 => !(random.u64() >> random.below(64)),
        _ => random.u64(),
    }
}

/// The limits of 8, 16, 32 and 64 bits, signed and unsigned, give or take one.
fn edge(random: &mut Random) -> u64 {
    let width = random.pick(&[8, 16, 32, 64]);
    let limit = match random.below(5) {
        0 => 0,
        1 => u64::MAX >> (64 - width),
        2 => (u64::MAX >> (64 - width)) >> 1,
        3 => 1 << (width - 1),
        _ => (-1i64 << (width - 1)) as u64,
    };
    limit.wrapping_add(random.pick(&[0, 0, 0, 1, u64::MAX]))
}

/// Alternating bits and repeated bytes, halfwords and words.
fn pattern(random: &mut Random) -> u64 {
    match random.below(5) {
        0 => 0x5555_5555_5555_5555,
        1 => 0xaaaa_aaaa_aaaa_aaaa,
        2 => u64::from(random.u32() as u8) * 0x0101_0101_0101_0101,
        3 => u64::from(random.u32() as u16) * 0x0001_0001_0001_0001,
        _ => u64::from(edge(random) as u32) << 32 | u64::from(edge(random) as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Random;
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn limits_of_every_width_turn_up() {
        let mut random = Random(ChaCha8Rng::seed_from_u64(1));
        let seen: std::collections::HashSet<u64> =
            (0..10_000).map(|_| doubleword(&mut random)).collect();
        for limit in [
            0,
            1,
            u64::MAX,
            i64::MAX as u64,
            1 << 63,
            0x7fff_ffff,
            0xffff_ffff_8000_0000,
            0xff,
            0x8000,
        ] {
            assert!(seen.contains(&limit), "{limit:#x}");
        }
    }
}
