//! Registers in values: which are loaded, and which must be written back.
//!
//! Memory has the current value of every register at the start of each planned block, but for the CR fields that the plan keeps
//! in values: those are written at exits only.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::Variable;
use power::Registers;

use super::Translator;
use super::condition::Field;
use crate::plan::Plan;
use crate::slot::{SLOTS, Slot};

/// Offset of NIA.
pub(super) const NIA: i32 = offset_of!(Registers, nia) as i32;
/// Offset of FPSCR, which stays in memory.
pub(super) const FPSCR: i64 = offset_of!(Registers, fpscr) as i64;
/// Offset of VSCR, which stays in memory.
pub(super) const VSCR: i64 = offset_of!(Registers, vscr) as i64;
const CR: i32 = offset_of!(Registers, cr) as i32;

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

/// What is kept across the blocks of a region.
pub(super) struct Kept {
    slots: [Option<Variable>; SLOTS],
    fields: [Option<Variable>; 8],
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            slots: [None; SLOTS],
            fields: [None; 8],
        }
    }
}

const fn value_type(slot: Slot) -> Type {
    match slot {
        Slot::Gpr(_) | Slot::Branch(_) => types::I64,
        // Lane 0 is the low doubleword: ISA doubleword 1.
        Slot::Vsr(_) => types::I64X2,
        Slot::Xer(_) => types::I8,
    }
}

impl Translator<'_> {
    fn load_slot(&mut self, slot: Slot) -> Value {
        self.builder.ins().load(
            value_type(slot),
            MemFlagsData::trusted(),
            self.registers,
            slot.offset(),
        )
    }

    fn load_field(&mut self, n: usize) -> Value {
        self.builder.ins().load(
            types::I8,
            MemFlagsData::trusted(),
            self.registers,
            CR + n as i32,
        )
    }

    fn store_field(&mut self, n: usize, number: Value) {
        self.builder.ins().store(
            MemFlagsData::trusted(),
            number,
            self.registers,
            CR + n as i32,
        );
    }

    /// Loads what the plan keeps in values, at the function's start.
    pub(super) fn keep(&mut self, plan: &Plan) {
        for slot in plan.reads.iter() {
            let variable = self.builder.declare_var(value_type(slot));
            let value = self.load_slot(slot);
            self.builder.def_var(variable, value);
            self.kept.slots[slot.index()] = Some(variable);
        }
        for n in (0..8).filter(|n| plan.fields >> n & 1 != 0) {
            let variable = self.builder.declare_var(types::I8);
            let value = self.load_field(n);
            self.builder.def_var(variable, value);
            self.kept.fields[n] = Some(variable);
        }
    }

    /// Forgets all values, and loads again what is kept: something else has worked on the registers.
    pub(super) fn reload(&mut self) {
        self.cached = Cached::default();
        for index in 0..SLOTS {
            if let Some(variable) = self.kept.slots[index] {
                let value = self.load_slot(Slot::from_index(index));
                self.builder.def_var(variable, value);
            }
        }
        for n in 0..8 {
            if let Some(variable) = self.kept.fields[n] {
                let value = self.load_field(n);
                self.builder.def_var(variable, value);
            }
        }
    }

    /// A register's value.
    pub(super) fn get(&mut self, slot: Slot) -> Value {
        if let Some(value) = self.cached.slots[slot.index()].value {
            return value;
        }
        let value = match self.kept.slots[slot.index()] {
            Some(variable) => self.builder.use_var(variable),
            None => self.load_slot(slot),
        };
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
        let number = match self.kept.fields[n] {
            Some(variable) => self.builder.use_var(variable),
            None => self.load_field(n),
        };
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
        self.write_slots();
        for n in 0..8 {
            match (self.cached.cr[n], self.kept.fields[n]) {
                (
                    Cell {
                        value: Some(field),
                        changed: true,
                    },
                    _,
                ) => {
                    let number = self.field_number(field);
                    self.store_field(n, number);
                }
                (_, Some(variable)) => {
                    let number = self.builder.use_var(variable);
                    self.store_field(n, number);
                }
                (_, None) => {}
            }
        }
    }

    fn write_slots(&mut self) {
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
    }

    /// At the end of a planned block: stores what has changed, and gives what is kept to the blocks that follow.
    pub(super) fn settle(&mut self) {
        self.write_slots();
        for index in 0..SLOTS {
            let cell = &mut self.cached.slots[index];
            if let (Some(value), true, Some(variable)) =
                (cell.value, cell.changed, self.kept.slots[index])
            {
                self.builder.def_var(variable, value);
            }
            cell.changed = false;
        }
        for n in 0..8 {
            let Cell {
                value: Some(field),
                changed: true,
            } = self.cached.cr[n]
            else {
                continue;
            };
            let number = self.field_number(field);
            match self.kept.fields[n] {
                Some(variable) => self.builder.def_var(variable, number),
                None => {
                    self.store_field(n, number);
                    self.cached.cr[n].changed = false;
                }
            }
        }
    }
}
