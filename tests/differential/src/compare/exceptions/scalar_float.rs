//! Scalar floating point: FPRs, VSX scalars, quad precision, FPSCR.

use super::operand::*;
use super::{ALL128, Class, Exception, Part};
use crate::operands::field;
use crate::state::{Case, Outcome, Step};

#[rustfmt::skip]
pub(super) static ROWS: &[Exception] = &[
    // What the ISA leaves open
    Exception {
        mnemonics: &["fctid*", "fctiw*", "xscvdpsxds", "xscvdpsxws", "xscvdpuxds", "xscvdpuxws", "xscvqps*", "xscvqpu*"],
        parts: &[Part::Fpscr(fpscr::FPRF)],
        when: always, class: Class::Undefined,
        reason: "Book I 4.6.7 and 7.6.3: a conversion to an integer leaves FPRF undefined",
    },
    Exception {
        mnemonics: &["fre", "fres", "frsqrte", "frsqrtes", "xsredp", "xsresp", "xsrsqrtedp", "xsrsqrtesp"],
        parts: &[Part::TargetVsr(ALL128), Part::Fpscr(fpscr::FPRF | fpscr::FR | fpscr::FI)],
        when: always, class: Class::Undefined,
        reason: "Book I 4.6.6 and 7.6.3: an estimate has a bounded relative error and no exact value; FR and FI are undefined",
    },
    Exception {
        mnemonics: &["fre", "fres", "frsqrte", "frsqrtes", "xsredp", "xsresp", "xsrsqrtedp", "xsrsqrtesp"],
        parts: &[Part::Fpscr(fpscr::XX)],
        when: trapped, class: Class::Undefined,
        reason: "Book I 4.6.6: whether an estimate is inexact is as open as its value",
    },
    Exception {
        mnemonics: &["xsrqpi", "xsrqpix", "xsrqpxp"],
        parts: &[Part::Everything],
        when: rounding_mode_is_not_direct, class: Class::Peer,
        reason: "Book I 7.6.3, xsrqpi and xsrqpxp: R=0 with RMC=3 is RN, with 1 and 2 reserved; the peer reads RN as RMC's numbering",
    },
    Exception {
        mnemonics: &["fctiw", "fctiwz", "fctiwu", "fctiwuz"],
        parts: &[Part::TargetVsr(0xffff_ffff << 96)],
        when: always, class: Class::Undefined,
        reason: "Book I 4.6.7, fctiw: bits 0:31 of FRT are undefined",
    },
    Exception {
        mnemonics: &["lxsdx", "lxsspx", "lxsiwax", "lxsiwzx", "lxsibzx", "lxsihzx", "mtvsrd", "mtvsrwa", "mtvsrwz"],
        parts: &[Part::TargetVsr(u64::MAX as u128)],
        when: always, class: Class::Undefined,
        reason: "Book I 7.6.3: loads of and moves to a scalar leave doubleword 1 of the target undefined; POWER9 clears it, the peer keeps it",
    },
    // What the peer does otherwise
    Exception {
        mnemonics: &["f*", "xs*"],
        parts: &[Part::Fpscr(fpscr::FR)],
        when: always, class: Class::Peer,
        reason: "Book I 4.2.2, FPSCR 45 (FR): set when rounding incremented the fraction; the peer never sets it",
    },
    Exception {
        mnemonics: &["f*", "xs*"],
        parts: &[Part::Fpscr(fpscr::FX)],
        when: recorded_before, class: Class::Peer,
        reason: "Book I 4.2.2, FPSCR 32 (FX): set by a change from 0 to 1 of an exception bit; the peer sets it without a change too",
    },
    Exception {
        mnemonics: &["mtfsb1"],
        parts: &[Part::Fpscr(fpscr::FX)],
        when: always, class: Class::Peer,
        reason: "Book I 4.2.2, FPSCR 32 (FX): set by mtfsb1 too where it sets an exception bit; the peer's does not",
    },
    Exception {
        mnemonics: &["f*", "xs*"],
        parts: &[Part::Fpscr(fpscr::FI), Part::Cr1],
        when: trapped, class: Class::Peer,
        reason: "Book I 4.4.1: an enabled invalid operation clears FI, and Rc=1 copies FPSCR to CR1; the peer interrupts before both",
    },
    Exception {
        mnemonics: &["fcfid*", "frsp", "xsrsp", "xsrqpi*", "xsrqpxp", "xscvdphp", "xscvdpsp"],
        parts: &[Part::TargetVsr(ALL128), Part::Fpscr(fpscr::FPRF)],
        when: trapped, class: Class::Peer,
        reason: "Book I 4.4.3 to 4.4.5: an enabled overflow, underflow or inexact delivers the rounded result; the peer delivers none or another exponent",
    },
    Exception {
        mnemonics: &["xscmpgedp", "xscmpgtdp"],
        parts: &[Part::TargetVsr(ALL128)],
        when: trapped, class: Class::Peer,
        reason: "Book I 7.6.3, xscmpgedp: an enabled VXVC leaves the target; the peer writes it",
    },
    Exception {
        mnemonics: &["xsmsubqp", "xsnmsubqp", "xsmaddqp", "xsnmaddqp"],
        parts: &[Part::TargetVsr(ALL128), Part::Fpscr(fpscr::FPRF)],
        when: rounds_to_odd, class: Class::Peer,
        reason: "Book I 7.6.3, xsnmsubqpo: rounds to odd; the peer does so for some of the four only",
    },
    Exception {
        mnemonics: &["fmadd*", "fmsub*", "fnmadd*", "fnmsub*", "xsmadd*", "xsmsub*", "xsnmadd*", "xsnmsub*"],
        parts: &[Part::Fpscr(fpscr::VXSNAN)],
        when: infinity_times_zero, class: Class::Peer,
        reason: "Book I 7.6.3, xsmadd: a signalling addend is VXSNAN beside VXIMZ of the product; the peer reports VXIMZ alone",
    },
    Exception {
        mnemonics: &["mtfsb1"],
        parts: &[Part::Fpscr(fpscr::NI)],
        when: sets_ni, class: Class::Peer,
        reason: "Book I 4.2.2, FPSCR 61 (NI): can be set; the peer's mtfsb1 does not",
    },
    Exception {
        mnemonics: &["fadds", "fsubs", "fmuls", "fdivs", "fmadds", "fmsubs", "fnmadds", "fnmsubs", "fsqrts", "frsp", "fcfids", "fcfidus",
            "xsaddsp", "xssubsp", "xsmulsp", "xsdivsp", "xsmadd*", "xsmsub*", "xsnmadd*", "xsnmsub*", "xssqrtsp", "xsrsp"],
        parts: &[Part::Fpscr(fpscr::FPRF)],
        when: result_is_a_denormal_single, class: Class::Peer,
        reason: "Book I 4.2.2, FPRF: the class of the result in its own format; the peer looks at the double that holds it",
    },
    Exception {
        mnemonics: &["fcfids", "fcfidus", "xscvsxdsp", "xscvuxdsp"],
        parts: &[Part::TargetVsr(ALL128), Part::Fpscr(fpscr::FPRF)],
        when: integer_is_no_double, class: Class::Peer,
        reason: "Book I 7.6.3, xscvuxdsp: the integer is rounded to single precision; the peer rounds to double first",
    },
    Exception {
        mnemonics: &["fcmpo", "xscmpo*"],
        parts: &[Part::Fpscr(fpscr::VXVC)],
        when: enabled_signalling_nan, class: Class::Peer,
        reason: "Book I 4.6.8, fcmpo: VXVC beside VXSNAN only where VE=0; the peer sets both",
    },
    Exception {
        mnemonics: &["xsmaxjdp", "xsminjdp"],
        parts: &[Part::Everything],
        when: first_is_quiet_nan, class: Class::Peer,
        reason: "Book I 7.6.3, xsmaxjdp: VXSNAN if either operand is a signalling NaN; the peer does not look at the second if the first is a NaN",
    },
    Exception {
        mnemonics: &["fcfid*"],
        parts: &[Part::Fpscr(fpscr::FPRF)],
        when: always, class: Class::Peer,
        reason: "Book I 4.6.7, fcfid*: FPRF is set to the class of the result; the peer leaves it",
    },
    Exception {
        mnemonics: &["fcmp*", "xscmp*"],
        parts: &[Part::Fpscr(fpscr::FI | fpscr::C)],
        when: always, class: Class::Peer,
        reason: "Book I 4.6.8, fcmpu: alters FPCC and exceptions only; the peer clears FI, and sets C with VXVC",
    },
    Exception {
        mnemonics: &["fnm*", "xsnm*"],
        parts: &[Part::Everything],
        when: rounds_toward_infinity, class: Class::Peer,
        reason: "Book I 4.6.6.1, fnmadd: the rounded result is negated; the peer negates and then rounds",
    },
    Exception {
        mnemonics: &["xsmaxdp", "xsmindp"],
        parts: &[Part::Fpscr(fpscr::UX | fpscr::FX)],
        when: always, class: Class::Peer,
        reason: "Book I 7.6.3, xsmaxdp: VXSNAN is its only exception; the peer reports underflow too",
    },
    Exception {
        mnemonics: &["xsmaxdp", "xsmindp"],
        parts: &[Part::Everything],
        when: underflow_is_enabled, class: Class::Peer,
        reason: "Book I 7.6.3, xsmaxdp: VXSNAN is its only exception; the peer interrupts for underflow",
    },
    Exception {
        mnemonics: &["xsmaxcdp", "xsmincdp"],
        parts: &[Part::TargetVsr(ALL128)],
        when: operands_are_zeros, class: Class::Peer,
        reason: "Book I 7.6.3, xsmaxcdp: (x>y)?x:y, so the second of two zeros; the peer takes the first",
    },
    Exception {
        mnemonics: &["fre", "fres", "frsqrte", "frsqrtes", "xsredp", "xsresp", "xsrsqrtedp", "xsrsqrtesp"],
        parts: &[Part::Everything],
        when: estimate_of_zero, class: Class::Peer,
        reason: "Book I 4.4.2, zero divide: raised by an estimate of a reciprocal of zero; the peer does not",
    },
    Exception {
        mnemonics: &["xststdcsp"],
        parts: &[Part::TargetCrField(0b0010), Part::Fpscr(fpscr::FPRF)],
        when: operand_is_tiny_for_single, class: Class::Peer,
        reason: "Book I 7.6.3, xststdcsp: a denormal single matches DCMX bit 5 or 6 by its sign; the peer's matches always",
    },
    Exception {
        mnemonics: &["fadds", "fsubs", "fmuls", "fdivs", "fmadds", "fmsubs", "fnmadds", "fnmsubs", "fsqrts",
            "xsaddsp", "xssubsp", "xsmulsp", "xsdivsp", "xsmadd*", "xsmsub*", "xsnmadd*", "xsnmsub*", "xssqrtsp"],
        parts: &[Part::TargetVsr(ALL128), Part::Fpscr(fpscr::UX | fpscr::XX | fpscr::FX | fpscr::FI | fpscr::FPRF)],
        when: an_operand_is_no_single, class: Class::Undefined,
        reason: "Book I 4.3.5.1: operands of single-precision arithmetic must be singles; the peer rounds to double first",
    },
    Exception {
        mnemonics: &["fadds", "fsubs", "fmuls", "fdivs", "fmadds", "fmsubs", "fnmadds", "fnmsubs", "fsqrts",
            "xsaddsp", "xssubsp", "xsmulsp", "xsdivsp", "xsmadd*", "xsmsub*", "xsnmadd*", "xsnmsub*", "xssqrtsp"],
        parts: &[Part::Everything],
        when: an_operand_is_no_single_and_exceptions_are_enabled, class: Class::Undefined,
        reason: "Book I 4.3.5.1: operands of single-precision arithmetic must be singles; the peer rounds to double first",
    },
];

