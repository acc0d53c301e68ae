//! What a plan's blocks have to do with each other: which of them are loops and what those change, and in which form a CR field
//! comes into a block. Registers that a loop changes go to memory where it is left only, and flags of a comparison are computed
//! only where somebody looks.

use std::collections::HashMap;

use power::Insn;
use power::engine::XerBit;

use crate::effects::{EffectAnalysis, FieldWrite, Flow};
use crate::mode::Mode;
use crate::plan::PlannedBlock;
use crate::slot::{Slot, SlotSet};

/// Bytes of an instruction.
const INSTRUCTION: i64 = 4;

/// How the value of a CR field is held where a block begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// As a number. What comes in otherwise is made one first.
    #[default]
    Number,
    /// As the two sides of a comparison.
    Compare {
        /// Of signed numbers.
        signed: bool,
    },
    /// As either: a flag tells.
    Either {
        /// Whether the comparison is of signed numbers.
        signed: bool,
    },
}

/// What a loop counts its rounds with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// CTR, and nothing else decides (bdnz).
    Ctr,
    /// Some condition decides.
    Condition,
}

/// The way through a loop that it takes again and again: blocks that follow each other, the last of which branches back to the
/// first. Others of the loop may lie beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) repeats: Repeats,
    /// Its blocks, by number.
    pub(crate) blocks: Vec<usize>,
    /// Where the blocks of the loop begin from which the first is come to again.
    pub(crate) round: Vec<i64>,
}

/// What is known of a block.
#[derive(Debug, Clone, Default)]
pub(crate) struct BlockFacts {
    /// The loop that it is in, if any; loops in loops are one.
    pub(crate) in_loop: Option<usize>,
    /// The registers that blocks of this loop write.
    pub(crate) loop_writes: SlotSet,
    /// The registers that it writes itself.
    pub(crate) writes: SlotSet,
    /// The chain that it is the first of, where that accesses memory and does nothing to the processor as a whole.
    pub(crate) chain: Option<Chain>,
    /// The forms in which CR fields come in.
    pub(crate) forms: [Form; 8],
}

/// [`Form`], as a lattice: what is known so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Number,
    Compare { signed: bool },
    Either { signed: bool },
    Forced,
}

impl Known {
    fn meet(self, other: Self) -> Self {
        use Known::{Compare, Either, Forced, Nothing, Number};
        match (self, other) {
            (Nothing, known) | (known, Nothing) => known,
            (a, b) if a == b => a,
            (Number, Compare { signed } | Either { signed })
            | (Compare { signed } | Either { signed }, Number) => Either { signed },
            (
                Compare { signed: a } | Either { signed: a },
                Compare { signed: b } | Either { signed: b },
            ) if a == b => Either { signed: a },
            _ => Forced,
        }
    }

    fn form(self) -> Form {
        match self {
            Self::Nothing | Self::Number | Self::Forced => Form::Number,
            Self::Compare { signed } => Form::Compare { signed },
            Self::Either { signed } => Form::Either { signed },
        }
    }
}

/// What one block does.
struct BlockSummary {
    successors: Vec<usize>,
    writes: SlotSet,
    fields: [Option<FieldWrite>; 8],
    accesses: bool,
    /// Whether it may be part of a chain.
    plain: bool,
    ends: Terminator,
}

/// How control leaves a block, as far as it goes to other blocks.
struct Terminator {
    /// To the next; by number.
    next: Option<usize>,
    /// Where it branches to.
    taken: Option<usize>,
    /// Whether that is decided by CTR alone, which it counts down.
    counts: bool,
}

