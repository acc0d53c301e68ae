//! The instruction word: random, then bent into a valid form whose addresses and branch targets stay in the test's reach.

use super::classify::{self, Addressing};
use super::{Random, Template};
use crate::layout::{CODE_BASE, CODE_WORDS, MEMORY_BASE, MEMORY_SIZE, PADS_BASE, PADS_SIZE};
use crate::operands::{field, has, names, with_field};
use crate::state::Case;

/// The longest access whose address this module has to place; cache-block instructions stay within their block anyway.
const LONGEST_ACCESS: u32 = 32;

/// Where in the sequence an instruction stands.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub index: usize,
    pub count: usize,
}

impl Slot {
    fn alone(self) -> bool {
        self.count == 1
    }
}

/// A word for the template; sets in `case` the registers that the word's addresses and targets need.
pub(super) fn word(random: &mut Random, template: &Template, slot: Slot, case: &mut Case) -> u32 {
    let free = !template.mask & !template.reserved;
    let mut word = template.value | random.u32() & free;
    // Aliasing of target and sources is rare among 32 registers: sometimes choose among four.
    if random.chance(25) {
        for first in [6, 11, 16, 21] {
            if is_register_field(template, first) && field(template.mask, first, 5) == 0 {
                word = with_field(word, first, 5, random.below(4));
            }
        }
    }
    if !slot.alone() {
        word = keep_to_low_registers(template, word);
    }
    if let Some(addressing) = classify::addressing(template.mnemonic, template.operands) {
        word = valid_target(random, template, word);
        word = place(random, template, addressing, slot, word, case);
    }
    word = special_fields(random, template, word);
    branch(random, template, slot, word, case)
}

/// Whether the five bits from `first` on are a register operand of the template.
fn is_register_field(template: &Template, first: u32) -> bool {
    names(template.operands).any(|name| match name {
        "rt" | "rs" | "frt" | "frs" | "vrt" | "vrs" | "xt" | "xs" | "xtdq" | "xsdq" => first == 6,
        "ra" | "ra0" | "fra" | "vra" | "xa" => first == 11,
        "rb" | "frb" | "vrb" | "xb" => first == 16,
        "rc" | "frc" | "vrc" | "xc" => first == 21,
        _ => false,
    })
}

/// GPRs from 16 on belong to addresses.
fn keep_to_low_registers(template: &Template, word: u32) -> u32 {
    names(template.operands).fold(word, |word, name| match name {
        "rt" | "rs" => with_field(word, 6, 1, 0),
        "ra" | "ra0" => with_field(word, 11, 1, 0),
        "rb" => with_field(word, 16, 1, 0),
        "rc" => with_field(word, 21, 1, 0),
        _ => word,
    })
}

/// Registers that a load or store transfers: even for pairs, no wrap into the base for multiples.
fn valid_target(random: &mut Random, template: &Template, word: u32) -> u32 {
    let name = template.mnemonic.trim_end_matches('.');
    if classify::is_pair(name) {
        return with_field(word, 10, 1, 0);
    }
    match name {
        "lmw" | "stmw" => with_field(word, 6, 5, 24 + random.below(8)),
        "lswi" | "lswx" => with_field(word, 6, 5, 8),
        "ldat" | "lwat" => {
            let fetching = [0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 24, 25, 28];
            with_field(word, 16, 5, random.pick(&fetching))
        }
        "stdat" | "stwat" => with_field(word, 16, 5, random.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 24])),
        _ => word,
    }
}

/// Chooses base, index and displacement so that the effective address falls into the window.
fn place(
    random: &mut Random,
    template: &Template,
    addressing: Addressing,
    slot: Slot,
    word: u32,
    case: &mut Case,
) -> u32 {
    let name = template.mnemonic.trim_end_matches('.');
    let address = address(random, name);
    let loads_gpr = has(template.operands, "rt");
    let target = field(word, 6, 5);
    // RA=0 means a zero base; it is an invalid form where RA is written.
    let writes_base = classify::updates(name);
    let multiple = name == "lmw" || name.starts_with("lsw");
    let base_may_be_zero = slot.alone() && !writes_base && !name.ends_with("at") && name != "lmw";
    let is_pair = classify::is_pair(name);
    let clashes = |n: usize| {
        loads_gpr
            && ((writes_base && n == target)
                || (is_pair && (n | 1) == (target | 1))
                || (multiple && n >= target))
    };
    let any_base = |random: &mut Random| loop {
        let low = 1 - u32::from(base_may_be_zero && random.chance(30));
        let n = low + random.below(32 - low);
        if !clashes(n as usize) {
            return n;
        }
    };
    let base = if slot.alone() {
        any_base(random)
    } else {
        16 + 2 * slot.index as u32
    };
    let word = with_field(word, 11, 5, base);
    let base = base as usize;
    match addressing {
        Addressing::Base => {
            if base != 0 {
                case.state.gpr[base] = address;
            }
            prefer_short_length(random, name, word, base, case);
            word
        }
        Addressing::Displacement { unit } => {
            let unit_bits = unit.trailing_zeros();
            if base == 0 {
                // The window lies below 0x8000, within reach of a displacement alone.
                return with_field(word, 16, 16 - unit_bits, address as u32 >> unit_bits);
            }
            let displacement = (word as i16 as i64) & !i64::from(unit - 1);
            case.state.gpr[base] = address.wrapping_sub(displacement as u64);
            word
        }
        Addressing::Indexed => {
            let index = if slot.alone() {
                loop {
                    let n = random.below(32) as usize;
                    // The same register twice works when the address is even.
                    let odd_twice = n == base && base != 0 && address % 2 == 1;
                    let overlaps =
                        (loads_gpr && is_pair && n | 1 == target | 1) || (multiple && n >= target);
                    if !odd_twice && !overlaps {
                        break n;
                    }
                }
            } else {
                17 + 2 * slot.index
            };
            if index == base && base != 0 {
                case.state.gpr[base] = address / 2;
            } else if base == 0 {
                case.state.gpr[index] = address;
            } else {
                case.state.gpr[base] = address.wrapping_sub(case.state.gpr[index]);
            }
            with_field(word, 16, 5, index as u32)
        }
    }
}

