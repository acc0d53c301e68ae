//! Vector conversions between formats and between floating-point numbers and integers.
//!
//! Where an element shrinks from a doubleword to a word, the ISA defines the left word of the doubleword; both get it.
//! Where one grows, the source is the left word.

use super::{deliver, element_at};
use crate::fpscr::{Fpscr, Rounding};
use crate::softfloat::convert::{Integer, from_signed, from_unsigned, quieted, to_integer};
use crate::softfloat::round::Intermediate;
use crate::softfloat::{Control, Format, Outcome, Unpacked};

/// The word in both halves of a doubleword.
const fn doubled(outcome: Outcome) -> Outcome {
    Outcome {
        bits: outcome.bits << 32 | outcome.bits,
        ..outcome
    }
}

fn unpack_at(format: Format, v: u128, width: u32, i: u32) -> Unpacked {
    Unpacked::unpack(format, element_at(v, width, i))
}

/// `xvcvdpsp`: doubles rounded to singles, in words 0 and 2 (and 1 and 3).
pub fn xvcvdpsp(f: &mut Fpscr, b: u128) -> Option<u128> {
    deliver(f, 64, |control, i| {
        doubled(quieted(unpack_at(Format::DOUBLE, b, 64, i)).round(Format::SINGLE, control))
    })
}

/// `xvcvspdp`: the singles in words 0 and 2 as doubles.
pub fn xvcvspdp(f: &mut Fpscr, b: u128) -> Option<u128> {
    deliver(f, 64, |_, i| {
        quieted(unpack_at(Format::SINGLE, b, 32, 2 * i)).round(Format::DOUBLE, Control::NEAREST)
    })
}

/// `xvcvhpsp`: the halves in the odd halfwords (the right half of each word) as singles.
pub fn xvcvhpsp(f: &mut Fpscr, b: u128) -> Option<u128> {
    deliver(f, 32, |_, i| {
        quieted(unpack_at(Format::HALF, b, 16, 2 * i + 1)).round(Format::SINGLE, Control::NEAREST)
    })
}

/// `xvcvsphp`: singles rounded to halves, in the odd halfwords; the even ones are zero.
pub fn xvcvsphp(f: &mut Fpscr, b: u128) -> Option<u128> {
    deliver(f, 32, |control, i| {
        quieted(unpack_at(Format::SINGLE, b, 32, i)).round(Format::HALF, control)
    })
}

/// A conversion to integer by truncation, as an element of `width` bits.
fn integer(value: Unpacked, target: Integer, width: u32) -> Outcome {
    let (integer, status) = to_integer(value, Rounding::TowardZero, target);
    Outcome {
        bits: u128::from(integer << (64 - width) >> (64 - width)),
        status,
    }
}

macro_rules! to_integers {
    ($($name:ident, $target:expr, $element:expr, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, b: u128) -> Option<u128> {
            let (width, element): ToInteger = $element;
            deliver(f, width, |_, i| element(b, $target, i))
        })*
    };
}

/// What an element of the result occupies (bits), and how it is computed from the source and its index.
type ToInteger = (u32, fn(u128, Integer, u32) -> Outcome);

const FROM_DOUBLE_TO_DOUBLEWORD: ToInteger = (64, |b, target, i| {
    integer(unpack_at(Format::DOUBLE, b, 64, i), target, 64)
});
const FROM_DOUBLE_TO_WORD: ToInteger = (64, |b, target, i| {
    doubled(integer(unpack_at(Format::DOUBLE, b, 64, i), target, 32))
});
const FROM_SINGLE_TO_DOUBLEWORD: ToInteger = (64, |b, target, i| {
    integer(unpack_at(Format::SINGLE, b, 32, 2 * i), target, 64)
});
const FROM_SINGLE_TO_WORD: ToInteger = (32, |b, target, i| {
    integer(unpack_at(Format::SINGLE, b, 32, i), target, 32)
});

to_integers! {
    xvcvdpsxds, Integer::Signed(64), FROM_DOUBLE_TO_DOUBLEWORD, "Doubles truncated to signed doublewords.";
    xvcvdpuxds, Integer::Unsigned(64), FROM_DOUBLE_TO_DOUBLEWORD, "Doubles truncated to unsigned doublewords.";
    xvcvdpsxws, Integer::Signed(32), FROM_DOUBLE_TO_WORD, "Doubles truncated to signed words.";
    xvcvdpuxws, Integer::Unsigned(32), FROM_DOUBLE_TO_WORD, "Doubles truncated to unsigned words.";
    xvcvspsxds, Integer::Signed(64), FROM_SINGLE_TO_DOUBLEWORD, "Singles (words 0 and 2) truncated to signed doublewords.";
    xvcvspuxds, Integer::Unsigned(64), FROM_SINGLE_TO_DOUBLEWORD, "Singles (words 0 and 2) truncated to unsigned doublewords.";
    xvcvspsxws, Integer::Signed(32), FROM_SINGLE_TO_WORD, "Singles truncated to signed words.";
    xvcvspuxws, Integer::Unsigned(32), FROM_SINGLE_TO_WORD, "Singles truncated to unsigned words.";
}

const fn signed_doubleword(b: u128, i: u32) -> Intermediate {
    from_signed(element_at(b, 64, i) as i64)
}

const fn unsigned_doubleword(b: u128, i: u32) -> Intermediate {
    from_unsigned(element_at(b, 64, i) as u64)
}

const fn signed_word(b: u128, i: u32) -> Intermediate {
    from_signed(element_at(b, 32, i) as i32 as i64)
}

const fn unsigned_word(b: u128, i: u32) -> Intermediate {
    from_unsigned(element_at(b, 32, i) as u64)
}

macro_rules! from_integers {
    ($($name:ident, $width:literal, |$b:ident, $i:ident, $control:ident| $element:expr, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, $b: u128) -> Option<u128> {
            deliver(f, $width, |$control, $i| $element)
        })*
    };
}

from_integers! {
    xvcvsxddp, 64, |b, i, control| signed_doubleword(b, i).round(Format::DOUBLE, control), "Signed doublewords as doubles.";
    xvcvuxddp, 64, |b, i, control| unsigned_doubleword(b, i).round(Format::DOUBLE, control), "Unsigned doublewords as doubles.";
    xvcvsxdsp, 64, |b, i, control| doubled(signed_doubleword(b, i).round(Format::SINGLE, control)), "Signed doublewords as singles (words 0 and 2, and 1 and 3).";
    xvcvuxdsp, 64, |b, i, control| doubled(unsigned_doubleword(b, i).round(Format::SINGLE, control)), "Unsigned doublewords as singles (words 0 and 2, and 1 and 3).";
    xvcvsxwdp, 64, |b, i, control| signed_word(b, 2 * i).round(Format::DOUBLE, control), "Signed words 0 and 2 as doubles.";
    xvcvuxwdp, 64, |b, i, control| unsigned_word(b, 2 * i).round(Format::DOUBLE, control), "Unsigned words 0 and 2 as doubles.";
    xvcvsxwsp, 32, |b, i, control| signed_word(b, i).round(Format::SINGLE, control), "Signed words as singles.";
    xvcvuxwsp, 32, |b, i, control| unsigned_word(b, i).round(Format::SINGLE, control), "Unsigned words as singles.";
}
