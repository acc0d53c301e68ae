//! Vector operations that Cranelift emits itself: those whose semantics give a hint ([`Lower`]) that it understands.

use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use power::engine::Lower;

use super::Translator;

impl Translator<'_> {
    /// Applies a lane-wise operation to vectors of `lane` bits.
    fn lanes(&mut self, lane: u8, a: Value, b: Value, add: bool) -> Option<Value> {
        let lanes: Type = match lane {
            8 => types::I8X16,
            16 => types::I16X8,
            32 => types::I32X4,
            64 => types::I64X2,
            _ => return None,
        };
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        let a = self.builder.ins().bitcast(lanes, flags, a);
        let b = self.builder.ins().bitcast(lanes, flags, b);
        let result = if add {
            self.builder.ins().iadd(a, b)
        } else {
            self.builder.ins().isub(a, b)
        };
        Some(self.builder.ins().bitcast(types::I64X2, flags, result))
    }

    /// What Cranelift can do itself of the vector operations that semantics give a hint for.
    pub(super) fn lower_vector(&mut self, lower: Lower, a: Value, b: Value) -> Option<Value> {
        match lower {
            Lower::VecAnd => Some(self.builder.ins().band(a, b)),
            Lower::VecOr => Some(self.builder.ins().bor(a, b)),
            Lower::VecXor => Some(self.builder.ins().bxor(a, b)),
            Lower::VecAndc => Some(self.builder.ins().band_not(a, b)),
            Lower::VecNor => {
                let or = self.builder.ins().bor(a, b);
                Some(self.builder.ins().bnot(or))
            }
            Lower::VecAdd(lane) => self.lanes(lane, a, b, true),
            Lower::VecSub(lane) => self.lanes(lane, a, b, false),
            _ => None,
        }
    }

    /// A vector of two doublewords.
    pub(super) fn join(&mut self, high: Value, low: Value) -> Value {
        let vector = self.builder.ins().scalar_to_vector(types::I64X2, low);
        let vector = self.builder.ins().insertlane(vector, high, 1);
        self.halves.insert(vector, (high, low));
        vector
    }

    /// The doublewords 0 and 1 of a vector.
    pub(super) fn split(&mut self, vector: Value) -> (Value, Value) {
        if let Some(&halves) = self.halves.get(&vector) {
            return halves;
        }
        let high = self.builder.ins().extractlane(vector, 1);
        let low = self.builder.ins().extractlane(vector, 0);
        (high, low)
    }
}
