//! Fixed-point, storage and system instructions.

use super::operand::*;
use super::{ALL, Class, Exception, Part};
use crate::operands::field;
use crate::state::{Case, Outcome, Step};

const HIGH_WORD: u64 = 0xffff_ffff_0000_0000;
/// SO, OV, OV32.
const OVERFLOW: u64 = 0xc008_0000;
/// The bits of XER that mean something.
const XER_DEFINED: u64 = 0xe00c_007f;

#[rustfmt::skip]
pub(super) static ROWS: &[Exception] = &[
    Exception {
        mnemonics: &["mulhw", "mulhwu"],
        parts: &[Part::TargetGpr(HIGH_WORD), Part::Cr0],
        when: always, class: Class::Undefined,
        reason: "Book I 3.3.9, mulhw[u]: RT 0:31 are undefined; with Rc=1 in 64-bit mode, so are the first three bits of CR0",
    },
    Exception {
        mnemonics: &["divw", "divwu", "divwe", "divweu"],
        parts: &[Part::TargetGpr(HIGH_WORD), Part::Cr0],
        when: always, class: Class::Undefined,
        reason: "Book I 3.3.9, divw*: RT 0:31 are undefined; with Rc=1 in 64-bit mode, so are the first three bits of CR0",
    },
    Exception {
        mnemonics: &["divw", "divwu", "divwe", "divweu"],
        parts: &[Part::TargetGpr(ALL), Part::Cr0],
        when: word_quotient_does_not_fit, class: Class::Undefined,
        reason: "Book I 3.3.9, divw*: a division by zero, or a quotient that does not fit, leaves RT and CR0 LT, GT, EQ undefined",
    },
    Exception {
        mnemonics: &["divd", "divdu", "divde", "divdeu"],
        parts: &[Part::TargetGpr(ALL), Part::Cr0],
        when: doubleword_quotient_does_not_fit, class: Class::Undefined,
        reason: "Book I 3.3.9.1, divd*: a division by zero, or a quotient that does not fit, leaves RT and CR0 LT, GT, EQ undefined",
    },
    Exception {
        mnemonics: &["modsw", "moduw"],
        parts: &[Part::TargetGpr(ALL)],
        when: word_quotient_does_not_fit, class: Class::Undefined,
        reason: "Book I 3.3.9, mod[su]w: n % 0 and -2^31 % -1 leave RT undefined",
    },
    Exception {
        mnemonics: &["modsw", "moduw"],
        parts: &[Part::TargetGpr(HIGH_WORD)],
        when: always, class: Class::Undefined,
        reason: "Book I 3.3.9, mod[su]w: RT 0:31 are undefined",
    },
    Exception {
        mnemonics: &["modsd", "modud"],
        parts: &[Part::TargetGpr(ALL)],
        when: doubleword_quotient_does_not_fit, class: Class::Undefined,
        reason: "Book I 3.3.9.1, mod[su]d: n % 0 and -2^63 % -1 leave RT undefined",
    },
    Exception {
        mnemonics: &["mfocrf"],
        parts: &[Part::TargetGprComputed(beside_the_chosen_cr_field)],
        when: always, class: Class::Undefined,
        reason: "Book I 3.3.17, mfocrf: bits of RT outside the chosen field are undefined; with more than one field, all are",
    },
    Exception {
        mnemonics: &["cbcdtd"],
        parts: &[Part::TargetGpr(ALL)],
        when: a_source_is_not_bcd, class: Class::Undefined,
        reason: "Book I 3.3.15, cbcdtd: RS must hold valid decimal digits",
    },
    Exception {
        mnemonics: &["darn", "mftb", "mfspr_tb"],
        parts: &[Part::TargetGpr(ALL)],
        when: always, class: Class::Undefined,
        reason: "Book I 3.3.9, darn and Book II 6.2, mftb: random and time are not the same twice",
    },
    Exception {
        mnemonics: &["dcbf"],
        parts: &[Part::Everything],
        when: block_flush_is_not_plain, class: Class::Peer,
        reason: "Book II 4.3.2, dcbf L=3 (dcbflp); version 3.1, L=4 and 6 (dcbfps, dcbstps), which act as dcbf before: illegal to the peer",
    },
    Exception {
        mnemonics: &["sync"],
        parts: &[Part::Everything],
        when: is_ptesync, class: Class::Peer,
        reason: "Book III 5.9.2, sync L=2 (ptesync) is privileged; the peer carries it out in problem state",
    },
    Exception {
        mnemonics: &["divde"],
        parts: &[Part::Xer(OVERFLOW), Part::CrField(0, 0b0001)],
        when: overflows_with_oe, class: Class::Peer,
        reason: "Book I 3.3.9.1, divdeo: OV is 1 where the quotient does not fit 64 bits; the peer looks at magnitudes only",
    },
    Exception {
        mnemonics: &["mtspr"],
        parts: &[Part::Xer(!XER_DEFINED)],
        when: always, class: Class::Undefined,
        reason: "Book I 3.2.2, XER: reserved bits may be kept (the peer) or not (here)",
    },
    Exception {
        mnemonics: &["stbcx", "sthcx", "stwcx", "stdcx", "stqcx"],
        parts: &[Part::Everything],
        when: conditional_store_is_unaligned, class: Class::Peer,
        reason: "Book II 4.6.2, st*cx.: an unaligned address is an alignment interrupt; the peer checks it only where a reservation is held",
    },
    Exception {
        mnemonics: &["lwat", "stwat"],
        parts: &[Part::Everything],
        when: signed_word_extreme, class: Class::Peer,
        reason: "Book II 4.5, FC=5 and 7: the operands of lwat and stwat are signed words; the peer compares doublewords",
    },
    Exception {
        mnemonics: &["lwat", "ldat"],
        parts: &[Part::Everything],
        when: bounded_or_unequal, class: Class::Peer,
        reason: "Book II 4.5.1, FC=24, 25 and 28: ldat returns 2^63 out of bounds and FC=28 looks at the doubleword below; not so the peer",
    },
    Exception {
        mnemonics: &["lwat", "ldat", "stwat", "stdat"],
        parts: &[Part::Everything],
        when: twins_cross_a_block, class: Class::Peer,
        reason: "Book II 4.5: operations on two neighbours stay within an aligned block of 32 bytes, else an alignment interrupt; the peer does not check",
    },
];

