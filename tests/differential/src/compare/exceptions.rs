//! The one table of what is not compared, and why.
//!
//! [`Class::Undefined`]: the ISA leaves the result open, so that both machines may be right. [`Class::Peer`]: the peer
//! departs from the ISA, and the cited page says so. "ISA" is Power ISA version 3.0B.

use crate::operands::{self, Register, field};
use crate::state::{Case, Outcome, Step};

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The ISA defines no result.
    Undefined,
    /// The peer is wrong.
    Peer,
}

/// A part of the outcome that is left out.
#[derive(Clone, Copy)]
pub enum Part {
    /// Bits of the GPR that the first operand names.
    TargetGpr(u64),
    /// Bits of the VSR that the first operand names.
    TargetVsr(u128),
    /// The same, where the bits depend on the operands.
    TargetVsrComputed(fn(&Case, &Step) -> u128),
    /// The same for a GPR.
    TargetGprComputed(fn(&Case, &Step) -> u64),
    /// LT, GT and EQ of CR0, where Rc=1.
    Cr0,
    /// Bits (of 4) of a CR field.
    CrField(u32, u32),
    /// Bits of XER.
    Xer(u64),
    /// Bits of FPSCR.
    Fpscr(u64),
    /// Bits of VSCR.
    Vscr(u32),
    /// The memory window.
    Memory,
    /// The whole outcome: the instruction only must not crash the machine.
    Everything,
}

/// A row of the table.
pub struct Exception {
    /// Base mnemonics, without the `.` and `o` of the Rc and OE forms. A trailing `*` stands for any ending.
    pub mnemonics: &'static [&'static str],
    /// What is left out.
    pub parts: &'static [Part],
    /// Only when this holds for the case, whose state is that before the instruction, and for what the peer made of it.
    pub when: fn(&Case, &Step, &Outcome) -> bool,
    /// Undefined, or the peer's mistake.
    pub class: Class,
    /// The ISA's words, and where they are.
    pub reason: &'static str,
}

impl Exception {
    /// Whether the row is about this mnemonic (with or without its `o` and `.`).
    pub fn matches(&self, mnemonic: &str) -> bool {
        let base = mnemonic.trim_end_matches('.');
        self.mnemonics
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => base.starts_with(prefix),
                None => *pattern == base || base.strip_suffix('o') == Some(*pattern),
            })
    }
}

/// All rows.
pub fn table() -> impl Iterator<Item = &'static Exception> {
    TABLE.iter()
}

/// Whether any row is about this mnemonic.
pub fn apply_to(mnemonic: &str) -> bool {
    table().any(|exception| exception.matches(mnemonic))
}

const HIGH_WORD: u64 = 0xffff_ffff_0000_0000;
const ALL: u64 = u64::MAX;
const ALL128: u128 = u128::MAX;
/// Doubleword 1.
const LOW_HALF: u128 = u64::MAX as u128;
const FPRF: u64 = 0x1_f000;
const FR: u64 = 0x4_0000;
const FI: u64 = 0x2_0000;

