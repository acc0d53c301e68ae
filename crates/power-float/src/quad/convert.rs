//! Conversions of quad precision from and to doubles and integers.

use super::{deliver, odd};
use crate::fpscr::{Fpscr, Rounding, bits};
use crate::softfloat::convert::{Integer, from_signed, from_unsigned, quieted, to_integer};
use crate::softfloat::{Control, Format, Unpacked};

/// `xscvdpqp`: a double as a quad, exactly.
pub fn xscvdpqp(f: &mut Fpscr, b: u64) -> Option<u128> {
    let b = Unpacked::unpack(Format::DOUBLE, b.into());
    deliver(f, quieted(b).round(Format::QUAD, Control::NEAREST))
}

/// `xscvqpdp`: B rounded to double precision as RN says.
pub fn xscvqpdp(f: &mut Fpscr, b: u128) -> Option<u64> {
    to_double(f, b, Control::of(*f))
}

/// `xscvqpdpo`: B rounded to double precision, to odd.
pub fn xscvqpdpo(f: &mut Fpscr, b: u128) -> Option<u64> {
    to_double(f, b, odd(*f))
}

fn to_double(f: &mut Fpscr, b: u128, control: Control) -> Option<u64> {
    let b = Unpacked::unpack(Format::QUAD, b);
    deliver(f, quieted(b).round(Format::DOUBLE, control)).map(|bits| bits as u64)
}

macro_rules! to_integer {
    ($($name:ident, $target:expr, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, b: u128) -> Option<u64> {
            let (integer, status) = to_integer(Unpacked::unpack(Format::QUAD, b), Rounding::TowardZero, $target);
            // FPRF is undefined after these: it stays.
            f.commit(status, bits::FR | bits::FI).then_some(integer)
        })*
    };
}

to_integer! {
    xscvqpsdz, Integer::Signed(64), "`xscvqpsdz`: B truncated to a signed doubleword.";
    xscvqpudz, Integer::Unsigned(64), "`xscvqpudz`: B truncated to an unsigned doubleword.";
    xscvqpswz, Integer::Signed(32), "`xscvqpswz`: B truncated to a signed word, sign-extended.";
    xscvqpuwz, Integer::Unsigned(32), "`xscvqpuwz`: B truncated to an unsigned word, zero-extended.";
}

/// `xscvsdqp`: a signed doubleword as a quad, exactly.
pub fn xscvsdqp(f: &mut Fpscr, b: u64) -> Option<u128> {
    deliver(
        f,
        from_signed(b as i64).round(Format::QUAD, Control::NEAREST),
    )
}

/// `xscvudqp`: an unsigned doubleword as a quad, exactly.
pub fn xscvudqp(f: &mut Fpscr, b: u64) -> Option<u128> {
    deliver(f, from_unsigned(b).round(Format::QUAD, Control::NEAREST))
}
