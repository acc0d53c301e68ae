//! What is translated together: straight-line code, or a region of blocks of one page that reach each other.

use power::Insn;
use power::code_tier::{PAGE_WORDS, Reached};

use crate::effects::{EffectAnalysis, Flow};
use crate::flow::{self, BlockFacts};
use crate::mode::Mode;
use crate::slot::SlotSet;

/// Most instructions of a region.
const REGION_MAX: usize = 160;
/// Bytes of an instruction.
const INSTRUCTION: i64 = 4;

/// A straight piece of code.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PlannedBlock {
    /// Where it starts, in bytes from the entry.
    pub(crate) offset: i64,
    /// Its instructions; the last may branch, interrupt, or be for the interpreter.
    pub(crate) code: Vec<Insn>,
    /// How many of them it carries out.
    pub(crate) charge: u32,
}

/// A plan for one function of host code.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The first is where the function is entered.
    pub(crate) blocks: Vec<PlannedBlock>,
    /// What is known of each block.
    pub(crate) facts: Vec<BlockFacts>,
    /// Registers to keep in values across blocks: those that loops work with.
    pub(crate) reads: SlotSet,
    /// CR fields to keep in values across blocks, bit `n` for field `n`.
    pub(crate) fields: u8,
    /// Whether scalar floating-point operations may leave a part of FPSCR for later.
    pub(crate) defers: bool,
    /// Whether this is a region: instructions are counted, memory is reached through the soft TLB.
    pub(crate) region: bool,
}

impl Plan {
    /// Whether any block is in a loop.
    pub(crate) fn has_loops(&self) -> bool {
        self.facts.iter().any(|facts| facts.in_loop.is_some())
    }

    /// Instructions of the blocks that are in no loop, of which a run carries out each at most once.
    pub(crate) fn flat_charge(&self) -> u32 {
        let blocks = self.blocks.iter().zip(&self.facts);
        blocks
            .filter(|(_, facts)| facts.in_loop.is_none())
            .map(|(block, _)| block.charge)
            .sum()
    }

    /// Instructions that must be left of the budget where it is entered.
    pub(crate) fn entry_charge(&self) -> u32 {
        let first = match self.facts[0].in_loop {
            Some(_) => self.blocks[0].charge,
            None => 0,
        };
        self.flat_charge() + first
    }

    /// Straight-line code, as far as it goes.
    pub(crate) fn straight(code: &[Insn]) -> Self {
        let block = PlannedBlock {
            offset: 0,
            code: code.to_vec(),
            charge: code.len() as u32,
        };
        Self {
            blocks: vec![block],
            facts: vec![BlockFacts::default()],
            reads: SlotSet::default(),
            fields: 0,
            defers: false,
            region: false,
        }
    }

    /// The region of what is reached from word `entry` of a page by branches within it, nearest first, and the parts of the
    /// mode that it depends on. What a conditional branch may go to and never has is left out: kernels have much of that.
    /// None: the first instruction is for the interpreter.
    pub(crate) fn region(
        page: &[Insn; PAGE_WORDS],
        entry: usize,
        mode: Mode,
        reached: &Reached,
    ) -> Option<(Self, Mode)> {
        let mut effects = EffectAnalysis::new(mode);
        let mut flows: [Option<Flow>; PAGE_WORDS] = [None; PAGE_WORDS];
        let mut leaders = [false; PAGE_WORDS];
        let mut queue = std::collections::VecDeque::from([entry]);
        let mut count = 0;
        leaders[entry] = true;
        while let Some(mut index) = queue.pop_front() {
            while index < PAGE_WORDS && flows[index].is_none() && count < REGION_MAX {
                let (_, flow) = effects.look(page[index]);
                flows[index] = Some(flow);
                count += 1;
                match flow {
                    Flow::Next | Flow::System => index += 1,
                    Flow::Branch {
                        conditional,
                        relative,
                    } => {
                        let call = page[index].rc();
                        let next = conditional.then_some(index + 1);
                        let target = relative
                            .filter(|_| !call)
                            .and_then(|distance| displaced(index, distance))
                            .filter(|&to| !conditional || to == entry || reached.contains(to));
                        for successor in [next, target].into_iter().flatten() {
                            if successor < PAGE_WORDS {
                                leaders[successor] = true;
                                queue.push_back(successor);
                            }
                        }
                        break;
                    }
                    Flow::Interpret | Flow::Stops => break,
                }
            }
        }
        if flows[entry] == Some(Flow::Interpret) {
            return None;
        }
        let mut blocks = Vec::new();
        let mut index = 0;
        while index < PAGE_WORDS {
            if flows[index].is_none() {
                index += 1;
                continue;
            }
            let start = index;
            let mut charge = 0;
            loop {
                let flow = flows[index];
                charge += u32::from(flow != Some(Flow::Interpret));
                index += 1;
                let goes_on = matches!(flow, Some(Flow::Next | Flow::System))
                    && index < PAGE_WORDS
                    && flows[index].is_some()
                    && !leaders[index];
                if !goes_on {
                    break;
                }
            }
            blocks.push(PlannedBlock {
                offset: (start as i64 - entry as i64) * INSTRUCTION,
                code: page[start..index].to_vec(),
                charge,
            });
        }
        let first = blocks.iter().position(|block| block.offset == 0)?;
        blocks.swap(0, first);
        let facts = flow::analyse(&blocks, mode);
        let plan = Self {
            reads: kept(&blocks, &facts, mode),
            blocks,
            facts,
            fields: effects.fields_written,
            defers: effects.scalar_float,
            region: true,
        };
        Some((plan, effects.depends))
    }
}

