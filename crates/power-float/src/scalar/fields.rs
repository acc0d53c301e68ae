//! Insertion and extraction of exponents and significands: bits are moved, no flag is set.

use crate::softfloat::{Format, class};

/// `xsxexpdp`: the biased exponent.
pub fn xsxexpdp(b: u64) -> u64 {
    u64::from(Format::DOUBLE.biased_exponent(b.into()))
}

/// `xsxsigdp`: the significand, with the implicit bit of a normalised number.
pub fn xsxsigdp(b: u64) -> u64 {
    class::significand(Format::DOUBLE, b.into()) as u64
}

/// `xsiexpdp`: sign and fraction of A, and the low 11 bits of B as the exponent.
pub fn xsiexpdp(a: u64, b: u64) -> u64 {
    class::insert_exponent(Format::DOUBLE, a.into(), b) as u64
}