/// Looks at a region's blocks, of which the first is where it is entered.
pub(crate) fn analyse(blocks: &[PlannedBlock], mode: Mode) -> Vec<BlockFacts> {
    let index: HashMap<i64, usize> = blocks
        .iter()
        .enumerate()
        .map(|(index, block)| (block.offset, index))
        .collect();
    let does: Vec<BlockSummary> = blocks
        .iter()
        .map(|block| look(block, &index, mode))
        .collect();
    let loops = loops(&does);
    let mut writes: HashMap<usize, SlotSet> = HashMap::new();
    for (block, in_loop) in does.iter().zip(&loops) {
        if let Some(number) = in_loop {
            let all = writes.entry(*number).or_default();
            *all = all.union(block.writes);
        }
    }
    // XER[SO] goes with a comparison; where it may change, flags are computed at once.
    let so_changes = does
        .iter()
        .any(|block| block.writes.contains(Slot::Xer(XerBit::So)));
    let forms = if so_changes {
        vec![[Form::Number; 8]; blocks.len()]
    } else {
        forms(&does)
    };
    let mut chains: Vec<Option<Chain>> = match mode.wide_addresses() {
        true => (0..blocks.len())
            .map(|first| chain(blocks, &does, first))
            .collect(),
        false => vec![None; blocks.len()],
    };
    loops
        .into_iter()
        .zip(forms)
        .zip(does)
        .enumerate()
        .map(|(index, ((in_loop, forms), does))| BlockFacts {
            in_loop,
            loop_writes: in_loop.map(|number| writes[&number]).unwrap_or_default(),
            writes: does.writes,
            chain: chains[index].take(),
            forms,
        })
        .collect()
}

fn look(block: &PlannedBlock, index: &HashMap<i64, usize>, mode: Mode) -> BlockSummary {
    let mut effects = EffectAnalysis::new(mode);
    let mut flow = Flow::Next;
    let mut system = false;
    for &insn in &block.code {
        (_, flow) = effects.look(insn);
        system |= flow == Flow::System;
    }
    let end = block.offset + block.code.len() as i64 * INSTRUCTION;
    let destinations = match flow {
        Flow::Next | Flow::System => [Some(end), None],
        Flow::Branch {
            conditional,
            relative,
        } => [
            conditional.then_some(end),
            relative.map(|distance| (end - INSTRUCTION).wrapping_add(distance)),
        ],
        Flow::Interpret | Flow::Stops => [None; 2],
    };
    let [next, taken] = destinations.map(|offset| index.get(&offset?).copied());
    let call = matches!(flow, Flow::Branch { .. }) && block.code.last().is_some_and(|i| i.rc());
    BlockSummary {
        successors: [next, taken].into_iter().flatten().collect(),
        writes: effects.writes,
        fields: effects.fields,
        accesses: effects.accesses,
        plain: !system && !call,
        ends: Terminator {
            next,
            taken,
            counts: block.code.last().is_some_and(|&last| counts_down(last)),
        },
    }
}

/// Most blocks of a chain.
const CHAIN_BLOCKS: usize = 8;
/// Most instructions of a chain of several blocks.
const CHAIN_CODE: usize = 64;

/// The chain that a block is the first of. Where a block may go on in two ways, the chain goes to the next, as compilers lay out
/// what is likely, if the loop does.
fn chain(blocks: &[PlannedBlock], does: &[BlockSummary], first: usize) -> Option<Chain> {
    let start = blocks[first].offset;
    let back = |block: usize| {
        does[block]
            .ends
            .taken
            .is_some_and(|to| to == first && does[block].plain && blocks[block].offset >= start)
    };
    let tails: Vec<usize> = (0..does.len()).filter(|&block| back(block)).collect();
    if tails.is_empty() {
        return None;
    }
    let round = round(does, first, &tails);
    let mut way = vec![first];
    loop {
        let last = way[way.len() - 1];
        if back(last) {
            break;
        }
        let BlockSummary { ends, plain, .. } = &does[last];
        let goes_on = [ends.next, ends.taken].into_iter().flatten();
        let on = goes_on.into_iter().find(|on| round.contains(on))?;
        // A loop in the loop has a chain of its own.
        if !plain || way.len() == CHAIN_BLOCKS || comes_back(does, on, first) {
            return None;
        }
        way.push(on);
    }
    let code: usize = way.iter().map(|&block| blocks[block].code.len()).sum();
    let accesses = way.iter().any(|&block| does[block].accesses);
    let last = &does[way[way.len() - 1]];
    let fits = way.len() == 1 || code <= CHAIN_CODE;
    (accesses && fits).then(|| Chain {
        repeats: match last.ends.counts {
            true => Repeats::Ctr,
            false => Repeats::Condition,
        },
        blocks: way,
        round: round
            .into_iter()
            .map(|block| blocks[block].offset)
            .collect(),
    })
}

