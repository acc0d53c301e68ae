//! Vector floating point: VSX and VMX.

use super::operand::*;
use super::{ALL128, Class, Exception, Part};
use crate::state::{Case, Outcome, Step};

#[rustfmt::skip]
pub(super) static ROWS: &[Exception] = &[
    Exception {
        mnemonics: &["xvredp", "xvresp", "xvrsqrtedp", "xvrsqrtesp", "vrefp", "vrsqrtefp", "vexptefp", "vlogefp"],
        parts: &[Part::TargetVsr(ALL128)],
        when: always, class: Class::Undefined,
        reason: "Book I 6.10 and 7.6.3: an estimate has a bounded relative error and no exact value",
    },
    Exception {
        mnemonics: &["xvredp", "xvresp", "xvrsqrtedp", "xvrsqrtesp"],
        parts: &[Part::Fpscr(fpscr::ZX | fpscr::UX | fpscr::FX)],
        when: always, class: Class::Peer,
        reason: "Book I 7.4.3, zero divide: raised by an estimate of a reciprocal of zero; the peer does not",
    },
    Exception {
        mnemonics: &["xvredp", "xvresp", "xvrsqrtedp", "xvrsqrtesp"],
        parts: &[Part::Everything],
        when: any_enabled, class: Class::Peer,
        reason: "Book I 7.4.3, zero divide: raised by an estimate of a reciprocal of zero; the peer does not",
    },
    Exception {
        mnemonics: &["xv*"],
        parts: &[Part::Fpscr(fpscr::FR | fpscr::FI)],
        when: always, class: Class::Peer,
        reason: "Book I 7.2.2: vector instructions leave FR, FI and FPRF; the peer clears FI",
    },
    Exception {
        mnemonics: &["xv*"],
        parts: &[Part::Fpscr(fpscr::FX)],
        when: recorded_before, class: Class::Peer,
        reason: "Book I 4.2.2, FPSCR 32 (FX): set by a change from 0 to 1 of an exception bit; the peer sets it without a change too",
    },
    Exception {
        mnemonics: &["xv*"],
        parts: &[Part::Fpscr(fpscr::UX)],
        when: some_element_overflows, class: Class::Peer,
        reason: "Book I 7.4.5, underflow: of any element; the peer forgets it where another overflows",
    },
    Exception {
        mnemonics: &["xv*"],
        parts: &[Part::TargetVsr(ALL128)],
        when: trapped, class: Class::Peer,
        reason: "Book I 7.4: an enabled exception of any element leaves the target of a vector instruction; the peer writes it",
    },
    Exception {
        mnemonics: &["xv*"],
        parts: &[Part::Fpscr(fpscr::STICKY)],
        when: trapped, class: Class::Peer,
        reason: "Book I 7.4: the exceptions of all elements are recorded; the peer stops at the first that is enabled",
    },
    Exception {
        mnemonics: &["xv*"],
        parts: &[Part::Everything],
        when: an_enabled_underflow_may_be_forgotten, class: Class::Peer,
        reason: "Book I 7.4.5, underflow: of any element; the peer forgets it where another overflows",
    },
    Exception {
        mnemonics: &["xvcmp*"],
        parts: &[Part::Everything],
        when: invalid_operation_is_enabled, class: Class::Peer,
        reason: "Book I 7.6.3, xvcmpgedp: an enabled VXVC or VXSNAN interrupts and leaves the target; the peer goes on with a quiet NaN",
    },
    Exception {
        mnemonics: &["xvmadd*", "xvmsub*", "xvnmadd*", "xvnmsub*"],
        parts: &[Part::Fpscr(fpscr::VXSNAN)],
        when: infinity_times_zero, class: Class::Peer,
        reason: "Book I 7.6.3, xvmadd: a signalling addend is VXSNAN beside VXIMZ of the product; the peer reports VXIMZ alone",
    },
    Exception {
        mnemonics: &["xvnm*"],
        parts: &[Part::Everything],
        when: rounds_toward_infinity, class: Class::Peer,
        reason: "Book I 7.6.3, xvnmadd: the rounded result is negated; the peer negates and then rounds",
    },
    Exception {
        mnemonics: &["xvmax*", "xvmin*"],
        parts: &[Part::Fpscr(fpscr::UX | fpscr::FX)],
        when: always, class: Class::Peer,
        reason: "Book I 7.6.3, xvmaxdp: VXSNAN is its only exception; the peer reports underflow too",
    },
    Exception {
        mnemonics: &["xvmax*", "xvmin*"],
        parts: &[Part::Everything],
        when: underflow_is_enabled, class: Class::Peer,
        reason: "Book I 7.6.3, xvmaxdp: VXSNAN is its only exception; the peer interrupts for underflow",
    },
    Exception {
        mnemonics: &["xvcvdps*", "xvcvdpu*", "xvcvsps*", "xvcvspu*"],
        parts: &[Part::TargetVsr(ALL128)],
        when: some_conversion_is_invalid, class: Class::Peer,
        reason: "Book I 7.6.3, xvcv* to integers: each element by itself; the peer takes those after an invalid one for NaNs",
    },
    Exception {
        mnemonics: &["xvcvsxdsp", "xvcvuxdsp"],
        parts: &[Part::Fpscr(fpscr::XX | fpscr::FX)],
        when: always, class: Class::Peer,
        reason: "Book I 7.6.3, xvcvsxdsp: XX is 1 for an inexact element; the peer remembers one of an earlier instruction",
    },
    Exception {
        mnemonics: &["xvcvsxdsp", "xvcvuxdsp"],
        parts: &[Part::Everything],
        when: inexact_is_enabled, class: Class::Peer,
        reason: "Book I 7.6.3, xvcvsxdsp: XX is 1 for an inexact element; the peer remembers one of an earlier instruction",
    },
];

fn any_enabled(case: &Case, _: &Step, _: &Outcome) -> bool {
    has(case, fpscr::ENABLES)
}

fn inexact_is_enabled(case: &Case, _: &Step, _: &Outcome) -> bool {
    has(case, fpscr::XE)
}

fn some_element_overflows(_: &Case, _: &Step, peer: &Outcome) -> bool {
    peer.state.fpscr & fpscr::OX != 0
}

fn an_enabled_underflow_may_be_forgotten(case: &Case, _: &Step, peer: &Outcome) -> bool {
    has(case, fpscr::UE) && peer.state.fpscr & fpscr::OX != 0
}

fn invalid_operation_is_enabled(case: &Case, _: &Step, _: &Outcome) -> bool {
    has(case, fpscr::VE)
}

fn some_conversion_is_invalid(_: &Case, _: &Step, peer: &Outcome) -> bool {
    peer.state.fpscr & fpscr::VXCVI != 0
}
