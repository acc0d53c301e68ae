//! Comparisons and operand tests. A CR field is LT 8, GT 4, EQ 2, UN 1.

use crate::fpscr::{Fpscr, bits};
use crate::softfloat::compare::{ordered_exceptions, quiet_exceptions};
use crate::softfloat::{Format, Unpacked, class};

#[inline]
fn unpack(bits: u64) -> Unpacked {
    Unpacked::unpack(Format::DOUBLE, bits.into())
}

/// The CR field of a comparison of doubles.
#[inline]
fn compare(a: u64, b: u64) -> u8 {
    match f64::from_bits(a).partial_cmp(&f64::from_bits(b)) {
        Some(std::cmp::Ordering::Less) => 8,
        Some(std::cmp::Ordering::Greater) => 4,
        Some(std::cmp::Ordering::Equal) => 2,
        None => 1,
    }
}

/// `fcmpu`, `xscmpudp`: the CR field, which FPCC receives too; VXSNAN for a signalling NaN.
#[inline]
pub fn fcmpu(f: &mut Fpscr, a: u64, b: u64) -> u8 {
    let field = compare(a, b);
    f.set_fpcc(field);
    if field == 1 && (unpack(a).is_signalling() || unpack(b).is_signalling()) {
        f.raise(bits::VXSNAN);
    }
    field
}

/// `fcmpo`, `xscmpodp`: as [`fcmpu`], and VXVC for a NaN.
#[inline]
pub fn fcmpo(f: &mut Fpscr, a: u64, b: u64) -> u8 {
    let field = compare(a, b);
    f.set_fpcc(field);
    if field == 1 {
        f.raise(ordered_exceptions(
            *f,
            unpack(a).is_signalling() || unpack(b).is_signalling(),
        ));
    }
    field
}

pub use self::{fcmpo as xscmpodp, fcmpu as xscmpudp};

/// `ftdiv`, `xstdivdp`: the CR field that says whether a software division needs care.
pub fn ftdiv(a: u64, b: u64) -> u8 {
    class::test_divide(Format::DOUBLE, a.into(), b.into())
}

/// `ftsqrt`, `xstsqrtdp`: the CR field that says whether a software square root needs care.
pub fn ftsqrt(b: u64) -> u8 {
    class::test_root(Format::DOUBLE, b.into())
}

pub use self::{ftdiv as xstdivdp, ftsqrt as xstsqrtdp};

#[inline]
fn compare_to_mask(f: &mut Fpscr, a: u64, b: u64, wanted: u8, ordered: bool) -> Option<u64> {
    let field = compare(a, b);
    if field == 1 {
        let signalling = unpack(a).is_signalling() || unpack(b).is_signalling();
        let status = if ordered {
            ordered_exceptions(*f, signalling)
        } else {
            quiet_exceptions(signalling)
        };
        f.raise(status);
        if f.suppresses(status) {
            return None;
        }
    }
    Some(if field & wanted != 0 { u64::MAX } else { 0 })
}

/// `xscmpeqdp`: all ones if A = B, else zero; VXSNAN for a signalling NaN.
pub fn xscmpeqdp(f: &mut Fpscr, a: u64, b: u64) -> Option<u64> {
    compare_to_mask(f, a, b, 2, false)
}

/// `xscmpgtdp`: all ones if A > B, else zero; VXVC for a NaN.
pub fn xscmpgtdp(f: &mut Fpscr, a: u64, b: u64) -> Option<u64> {
    compare_to_mask(f, a, b, 4, true)
}

/// `xscmpgedp`: all ones if A >= B, else zero; VXVC for a NaN.
pub fn xscmpgedp(f: &mut Fpscr, a: u64, b: u64) -> Option<u64> {
    compare_to_mask(f, a, b, 6, true)
}

/// `xscmpexpdp`: compares the exponents; unordered if either is a NaN.
pub fn xscmpexpdp(f: &mut Fpscr, a: u64, b: u64) -> u8 {
    let field = class::compare_exponents(Format::DOUBLE, a.into(), b.into());
    f.set_fpcc(field);
    field
}

/// `xststdcdp`: whether B is in one of the data classes of `dcmx` (EQ), and its sign (LT).
pub fn xststdcdp(f: &mut Fpscr, b: u64, dcmx: u8) -> u8 {
    let field = class::test_data_class(Format::DOUBLE, b.into(), dcmx);
    f.set_fpcc(field);
    field
}

/// `xststdcsp`: as [`xststdcdp`] for B as a single in double format; UN says that single precision can't hold it.
pub fn xststdcsp(f: &mut Fpscr, b: u64, dcmx: u8) -> u8 {
    let field = class::test_single_data_class(b, dcmx);
    f.set_fpcc(field);
    field
}