/// An address in the window: aligned more often than not, often at the page boundary in its middle.
fn address(random: &mut Random, name: &str) -> u64 {
    let last = MEMORY_SIZE as u32 - LONGEST_ACCESS;
    let offset = match random.below(4) {
        0 => MEMORY_SIZE as u32 / 2 - random.below(LONGEST_ACCESS),
        _ => random.below(last + 1),
    };
    let alignment = match random.below(4) {
        _ if classify::wants_alignment(name) && !random.chance(10) => 16,
        0 => 1,
        1 => 4,
        2 => 8,
        _ => 16,
    };
    MEMORY_BASE + u64::from(offset & !(alignment - 1))
}

/// `lxvl` takes its length from the top byte of RB, mostly 0 to 16 for the test to mean something.
fn prefer_short_length(random: &mut Random, name: &str, word: u32, base: usize, case: &mut Case) {
    let length = field(word, 16, 5);
    if name.contains("xvl") && length != base && random.chance(80) {
        let low = case.state.gpr[length] & (u64::MAX >> 8);
        case.state.gpr[length] = low | u64::from(random.below(18)) << 56;
    }
}

/// Fields in which most values are invalid forms.
fn special_fields(random: &mut Random, template: &Template, word: u32) -> u32 {
    match template.mnemonic {
        "mtocrf" | "mfocrf" => with_field(word, 12, 8, 1 << random.below(8)),
        // L: the other values are reserved.
        "dcbf" if field(template.mask, 8, 3) == 0 => {
            with_field(word, 8, 3, random.pick(&[0, 1, 3, 4, 6]))
        }
        // TB and TBU.
        "mftb" => {
            let number = random.pick(&[268u32, 269]);
            with_field(word, 11, 10, (number & 31) << 5 | number >> 5)
        }
        // The fourth value is reserved.
        "sync" => with_field(word, 8, 3, random.below(3)),
        // RA=0 is an invalid form.
        "dst" | "dstst" if field(word, 11, 5) == 0 => with_field(word, 11, 5, 1),
        "mfspr" | "mtspr" if template.mask & 0x001f_f800 == 0 => {
            // XER, LR, CTR, VRSAVE, TAR; the halves of the number are swapped in the word.
            let number = random.pick(&[1u32, 8, 9, 256, 815]);
            with_field(word, 11, 10, (number & 31) << 5 | number >> 5)
        }
        _ => word,
    }
}

/// Branches: a valid BO, and targets that are landing pads or steps further on.
fn branch(
    random: &mut Random,
    template: &Template,
    slot: Slot,
    mut word: u32,
    case: &mut Case,
) -> u32 {
    let at = CODE_BASE + 4 * slot.index as u64;
    if has(template.operands, "bo") {
        // Unconditional, CR and CTR forms with z bits 0 and every valid hint. bcctr must not decrement.
        const PLAIN: [u32; 7] = [
            0b00100, 0b00110, 0b00111, 0b01100, 0b01110, 0b01111, 0b10100,
        ];
        const COUNTING: [u32; 10] = [
            0, 0b00010, 0b01000, 0b01010, 0b10000, 0b11000, 0b11001, 0b10010, 0b11010, 0b11011,
        ];
        let counts = template.mnemonic.trim_end_matches('l') != "bcctr" && random.chance(50);
        let options = if counts {
            random.pick(&COUNTING)
        } else {
            random.pick(&PLAIN)
        };
        word = with_field(word, 6, 5, options);
        if random.chance(50) {
            case.state.ctr = random.pick(&[0, 1, 2, 1 << 32, (1 << 32) + 1]);
        }
    }
    let relative = |random: &mut Random, absolute: bool| {
        let target = target(random, slot);
        if absolute {
            target
        } else {
            target.wrapping_sub(at)
        }
    };
    if has(template.operands, "bd") {
        let target = relative(random, word & 2 != 0);
        word = with_field(word, 16, 14, (target >> 2) as u32);
    }
    if has(template.operands, "li") {
        let target = relative(random, word & 2 != 0);
        word = with_field(word, 6, 24, (target >> 2) as u32);
    }
    let low_bits = u64::from(random.below(4)); // ignored by the branch
    match template.mnemonic.trim_end_matches('l') {
        "bclr" => case.state.lr = target(random, slot) | low_bits,
        "bcctr" => case.state.ctr = target(random, slot) | low_bits,
        "bctar" => case.state.tar = target(random, slot) | low_bits,
        _ => {}
    }
    word
}

