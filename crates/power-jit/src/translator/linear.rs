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
            return Some(Self::start_of(slot));
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

    /// What a register held where the round began.
    pub(super) fn start_of(slot: Slot) -> Self {
        Self {
            terms: vec![slot],
            constant: 0,
        }
    }

    fn plus(mut self, other: Self) -> Option<Self> {
        self.terms.extend(other.terms);
        self.terms.sort_by_key(|slot| slot.index());
        self.constant = self.constant.wrapping_add(other.constant);
        (self.terms.len() <= TERMS).then_some(self)
    }
}

/// What an address has beside a sum of registers: a number that is never more than so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) value: Value,
    pub(super) most: u64,
}

/// Most additions that an index is looked for through.
const INDEXED_DEPTH: u32 = 3;
/// Most that an index may be: tables of words by byte have less.
const INDEX_MOST: u64 = 2047;

/// A sum of registers, a constant and at most one index, where a value is that.
pub(super) fn indexed(
    dfg: &DataFlowGraph,
    leaves: &HashMap<Value, Slot>,
    value: Value,
) -> Option<(Linear, Option<Index>)> {
    indexed_within(dfg, leaves, value, INDEXED_DEPTH)
}

fn indexed_within(
    dfg: &DataFlowGraph,
    leaves: &HashMap<Value, Slot>,
    value: Value,
    depth: u32,
) -> Option<(Linear, Option<Index>)> {
    if let Some(sum) = Linear::of(dfg, leaves, value) {
        return Some((sum, None));
    }
    let value = dfg.resolve_aliases(value);
    if let Some(most) = most(dfg, value, DEPTH).filter(|&most| most <= INDEX_MOST) {
        let nothing = Linear {
            terms: Vec::new(),
            constant: 0,
        };
        return Some((nothing, Some(Index { value, most })));
    }
    let InstructionData::Binary {
        opcode: Opcode::Iadd,
        args: [a, b],
    } = made_by(dfg, value)?
    else {
        return None;
    };
    let depth = depth.checked_sub(1)?;
    let [(sum, index), (other, another)] = [
        indexed_within(dfg, leaves, a, depth)?,
        indexed_within(dfg, leaves, b, depth)?,
    ];
    if index.is_some() && another.is_some() {
        return None;
    }
    Some((sum.plus(other)?, index.or(another)))
}

/// More than which a number never is, where that is to be seen.
fn most(dfg: &DataFlowGraph, value: Value, depth: u32) -> Option<u64> {
    let depth = depth.checked_sub(1)?;
    let value = dfg.resolve_aliases(value);
    match made_by(dfg, value)? {
        InstructionData::UnaryImm {
            opcode: Opcode::Iconst,
            imm,
        } => Some(imm.bits() as u64),
        InstructionData::Unary {
            opcode: Opcode::Uextend,
            arg,
        } => match dfg.value_type(arg).bits() {
            bits @ (8 | 16) => Some((1 << bits) - 1),
            _ => None,
        },
        InstructionData::Binary {
            opcode,
            args: [a, b],
        } => match opcode {
            Opcode::Band => {
                let (a, b) = (most(dfg, a, depth), most(dfg, b, depth));
                a.into_iter().chain(b).min()
            }
            Opcode::Ishl => {
                let (most, by) = (most(dfg, a, depth)?, constant(dfg, b)?);
                let by = u32::try_from(by).ok().filter(|&by| by < 16)?;
                most.checked_shl(by).filter(|shifted| shifted >> by == most)
            }
            Opcode::Ushr => {
                let by = u32::try_from(constant(dfg, b)?).ok()?;
                most(dfg, a, depth).unwrap_or(u64::MAX).checked_shr(by)
            }
            _ => None,
        },
        _ => None,
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

    #[test]
    fn an_index_is_a_number_with_a_bound_beside_registers() {
        let mut function = Function::new();
        let block = function.dfg.make_block();
        let [r4, other] = [(); 2].map(|()| function.dfg.append_block_param(block, types::I64));
        let byte = function.dfg.append_block_param(block, types::I8);
        let mut at = FuncCursor::new(&mut function);
        at.insert_block(block);
        let [two, mask, far] = [2, 0x3fc, 0x1000].map(|n| at.ins().iconst(types::I64, n));
        let wide = at.ins().uextend(types::I64, byte);
        let words = at.ins().ishl(wide, two);
        let masked = at.ins().band(other, mask);
        let too_many = at.ins().band(other, far);
        let [of_words, of_masked, of_too_many, of_any] =
            [words, masked, too_many, other].map(|index| at.ins().iadd(r4, index));
        let further = at.ins().iadd(of_words, two);
        let twice = at.ins().iadd(of_words, masked);
        let leaves = HashMap::from([(r4, Slot::Gpr(4))]);
        let of = |value| indexed(&function.dfg, &leaves, value);
        let with = |constant, value, most| {
            let terms = vec![Slot::Gpr(4)];
            Some((Linear { terms, constant }, Some(Index { value, most })))
        };
        assert_eq!(of(of_words), with(0, words, 0x3fc));
        assert_eq!(of(of_masked), with(0, masked, 0x3fc));
        assert_eq!(of(further), with(2, words, 0x3fc));
        assert_eq!([of(of_too_many), of(of_any), of(twice)], [None, None, None]);
        assert_eq!(of(r4), Some((Linear::start_of(Slot::Gpr(4)), None)));
    }
}