/// Division of words: is the quotient of the (extended) dividend undefined?
fn word_quotient_does_not_fit(case: &Case, step: &Step, _: &Outcome) -> bool {
    let (a, b) = (gpr(case, step, "ra") as u32, gpr(case, step, "rb") as u32);
    let base = step.mnemonic.trim_end_matches(['.', 'o']);
    let extended = base.starts_with("divwe");
    if b == 0 {
        return true;
    }
    if base.ends_with('u') || base == "moduw" {
        return extended && a >= b;
    }
    let dividend = if extended {
        i64::from(a as i32) << 32
    } else {
        i64::from(a as i32)
    };
    dividend
        .checked_div(i64::from(b as i32))
        .is_none_or(|quotient| i32::try_from(quotient).is_err())
}

/// The same for doublewords.
fn doubleword_quotient_does_not_fit(case: &Case, step: &Step, _: &Outcome) -> bool {
    let (a, b) = (gpr(case, step, "ra"), gpr(case, step, "rb"));
    let base = step.mnemonic.trim_end_matches(['.', 'o']);
    let extended = base.starts_with("divde");
    if b == 0 {
        return true;
    }
    if base.ends_with('u') || base == "modud" {
        return extended && a >= b;
    }
    let dividend = if extended {
        i128::from(a as i64) << 64
    } else {
        i128::from(a as i64)
    };
    dividend
        .checked_div(i128::from(b as i64))
        .is_none_or(|quotient| i64::try_from(quotient).is_err())
}

fn overflows_with_oe(case: &Case, step: &Step, peer: &Outcome) -> bool {
    field(step.word, 21, 1) == 1 && doubleword_quotient_does_not_fit(case, step, peer)
}

fn beside_the_chosen_cr_field(_: &Case, step: &Step) -> u64 {
    let fields = field(step.word, 12, 8) as u32;
    if fields.count_ones() != 1 {
        return ALL;
    }
    !(0xf << (4 * fields.trailing_zeros()))
}

/// cbcdtd reads six digits in each word of RS.
fn a_source_is_not_bcd(case: &Case, step: &Step, _: &Outcome) -> bool {
    let digits = gpr(case, step, "rs");
    [0, 4, 8, 12, 16, 20, 32, 36, 40, 44, 48, 52]
        .iter()
        .any(|shift| digits >> shift & 15 > 9)
}

/// Neither dcbf nor dcbfl.
fn block_flush_is_not_plain(_: &Case, step: &Step, _: &Outcome) -> bool {
    field(step.word, 8, 3) > 1
}

fn is_ptesync(_: &Case, step: &Step, _: &Outcome) -> bool {
    field(step.word, 8, 3) == 2
}

fn conditional_store_is_unaligned(case: &Case, step: &Step, _: &Outcome) -> bool {
    let size = match step.mnemonic {
        "sthcx." => 2,
        "stwcx." => 4,
        "stdcx." => 8,
        "stqcx." => 16,
        _ => 1,
    };
    !indexed_address(case, step).is_multiple_of(size)
}

fn signed_word_extreme(_: &Case, step: &Step, _: &Outcome) -> bool {
    matches!(field(step.word, 16, 5), 5 | 7)
}

fn bounded_or_unequal(_: &Case, step: &Step, _: &Outcome) -> bool {
    matches!(field(step.word, 16, 5), 24 | 25 | 28)
}

/// FC=24 (twins) and its kin, whose second operand lies in the next 32 bytes.
fn twins_cross_a_block(case: &Case, step: &Step, _: &Outcome) -> bool {
    let size = if step.mnemonic.contains('d') { 8 } else { 4 };
    let address = gpr(case, step, "ra0");
    field(step.word, 16, 5) >= 24 && (address >> 5 != (address + 2 * size - 1) >> 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    #[test]
    fn signed_division_overflow_is_undefined_and_others_are_not() {
        let step = Step {
            mnemonic: "divd",
            word: 0x7c64_2bd2,
            operands: "rt,ra,rb",
        };
        let mut case = Case::new(State::default(), vec![step]);
        case.state.gpr[4] = 1 << 63;
        case.state.gpr[5] = u64::MAX;
        assert!(doubleword_quotient_does_not_fit(
            &case,
            &step,
            &Outcome::died(&case)
        ));
        case.state.gpr[5] = 1;
        assert!(!doubleword_quotient_does_not_fit(
            &case,
            &step,
            &Outcome::died(&case)
        ));
    }
}