/// R=0 and RMC other than 0.
fn rounding_mode_is_not_direct(_: &Case, step: &Step, _: &Outcome) -> bool {
    field(step.word, 15, 1) == 0 && field(step.word, 21, 2) != 0
}

/// RO=1.
fn rounds_to_odd(_: &Case, step: &Step, _: &Outcome) -> bool {
    step.word & 1 == 1
}

fn sets_ni(_: &Case, step: &Step, _: &Outcome) -> bool {
    field(step.word, 6, 5) == 29
}

/// Doubleword 0 of an operand.
fn double(case: &Case, step: &Step, operand: &str) -> Option<u64> {
    vsr(case, step, operand).map(|value| (value >> 64) as u64)
}

fn biased_exponent(double: u64) -> u64 {
    double >> 52 & 0x7ff
}

/// Not zero, and less than the smallest normal single.
fn is_tiny_for_single(double: u64) -> bool {
    double << 1 != 0 && biased_exponent(double) < 0x381
}

fn result_is_a_denormal_single(_: &Case, step: &Step, peer: &Outcome) -> bool {
    match crate::operands::target(step.operands, step.word) {
        Some(crate::operands::Register::Vsr(n)) => {
            is_tiny_for_single((peer.state.vsr[n] >> 64) as u64)
        }
        _ => false,
    }
}

