//! Quad precision (binary128 in vector registers).
//!
//! Names that end in `o` are the forms that round to odd, so that a second rounding to a narrower format
//! is as good as one. Multiply-adds take A, C, B: the product is A * C (`VRA * VRB` of the instruction) and B the
//! addend (`VRT`).

mod arithmetic;
mod compare;
mod convert;

pub use arithmetic::*;
pub use compare::*;
pub use convert::*;

use crate::fpscr::{Fpscr, Rounding, bits};
use crate::softfloat::{Control, Outcome};

/// Records an arithmetic result: exceptions, FR, FI and FPRF.
#[inline]
fn deliver(f: &mut Fpscr, outcome: Outcome) -> Option<u128> {
    f.commit(outcome.status, bits::RESULTS)
        .then_some(outcome.bits)
}

/// Rounding to odd in place of RN.
fn odd(f: Fpscr) -> Control {
    Control::of(f).rounding(Rounding::Odd)
}

/// The rounding mode that the fields R and RMC of `xsrqpi` and `xsrqpxp` name.
///
/// R=0 with RMC=0 is to nearest, ties away; R=0 with RMC=3 is RN (so are the two reserved encodings, 1 and 2).
pub fn rounding_mode(f: &Fpscr, r: bool, rmc: u8) -> Rounding {
    match (r, rmc & 3) {
        (false, 0) => Rounding::NearestAway,
        (false, _) => f.rounding(),
        (true, 0) => Rounding::NearestEven,
        (true, 1) => Rounding::TowardZero,
        (true, 2) => Rounding::Up,
        (true, _) => Rounding::Down,
    }
}
