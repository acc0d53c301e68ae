//! The exact arithmetic under every instruction, for any of the four binary formats.
//!
//! An operation is `unpack` (bits to class, sign, exponent, significand), `arith` or `convert` (an exact or
//! sticky-jammed 128-bit result), `round` (one rounding to the target format, with the ISA's rules for
//! overflow and underflow) and packing into the register's format. `fast` does the common cases of
//! double and single precision with the host's arithmetic; it never disagrees with the exact path.
//! Nothing here changes an FPSCR: results come as an [`Outcome`], which the callers commit.

pub(crate) mod arith;
pub(crate) mod class;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod element;
pub(crate) mod estimate;
pub(crate) mod fast;
pub(crate) mod format;
pub(crate) mod minmax;
pub(crate) mod round;
pub(crate) mod unpacked;
pub(crate) mod wide;

pub(crate) use format::Format;
pub(crate) use round::{Control, Outcome};
pub(crate) use unpacked::{Class, Unpacked};

#[cfg(test)]
mod agreement;
