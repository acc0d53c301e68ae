//! The search structure over the instruction table: primary opcode and the low eleven bits select a short list of rows.

use std::cmp::Reverse;
use std::sync::LazyLock;

use super::table::{Opcode, Row, rows};
use crate::insn::Insn;

const LOW_BITS: u32 = 0x7ff;
const SLOTS: usize = 64 << 11;

struct Tree {
    /// For each (primary, low bits): which candidate list.
    slots: Vec<u16>,
    /// Candidate lists: most specific pattern first.
    lists: Vec<Box<[u16]>>,
    rows: &'static [Row],
}

static TREE: LazyLock<Tree> = LazyLock::new(Tree::build);

impl Tree {
    /// Slot by slot would mean a hundred thousand lists, and a good part of a guest's start. So a list is an extension of another, by the
    /// next row, and is made once for all slots that have come to it.
    fn build() -> Self {
        let rows = rows();
        let mut order: Vec<u16> = (0..rows.len() as u16).collect();
        order.sort_by_key(|&row| Reverse(rows[row as usize].pattern.mask.count_ones()));
        let mut slots = vec![0; SLOTS];
        let mut lists: Vec<Box<[u16]>> = vec![Box::default()];
        let mut extended: Vec<(u16, u16)> = Vec::new();
        for index in order {
            let pattern = &rows[index as usize].pattern;
            let base = ((pattern.value >> 26) as usize) << 11;
            let free = !pattern.mask & LOW_BITS;
            extended.clear();
            // All subsets of the free low bits, by the standard (s - free) & free walk.
            let mut subset = 0;
            loop {
                let low = (pattern.value & LOW_BITS & pattern.mask) | subset;
                let slot = &mut slots[base | low as usize];
                let known = extended.iter().find(|(list, _)| list == slot);
                *slot = match known {
                    Some(&(_, longer)) => longer,
                    None => {
                        let longer = [&lists[usize::from(*slot)][..], &[index]].concat();
                        lists.push(longer.into_boxed_slice());
                        let number = (lists.len() - 1) as u16;
                        extended.push((*slot, number));
                        number
                    }
                };
                subset = subset.wrapping_sub(free) & free;
                if subset == 0 {
                    break;
                }
            }
        }
        Self { slots, lists, rows }
    }
}

/// The table row of an instruction word; [`Opcode::ILLEGAL`] where there is none.
pub fn decode(insn: Insn) -> Opcode {
    let tree = &*TREE;
    let slot = ((insn.primary() as usize) << 11) | (insn.0 & LOW_BITS) as usize;
    tree.lists[tree.slots[slot] as usize]
        .iter()
        .find(|&&row| {
            let pattern = &tree.rows[row as usize].pattern;
            insn.0 & pattern.mask == pattern.value
        })
        .map_or(Opcode::ILLEGAL, |&row| Opcode(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_decodes_to_itself_and_rows_overlap_only_by_specialisation() {
        for (index, row) in rows().iter().enumerate().skip(1) {
            let p = &row.pattern;
            assert_eq!(p.value & !p.mask, 0, "{}: value outside mask", row.mnemonic);
            let found = decode(Insn(p.value));
            let other = &rows()[found.0 as usize];
            // A more specific row may own the all-zero operands of this one (nop of ori and such are not rows).
            assert!(
                found.0 as usize == index || other.pattern.mask.count_ones() > p.mask.count_ones(),
                "{} is shadowed by {}",
                row.mnemonic,
                other.mnemonic
            );
        }
    }

    #[test]
    fn all_zero_word_is_illegal() {
        assert_eq!(decode(Insn(0)), Opcode::ILLEGAL);
    }
}