#[rustfmt::skip]
static TABLE: &[Exception] = &[
    // Fixed point
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
    // Floating point: scalar results in a VSR
    Exception {
        mnemonics: &["f*", "lfs", "lfsu", "lfsx", "lfsux", "lfd", "lfdu", "lfdx", "lfdux", "lfiwax", "lfiwzx"],
        parts: &[Part::TargetVsr(LOW_HALF)],
        when: always, class: Class::Undefined,
        reason: "Book I 7.2.1.1: doubleword 1 of the VSR whose doubleword 0 is a written FPR becomes undefined",
    },
    Exception {
        mnemonics: &["mffs*"],
        parts: &[Part::TargetVsr(LOW_HALF)],
        when: always, class: Class::Undefined,
        reason: "Book I 7.2.1.1: doubleword 1 of the VSR whose doubleword 0 is a written FPR becomes undefined",
    },
    Exception {
        mnemonics: &[
            "xsabsdp", "xsadddp", "xsaddsp", "xscpsgndp", "xscvdpsxds", "xscvdpsxws", "xscvdpuxds", "xscvdpuxws",
            "xscvspdp", "xscvspdpn", "xscvsxddp", "xscvsxdsp", "xscvuxddp", "xscvuxdsp", "xsdivdp", "xsdivsp",
            "xsmadd*", "xsmaxdp", "xsmaxcdp", "xsmaxjdp", "xsmindp", "xsmincdp", "xsminjdp", "xsmsub*", "xsmuldp",
            "xsmulsp", "xsnabsdp", "xsnegdp", "xsnmadd*dp", "xsnmadda*", "xsnmaddm*", "xsnmsuba*", "xsnmsubm*",
            "xsrdp*", "xsredp", "xsresp", "xsrsp", "xsrsqrtedp", "xsrsqrtesp", "xssqrtdp", "xssqrtsp", "xssubdp",
            "xssubsp", "xscmpeqdp", "xscmpgtdp", "xscmpgedp", "xsiexpdp", "xscvhpdp",
        ],
        parts: &[Part::TargetVsr(LOW_HALF)],
        when: always, class: Class::Undefined,
        reason: "Book I 7.6.3: a scalar VSX instruction leaves doubleword 1 of its target undefined",
    },
    Exception {
        mnemonics: &["lxsdx", "lxsspx", "lxsiwax", "lxsiwzx", "lxsd", "lxssp", "lxsibzx", "lxsihzx", "mtvsrd", "mtvsrwa", "mtvsrwz"],
        parts: &[Part::TargetVsr(LOW_HALF)],
        when: always, class: Class::Undefined,
        reason: "Book I 7.6.3: loads of and moves to a scalar leave doubleword 1 of the target undefined",
    },
    Exception {
        mnemonics: &["xscvdpsp", "xscvdpspn", "xscvdphp"],
        parts: &[Part::TargetVsr(LOW_HALF | 0xffff_ffff << 64)],
        when: always, class: Class::Undefined,
        reason: "Book I 7.6.3, xscvdpsp[n]: words 1, 2 and 3 of the target are undefined",
    },
    Exception {
        mnemonics: &["fctiw", "fctiwz", "fctiwu", "fctiwuz", "xscvdpsxws", "xscvdpuxws"],
        parts: &[Part::TargetVsr(0xffff_ffff << 96)],
        when: always, class: Class::Undefined,
        reason: "Book I 4.6.7 and 7.6.3: a conversion to a word leaves word 0 of the target undefined",
    },
    Exception {
        mnemonics: &["xvcvdpsp", "xvcvdpsxws", "xvcvdpuxws", "xvcvsxdsp", "xvcvuxdsp"],
        parts: &[Part::TargetVsr(0x0000_0000_ffff_ffff_0000_0000_ffff_ffff)],
        when: always, class: Class::Undefined,
        reason: "Book I 7.6.3: a conversion of doublewords to words leaves words 1 and 3 of the target undefined",
    },
    Exception {
        mnemonics: &["fctid*", "fctiw*", "xscvdpsxds", "xscvdpsxws", "xscvdpuxds", "xscvdpuxws", "xscvqps*", "xscvqpu*"],
        parts: &[Part::Fpscr(FPRF)],
        when: always, class: Class::Undefined,
        reason: "Book I 4.6.7 and 7.6.3: a conversion to an integer leaves FPRF undefined",
    },
    Exception {
        mnemonics: &["fre", "fres", "frsqrte", "frsqrtes", "xsredp", "xsresp", "xsrsqrtedp", "xsrsqrtesp"],
        parts: &[Part::TargetVsr(ALL128), Part::Fpscr(FPRF | FR | FI)],
        when: always, class: Class::Undefined,
        reason: "Book I 4.6.6 and 7.6.3: an estimate has a bounded relative error and no exact value; FR and FI are undefined",
    },
    Exception {
        mnemonics: &["xvredp", "xvresp", "xvrsqrtedp", "xvrsqrtesp", "vrefp", "vrsqrtefp", "vexptefp", "vlogefp"],
        parts: &[Part::TargetVsr(ALL128)],
        when: always, class: Class::Undefined,
        reason: "Book I 6.10 and 7.6.3: an estimate has a bounded relative error and no exact value",
    },
    Exception {
        mnemonics: &["f*", "xs*"],
        parts: &[Part::Fpscr(FR)],
        when: always, class: Class::Peer,
        reason: "Book I 4.2.2, FPSCR 45 (FR): set when rounding incremented the fraction; the peer never sets it",
    },
    // Vectors
    Exception {
        mnemonics: &["lvebx", "lvehx", "lvewx"],
        parts: &[Part::TargetVsrComputed(beside_the_loaded_element)],
        when: always, class: Class::Undefined,
        reason: "Book I 6.7.2, lve*x: elements that are not loaded are undefined",
    },
    Exception {
        mnemonics: &["vsl", "vsr"],
        parts: &[Part::TargetVsr(ALL128)],
        when: shift_counts_differ, class: Class::Undefined,
        reason: "Book I 6.9.3, vsl and vsr: the result is undefined unless all bytes of VRB have the same low three bits",
    },
    Exception {
        mnemonics: &["bcd*"],
        parts: &[Part::TargetVsr(ALL128)],
        when: an_operand_is_not_decimal, class: Class::Undefined,
        reason: "Book I 6.17: with an invalid operand CR6 is 0b0001 and VRT is undefined",
    },
    // What the peer does not do at all; our engines have tests of their own for these
    Exception {
        mnemonics: &["copy", "paste", "rfebb"],
        parts: &[Part::Everything],
        when: always, class: Class::Peer,
        reason: "Book II 4.4 and 5.2: user instructions of POWER9; the peer calls them illegal",
    },
    Exception {
        mnemonics: &["dcbf"],
        parts: &[Part::Everything],
        when: flushes_to_persistent_storage, class: Class::Peer,
        reason: "Book II 4.3.2 (version 3.1), dcbf L=4 and 6 (dcbfps, dcbstps): reserved L values act as dcbf before; the peer calls them illegal",
    },
];

