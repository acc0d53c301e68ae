//! Registers in values: where each lies in [`Registers`], which are loaded, and which must be written back.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use power::Registers;
use power::engine::{BranchReg, XerBit};

use super::Translator;
use super::condition::Field;

/// Offset of NIA.
pub(super) const NIA: i32 = offset_of!(Registers, nia) as i32;
/// Offset of FPSCR, which stays in memory.
pub(super) const FPSCR: i64 = offset_of!(Registers, fpscr) as i64;
/// Offset of VSCR, which stays in memory.
pub(super) const VSCR: i64 = offset_of!(Registers, vscr) as i64;
const CR: i32 = offset_of!(Registers, cr) as i32;

/// A register that holds one plain value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
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
const SLOTS: usize = FIRST_XER + XER_BITS.len();

impl Slot {
    const fn index(self) -> usize {
        match self {
            Self::Gpr(n) => (n & 31) as usize,
            Self::Vsr(n) => FIRST_VSR + (n & 63) as usize,
            Self::Branch(register) => FIRST_BRANCH + register as usize,
            Self::Xer(bit) => FIRST_XER + bit as usize,
        }
    }

    fn from_index(index: usize) -> Self {
        match index {
            0..FIRST_VSR => Self::Gpr(index as u32),
            FIRST_VSR..FIRST_BRANCH => Self::Vsr((index - FIRST_VSR) as u32),
            FIRST_BRANCH..FIRST_XER => Self::Branch(BRANCH_REGS[index - FIRST_BRANCH]),
            _ => Self::Xer(XER_BITS[index - FIRST_XER]),
        }
    }

    /// Its bytes in [`Registers`].
    const fn offset(self) -> i32 {
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

    const fn value_type(self) -> Type {
        match self {
            Self::Gpr(_) | Self::Branch(_) => types::I64,
            // Lane 0 is the low doubleword: ISA doubleword 1.
            Self::Vsr(_) => types::I64X2,
            Self::Xer(_) => types::I8,
        }
    }
}

/// A register's value, where known.
#[derive(Debug, Clone, Copy)]
struct Cell<T> {
    value: Option<T>,
    /// Memory has an older value.
    changed: bool,
}

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Self {
            value: None,
            changed: false,
        }
    }
}

/// The registers at one point of a block.
#[derive(Debug, Clone)]
pub(super) struct Cached {
    slots: [Cell<Value>; SLOTS],
    cr: [Cell<Field>; 8],
}

impl Default for Cached {
    fn default() -> Self {
        Self {
            slots: [Cell::default(); SLOTS],
            cr: [Cell::default(); 8],
        }
    }
}

impl Translator<'_> {
    /// A register's value.
    pub(super) fn get(&mut self, slot: Slot) -> Value {
        if let Some(value) = self.cached.slots[slot.index()].value {
            return value;
        }
        let value = self.builder.ins().load(
            slot.value_type(),
            MemFlagsData::trusted(),
            self.registers,
            slot.offset(),
        );
        self.cached.slots[slot.index()].value = Some(value);
        value
    }

    /// Gives a register a value.
    pub(super) fn set(&mut self, slot: Slot, value: Value) {
        self.cached.slots[slot.index()] = Cell {
            value: Some(value),
            changed: true,
        };
    }

    /// CR field `n`.
    pub(super) fn get_field(&mut self, n: u32) -> Field {
        let n = n as usize & 7;
        if let Some(field) = self.cached.cr[n].value {
            return field;
        }
        let number = self.builder.ins().load(
            types::I8,
            MemFlagsData::trusted(),
            self.registers,
            CR + n as i32,
        );
        self.cached.cr[n].value = Some(Field::Number(number));
        Field::Number(number)
    }

    /// Sets CR field `n`.
    pub(super) fn set_field(&mut self, n: u32, field: Field) {
        self.cached.cr[n as usize & 7] = Cell {
            value: Some(field),
            changed: true,
        };
    }

    /// Stores all registers that have changed. They count as changed still: other paths have not done this.
    pub(super) fn write_back(&mut self) {
        for index in 0..SLOTS {
            if let Cell {
                value: Some(value),
                changed: true,
            } = self.cached.slots[index]
            {
                let offset = Slot::from_index(index).offset();
                self.builder
                    .ins()
                    .store(MemFlagsData::trusted(), value, self.registers, offset);
            }
        }
        for n in 0..8 {
            if let Cell {
                value: Some(field),
                changed: true,
            } = self.cached.cr[n]
            {
                let number = self.field_number(field);
                self.builder.ins().store(
                    MemFlagsData::trusted(),
                    number,
                    self.registers,
                    CR + n as i32,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_is_found_by_its_index_and_no_two_share_bytes() {
        let mut spans: Vec<(i32, i32)> = (0..SLOTS)
            .map(|index| {
                let slot = Slot::from_index(index);
                assert_eq!(slot.index(), index, "{slot:?}");
                (
                    slot.offset(),
                    slot.offset() + slot.value_type().bytes() as i32,
                )
            })
            .collect();
        spans.sort_unstable();
        assert!(spans.is_sorted_by(|a, b| a.1 <= b.0), "{spans:?}");
        assert!(
            spans
                .iter()
                .all(|&(start, end)| start >= 0 && end as usize <= size_of::<Registers>())
        );
    }
}
