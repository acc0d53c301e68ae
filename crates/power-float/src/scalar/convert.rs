//! Conversions: between formats, and between doubles and integers.
//!
//! The VSX names are given where operand or result differ from the classic instruction's.

use super::deliver;
use crate::fpscr::{Fpscr, Rounding, bits};
use crate::memory;
use crate::softfloat::convert::{Integer, from_signed, from_unsigned, quieted, to_integer};
use crate::softfloat::{Control, Format, Unpacked, fast};

#[inline]
fn double_to_integer(f: &mut Fpscr, b: u64, rounding: Rounding, target: Integer) -> Option<u64> {
    let quick = match (rounding, target) {
        (Rounding::TowardZero, Integer::Signed(bits)) => fast::integer::truncated(b, bits),
        _ => None,
    };
    let (integer, status) = quick.unwrap_or_else(|| {
        to_integer(Unpacked::unpack(Format::DOUBLE, b.into()), rounding, target)
    });
    // FPRF is undefined after these: it stays.
    f.commit(status, bits::FR | bits::FI).then_some(integer)
}

macro_rules! to_integer {
    ($($name:ident, $rounding:expr, $target:expr, $what:literal;)*) => {
        $(#[doc = $what]
        #[inline]
        pub fn $name(f: &mut Fpscr, b: u64) -> Option<u64> {
            let rounding: fn(&Fpscr) -> Rounding = $rounding;
            double_to_integer(f, b, rounding(f), $target)
        })*
    };
}

to_integer! {
    fctid, |f| f.rounding(), Integer::Signed(64), "`fctid`: B as a signed doubleword, rounded as RN says.";
    fctidz, |_| Rounding::TowardZero, Integer::Signed(64), "`fctidz`, `xscvdpsxds`: B as a signed doubleword, truncated.";
    fctidu, |f| f.rounding(), Integer::Unsigned(64), "`fctidu`: B as an unsigned doubleword, rounded as RN says.";
    fctiduz, |_| Rounding::TowardZero, Integer::Unsigned(64), "`fctiduz`, `xscvdpuxds`: B as an unsigned doubleword, truncated.";
    fctiw, |f| f.rounding(), Integer::Signed(32), "`fctiw`: B as a signed word, rounded as RN says; sign-extended (the ISA leaves the high word undefined).";
    fctiwz, |_| Rounding::TowardZero, Integer::Signed(32), "`fctiwz`: B as a signed word, truncated; sign-extended (the ISA leaves the high word undefined).";
    fctiwu, |f| f.rounding(), Integer::Unsigned(32), "`fctiwu`: B as an unsigned word, rounded as RN says; zero-extended (the ISA leaves the high word undefined).";
    fctiwuz, |_| Rounding::TowardZero, Integer::Unsigned(32), "`fctiwuz`: B as an unsigned word, truncated; zero-extended (the ISA leaves the high word undefined).";
}

pub use self::{fctiduz as xscvdpuxds, fctidz as xscvdpsxds};

/// `xscvdpsxws`: B as a signed word, truncated.
#[inline]
pub fn xscvdpsxws(f: &mut Fpscr, b: u64) -> Option<u32> {
    fctiwz(f, b).map(|word| word as u32)
}

/// `xscvdpuxws`: B as an unsigned word, truncated.
#[inline]
pub fn xscvdpuxws(f: &mut Fpscr, b: u64) -> Option<u32> {
    fctiwuz(f, b).map(|word| word as u32)
}

/// `fcfid`, `xscvsxddp`: a signed doubleword as a double.
#[inline]
pub fn fcfid(f: &mut Fpscr, b: u64) -> Option<u64> {
    let control = Control::of(*f);
    let outcome = if control.is_nearest() {
        fast::integer::to_double(b as i64)
    } else {
        from_signed(b as i64).round(Format::DOUBLE, control)
    };
    deliver(f, outcome)
}

/// `fcfids`, `xscvsxdsp`: a signed doubleword in single precision.
#[inline]
pub fn fcfids(f: &mut Fpscr, b: u64) -> Option<u64> {
    let control = Control::of(*f);
    let outcome = if control.is_nearest() {
        fast::integer::to_single(b as i64)
    } else {
        from_signed(b as i64).round_into(Format::SINGLE, Format::DOUBLE, control)
    };
    deliver(f, outcome)
}

/// `fcfidu`, `xscvuxddp`: an unsigned doubleword as a double.
pub fn fcfidu(f: &mut Fpscr, b: u64) -> Option<u64> {
    let outcome = from_unsigned(b).round(Format::DOUBLE, Control::of(*f));
    deliver(f, outcome)
}

/// `fcfidus`, `xscvuxdsp`: an unsigned doubleword in single precision.
pub fn fcfidus(f: &mut Fpscr, b: u64) -> Option<u64> {
    let outcome = from_unsigned(b).round_into(Format::SINGLE, Format::DOUBLE, Control::of(*f));
    deliver(f, outcome)
}

pub use self::{
    fcfid as xscvsxddp, fcfids as xscvsxdsp, fcfidu as xscvuxddp, fcfidus as xscvuxdsp,
};

/// `xscvdpsp`: B rounded to single precision, in single format.
pub fn xscvdpsp(f: &mut Fpscr, b: u64) -> Option<u32> {
    let b = Unpacked::unpack(Format::DOUBLE, b.into());
    let outcome = quieted(b).round(Format::SINGLE, Control::of(*f));
    deliver(f, outcome).map(|word| word as u32)
}

/// `xscvdpspn`: B, which must be a single in double format, in single format; no exceptions, NaNs stay as they are.
#[inline]
pub fn xscvdpspn(b: u64) -> u32 {
    memory::single_from_double(b)
}

/// `xscvspdp`: a single as a double; a signalling NaN is quieted and sets VXSNAN.
pub fn xscvspdp(f: &mut Fpscr, b: u32) -> Option<u64> {
    let b = Unpacked::unpack(Format::SINGLE, b.into());
    let outcome = quieted(b).round(Format::DOUBLE, Control::NEAREST);
    deliver(f, outcome)
}

/// `xscvspdpn`: a single as a double; no exceptions, NaNs stay as they are.
#[inline]
pub fn xscvspdpn(b: u32) -> u64 {
    memory::double_from_single(b)
}

/// `xscvdphp`: B rounded to half precision.
pub fn xscvdphp(f: &mut Fpscr, b: u64) -> Option<u16> {
    let b = Unpacked::unpack(Format::DOUBLE, b.into());
    let outcome = quieted(b).round(Format::HALF, Control::of(*f));
    deliver(f, outcome).map(|half| half as u16)
}

/// `xscvhpdp`: a half as a double; a signalling NaN is quieted and sets VXSNAN.
pub fn xscvhpdp(f: &mut Fpscr, b: u16) -> Option<u64> {
    let b = Unpacked::unpack(Format::HALF, b.into());
    let outcome = quieted(b).round(Format::DOUBLE, Control::NEAREST);
    deliver(f, outcome)
}
