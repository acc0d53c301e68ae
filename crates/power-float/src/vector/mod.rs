//! The VSX vector forms: two doubles or four singles in a `u128`, element 0 in the most significant bits.
//!
//! The exceptions of all elements are recorded; FR, FI and FPRF are left alone. Any exception that is enabled, in any
//! element, leaves the whole target unwritten.

mod arithmetic;
mod compare;
mod convert;
mod fields;

pub use arithmetic::*;
pub use compare::*;
pub use convert::*;
pub use fields::*;

use crate::fpscr::Fpscr;
use crate::softfloat::{Control, Format, Outcome};

/// Bits of an element that holds a datum of `format`.
const fn width(format: Format) -> u32 {
    format.sign_shift() + 1
}

/// Element `i` of `v`, for elements of `width` bits.
#[inline]
const fn element_at(v: u128, width: u32, i: u32) -> u128 {
    v >> (128 - width * (i + 1)) & (u128::MAX >> (128 - width))
}

/// A vector of elements of `width` bits, from a function of their index.
#[inline]
fn collect(width: u32, element: impl Fn(u32) -> u128) -> u128 {
    let mask = u128::MAX >> (128 - width);
    (0..128 / width).fold(0, |v, i| v << width | element(i) & mask)
}

/// Computes all elements of the result, of `width` bits each, and records their exceptions.
#[inline]
fn deliver(f: &mut Fpscr, width: u32, element: impl Fn(Control, u32) -> Outcome) -> Option<u128> {
    let control = Control::of(*f);
    let mut status = 0;
    let mut result = 0;
    for i in 0..128 / width {
        let outcome = element(control, i);
        status |= outcome.status;
        result = result << width | outcome.bits;
    }
    f.raise(status);
    (!f.traps(status)).then_some(result)
}
