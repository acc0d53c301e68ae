//! The sigma functions of SHA-256 and SHA-512 (FIPS 180-4, 4.1.2 and 4.1.3).

use crate::Vector;
use crate::lanes::{elements, from_elements};
use core::array::from_fn;

/// Vector SHA-256 Sigma Word.
///
/// `st` chooses the small sigmas of the message schedule (`false`) or the capital ones of the
/// compression (`true`); bit `i` of the four in `six` chooses sigma 0 or 1 for word `i`.
#[inline]
#[must_use]
pub fn vshasigmaw(a: Vector, st: bool, six: u8) -> Vector {
    let words: [u32; 4] = elements(a);
    from_elements::<u32, 4>(from_fn(|i| {
        let x = words[i];
        match (st, six >> (3 - i) & 1) {
            (false, 0) => x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3,
            (false, _) => x.rotate_right(17) ^ x.rotate_right(19) ^ x >> 10,
            (true, 0) => x.rotate_right(2) ^ x.rotate_right(13) ^ x.rotate_right(22),
            (true, _) => x.rotate_right(6) ^ x.rotate_right(11) ^ x.rotate_right(25),
        }
    }))
}

/// Vector SHA-512 Sigma Doubleword: as [`vshasigmaw`]; bits 0 and 2 of `six` choose for the two
/// doublewords, bits 1 and 3 are ignored.
#[inline]
#[must_use]
pub fn vshasigmad(a: Vector, st: bool, six: u8) -> Vector {
    let doublewords: [u64; 2] = elements(a);
    from_elements::<u64, 2>(from_fn(|i| {
        let x = doublewords[i];
        match (st, six >> (3 - 2 * i) & 1) {
            (false, 0) => x.rotate_right(1) ^ x.rotate_right(8) ^ x >> 7,
            (false, _) => x.rotate_right(19) ^ x.rotate_right(61) ^ x >> 6,
            (true, 0) => x.rotate_right(28) ^ x.rotate_right(34) ^ x.rotate_right(39),
            (true, _) => x.rotate_right(14) ^ x.rotate_right(18) ^ x.rotate_right(41),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{vspltw, vxor};

    /// The first 32 bits of the fractional part of the `root`-th root of a prime, as FIPS 180-4
    /// defines SHA-256's constants.
    fn fraction_of_root(prime: u128, root: u32) -> u32 {
        let target = prime << (32 * root);
        let mut x = 0_u128;
        for bit in (0..36).rev() {
            let candidate = x | 1 << bit;
            if candidate.pow(root) <= target {
                x = candidate;
            }
        }
        x as u32
    }

    fn primes() -> impl Iterator<Item = u128> {
        (2..).filter(|n| (2..*n).all(|d| n % d != 0))
    }

    /// SHA-256 of one block, with all four sigmas taken from `vshasigmaw`.
    fn sha256_block(block: [u32; 16]) -> [u32; 8] {
        let sigma = |x: u32, st, six| vshasigmaw(vspltw(x.into(), 3), st, six) as u32;
        let mut w = block.to_vec();
        for t in 16..64 {
            let next = sigma(w[t - 2], false, 0xf)
                .wrapping_add(w[t - 7])
                .wrapping_add(sigma(w[t - 15], false, 0))
                .wrapping_add(w[t - 16]);
            w.push(next);
        }
        let mut initial = primes().map(|p| fraction_of_root(p, 2));
        let initial: [u32; 8] = from_fn(|_| initial.next().unwrap());
        let mut s = initial;
        for (t, prime) in primes().take(64).enumerate() {
            let choose = (s[4] & s[5]) ^ (!s[4] & s[6]);
            let majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
            let t1 = s[7]
                .wrapping_add(sigma(s[4], true, 0xf))
                .wrapping_add(choose)
                .wrapping_add(fraction_of_root(prime, 3))
                .wrapping_add(w[t]);
            let t2 = sigma(s[0], true, 0).wrapping_add(majority);
            s = [
                t1.wrapping_add(t2),
                s[0],
                s[1],
                s[2],
                s[3].wrapping_add(t1),
                s[4],
                s[5],
                s[6],
            ];
        }
        from_fn(|i| s[i].wrapping_add(initial[i]))
    }

    #[test]
    fn sha256_of_abc_comes_out_right() {
        let mut block = [0; 16];
        block[0] = 0x6162_6380;
        block[15] = 24;
        let digest = [
            0xba78_16bf,
            0x8f01_cfea,
            0x4141_40de,
            0x5dae_2223,
            0xb003_61a3,
            0x9617_7a9c,
            0xb410_ff61,
            0xf200_15ad,
        ];
        assert_eq!(sha256_block(block), digest);
    }

    #[test]
    fn each_element_has_its_own_selector() {
        let a = 0x0000_0001_0000_0001_0000_0001_0000_0001;
        let mixed = vshasigmaw(a, true, 0b0101);
        assert_eq!(mixed >> 96, vshasigmaw(a, true, 0) >> 96);
        assert_eq!(mixed as u32, vshasigmaw(a, true, 0xf) as u32);
        let (zero, one) = (
            vshasigmad(1 << 64 | 1, false, 0),
            vshasigmad(1 << 64 | 1, false, 0b1010),
        );
        assert_eq!(zero, (1 << 63 | 1 << 56) << 64 | 1 << 63 | 1 << 56);
        assert_eq!(one as u64, 1 << 45 | 1 << 3);
        // The unused selector bits change nothing.
        assert_eq!(vxor(vshasigmad(a, true, 0b0101), vshasigmad(a, true, 0)), 0);
    }
}
