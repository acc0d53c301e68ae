//! The search structure over the instruction table: primary opcode and the low eleven bits select a short list of rows.

use std::collections::HashMap;
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
    fn build() -> Self {
        let rows = rows();
        let mut candidates: Vec<Vec<u16>> = vec![Vec::new(); SLOTS];
        for (index, row) in rows.iter().enumerate() {
            let base = ((row.pattern.value >> 26) as usize) << 11;
            let free = !row.pattern.mask & LOW_BITS;
            // All subsets of the free low bits, by the standard (s - free) & free walk.
            let mut subset = 0;
            loop {
                let low = (row.pattern.value & LOW_BITS & row.pattern.mask) | subset;
                candidates[base | low as usize].push(index as u16);
                subset = subset.wrapping_sub(free) & free;
                if subset == 0 {
                    break;
                }
            }
        }
        let mut known: HashMap<Vec<u16>, u16> = HashMap::new();
        let mut lists: Vec<Box<[u16]>> = Vec::new();
        let slots = candidates
            .into_iter()
            .map(|mut list| {
                list.sort_by_key(|&row| {
                    std::cmp::Reverse(rows[row as usize].pattern.mask.count_ones())
                });
                *known.entry(list).or_insert_with_key(|list| {
                    lists.push(list.clone().into_boxed_slice());
                    (lists.len() - 1) as u16
                })
            })
            .collect();
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
