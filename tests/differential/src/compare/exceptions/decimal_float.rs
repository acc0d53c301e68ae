//! Decimal floating point.

use super::operand::*;
use super::{ALL128, Class, Exception, Part};
use crate::operands::{field, has as has_operand};
use crate::state::{Case, Outcome, Step};

#[rustfmt::skip]
pub(super) static ROWS: &[Exception] = &[
    Exception {
        mnemonics: &["dadd*", "dsub*", "dmul*", "ddiv*", "dqua*", "drrnd*", "drint*", "dct*", "dcffix*", "drsp", "drdpq", "denbcd*"],
        parts: &[Part::Fpscr(fpscr::FR)],
        when: always, class: Class::Peer,
        reason: "Book I 5.2.2, FPSCR 45 (FR): set when rounding incremented the fraction; the peer never changes it",
    },
    Exception {
        mnemonics: &["dadd*", "dsub*", "dmul*", "ddiv*", "dqua*", "drrnd*", "drint*", "dct*", "dcffix*", "drsp", "drdpq", "denbcd*"],
        parts: &[Part::Fpscr(fpscr::FI)],
        when: was_inexact, class: Class::Peer,
        reason: "Book I 5.2.2, FPSCR 46 (FI): tells whether this result is inexact; the peer never clears it",
    },
    Exception {
        mnemonics: &["dadd*", "dsub*", "dmul*", "ddiv*", "dqua*", "drrnd*", "drint*", "dct*", "dcffix*", "drsp", "drdpq", "denbcd*", "dcmp*"],
        parts: &[Part::Fpscr(fpscr::FX)],
        when: recorded_before, class: Class::Peer,
        reason: "Book I 5.2.2, FPSCR 32 (FX): set by a change from 0 to 1 of an exception bit; the peer sets it without a change too",
    },
    Exception {
        mnemonics: &["dadd*", "dsub*", "dmul*", "ddiv*", "dqua*", "drrnd*", "drint*", "dct*", "dcffix*", "drsp", "drdpq", "denbcd*", "dcmp*"],
        parts: &[Part::Everything],
        when: enabled_exception, class: Class::Peer,
        reason: "Book I 5.5.10: an enabled exception interrupts, with the target unchanged or the exponent wrapped; the peer goes on with the default result",
    },
    Exception {
        mnemonics: &["dadd*", "dsub*", "dmul*", "ddiv*", "drsp", "drdpq"],
        parts: &[Part::Everything],
        when: underflow_is_enabled_and_result_tiny, class: Class::Peer,
        reason: "Book I 5.5.10.4: where underflow is enabled, every tiny result is one; the peer's is one if it is inexact too",
    },
    Exception {
        mnemonics: &["drdpq"],
        parts: &[Part::TargetPair],
        when: always, class: Class::Peer,
        reason: "Book I 5.6.5.1, drdpq: the result is in FRTp and zeros in FRTp+1; the peer has them the other way round",
    },
    Exception {
        mnemonics: &["dctdp"],
        parts: &[Part::TargetVsr(0xF_FFFF << 64)],
        when: short_operand_is_infinite, class: Class::Peer,
        reason: "Book I 5.6.5.1, dctdp: an infinity keeps its trailing significand, like a NaN, as DFP short is for storage; the peer's becomes 0",
    },
    Exception {
        mnemonics: &["drsp"],
        parts: &[Part::TargetVsr(0xF_FFFF << 64)],
        when: operand_is_infinite_or_nan, class: Class::Peer,
        reason: "Book I 5.6.5.1, drsp: infinities and NaNs keep the right digits of the trailing significand; the peer keeps a NaN's if all fit",
    },
    Exception {
        mnemonics: &["drsp"],
        parts: &[Part::TargetVsr(1 << (64 + 25)), Part::Fpscr(fpscr::FPRF)],
        when: operand_is_signalling, class: Class::Peer,
        reason: "Book I 5.6.5.1, drsp: a signalling NaN stays one, as DFP short is for storage; the peer makes it quiet",
    },
    Exception {
        mnemonics: &["drdpq"],
        parts: &[Part::Everything],
        when: operand_is_signalling, class: Class::Peer,
        reason: "Book I 5.6.5.1, drdpq: a signalling NaN is an invalid operation; the peer makes it quiet without",
    },
    Exception {
        mnemonics: &["denbcd*"],
        parts: &[Part::Everything],
        when: a_digit_is_ten, class: Class::Peer,
        reason: "Book I 5.6.6, denbcd: a digit above 9 is invalid; the peer takes 10 for one",
    },
    Exception {
        mnemonics: &["denbcdq"],
        parts: &[Part::TargetPair],
        when: invalid_conversion, class: Class::Peer,
        reason: "Book I 5.6.6, denbcdq: an invalid operation that is not enabled delivers the default quiet NaN; the peer's has any low half",
    },
    Exception {
        mnemonics: &["ddedpd"],
        parts: &[Part::TargetVsr(ALL128)],
        when: operand_is_infinite, class: Class::Peer,
        reason: "Book I 5.6.6, ddedpd: the digits of the significand, which of an infinity is the trailing one; the peer delivers 0",
    },
    Exception {
        mnemonics: &["ddedpdq"],
        parts: &[Part::TargetPair],
        when: operand_is_infinite, class: Class::Peer,
        reason: "Book I 5.6.6, ddedpdq: the digits of the significand, which of an infinity is the trailing one; the peer delivers 0",
    },
    Exception {
        mnemonics: &["denbcd*"],
        parts: &[Part::Fpscr(fpscr::FPRF)],
        when: invalid_conversion, class: Class::Peer,
        reason: "Book I 5.5.10.1: an invalid operation that is not enabled sets FPRF to the class of its quiet NaN; the peer leaves FPRF",
    },
    Exception {
        mnemonics: &["diex"],
        parts: &[Part::TargetVsr(0x3_FFFF_FFFF_FFFF << 64)],
        when: makes_or_takes_a_special, class: Class::Peer,
        reason: "Book I 5.6.6, diex: the trailing significand is encoded again in preferred declets; the peer copies it into an infinity or a NaN, and loses an infinity's",
    },
    Exception {
        mnemonics: &["diexq"],
        parts: &[Part::TargetPair],
        when: makes_or_takes_a_special, class: Class::Peer,
        reason: "Book I 5.6.6, diexq: the trailing significand is encoded again in preferred declets; the peer copies it into an infinity or a NaN, and loses an infinity's",
    },
    Exception {
        mnemonics: &["dscli", "dscri"],
        parts: &[Part::TargetVsr(0x3_FFFF_FFFF_FFFF << 64)],
        when: shifted_operand_is_infinite, class: Class::Peer,
        reason: "Book I 5.6.6, dscli: the trailing significand of an infinity is shifted like a NaN's; the peer's becomes 0",
    },
    Exception {
        mnemonics: &["dscliq", "dscriq"],
        parts: &[Part::TargetPair],
        when: shifted_operand_is_infinite, class: Class::Peer,
        reason: "Book I 5.6.6, dscliq: the trailing significand of an infinity is shifted like a NaN's; the peer's becomes 0",
    },
    Exception {
        mnemonics: &["drrnd*", "denbcd*"],
        parts: &[Part::Fpscr(1 << 30)],
        when: always, class: Class::Peer,
        reason: "Book I 5.2.2, FPSCR 33 (FEX): set where a recorded exception is enabled; the peer sets it for invalid operations that are not",
    },
    Exception {
        mnemonics: &["dscli*", "dscri*"],
        parts: &[Part::TargetVsr(0xFFF << (64 + 46))],
        when: operand_is_special, class: Class::Peer,
        reason: "Book I 5.6.6, dscli: the rest of an infinity's or a NaN's combination field becomes 0; the peer keeps it",
    },
];

