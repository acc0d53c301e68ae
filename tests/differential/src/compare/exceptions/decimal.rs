//! Packed, zoned and national decimal.

use super::operand::*;
use super::{ALL128, Class, Exception, Part};
use crate::operands::field;
use crate::state::{Case, Outcome, Step};

#[rustfmt::skip]
pub(super) static ROWS: &[Exception] = &[
    Exception {
        mnemonics: &["bcd*"],
        parts: &[Part::TargetVsr(ALL128)],
        when: an_operand_is_not_decimal, class: Class::Undefined,
        reason: "Book I 6.17: with an invalid operand CR6 is 0b0001 and VRT is undefined",
    },
    Exception {
        mnemonics: &["bcdadd", "bcdsub", "bcdctn", "bcdctz"],
        parts: &[Part::CrField(6, 0b1111)],
        when: an_operand_is_not_decimal, class: Class::Peer,
        reason: "Book I 6.17: with an invalid operand CR6 is 0b0001; the peer adds a comparison of what it made of it",
    },
    Exception {
        mnemonics: &["bcdadd", "bcdsub"],
        parts: &[Part::TargetVsr(0xf), Part::CrField(6, 0b1111)],
        when: magnitudes_are_equal, class: Class::Peer,
        reason: "Book I 6.17, bcdadd and bcdsub: a sum of zero is EQ and nothing else, and positive; the peer sets GT or LT too",
    },
    Exception {
        mnemonics: &["bcds", "bcdsr", "bcdus", "bcdtrunc", "bcdutrunc"],
        parts: &[Part::CrField(6, 0b1110)],
        when: always, class: Class::Peer,
        reason: "Book I 6.17.4 and 6.17.5: CR6 compares the source with zero; the peer compares the result",
    },
    Exception {
        mnemonics: &["bcds", "bcdsr", "bcdus"],
        parts: &[Part::CrField(6, 0b0001)],
        when: shifts_everything_out, class: Class::Peer,
        reason: "Book I 6.17.4: CR6 bit 3 tells of digits other than zero that were lost; the peer sets it for any long shift",
    },
    Exception {
        mnemonics: &["bcdtrunc", "bcdutrunc"],
        parts: &[Part::TargetVsr(ALL128), Part::CrField(6, 0b1111)],
        when: longest_length, class: Class::Peer,
        reason: "Book I 6.17.5, bcdtrunc: a length of more than the digits there are keeps all; the peer's overflows at 65535",
    },
    Exception {
        mnemonics: &["bcdcpsgn", "bcdctsq", "bcdsetsgn"],
        parts: &[Part::TargetVsr(ALL128), Part::CrField(6, 0b1111)],
        when: target_is_vrb, class: Class::Peer,
        reason: "Book I 6.17: VRB is read before VRT is written; the peer writes first",
    },
    Exception {
        mnemonics: &["bcdcfsq"],
        parts: &[Part::TargetVsr(ALL128)],
        when: more_than_31_digits, class: Class::Undefined,
        reason: "Book I 6.17.3, bcdcfsq: VRT is undefined where the value has more than 31 digits",
    },
];

/// Packed decimal: 31 digits and a sign nibble 0xa-0xf.
fn is_packed_decimal(value: u128) -> bool {
    value & 15 >= 10 && (1..32).all(|i| (value >> (4 * i) & 15) < 10)
}

fn an_operand_is_not_decimal(case: &Case, step: &Step, _: &Outcome) -> bool {
    let packed = |operand| vsr(case, step, operand).is_some_and(is_packed_decimal);
    match step.mnemonic.trim_end_matches('.') {
        "bcdadd" | "bcdsub" | "bcdcpsgn" => !packed("vra") || !packed("vrb"),
        "bcdctn" | "bcdctz" | "bcdctsq" | "bcds" | "bcdsr" | "bcdsetsgn" | "bcdtrunc" => {
            !packed("vrb")
        }
        "bcdus" | "bcdutrunc" => {
            vsr(case, step, "vrb").is_some_and(|v| (0..32).any(|i| (v >> (4 * i) & 15) > 9))
        }
        // Conversions from zoned and national formats: the peer's answer for invalid input is as good as any.
        "bcdcfz" => vsr(case, step, "vrb")
            .is_some_and(|value| !is_zoned_decimal(value, field(step.word, 22, 1) == 1)),
        "bcdcfn" => vsr(case, step, "vrb").is_some_and(|v| {
            (1..8).any(|i| !(0x30..=0x39).contains(&(v >> (16 * i) & 0xffff)))
                || !matches!(v & 0xffff, 0x2b | 0x2d)
        }),
        _ => false,
    }
}

/// Sixteen digits with zone 0x3, or with zone 0xf and a sign in place of the last zone.
fn is_zoned_decimal(value: u128, ps: bool) -> bool {
    let zone = if ps { 0xf } else { 0x3 };
    let bytes = value.to_le_bytes();
    bytes.iter().all(|byte| byte & 15 <= 9)
        && bytes[1..].iter().all(|byte| byte >> 4 == zone)
        && (!ps || bytes[0] >> 4 >= 10)
}

fn magnitudes_are_equal(case: &Case, step: &Step, _: &Outcome) -> bool {
    vsr(case, step, "vra").map(|value| value >> 4) == vsr(case, step, "vrb").map(|value| value >> 4)
}

/// A shift to the left by more digits than there are.
fn shifts_everything_out(case: &Case, step: &Step, _: &Outcome) -> bool {
    vsr(case, step, "vra").is_some_and(|value| (value >> 64) as i8 > 30)
}

fn longest_length(case: &Case, step: &Step, _: &Outcome) -> bool {
    vsr(case, step, "vra").is_some_and(|value| (value >> 64) as u16 == u16::MAX)
}

fn more_than_31_digits(case: &Case, step: &Step, _: &Outcome) -> bool {
    vsr(case, step, "vrb").is_some_and(|value| (value as i128).unsigned_abs() >= 10u128.pow(31))
}
