//! Numbers by their digits, made by the instructions that take packed decimal and exponents.

use power_decimal::{Fpscr, denbcd, diex};
use power_float::fpscr::bits as b;

/// Packed decimal of `coefficient`.
fn bcd(mut coefficient: u128) -> u128 {
    let mut bcd = 0;
    for index in 0..32 {
        bcd |= (coefficient % 10) << (4 * index);
        coefficient /= 10;
    }
    assert_eq!(coefficient, 0, "packed decimal has 32 digits");
    bcd
}

/// `coefficient * 10^exponent` in DFP long, negative where `coefficient` is.
pub fn long(coefficient: i64, exponent: i32) -> u64 {
    let digits = bcd(coefficient.unsigned_abs().into()) as u64;
    let number = denbcd(&mut Fpscr::default(), digits, false).expect("digits");
    diex((exponent + 398) as u64, number) | u64::from(coefficient < 0) << 63
}

/// The same in DFP extended.
pub fn extended(coefficient: i128, exponent: i32) -> u128 {
    let digits = bcd(coefficient.unsigned_abs());
    let number = denbcd(&mut Fpscr::default(), digits, false).expect("digits");
    diex((exponent + 6176) as u64, number) | u128::from(coefficient < 0) << 127
}

/// FPSCR with a rounding mode and enables.
pub fn status(drn: u64, enables: u64) -> Fpscr {
    Fpscr::from_bits(drn << b::DRN_SHIFT | enables)
}
