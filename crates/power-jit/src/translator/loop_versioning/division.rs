//! Division of small numbers.

use cranelift_codegen::ir::{InstBuilder, Value};

use crate::translator::Translator;

/// Up to this [`reciprocal`] is exact; more than the bytes of a granule.
pub(super) const QUOTIENT_LIMIT: u64 = 1 << 18;
const QUOTIENT_SHIFT: u32 = 40;

/// 2^[`QUOTIENT_SHIFT`] / `by`, rounded up: what it exceeds the true quotient by, times a number up to the limit, is less than
/// 1 / `by` of the last place.
const fn reciprocal(by: u64) -> u64 {
    (1u64 << QUOTIENT_SHIFT).div_ceil(by)
}

impl Translator<'_> {
    /// A number up to [`QUOTIENT_LIMIT`], divided by a constant of at least 1 and at most that.
    pub(super) fn quotient(&mut self, number: Value, by: u64) -> Value {
        if by.is_power_of_two() {
            return self.builder.ins().ushr_imm_u(number, i64::from(by.ilog2()));
        }
        let reciprocal = self.word(reciprocal(by));
        let product = self.builder.ins().imul(number, reciprocal);
        self.builder
            .ins()
            .ushr_imm_u(product, i64::from(QUOTIENT_SHIFT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplying_with_a_reciprocal_divides() {
        for by in (1..=5000).chain([65_535, 65_537, QUOTIENT_LIMIT]) {
            for quotient in [1, 2, QUOTIENT_LIMIT / by] {
                for number in [quotient * by - 1, quotient * by, quotient * by + 1] {
                    if number <= QUOTIENT_LIMIT {
                        assert_eq!(
                            (number * reciprocal(by)) >> QUOTIENT_SHIFT,
                            number / by,
                            "{number} / {by}"
                        );
                    }
                }
            }
        }
    }
}