/// Whether a block is come to again from itself without another.
fn comes_back(does: &[BlockSummary], block: usize, without: usize) -> bool {
    let mut seen = vec![without];
    let mut stack = does[block].successors.clone();
    while let Some(next) = stack.pop() {
        if next == block {
            return true;
        }
        if !seen.contains(&next) {
            seen.push(next);
            stack.extend(&does[next].successors);
        }
    }
    false
}

/// The blocks from which the `tails` of a loop are come to without its first block, and that.
fn round(does: &[BlockSummary], first: usize, tails: &[usize]) -> Vec<usize> {
    let mut round = vec![first];
    let mut stack = tails.to_vec();
    while let Some(block) = stack.pop() {
        if !round.contains(&block) {
            round.push(block);
            stack.extend((0..does.len()).filter(|&from| does[from].successors.contains(&block)));
        }
    }
    round
}

/// Whether it is bdnz: bc whose BO is 1z00z (Book I, 2.4).
fn counts_down(insn: Insn) -> bool {
    const BC: u32 = 16;
    insn.primary() == BC && insn.rt() & 0b10110 == 0b10000
}

/// For each block the loop that it is in, named by its first block.
fn loops(does: &[BlockSummary]) -> Vec<Option<usize>> {
    let count = does.len();
    // reach[a][b]: there is a way of at least one step from a to b.
    let mut reach = vec![vec![false; count]; count];
    for (from, row) in reach.iter_mut().enumerate() {
        let mut stack = does[from].successors.clone();
        while let Some(block) = stack.pop() {
            if !std::mem::replace(&mut row[block], true) {
                stack.extend(&does[block].successors);
            }
        }
    }
    (0..count)
        .map(|block| (0..count).find(|&other| reach[block][other] && reach[other][block]))
        .collect()
}

fn forms(does: &[BlockSummary]) -> Vec<[Form; 8]> {
    let mut known = vec![[Known::Nothing; 8]; does.len()];
    // The function loads fields as numbers.
    known[0] = [Known::Number; 8];
    let mut changed = true;
    while changed {
        changed = false;
        for (index, block) in does.iter().enumerate() {
            let out: [Known; 8] = std::array::from_fn(|n| match block.fields[n] {
                Some(FieldWrite::Compare { signed }) => Known::Compare { signed },
                Some(FieldWrite::Number) => Known::Number,
                // What is forced comes out as the number that it is.
                None if known[index][n] == Known::Forced => Known::Number,
                None => known[index][n],
            });
            for &successor in &block.successors {
                for (n, &out) in out.iter().enumerate() {
                    let met = known[successor][n].meet(out);
                    changed |= met != known[successor][n];
                    known[successor][n] = met;
                }
            }
        }
    }
    known
        .into_iter()
        .map(|fields| fields.map(Known::form))
        .collect()
}

#[cfg(test)]
mod tests {
    use power::msr;

    use super::*;

    const ADDI_R3: Insn = Insn(0x3863_0001);
    /// cmpdi r3, 0
    const CMPDI: Insn = Insn(0x2c23_0000);
    /// cmpldi r3, 0
    const CMPLDI: Insn = Insn(0x2823_0000);

    fn beq(words: i16) -> Insn {
        Insn(0x4182_0000 | u32::from((words * 4) as u16 & 0xfffc))
    }

    fn facts(blocks: &[(i64, &[Insn])]) -> Vec<BlockFacts> {
        let blocks: Vec<PlannedBlock> = blocks
            .iter()
            .map(|&(offset, code)| PlannedBlock {
                offset,
                code: code.to_vec(),
                charge: code.len() as u32,
            })
            .collect();
        analyse(&blocks, Mode::from_msr(msr::SF | msr::LE))
    }

