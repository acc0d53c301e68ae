//! The three rules for maximum and minimum. Results come with their exceptions in FPSCR layout (VXSNAN at most).

use super::compare::compare;
use super::{Format, Unpacked};
use crate::fpscr::bits as b;

/// Which of two operands is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The larger.
    Largest,
    /// The smaller.
    Smallest,
}

fn exceptions(x: Unpacked, y: Unpacked) -> u64 {
    if x.is_signalling() || y.is_signalling() {
        b::VXSNAN
    } else {
        0
    }
}

/// Whether A is the one wanted; of two zeros, +0 counts as larger.
fn a_wins(pick: Pick, x: Unpacked, y: Unpacked) -> bool {
    let field = compare(x, y);
    match pick {
        Pick::Largest => field == 4 || field == 2 && !x.sign,
        Pick::Smallest => field == 8 || field == 2 && x.sign,
    }
}

/// `xsmaxdp`, `xvmaxdp` and so on: a number beats a quiet NaN, a signalling NaN is delivered quieted.
pub(crate) fn number(format: Format, pick: Pick, a: u128, b: u128) -> (u128, u64) {
    let (x, y) = (Unpacked::unpack(format, a), Unpacked::unpack(format, b));
    let result = if x.is_signalling() {
        x.quieted().pack(format)
    } else if x.is_nan() {
        if y.is_nan() { a } else { b }
    } else if y.is_signalling() {
        y.quieted().pack(format)
    } else if y.is_nan() || a_wins(pick, x, y) {
        a
    } else {
        b
    };
    (result, exceptions(x, y))
}

/// `xsmaxcdp`, `xsmincdp`: C's conditional operator; B wherever the comparison fails.
pub(crate) fn c_operator(format: Format, pick: Pick, a: u128, b: u128) -> (u128, u64) {
    let (x, y) = (Unpacked::unpack(format, a), Unpacked::unpack(format, b));
    let wanted = match pick {
        Pick::Largest => 4,
        Pick::Smallest => 8,
    };
    (
        if compare(x, y) == wanted { a } else { b },
        exceptions(x, y),
    )
}

/// `xsmaxjdp`, `xsminjdp`: a NaN beats any number, as it is.
pub(crate) fn java(format: Format, pick: Pick, a: u128, b: u128) -> (u128, u64) {
    let (x, y) = (Unpacked::unpack(format, a), Unpacked::unpack(format, b));
    let a_is_delivered = x.is_nan() || !y.is_nan() && a_wins(pick, x, y);
    (if a_is_delivered { a } else { b }, exceptions(x, y))
}