/// The registers that loops read or write.
fn kept(blocks: &[PlannedBlock], facts: &[BlockFacts], mode: Mode) -> SlotSet {
    let mut effects = EffectAnalysis::new(mode);
    let mut kept = SlotSet::default();
    for (block, facts) in blocks.iter().zip(facts) {
        if facts.in_loop.is_some() {
            for &insn in &block.code {
                effects.look(insn);
            }
            kept = kept.union(facts.loop_writes);
        }
    }
    kept.union(effects.reads)
}

/// The word `distance` bytes from word `index`, where it is in the page.
fn displaced(index: usize, distance: i64) -> Option<usize> {
    let target = (index as i64).checked_add(distance / INSTRUCTION)?;
    usize::try_from(target)
        .ok()
        .filter(|&target| target < PAGE_WORDS)
}

#[cfg(test)]
mod tests {
    use power::msr;

    use super::*;

    const ADDI: Insn = Insn(0x3863_0001);
    const BLR: Insn = Insn(0x4e80_0020);
    const SC: Insn = Insn(0x4400_0002);

    fn page(code: &[(usize, Insn)]) -> Box<[Insn; PAGE_WORDS]> {
        let mut page = Box::new([SC; PAGE_WORDS]);
        for &(index, insn) in code {
            page[index] = insn;
        }
        page
    }

    /// bdnz by `words`.
    fn bdnz(words: i16) -> Insn {
        Insn(0x4200_0000 | u32::from((words * 4) as u16 & 0xfffc))
    }

    fn region(code: &[(usize, Insn)], entry: usize) -> Option<Plan> {
        let mode = Mode::from_msr(msr::SF | msr::LE);
        Plan::region(&page(code), entry, mode, &Reached::ALL).map(|(plan, _)| plan)
    }

    #[test]
    fn a_loop_entered_in_its_midst_is_one_region() {
        let code = [(10, ADDI), (11, ADDI), (12, bdnz(-2)), (13, BLR)];
        let plan = region(&code, 11).expect("its first instruction is plain");
        let mut blocks: Vec<(i64, usize)> = plan
            .blocks
            .iter()
            .map(|b| (b.offset, b.code.len()))
            .collect();
        assert_eq!(blocks[0].0, 0, "the entry comes first");
        blocks.sort_unstable();
        assert_eq!(blocks, [(-4, 1), (0, 2), (8, 1)]);
    }

    #[test]
    fn what_no_branch_has_gone_to_is_left_out() {
        const BEQ_OVER_ONE: Insn = Insn(0x4182_0008);
        let code = page(&[(0, BEQ_OVER_ONE), (1, BLR), (2, ADDI), (3, BLR)]);
        let mode = Mode::from_msr(msr::SF | msr::LE);
        for (reached, blocks) in [(Reached::default(), 2), (Reached::ALL, 3)] {
            let (plan, _) = Plan::region(&code, 0, mode, &reached).expect("plain instructions");
            assert_eq!(plan.blocks.len(), blocks);
        }
    }

    #[test]
    fn a_region_ends_with_its_page() {
        let plan = region(&[(1022, ADDI), (1023, ADDI)], 1022).expect("plain instructions");
        assert_eq!(plan.blocks.len(), 1);
        assert_eq!(plan.blocks[0].code, [ADDI, ADDI]);
    }

    #[test]
    fn what_the_interpreter_must_do_is_not_charged_for_and_no_region_starts_with_it() {
        let plan = region(&[(5, ADDI)], 5).expect("a plain instruction");
        assert_eq!((plan.blocks[0].code.len(), plan.blocks[0].charge), (2, 1));
        assert!(region(&[], 5).is_none());
    }

    #[test]
    fn regions_are_bounded() {
        let code: Vec<(usize, Insn)> = (0..PAGE_WORDS).map(|index| (index, ADDI)).collect();
        let plan = region(&code, 0).expect("plain instructions");
        let total: usize = plan.blocks.iter().map(|b| b.code.len()).sum();
        assert_eq!(total, REGION_MAX);
    }
}