/// A landing pad or, in a sequence, a later step: never a step that has run, so that every case ends.
fn target(random: &mut Random, slot: Slot) -> u64 {
    let later = slot.count - slot.index;
    if later > 1 && random.chance(50) {
        return CODE_BASE + 4 * (slot.index as u64 + 1 + u64::from(random.below(later as u32)));
    }
    let code = CODE_BASE..CODE_BASE + 4 * (CODE_WORDS as u64 + 1);
    loop {
        // Near the code or anywhere on the pads
        let span = random.pick(&[0x80, PADS_SIZE as u32 / 2]);
        let pad = CODE_BASE - u64::from(span) + 4 * u64::from(random.below(span / 2));
        if (PADS_BASE..PADS_BASE + PADS_SIZE).contains(&pad) && !code.contains(&pad) {
            return pad;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Generator;
    use super::*;

    fn effective_address(case: &Case, word: u32, indexed: bool) -> u64 {
        let ra = field(word, 11, 5);
        let base = if ra == 0 { 0 } else { case.state.gpr[ra] };
        let rest = if indexed {
            case.state.gpr[field(word, 16, 5)]
        } else {
            word as i16 as i64 as u64
        };
        base.wrapping_add(rest)
    }

    fn in_window(address: u64) -> bool {
        (MEMORY_BASE..=MEMORY_BASE + MEMORY_SIZE as u64 - u64::from(LONGEST_ACCESS))
            .contains(&address)
    }

    #[test]
    fn every_address_falls_into_the_window() {
        let lwz = Template {
            mnemonic: "lwz",
            mask: 0xfc00_0000,
            value: 0x8000_0000,
            reserved: 0,
            operands: "rt,d(ra)",
        };
        let lwzux = Template {
            mnemonic: "lwzux",
            mask: 0xfc00_07ff,
            value: 0x7c00_006e,
            reserved: 0,
            operands: "rt,ra,rb",
        };
        let mut generator = Generator::new(7);
        let mut unaligned = 0;
        for _ in 0..5000 {
            let case = generator.case(&lwz);
            let address = effective_address(&case, case.code[0].word, false);
            assert!(in_window(address), "{address:#x} {:08x}", case.code[0].word);
            unaligned += u32::from(!address.is_multiple_of(4));
            let case = generator.case(&lwzux);
            let word = case.code[0].word;
            assert!(
                in_window(effective_address(&case, word, true)),
                "{word:08x}"
            );
            assert!(
                field(word, 11, 5) != 0 && field(word, 11, 5) != field(word, 6, 5),
                "invalid form {word:08x}"
            );
        }
        assert!(unaligned > 300);
    }

    #[test]
    fn addresses_of_a_sequence_do_not_disturb_each_other() {
        let store = Template {
            mnemonic: "stwx",
            mask: 0xfc00_07fe,
            value: 0x7c00_012e,
            reserved: 1,
            operands: "rs,ra,rb",
        };
        let add = Template {
            mnemonic: "add",
            mask: 0xfc00_03fe,
            value: 0x7c00_0214,
            reserved: 0,
            operands: "rt,ra,rb",
        };
        let mut generator = Generator::new(8);
        for _ in 0..500 {
            let case = generator.sequence(&[add, store, add, store, add, store, add, store]);
            for step in case.code.iter().filter(|step| step.mnemonic == "stwx") {
                assert!(in_window(effective_address(&case, step.word, true)));
            }
            assert!(
                case.code
                    .iter()
                    .filter(|s| s.mnemonic == "add")
                    .all(|s| field(s.word, 6, 5) < 16)
            );
        }
    }

    #[test]
    fn branches_go_to_pads_or_forward() {
        let bc = Template {
            mnemonic: "bc",
            mask: 0xfc00_0000,
            value: 0x4000_0000,
            reserved: 0,
            operands: "bo,bi,bd",
        };
        let mut generator = Generator::new(9);
        for _ in 0..2000 {
            let case = generator.sequence(&[bc, bc]);
            for (index, step) in case.code.iter().enumerate() {
                let displacement = (step.word as i16 & !3) as i64 as u64;
                let at = CODE_BASE + 4 * index as u64;
                let target = if step.word & 2 != 0 {
                    displacement
                } else {
                    at.wrapping_add(displacement)
                };
                assert!(
                    (PADS_BASE..PADS_BASE + PADS_SIZE).contains(&target),
                    "{target:#x}"
                );
                assert!(
                    !(CODE_BASE..=at).contains(&target),
                    "backwards into the code: {target:#x}"
                );
            }
        }
    }
}
