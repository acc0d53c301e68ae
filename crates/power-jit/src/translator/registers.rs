//! Registers in values: which are loaded, and which must be written back.
//!
//! In regions memory has the current value of every register at any time, but for the CR fields that the plan keeps in values,
//! which are written at exits only, and in loops for the registers that the loop writes, which are written at exits and where
//! control leaves the loop. In straight code all that has changed is written at exits.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::Variable;
use power::Registers;
use power::engine::XerBit;

use super::Translator;
use super::condition::Field;
use crate::flow::{BlockFacts, Form};
use crate::plan::Plan;
use crate::slot::{SLOTS, Slot, SlotSet};

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

impl Cached {
    /// Whether a register's value is known.
    pub(super) fn holds(&self, slot: Slot) -> bool {
        self.slots[slot.index()].value.is_some()
    }
}

/// A CR field that is kept: in which of these its value is, the block's [`Form`] says.
#[derive(Debug, Clone, Copy)]
struct CachedField {
    number: Variable,
    a: Variable,
    b: Variable,
    /// Not 0: it is a comparison of `a` with `b`.
    compared: Variable,
}

/// What is kept across the blocks of a region.
pub(super) struct RegisterCache {
    slots: [Option<Variable>; SLOTS],
    fields: [Option<CachedField>; 8],
}

