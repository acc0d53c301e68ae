//! Floating-point numbers as values of Cranelift's: scalar or in lanes, and what is asked of FPSCR before they are computed with.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    self, Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode, Type, Value, types,
};

use crate::translator::Translator;
use crate::translator::registers::FPSCR;

/// Enables, NI and RN.
const CONTROL: i64 = 0xff;
/// XX.
const INEXACT: i64 = 1 << 25;

/// Numbers of one type, scalar or in lanes.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub(super) of: Type,
    /// Least size from which on nothing that is computed here loses bits at the small end.
    pub(super) least: f64,
    /// Size up to which nothing overflows.
    pub(super) greatest: f64,
}

impl Numbers {
    pub(super) const fn new(single: bool, vector: bool) -> Self {
        let of = match (single, vector) {
            (false, false) => types::F64,
            (false, true) => types::F64X2,
            (true, false) => types::F32,
            (true, true) => types::F32X4,
        };
        // An error of a product is as small as its square's last place.
        let (least, greatest) = if single {
            (power_of_two(-90), power_of_two(120))
        } else {
            (power_of_two(-900), power_of_two(1000))
        };
        Self {
            of,
            least,
            greatest,
        }
    }
}

/// 2 to the power of an exponent of normal doubles.
const fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

impl Translator<'_> {
    /// A word as a double. Where it is the half of a vector register, or was a double, it does not leave the host's vector registers.
    pub(in crate::translator) fn as_double(&mut self, word: Value) -> Value {
        let made_by = self.builder.func.dfg.value_def(word).inst();
        if let Some(made_by) = made_by
            && let InstructionData::BinaryImm8 {
                opcode: Opcode::Extractlane,
                arg,
                imm,
            } = self.builder.func.dfg.insts[made_by]
        {
            let vector = self.lanes_of(types::F64X2, arg);
            return self.builder.ins().extractlane(vector, imm);
        }
        if let Some(double) = self.was_double(word) {
            return double;
        }
        let flags = MemFlagsData::new();
        self.builder.ins().bitcast(types::F64, flags, word)
    }

    /// The register that a double makes: its other half is 0.
    pub(in crate::translator) fn of_double(&mut self, double: Value) -> Value {
        let zero = self.constant(types::F64X2, 0.0);
        let vector = self.builder.ins().insertlane(zero, double, 1);
        self.lanes_of(types::I64X2, vector)
    }

    /// The register that a word makes: its other half is 0.
    pub(in crate::translator) fn register_of(&mut self, word: Value) -> Value {
        let zero = self.word(0);
        let Some(double) = self.was_double(word) else {
            return self.join(word, zero);
        };
        let vector = self.of_double(double);
        self.halves.insert(vector, (word, zero));
        vector
    }

    /// The double that a word was.
    fn was_double(&mut self, word: Value) -> Option<Value> {
        let dfg = &self.builder.func.dfg;
        match dfg.insts[dfg.value_def(word).inst()?] {
            InstructionData::LoadNoOffset {
                opcode: Opcode::Bitcast,
                arg,
                ..
            } if dfg.value_type(arg) == types::F64 => Some(arg),
            _ => None,
        }
    }

    /// A double as a word.
    pub(super) fn word_of(&mut self, double: Value) -> Value {
        let flags = MemFlagsData::new();
        self.builder.ins().bitcast(types::I64, flags, double)
    }

    /// A vector's bits as lanes of another type.
    pub(super) fn lanes_of(&mut self, of: Type, vector: Value) -> Value {
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(of, flags, vector)
    }

    /// FPSCR without what is deferred.
    pub(super) fn fpscr_bits(&mut self) -> Value {
        let registers = self.registers();
        let flags = MemFlagsData::trusted();
        self.builder
            .ins()
            .load(types::I64, flags, registers, FPSCR as i32)
    }

    /// Whether a result may be rounded to nearest, and inexact for all that FPSCR shows of it: XX is set and no control bit.
    pub(super) fn takes_inexact(&mut self, fpscr: Value) -> Value {
        let relevant = self.builder.ins().band_imm_u(fpscr, INEXACT | CONTROL);
        self.builder
            .ins()
            .icmp_imm_u(IntCC::Equal, relevant, INEXACT)
    }

    /// Whether there are no control bits.
    pub(super) fn uncontrolled(&mut self, fpscr: Value) -> Value {
        let control = self.builder.ins().band_imm_u(fpscr, CONTROL);
        self.builder.ins().icmp_imm_u(IntCC::Equal, control, 0)
    }

    /// Goes to `otherwise` where a condition does not hold.
    pub(super) fn only_where(&mut self, condition: Value, otherwise: ir::Block) {
        let next = self.builder.create_block();
        self.builder
            .ins()
            .brif(condition, next, &[], otherwise, &[]);
        self.builder.switch_to_block(next);
    }

    /// Goes to `otherwise` where neither a result is exact nor inexact is no news.
    pub(super) fn only_exact_or_old(&mut self, exact: Value, otherwise: ir::Block) {
        let [inexact, good] = [(); 2].map(|()| self.builder.create_block());
        self.builder.ins().brif(exact, good, &[], inexact, &[]);
        self.builder.switch_to_block(inexact);
        let fpscr = self.fpscr_bits();
        let old = self.takes_inexact(fpscr);
        self.builder.ins().brif(old, good, &[], otherwise, &[]);
        self.builder.switch_to_block(good);
    }

    /// Whether a comparison holds in all lanes.
    pub(super) fn all(&mut self, of: Type, code: FloatCC, a: Value, b: Value) -> Value {
        let lanes = self.builder.ins().fcmp(code, a, b);
        self.all_true(of, lanes)
    }

    pub(super) fn all_true(&mut self, of: Type, lanes: Value) -> Value {
        if of.is_vector() {
            self.builder.ins().vall_true(lanes)
        } else {
            lanes
        }
    }

    pub(super) fn constant(&mut self, of: Type, value: f64) -> Value {
        let lane = match of.lane_type() {
            types::F32 => self.builder.ins().f32const(value as f32),
            _ => self.builder.ins().f64const(value),
        };
        if of.is_vector() {
            self.builder.ins().splat(of, lane)
        } else {
            lane
        }
    }
}
