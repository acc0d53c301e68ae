//! The AltiVec (VMX) floating-point instructions: four singles, round to nearest, no FPSCR.
//!
//! Nothing traps and nothing is recorded; a signalling NaN is quieted. Those that can meet denormalised numbers take
//! `nj`, VSCR's non-Java bit: with it denormalised operands and results count as zeros of their sign.

mod arithmetic;
mod compare;
mod convert;

pub use arithmetic::*;
pub use compare::*;
pub use convert::*;

use crate::fpscr::bits;
use crate::softfloat::Outcome;

/// The four words of a vector, leftmost first.
#[inline]
fn words(v: u128) -> [u32; 4] {
    [
        (v >> 96) as u32,
        (v >> 64) as u32,
        (v >> 32) as u32,
        v as u32,
    ]
}

/// The vector of four words.
#[inline]
fn vector(words: [u32; 4]) -> u128 {
    words
        .into_iter()
        .fold(0, |v, word| v << 32 | u128::from(word))
}

/// A denormalised single as the zero of its sign, if `nj`.
#[inline]
fn flushed(word: u32, nj: bool) -> u32 {
    if nj && word & 0x7F80_0000 == 0 {
        word & 0x8000_0000
    } else {
        word
    }
}

/// The single that an arithmetic operation delivers: as for UX, a result is denormalised if it was so before rounding.
#[inline]
fn delivered(outcome: Outcome, nj: bool) -> u32 {
    let single = outcome.single();
    if nj && outcome.status & bits::UX != 0 {
        single & 0x8000_0000
    } else {
        single
    }
}

/// Applies `operation` to the corresponding words of `operands`, flushing operands and results if `nj`.
#[inline]
fn map<const N: usize>(nj: bool, operands: [u128; N], operation: impl Fn([u32; N]) -> u32) -> u128 {
    let operands = operands.map(words);
    vector(std::array::from_fn(|i| {
        flushed(operation(operands.map(|o| flushed(o[i], nj))), nj)
    }))
}