fn operand_is_tiny_for_single(case: &Case, step: &Step, _: &Outcome) -> bool {
    double(case, step, "xb").is_some_and(is_tiny_for_single)
}

fn operands_are_zeros(case: &Case, step: &Step, _: &Outcome) -> bool {
    ["xa", "xb"]
        .iter()
        .all(|operand| double(case, step, operand).is_some_and(|value| value << 1 == 0))
}

fn estimate_of_zero(case: &Case, step: &Step, _: &Outcome) -> bool {
    ["frb", "xb"]
        .iter()
        .any(|operand| double(case, step, operand).is_some_and(|value| value << 1 == 0))
}

/// More significant bits than a double has.
fn integer_is_no_double(case: &Case, step: &Step, _: &Outcome) -> bool {
    ["frb", "xb"]
        .iter()
        .filter_map(|operand| double(case, step, operand))
        .any(|value| {
            let magnitude = if step.mnemonic.contains('u') {
                value
            } else {
                (value as i64).unsigned_abs()
            };
            magnitude != 0 && 64 - magnitude.leading_zeros() - magnitude.trailing_zeros() > 53
        })
}

fn enabled_signalling_nan(case: &Case, _: &Step, peer: &Outcome) -> bool {
    has(case, fpscr::VE) && peer.state.fpscr & fpscr::VXSNAN != 0
}

