//! Scalar double and single precision: the classic FPR instructions and the VSX scalar ones.
//!
//! Operands and results are doublewords; results of single-precision forms are in double format. Where a
//! VSX instruction computes the same as a classic one (`xsadddp` and `fadd`, say), only the classic name
//! exists, or the VSX name is an alias. Multiply-adds take A, C, B in that order: the product is A * C and
//! B is the addend, whichever registers the VSX A- and M-forms read them from.

mod arithmetic;
mod compare;
mod convert;
mod fields;
mod minmax;

pub use arithmetic::*;
pub use compare::*;
pub use convert::*;
pub use fields::*;
pub use minmax::*;

use crate::fpscr::{Fpscr, bits};
use crate::softfloat::Outcome;

/// Records an arithmetic result: exceptions, FR, FI and FPRF.
#[inline]
fn deliver(f: &mut Fpscr, outcome: Outcome) -> Option<u64> {
    f.commit(outcome.status, bits::RESULTS)
        .then_some(outcome.double())
}