/// The peer records an enabled exception; no case begins with one.
fn enabled_exception(_: &Case, _: &Step, peer: &Outcome) -> bool {
    // VX OX UX ZX XX stand in the order of their enables, 22 bits further left.
    let status = peer.state.fpscr;
    status >> 22 & status & fpscr::ENABLES != 0
}

/// The first FPR of an operand.
fn first(case: &Case, step: &Step, operand: &str) -> Option<u64> {
    vsr(case, step, operand).map(|value| (value >> 64) as u64)
}

/// Bits 1 to 5 of a DFP number, which tell infinities (30) and NaNs (31).
fn combination(number: u64) -> u64 {
    number >> 58 & 0x1F
}

/// What FRB holds, where the instruction reads it.
fn frb(case: &Case, step: &Step) -> Option<u64> {
    let read = ["frb", "frbp"]
        .iter()
        .any(|name| has_operand(step.operands, name));
    first(case, step, "frb").filter(|_| read)
}

fn operand_is_infinite(case: &Case, step: &Step, _: &Outcome) -> bool {
    frb(case, step).is_some_and(|number| combination(number) == 30)
}

fn operand_is_infinite_or_nan(case: &Case, step: &Step, _: &Outcome) -> bool {
    frb(case, step).is_some_and(|number| combination(number) >= 30)
}

