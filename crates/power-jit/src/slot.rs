//! Registers that hold one plain value: where each lies in [`Registers`].

use std::mem::offset_of;

use power::Registers;
use power::engine::{BranchReg, XerBit};

/// A register that holds one plain value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// GPR 0 to 31.
    Gpr(u32),
    /// VSR 0 to 63.
    Vsr(u32),
    /// LR, CTR, TAR.
    Branch(BranchReg),
    /// A flag of XER.
    Xer(XerBit),
}

const BRANCH_REGS: [BranchReg; 3] = [BranchReg::Lr, BranchReg::Ctr, BranchReg::Tar];
const XER_BITS: [XerBit; 5] = [
    XerBit::So,
    XerBit::Ov,
    XerBit::Ov32,
    XerBit::Ca,
    XerBit::Ca32,
];
const FIRST_VSR: usize = 32;
const FIRST_BRANCH: usize = FIRST_VSR + 64;
const FIRST_XER: usize = FIRST_BRANCH + BRANCH_REGS.len();
/// How many there are.
pub(crate) const SLOTS: usize = FIRST_XER + XER_BITS.len();

impl Slot {
    /// Its number, less than [`SLOTS`].
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Gpr(n) => (n & 31) as usize,
            Self::Vsr(n) => FIRST_VSR + (n & 63) as usize,
            Self::Branch(register) => FIRST_BRANCH + register as usize,
            Self::Xer(bit) => FIRST_XER + bit as usize,
        }
    }

    /// Number `index`.
    pub(crate) fn from_index(index: usize) -> Self {
        match index {
            0..FIRST_VSR => Self::Gpr(index as u32),
            FIRST_VSR..FIRST_BRANCH => Self::Vsr((index - FIRST_VSR) as u32),
            FIRST_BRANCH..FIRST_XER => Self::Branch(BRANCH_REGS[index - FIRST_BRANCH]),
            _ => Self::Xer(XER_BITS[index - FIRST_XER]),
        }
    }

    /// Its bytes in [`Registers`].
    pub(crate) const fn offset(self) -> i32 {
        let offset = match self {
            Self::Gpr(n) => offset_of!(Registers, gpr) + (n & 31) as usize * size_of::<u64>(),
            Self::Vsr(n) => offset_of!(Registers, vsr) + (n & 63) as usize * size_of::<u128>(),
            Self::Branch(BranchReg::Lr) => offset_of!(Registers, lr),
            Self::Branch(BranchReg::Ctr) => offset_of!(Registers, ctr),
            Self::Branch(BranchReg::Tar) => offset_of!(Registers, tar),
            Self::Xer(XerBit::So) => offset_of!(Registers, xer.so),
            Self::Xer(XerBit::Ov) => offset_of!(Registers, xer.ov),
            Self::Xer(XerBit::Ov32) => offset_of!(Registers, xer.ov32),
            Self::Xer(XerBit::Ca) => offset_of!(Registers, xer.ca),
            Self::Xer(XerBit::Ca32) => offset_of!(Registers, xer.ca32),
        };
        offset as i32
    }
}

/// A set of registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SlotSet(u128);

const _: () = assert!(SLOTS <= u128::BITS as usize, "a set has a bit for each");

impl SlotSet {
    /// Puts one in.
    pub(crate) fn insert(&mut self, slot: Slot) {
        self.0 |= 1 << slot.index();
    }

    /// Whether one is in.
    pub(crate) fn contains(self, slot: Slot) -> bool {
        self.0 >> slot.index() & 1 != 0
    }

    /// What is in either.
    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in it.
    pub(crate) fn iter(self) -> impl Iterator<Item = Slot> {
        (0..SLOTS)
            .filter(move |index| self.0 >> index & 1 != 0)
            .map(Slot::from_index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn bytes(slot: Slot) -> usize {
        match slot {
            Slot::Gpr(_) | Slot::Branch(_) => size_of::<u64>(),
            Slot::Vsr(_) => size_of::<u128>(),
            Slot::Xer(_) => size_of::<bool>(),
        }
    }

    #[test]
    fn every_slot_is_found_by_its_index_and_no_two_share_bytes() {
        let mut spans: Vec<(usize, usize)> = (0..SLOTS)
            .map(|index| {
                let slot = Slot::from_index(index);
                assert_eq!(slot.index(), index, "{slot:?}");
                let start = usize::try_from(slot.offset()).expect("offsets are not negative");
                (start, start + bytes(slot))
            })
            .collect();
        spans.sort_unstable();
        assert!(spans.is_sorted_by(|a, b| a.1 <= b.0), "{spans:?}");
        assert!(spans.iter().all(|&(_, end)| end <= size_of::<Registers>()));
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = SlotSet::default();
        for index in [0, 31, 32, 95, 96, SLOTS - 1] {
            set.insert(Slot::from_index(index));
        }
        let held: Vec<usize> = set.iter().map(Slot::index).collect();
        assert_eq!(held, [0, 31, 32, 95, 96, SLOTS - 1]);
    }
}