fn first_is_quiet_nan(case: &Case, step: &Step, _: &Outcome) -> bool {
    double(case, step, "xa").is_some_and(|value| value << 1 >= 0x7ff8 << 49)
}

fn an_operand_is_no_single_and_exceptions_are_enabled(
    case: &Case,
    step: &Step,
    peer: &Outcome,
) -> bool {
    has(case, fpscr::ENABLES) && an_operand_is_no_single(case, step, peer)
}

fn is_single(double: u64) -> bool {
    match biased_exponent(double) {
        0 => double << 1 == 0,
        0x7ff => double & 0x1fff_ffff == 0,
        exponent if exponent > 0x47e => false,
        exponent if exponent >= 0x381 => double & 0x1fff_ffff == 0,
        // A denormal single: the smaller, the fewer bits.
        exponent if exponent >= 0x36a => {
            double.trailing_zeros().min(52) as u64 >= 29 + 0x381 - exponent
        }
        _ => false,
    }
}

/// Of those that are multiplied, added or whatever; xt is the addend of the VSX forms.
fn an_operand_is_no_single(case: &Case, step: &Step, _: &Outcome) -> bool {
    step.mnemonic.trim_end_matches('.').ends_with(['s', 'p'])
        && !step.mnemonic.ends_with("dp")
        && !step.mnemonic.ends_with("qp")
        && ["fra", "frb", "frc", "xa", "xb", "xt"]
            .iter()
            .any(|operand| double(case, step, operand).is_some_and(|value| !is_single(value)))
}