impl Default for RegisterCache {
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
        let registers = self.registers();
        self.builder.ins().load(
            value_type(slot),
            MemFlagsData::trusted(),
            registers,
            slot.offset(),
        )
    }

    fn load_field(&mut self, n: usize) -> Value {
        let registers = self.registers();
        self.builder
            .ins()
            .load(types::I8, MemFlagsData::trusted(), registers, CR + n as i32)
    }

    fn store_field(&mut self, n: usize, number: Value) {
        let registers = self.registers();
        self.builder
            .ins()
            .store(MemFlagsData::trusted(), number, registers, CR + n as i32);
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
            let kept = CachedField {
                number: self.builder.declare_var(types::I8),
                a: self.builder.declare_var(types::I64),
                b: self.builder.declare_var(types::I64),
                compared: self.builder.declare_var(types::I8),
            };
            self.kept.fields[n] = Some(kept);
            let value = self.load_field(n);
            self.keep_number(kept, value);
            // Both have a value on every way.
            let zero = self.word(0);
            self.builder.def_var(kept.a, zero);
            self.builder.def_var(kept.b, zero);
        }
    }

    fn keep_number(&mut self, kept: CachedField, number: Value) {
        self.builder.def_var(kept.number, number);
        let no = self.builder.ins().iconst(types::I8, 0);
        self.builder.def_var(kept.compared, no);
    }

    /// Takes up the registers where a planned block begins.
    pub(super) fn begin_block(&mut self, facts: &BlockFacts) {
        self.cached = Cached::default();
        self.state_changed();
        self.unwritten = facts.loop_writes;
        for n in 0..8 {
            if let Some(kept) = self.kept.fields[n] {
                self.cached.cr[n].value = match facts.forms[n] {
                    Form::Number => None,
                    Form::Compare { signed } => Some(Field::Compare {
                        a: self.builder.use_var(kept.a),
                        b: self.builder.use_var(kept.b),
                        signed,
                        so: self.get(Slot::Xer(XerBit::So)),
                    }),
                    Form::Either { signed } => Some(Field::Either {
                        compared: self.builder.use_var(kept.compared),
                        number: self.builder.use_var(kept.number),
                        a: self.builder.use_var(kept.a),
                        b: self.builder.use_var(kept.b),
                        signed,
                        so: self.get(Slot::Xer(XerBit::So)),
                    }),
                };
            }
        }
    }

    /// Forgets all values, and loads again what is kept: something else has worked on the registers.
    pub(super) fn reload(&mut self) {
        self.cached = Cached::default();
        self.state_changed();
        for index in 0..SLOTS {
            if let Some(variable) = self.kept.slots[index] {
                let value = self.load_slot(Slot::from_index(index));
                self.builder.def_var(variable, value);
            }
        }
        for n in 0..8 {
            if let Some(kept) = self.kept.fields[n] {
                let value = self.load_field(n);
                self.keep_number(kept, value);
            }
        }
    }

    /// A register's value.
    pub(super) fn get(&mut self, slot: Slot) -> Value {
        if let Some(value) = self.cached.slots[slot.index()].value {
            return value;
        }
        let value = match self.kept_value(slot) {
            Some(value) => {
                self.note_leaf(slot, value);
                value
            }
            None => self.load_slot(slot),
        };
        self.cached.slots[slot.index()].value = Some(value);
        value
    }

    /// What a register that is kept across blocks held where the current one began or, when it has been settled, ended.
    pub(super) fn kept_value(&mut self, slot: Slot) -> Option<Value> {
        let variable = self.kept.slots[slot.index()]?;
        Some(self.builder.use_var(variable))
    }

    /// Gives a register that is kept across blocks another value, when the current block has been settled.
    pub(super) fn set_kept(&mut self, slot: Slot, value: Value) {
        if let Some(variable) = self.kept.slots[slot.index()] {
            self.builder.def_var(variable, value);
            self.cached.slots[slot.index()].value = Some(value);
        }
    }

    /// A register's value, where the current block knows it.
    pub(super) fn cached_value(&self, slot: Slot) -> Option<Value> {
        self.cached.slots[slot.index()].value
    }

    /// Gives a register a value.
    pub(super) fn set(&mut self, slot: Slot, value: Value) {
        let in_memory = self.region.is_some() && !self.unwritten.contains(slot);
        self.cached.slots[slot.index()] = Cell {
            value: Some(value),
            changed: !in_memory,
        };
        if in_memory {
            // Nothing is left to be done at exits, of which there are many more than there are registers that change twice.
            self.store_slot(slot, value);
            if let Some(variable) = self.kept.slots[slot.index()] {
                self.builder.def_var(variable, value);
            }
        } else {
            self.state_changed();
        }
    }

    fn store_slot(&mut self, slot: Slot, value: Value) {
        let registers = self.registers();
        self.builder
            .ins()
            .store(MemFlagsData::trusted(), value, registers, slot.offset());
    }

    /// CR field `n`.
    pub(super) fn get_field(&mut self, n: u32) -> Field {
        let n = n as usize & 7;
        if let Some(field) = self.cached.cr[n].value {
            return field;
        }
        let number = match self.kept.fields[n] {
            Some(kept) => self.builder.use_var(kept.number),
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
        self.state_changed();
    }

    /// Stores all registers that have changed. They count as changed still: other paths have not done this.
    pub(super) fn write_back(&mut self) {
        self.write_slots();
        for n in 0..8 {
            match (self.cached.cr[n].value, self.kept.fields[n]) {
                // A kept field is not in memory, whether it has changed here or not.
                (Some(field), kept) if self.cached.cr[n].changed || kept.is_some() => {
                    let number = self.field_number(field);
                    self.store_field(n, number);
                }
                (None, Some(kept)) => {
                    let number = self.builder.use_var(kept.number);
                    self.store_field(n, number);
                }
                _ => {}
            }
        }
    }

    /// Stores what memory has an older value of: what has changed in this block, or in the loop that it is in.
    fn write_slots(&mut self) {
        for index in 0..SLOTS {
            let slot = Slot::from_index(index);
            let cell = self.cached.slots[index];
            let value = match (cell.value, self.kept.slots[index]) {
                (Some(value), _) if cell.changed || self.unwritten.contains(slot) => value,
                (None, Some(variable)) if self.unwritten.contains(slot) => {
                    self.builder.use_var(variable)
                }
                _ => continue,
            };
            self.store_slot(slot, value);
        }
    }

    /// At the end of a planned block: gives what is kept to the blocks that follow, whose facts these are.
    pub(super) fn settle(&mut self, successors: &[&BlockFacts]) {
        for index in 0..SLOTS {
            let cell = self.cached.slots[index];
            if let (Some(value), Some(variable)) = (cell.value, self.kept.slots[index])
                && cell.changed
            {
                self.builder.def_var(variable, value);
            }
        }
        for n in 0..8 {
            self.settle_field(n, successors);
        }
    }

    fn settle_field(&mut self, n: usize, successors: &[&BlockFacts]) {
        let Cell {
            value: Some(field),
            changed,
        } = self.cached.cr[n]
        else {
            // A number that went by untouched. Its flag may tell of a comparison still, which is that of another block.
            let either = |facts: &&BlockFacts| matches!(facts.forms[n], Form::Either { .. });
            if let Some(kept) = self.kept.fields[n]
                && successors.iter().any(either)
            {
                let number = self.builder.use_var(kept.number);
                self.keep_number(kept, number);
            }
            return;
        };
        let Some(kept) = self.kept.fields[n] else {
            if changed {
                let number = self.field_number(field);
                self.store_field(n, number);
                self.cached.cr[n].changed = false;
            }
            return;
        };
        if successors.is_empty() {
            return;
        }
        let takes = |facts: &&&BlockFacts, wanted: bool| match facts.forms[n] {
            Form::Number => false,
            Form::Compare { signed } | Form::Either { signed } => signed == wanted,
        };
        if let Field::Compare { a, b, signed, .. } = field
            && successors.iter().any(|facts| takes(&facts, signed))
        {
            self.builder.def_var(kept.a, a);
            self.builder.def_var(kept.b, b);
            let yes = self.builder.ins().iconst(types::I8, 1);
            self.builder.def_var(kept.compared, yes);
            if successors.iter().all(|facts| takes(&facts, signed)) {
                return;
            }
            // Some want a number. The others may take either, or the comparison: its flag stays.
            let number = self.field_number(field);
            self.builder.def_var(kept.number, number);
            return;
        }
        let passes = |facts: &&BlockFacts| matches!((field, facts.forms[n]), (Field::Either { signed: a, .. }, Form::Either { signed: b }) if a == b);
        if !changed && successors.iter().all(passes) {
            return;
        }
        let number = self.field_number(field);
        self.keep_number(kept, number);
    }

    /// What the loop that the current block is in has not stored.
    pub(super) fn is_unwritten(&self) -> bool {
        self.unwritten != SlotSet::default()
    }

    /// Where control leaves a loop: stores what it has kept. What has changed in this block is in variables already.
    pub(super) fn write_loop(&mut self) {
        self.write_slots();
    }
}
