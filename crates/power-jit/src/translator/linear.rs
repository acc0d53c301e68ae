//! What an address is made of: the values that registers had where a round of a loop began, and a constant.

use std::collections::HashMap;

use cranelift_codegen::ir::dfg::DataFlowGraph;
use cranelift_codegen::ir::{InstructionData, Opcode, Value, ValueDef};

use crate::slot::Slot;

/// Most registers in a sum.
const TERMS: usize = 3;
/// Most operations that a sum is looked for through.
const DEPTH: u32 = 8;

/// A sum of registers' values and a constant, modulo 2^64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Linear {
    /// By [`Slot::index`]; one may be in it twice.
    pub(super) terms: Vec<Slot>,
    pub(super) constant: i64,
}

impl Linear {
    /// What a value is, where it is such a sum; `leaves` tells which values are registers.
    pub(super) fn of(
        dfg: &DataFlowGraph,
        leaves: &HashMap<Value, Slot>,
        value: Value,
    ) -> Option<Self> {
        Self::within(dfg, leaves, value, DEPTH)
    }

    fn within(
        dfg: &DataFlowGraph,
        leaves: &HashMap<Value, Slot>,
        value: Value,
        depth: u32,
    ) -> Option<Self> {
        let value = dfg.resolve_aliases(value);
        if let Some(&slot) = leaves.get(&value) {
            return Some(Self {
                terms: vec![slot],
                constant: 0,
            });
        }
        let depth = depth.checked_sub(1)?;
        let of = |value| Self::within(dfg, leaves, value, depth);
        if let Some(constant) = constant(dfg, value) {
            return Some(Self {
                terms: Vec::new(),
                constant,
            });
        }
        let InstructionData::Binary {
            opcode,
            args: [a, b],
        } = made_by(dfg, value)?
        else {
            return None;
        };
        match opcode {
            Opcode::Iadd => of(a)?.plus(of(b)?),
            Opcode::Isub => {
                let less = of(b)?;
                of(a)?.plus(Self {
                    constant: less.constant.wrapping_neg(),
                    terms: less.terms.is_empty().then_some(less.terms)?,
                })
            }
            _ => None,
        }
    }

    fn plus(mut self, other: Self) -> Option<Self> {
        self.terms.extend(other.terms);
        self.terms.sort_by_key(|slot| slot.index());
        self.constant = self.constant.wrapping_add(other.constant);
        (self.terms.len() <= TERMS).then_some(self)
    }
}

/// The instruction that a value is the result of.
fn made_by(dfg: &DataFlowGraph, value: Value) -> Option<InstructionData> {
    match dfg.value_def(value) {
        ValueDef::Result(inst, 0) => Some(dfg.insts[inst]),
        _ => None,
    }
}

/// The number that a value always is.
fn constant(dfg: &DataFlowGraph, value: Value) -> Option<i64> {
    match made_by(dfg, dfg.resolve_aliases(value))? {
        InstructionData::UnaryImm {
            opcode: Opcode::Iconst,
            imm,
        } => Some(imm.bits()),
        _ => None,
    }
}

/// Where an address is one that was rounded down to a multiple of a power of two: what it was before, and that power.
pub(super) fn rounded_down(dfg: &DataFlowGraph, value: Value) -> Option<(Value, u64)> {
    let InstructionData::Binary {
        opcode: Opcode::Band,
        args: [a, b],
    } = made_by(dfg, dfg.resolve_aliases(value))?
    else {
        return None;
    };
    let mask = constant(dfg, b)?;
    let power = (mask as u64).wrapping_neg();
    power.is_power_of_two().then_some((a, power))
}

#[cfg(test)]
mod tests {
    use cranelift_codegen::cursor::{Cursor, FuncCursor};
    use cranelift_codegen::ir::{Function, InstBuilder, types};

    use super::*;

    #[test]
    fn sums_of_registers_and_constants_are_seen_and_nothing_else() {
        let mut function = Function::new();
        let block = function.dfg.make_block();
        let [r4, r9] = [(); 2].map(|()| function.dfg.append_block_param(block, types::I64));
        let mut at = FuncCursor::new(&mut function);
        at.insert_block(block);
        let sixteen = at.ins().iconst(types::I64, 16);
        let next = at.ins().iadd(r9, sixteen);
        let indexed = at.ins().iadd(next, r4);
        let back = at.ins().isub(indexed, sixteen);
        let product = at.ins().imul(r4, r9);
        let of_product = at.ins().iadd(product, sixteen);
        let difference = at.ins().isub(r4, r9);
        let mask = at.ins().iconst(types::I64, -16);
        let rounded = at.ins().band(indexed, mask);
        let masked = at.ins().band(indexed, sixteen);
        let leaves = HashMap::from([(r4, Slot::Gpr(4)), (r9, Slot::Gpr(9))]);
        let of = |value| Linear::of(&function.dfg, &leaves, value);
        let both = vec![Slot::Gpr(4), Slot::Gpr(9)];
        let sum = |terms: &[Slot], constant| {
            Some(Linear {
                terms: terms.to_vec(),
                constant,
            })
        };
        assert_eq!(of(next), sum(&[Slot::Gpr(9)], 16));
        assert_eq!(of(indexed), sum(&both, 16));
        assert_eq!(of(back), sum(&both, 0));
        assert_eq!((of(of_product), of(difference)), (None, None));
        assert_eq!(rounded_down(&function.dfg, rounded), Some((indexed, 16)));
        assert_eq!(rounded_down(&function.dfg, masked), None);
    }
}
