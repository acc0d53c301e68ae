//! The binary interchange formats that the Power ISA computes with.

/// A binary floating-point format: a sign bit, `exponent_bits` and `fraction_bits`, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// Width of the biased exponent.
    pub exponent_bits: u32,
    /// Width of the fraction (without the implicit bit).
    pub fraction_bits: u32,
}

impl Format {
    /// Half precision (only converted from and to).
    pub const HALF: Self = Self {
        exponent_bits: 5,
        fraction_bits: 10,
    };
    /// Single precision.
    pub const SINGLE: Self = Self {
        exponent_bits: 8,
        fraction_bits: 23,
    };
    /// Double precision.
    pub const DOUBLE: Self = Self {
        exponent_bits: 11,
        fraction_bits: 52,
    };
    /// Double-extended precision as `xsrqpxp` rounds to: a 64-bit significand with quad's exponent range.
    pub const EXTENDED: Self = Self {
        exponent_bits: 15,
        fraction_bits: 63,
    };
    /// Quad precision.
    pub const QUAD: Self = Self {
        exponent_bits: 15,
        fraction_bits: 112,
    };

    /// Bits of the significand, the implicit one included.
    pub const fn precision(self) -> u32 {
        self.fraction_bits + 1
    }

    /// The exponent bias, which is also the largest exponent of a finite number.
    pub const fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// The exponent of the smallest normalised number.
    pub const fn min_exponent(self) -> i32 {
        1 - self.bias()
    }

    /// The biased exponent of infinities and NaNs.
    pub const fn special_exponent(self) -> u32 {
        (1 << self.exponent_bits) - 1
    }

    /// What trapped overflow subtracts from the exponent and trapped underflow adds to it (4.4.3.1, 4.4.4.1):
    /// 192 for single, 1536 for double, 24576 for quad precision.
    pub const fn trap_adjustment(self) -> i32 {
        3 << (self.exponent_bits - 2)
    }

    /// The sign bit's position.
    pub const fn sign_shift(self) -> u32 {
        self.exponent_bits + self.fraction_bits
    }

    /// The fraction field of `bits`.
    pub const fn fraction(self, bits: u128) -> u128 {
        bits & ((1 << self.fraction_bits) - 1)
    }

    /// The biased exponent field of `bits`.
    pub const fn biased_exponent(self, bits: u128) -> u32 {
        (bits >> self.fraction_bits) as u32 & self.special_exponent()
    }

    /// The sign of `bits`.
    pub const fn sign(self, bits: u128) -> bool {
        bits >> self.sign_shift() & 1 != 0
    }

    /// The bits of this sign, biased exponent and fraction.
    pub const fn assemble(self, sign: bool, biased_exponent: u32, fraction: u128) -> u128 {
        (sign as u128) << self.sign_shift()
            | (biased_exponent as u128) << self.fraction_bits
            | fraction
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn the_trap_adjustments_are_those_of_the_isa() {
        assert_eq!(Format::SINGLE.trap_adjustment(), 192);
        assert_eq!(Format::DOUBLE.trap_adjustment(), 1536);
        assert_eq!(Format::QUAD.trap_adjustment(), 24576);
    }

    #[test]
    fn fields_survive_assembly() {
        let bits = u128::from((-1.5f64).to_bits());
        let d = Format::DOUBLE;
        assert_eq!(
            (d.sign(bits), d.biased_exponent(bits), d.fraction(bits)),
            (true, 1023, 1 << 51)
        );
        assert_eq!(d.assemble(true, 1023, 1 << 51), bits);
    }
}