    #[test]
    fn what_a_loop_writes_is_known_in_all_of_it_and_nowhere_else() {
        // 0: addi; 4: addi, cmpdi, beq 4; 16: addi
        let facts = facts(&[
            (0, &[ADDI_R3]),
            (4, &[ADDI_R3, CMPDI, beq(-2)]),
            (16, &[ADDI_R3]),
        ]);
        assert_eq!(
            facts.iter().map(|f| f.in_loop).collect::<Vec<_>>(),
            [None, Some(1), None]
        );
        assert!(facts[1].loop_writes.contains(Slot::Gpr(3)));
        assert!(!facts[0].loop_writes.contains(Slot::Gpr(3)));
    }

    /// lbz r9, 0(r4)
    const LBZ: Insn = Insn(0x8924_0000);

    #[test]
    fn a_block_that_branches_to_itself_and_accesses_memory_repeats() {
        let bdnz = Insn(0x4200_fffc);
        let repeats = |code: &[Insn]| {
            let chain = facts(&[(0, code)]).swap_remove(0).chain?;
            assert_eq!((chain.blocks, chain.round), (vec![0], vec![0]));
            Some(chain.repeats)
        };
        assert_eq!(repeats(&[LBZ, bdnz]), Some(Repeats::Ctr));
        assert_eq!(repeats(&[LBZ, beq(-1)]), Some(Repeats::Condition));
        assert_eq!(repeats(&[ADDI_R3, bdnz]), None, "there is no access");
        assert_eq!(repeats(&[LBZ, beq(1)]), None, "it goes on elsewhere");
        // bdnzl, mftb r3
        assert_eq!(repeats(&[LBZ, Insn(bdnz.0 | 1)]), None, "it is a call");
        let mftb = Insn(31 << 26 | 3 << 21 | 12 << 16 | 8 << 11 | 371 << 1);
        assert_eq!(repeats(&[LBZ, mftb, beq(-2)]), None);
    }

    #[test]
    fn a_chain_goes_the_likely_way_through_a_loop_and_knows_what_lies_beside() {
        // 0: lbz, beq 12; 8: beq 0; 12: addi, b 0
        let b = Insn(0x4bff_fff0);
        let blocks: [(i64, &[Insn]); 3] =
            [(0, &[LBZ, beq(2)]), (8, &[beq(-2)]), (12, &[ADDI_R3, b])];
        let facts = facts(&blocks);
        let chain = facts[0].chain.as_ref().expect("a chain");
        assert_eq!(
            (&chain.blocks[..], chain.repeats),
            (&[0, 1][..], Repeats::Condition)
        );
        let mut round = chain.round.clone();
        round.sort_unstable();
        assert_eq!(round, [0, 8, 12]);
        assert_eq!(facts[1].chain, None);
    }

    #[test]
    fn a_loop_in_a_loop_has_the_only_chain() {
        // 0: addi; 4: lbz, beq 4; 12: addi, beq 0
        let facts = facts(&[
            (0, &[ADDI_R3]),
            (4, &[LBZ, beq(-1)]),
            (12, &[ADDI_R3, beq(-4)]),
        ]);
        let chains: Vec<bool> = facts.iter().map(|facts| facts.chain.is_some()).collect();
        assert_eq!(chains, [false, true, false]);
    }

    #[test]
    fn a_field_comes_in_as_all_ways_to_a_block_leave_it() {
        // 0: beq 8; 4: cmpdi; 8: addi, cmpldi, beq 8; 20: addi
        let facts = facts(&[
            (0, &[beq(2)]),
            (4, &[CMPDI]),
            (8, &[ADDI_R3, CMPLDI, beq(-2)]),
            (20, &[ADDI_R3]),
        ]);
        assert_eq!(facts[1].forms[0], Form::Number);
        // Number, signed and unsigned comparisons meet.
        assert_eq!(facts[2].forms[0], Form::Number);
        assert_eq!(facts[3].forms[0], Form::Compare { signed: false });
    }

    #[test]
    fn a_loop_that_compares_need_not_make_a_number_of_it() {
        let facts = facts(&[(0, &[ADDI_R3]), (4, &[ADDI_R3, CMPDI, beq(-2)])]);
        assert_eq!(facts[1].forms[0], Form::Either { signed: true });
    }
}
