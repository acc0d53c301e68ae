//! VMX: integer, permutes, loads, VSCR.

use super::operand::*;
use super::{ALL, ALL128, Class, Exception, Part};
use crate::operands::field;
use crate::state::{Case, Outcome, Step};

#[rustfmt::skip]
pub(super) static ROWS: &[Exception] = &[
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
        mnemonics: &["vrldmi"],
        parts: &[Part::TargetVsr(ALL128)],
        when: always, class: Class::Peer,
        reason: "Book I 6.9.3, vrldmi: bits outside the mask keep the target's; the peer takes them from elsewhere",
    },
    Exception {
        mnemonics: &["vextractuh", "vextractuw", "vextractd", "vinserth", "vinsertw", "vinsertd"],
        parts: &[Part::TargetVsr(ALL128)],
        when: immediate_reaches_past_the_register, class: Class::Undefined,
        reason: "Book I 6.8.5 and 6.8.6: UIM beyond the last place for such an element leaves the result undefined",
    },
    Exception {
        mnemonics: &["vextuhlx", "vextuhrx", "vextuwlx", "vextuwrx"],
        parts: &[Part::TargetGpr(ALL)],
        when: index_reaches_past_the_register, class: Class::Undefined,
        reason: "Book I 6.8.5, vextu*: an index beyond the last place for such an element leaves RT undefined",
    },
    Exception {
        mnemonics: &["mtvscr"],
        parts: &[Part::Vscr(!0x0001_0001)],
        when: always, class: Class::Undefined,
        reason: "Book I 6.3.2, VSCR: reserved bits may be kept (the peer) or not (here)",
    },
];

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

/// Bytes of the element that a vextract, vinsert or vextu works on.
fn element_size(mnemonic: &str) -> usize {
    match mnemonic
        .trim_end_matches("lx")
        .trim_end_matches("rx")
        .chars()
        .last()
    {
        Some('d') => 8,
        Some('w') => 4,
        Some('h') => 2,
        _ => 1,
    }
}

fn immediate_reaches_past_the_register(_: &Case, step: &Step, _: &Outcome) -> bool {
    field(step.word, 12, 4) + element_size(step.mnemonic) > 16
}

fn index_reaches_past_the_register(case: &Case, step: &Step, _: &Outcome) -> bool {
    (gpr(case, step, "ra") & 15) as usize + element_size(step.mnemonic) > 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

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
