//! Quad-precision comparisons, class tests, and access to exponent and significand.

use crate::fpscr::Fpscr;
use crate::softfloat::compare::{compare_bits, ordered_exceptions, quiet_exceptions};
use crate::softfloat::{Format, class};

/// `xscmpuqp`: the CR field (LT 8, GT 4, EQ 2, UN 1), which FPCC receives too; VXSNAN for a signalling NaN.
pub fn xscmpuqp(f: &mut Fpscr, a: u128, b: u128) -> u8 {
    let (field, signalling) = compare_bits(Format::QUAD, a, b);
    f.set_fpcc(field);
    f.raise(quiet_exceptions(signalling));
    field
}

/// `xscmpoqp`: as [`xscmpuqp`], and VXVC for a NaN.
pub fn xscmpoqp(f: &mut Fpscr, a: u128, b: u128) -> u8 {
    let (field, signalling) = compare_bits(Format::QUAD, a, b);
    f.set_fpcc(field);
    if field == 1 {
        f.raise(ordered_exceptions(*f, signalling));
    }
    field
}

/// `xscmpexpqp`: compares the exponents; unordered if either is a NaN.
pub fn xscmpexpqp(f: &mut Fpscr, a: u128, b: u128) -> u8 {
    let field = class::compare_exponents(Format::QUAD, a, b);
    f.set_fpcc(field);
    field
}

/// `xststdcqp`: whether B is in one of the data classes of `dcmx` (EQ), and its sign (LT).
pub fn xststdcqp(f: &mut Fpscr, b: u128, dcmx: u8) -> u8 {
    let field = class::test_data_class(Format::QUAD, b, dcmx);
    f.set_fpcc(field);
    field
}

/// `xsxexpqp`: the biased exponent in doubleword 0, zero in doubleword 1.
pub fn xsxexpqp(b: u128) -> u128 {
    u128::from(Format::QUAD.biased_exponent(b)) << 64
}

/// `xsxsigqp`: the significand, with the implicit bit of a normalised number.
pub fn xsxsigqp(b: u128) -> u128 {
    class::significand(Format::QUAD, b)
}

/// `xsiexpqp`: sign and fraction of A, and the low 15 bits of `exponent` (doubleword 0 of VRB) as the exponent.
pub fn xsiexpqp(a: u128, exponent: u64) -> u128 {
    class::insert_exponent(Format::QUAD, a, exponent)
}
