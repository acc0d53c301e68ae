//! CR fields, computed no sooner than somebody looks.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::Translator;

/// What a CR field is made of. Flags are 0 or 1 in 8 bits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    /// A number 0 to 15 in 8 bits.
    Number(Value),
    /// LT, GT and EQ of a comparison, and SO as it was then.
    Compare {
        /// The left-hand side.
        a: Value,
        /// The right-hand side.
        b: Value,
        /// Whether a and b are signed.
        signed: bool,
        /// XER\[SO\].
        so: Value,
    },
    /// The four bits, the most significant (LT) first.
    Bits([Value; 4]),
    /// A comparison where the flag is not 0, else the number.
    Either {
        /// 0 or 1 in 8 bits.
        compared: Value,
        /// As in [`Field::Number`].
        number: Value,
        /// As in [`Field::Compare`].
        a: Value,
        /// As in [`Field::Compare`].
        b: Value,
        /// As in [`Field::Compare`].
        signed: bool,
        /// As in [`Field::Compare`].
        so: Value,
    },
}

impl Field {
    /// What it is where it is a comparison.
    fn as_compared(self) -> Self {
        match self {
            Self::Either {
                a, b, signed, so, ..
            } => Self::Compare { a, b, signed, so },
            field => field,
        }
    }
}

impl Translator<'_> {
    /// Bit `n` (0 = LT to 3 = SO) of a field as a flag.
    pub(super) fn field_bit(&mut self, field: Field, n: u32) -> Value {
        match field {
            Field::Number(number) => {
                let shifted = self.builder.ins().ushr_imm_u(number, i64::from(3 - n));
                self.builder.ins().band_imm_u(shifted, 1)
            }
            Field::Compare { a, b, signed, so } => {
                let code = match (n, signed) {
                    (0, true) => IntCC::SignedLessThan,
                    (0, false) => IntCC::UnsignedLessThan,
                    (1, true) => IntCC::SignedGreaterThan,
                    (1, false) => IntCC::UnsignedGreaterThan,
                    (2, _) => IntCC::Equal,
                    _ => return so,
                };
                self.icmp(code, a, b)
            }
            Field::Bits(bits) => bits[n as usize & 3],
            Field::Either {
                compared, number, ..
            } => {
                let one = self.field_bit(field.as_compared(), n);
                let other = self.field_bit(Field::Number(number), n);
                self.builder.ins().select(compared, one, other)
            }
        }
    }

    /// A field as a number 0 to 15 in 8 bits.
    pub(super) fn field_number(&mut self, field: Field) -> Value {
        match field {
            Field::Number(number) => return number,
            Field::Either {
                compared, number, ..
            } => {
                let other = self.field_number(field.as_compared());
                return self.builder.ins().select(compared, other, number);
            }
            Field::Compare { .. } | Field::Bits(_) => {}
        }
        let mut number = self.field_bit(field, 3);
        for n in 0..3 {
            let bit = self.field_bit(field, n);
            let placed = self.builder.ins().ishl_imm_u(bit, i64::from(3 - n));
            number = self.builder.ins().bor(number, placed);
        }
        number
    }

    /// A field with bit `n` replaced by a flag.
    pub(super) fn field_with_bit(&mut self, field: Field, n: u32, flag: Value) -> Field {
        let mut bits = [0, 1, 2, 3].map(|n| self.field_bit(field, n));
        bits[n as usize & 3] = flag;
        Field::Bits(bits)
    }

    /// A field of the low four bits of a word.
    pub(super) fn field_of_word(&mut self, word: Value) -> Field {
        let byte = self.builder.ins().ireduce(types::I8, word);
        Field::Number(self.builder.ins().band_imm_u(byte, 15))
    }
}