fn operand_is_signalling(case: &Case, step: &Step, _: &Outcome) -> bool {
    frb(case, step).is_some_and(|number| number >> 57 & 0x3F == 0x3F)
}

/// Of an instruction that reads DFP short.
fn short_operand_is_infinite(case: &Case, step: &Step, _: &Outcome) -> bool {
    frb(case, step).is_some_and(|number| number >> 26 & 0x1F == 30)
}

/// Of packed decimal in FRB or its pair.
fn a_digit_is_ten(case: &Case, step: &Step, _: &Outcome) -> bool {
    let signed = field(step.word, 11, 1) as u32;
    let n = field(step.word, 16, 5);
    let high = case.state.vsr[n] >> 64;
    let (digits, count) = if has_operand(step.operands, "frbp") {
        (high << 64 | case.state.vsr[n | 1] >> 64, 32)
    } else {
        (high, 16)
    };
    (signed..count).any(|index| digits >> (4 * index) & 15 == 10)
}

/// Of an instruction that reads FRA: an infinity or a NaN.
fn operand_is_special(case: &Case, step: &Step, _: &Outcome) -> bool {
    first(case, step, "fra").is_some_and(|number| combination(number) >= 30)
}

fn shifted_operand_is_infinite(case: &Case, step: &Step, _: &Outcome) -> bool {
    first(case, step, "fra").is_some_and(|number| combination(number) == 30)
}

/// FRA of diex is no exponent, or FRB is no finite number.
fn makes_or_takes_a_special(case: &Case, step: &Step, peer: &Outcome) -> bool {
    let largest = if step.mnemonic.starts_with("diexq") {
        12287
    } else {
        767
    };
    first(case, step, "fra").is_some_and(|exponent| exponent > largest)
        || operand_is_infinite_or_nan(case, step, peer)
}

fn invalid_conversion(_: &Case, _: &Step, peer: &Outcome) -> bool {
    peer.state.fpscr & fpscr::VXCVI != 0
}

/// By FPRF: a subnormal number, of either sign.
fn underflow_is_enabled_and_result_tiny(case: &Case, _: &Step, peer: &Outcome) -> bool {
    let class = peer.state.fpscr >> 12 & 0x1F;
    has(case, fpscr::UE) && matches!(class, 0b10100 | 0b11000)
}

/// FI was set.
fn was_inexact(case: &Case, _: &Step, _: &Outcome) -> bool {
    has(case, fpscr::FI)
}