fn always(_: &Case, _: &Step, _: &Outcome) -> bool {
    true
}

fn gpr(case: &Case, step: &Step, operand: &str) -> u64 {
    match operands::register(step.operands, operand, step.word) {
        Some(Register::Gpr(n)) => case.state.gpr[n],
        _ => 0,
    }
}

fn vsr(case: &Case, step: &Step, operand: &str) -> Option<u128> {
    match operands::register(step.operands, operand, step.word) {
        Some(Register::Vsr(n)) => Some(case.state.vsr[n]),
        _ => None,
    }
}

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

fn beside_the_loaded_element(case: &Case, step: &Step) -> u128 {
    let base = if field(step.word, 11, 5) == 0 {
        0
    } else {
        gpr(case, step, "ra")
    };
    let address = base.wrapping_add(gpr(case, step, "rb"));
    let size = match step.mnemonic {
        "lvebx" => 1,
        "lvehx" => 2,
        _ => 4,
    };
    // Little-endian: the byte at the lowest address is the least significant.
    let first = (address & 15 & !(size - 1)) as u32;
    let element = ((1u128 << (8 * size)) - 1) << (8 * first);
    !element
}

fn shift_counts_differ(case: &Case, step: &Step, _: &Outcome) -> bool {
    vsr(case, step, "vrb").is_some_and(|value| {
        let counts = value.to_le_bytes().map(|byte| byte & 7);
        counts.iter().any(|count| *count != counts[0])
    })
}

/// L=4 (dcbfps) or L=6 (dcbstps).
fn flushes_to_persistent_storage(_: &Case, step: &Step, _: &Outcome) -> bool {
    matches!(field(step.word, 8, 3), 4 | 6)
}

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
        "bcdcfz" => {
            vsr(case, step, "vrb").is_some_and(|v| v.to_le_bytes().iter().any(|byte| byte & 15 > 9))
        }
        "bcdcfn" => vsr(case, step, "vrb").is_some_and(|v| {
            (1..8).any(|i| !(0x30..=0x39).contains(&(v >> (16 * i) & 0xffff)))
                || !matches!(v & 0xffff, 0x2b | 0x2d)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    #[test]
    fn every_row_cites_the_isa() {
        for row in TABLE {
            assert!(row.reason.starts_with("Book "), "{}", row.reason);
            assert!(!row.mnemonics.is_empty() && !row.parts.is_empty());
        }
    }

    #[test]
    fn record_and_overflow_forms_share_the_rows_of_their_base() {
        assert!(apply_to("mulhw.") && apply_to("divwo.") && apply_to("divwo") && apply_to("fadd"));
        assert!(!apply_to("mulld") && !apply_to("add") && !apply_to("xvadddp"));
    }

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
        assert!(doubleword_quotient_does_not_fit(&case, &step, &Outcome::died(&case)));
        case.state.gpr[5] = 1;
        assert!(!doubleword_quotient_does_not_fit(&case, &step, &Outcome::died(&case)));
    }

    #[test]
    fn only_the_loaded_element_of_lvehx_is_compared() {
        let step = Step {
            mnemonic: "lvehx",
            word: 0x7c40_284e,
            operands: "vrt,ra,rb",
        };
        let mut case = Case::new(State::default(), vec![step]);
        case.state.gpr[5] = 0x4f83;
        assert_eq!(!beside_the_loaded_element(&case, &step), 0xffff << 16);
    }
}
