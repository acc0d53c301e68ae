//! AES rounds as FIPS 197 defines them. Byte `i` of the register (from the left) is byte `i` of the
//! cipher's input, so a word of the register is a column of the state.

use crate::Vector;
use crate::lanes::{elements, from_elements, map, vector_ops};
use core::array::from_fn;

/// Multiplication by `x` in AES's field, GF(2)\[x\] modulo x^8 + x^4 + x^3 + x + 1.
const fn times_x(a: u8) -> u8 {
    (a << 1) ^ ((a >> 7) * 0x1b)
}

/// The substitution box: the inverse in the field, then an affine map.
///
/// It is filled by walking the field's units: `p` through the powers of 3 and `q` through
/// those of its inverse, so that they are each other's inverse at every step.
const SBOX: [u8; 256] = {
    let mut table = [0; 256];
    let (mut p, mut q) = (1_u8, 1_u8);
    loop {
        p ^= times_x(p);
        // Division by 3, that is, by x + 1.
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        q ^= (q >> 7) * 0x09;
        let affine =
            q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4) ^ 0x63;
        table[p as usize] = affine;
        if p == 1 {
            break;
        }
    }
    // Zero has no inverse: the affine map alone.
    table[0] = 0x63;
    table
};

/// The inverse of [`SBOX`].
const INVERSE_SBOX: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[SBOX[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// SubBytes after ShiftRows (the order is of no consequence): row `r` moves `r` columns left.
#[inline]
fn substitute_and_shift(state: Vector) -> Vector {
    let bytes: [u8; 16] = elements(state);
    from_elements::<u8, 16>(from_fn(|i| {
        SBOX[usize::from(bytes[(i + 4 * (i % 4)) % 16])]
    }))
}

/// The inverse of [`substitute_and_shift`].
#[inline]
fn inverse_substitute_and_shift(state: Vector) -> Vector {
    let bytes: [u8; 16] = elements(state);
    from_elements::<u8, 16>(from_fn(|i| {
        INVERSE_SBOX[usize::from(bytes[(i + 12 * (i % 4)) % 16])]
    }))
}

/// [`times_x`] on the four bytes of a column.
#[inline]
fn column_times_x(column: u32) -> u32 {
    ((column & 0x7f7f_7f7f) << 1) ^ ((column >> 7 & 0x0101_0101) * 0x1b)
}

/// MixColumns: each column times the polynomial 3y^3 + y^2 + y + 2.
#[inline]
fn mix_columns(state: Vector) -> Vector {
    map(state, |c: u32| {
        column_times_x(c ^ c.rotate_left(8))
            ^ c.rotate_left(8)
            ^ c.rotate_left(16)
            ^ c.rotate_left(24)
    })
}

/// InvMixColumns, whose polynomial is that of MixColumns times 4y^2 + 5.
#[inline]
fn inverse_mix_columns(state: Vector) -> Vector {
    mix_columns(map(state, |c: u32| {
        c ^ column_times_x(column_times_x(c ^ c.rotate_left(16)))
    }))
}

vector_ops! {
    /// Vector AES Cipher: one encryption round of state `a` with round key `b`.
    vcipher(a, b) = mix_columns(substitute_and_shift(a)) ^ b;
    /// Vector AES Cipher Last: the final encryption round.
    vcipherlast(a, b) = substitute_and_shift(a) ^ b;
    /// Vector AES Inverse Cipher: one decryption round; the key is added *before* InvMixColumns, so
    /// the round keys are those of encryption.
    vncipher(a, b) = inverse_mix_columns(inverse_substitute_and_shift(a) ^ b);
    /// Vector AES Inverse Cipher Last: the final decryption round.
    vncipherlast(a, b) = inverse_substitute_and_shift(a) ^ b;
    /// Vector AES SubBytes.
    vsbox(a) = map(a, |byte: u8| SBOX[usize::from(byte)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// FIPS 197, appendix A.1: the key schedule of this cipher key, made with `vsbox` as guests do.
    fn round_keys(key: u128) -> [u128; 11] {
        let mut keys = [key; 11];
        let mut round_constant = 1_u8;
        for round in 1..11 {
            let previous: [u32; 4] = elements(keys[round - 1]);
            let rotated = u128::from(previous[3].rotate_left(8));
            let mut word = vsbox(rotated) as u32 ^ u32::from(round_constant) << 24;
            keys[round] = from_elements::<u32, 4>(previous.map(|p| {
                word ^= p;
                word
            }));
            round_constant = times_x(round_constant);
        }
        keys
    }

    #[test]
    fn fips_197_appendix_b_encrypts_and_decrypts() {
        let keys = round_keys(0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c);
        assert_eq!(keys[10], 0xd014_f9a8_c9ee_2589_e13f_0cc8_b663_0ca6);
        let plain = 0x3243_f6a8_885a_308d_3131_98a2_e037_0734;
        let cipher = 0x3925_841d_02dc_09fb_dc11_8597_196a_0b32;

        let state = keys[1..10]
            .iter()
            .fold(plain ^ keys[0], |state, &key| vcipher(state, key));
        assert_eq!(vcipherlast(state, keys[10]), cipher);

        let start = cipher ^ keys[10];
        let state = keys[1..10]
            .iter()
            .rev()
            .fold(start, |state, &key| vncipher(state, key));
        assert_eq!(vncipherlast(state, keys[0]), plain);
    }

    #[test]
    fn fips_197_first_round_state() {
        // Appendix B, round 1: start of round, and start of round 2.
        let start = 0x193d_e3be_a0f4_e22b_9ac6_8d2a_e9f8_4808;
        let key = 0xa0fa_fe17_8854_2cb1_23a3_3939_2a6c_7605;
        assert_eq!(
            vcipher(start, key),
            0xa49c_7ff2_689f_352b_6b5b_ea43_026a_5049
        );
    }

    proptest! {
        #[test]
        fn the_inverse_round_undoes_the_round(a: u128, key: u128) {
            prop_assert_eq!(vncipherlast(vcipherlast(a, key) ^ key, 0), a);
            prop_assert_eq!(inverse_mix_columns(mix_columns(a)), a);
        }
    }
}
