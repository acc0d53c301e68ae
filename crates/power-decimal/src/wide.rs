//! Coefficients before rounding: integers of up to 77 digits.

use std::sync::LazyLock;

use ethnum::U256;

/// The largest power of ten that fits, as its exponent.
pub(crate) const MOST_ZEROS: u32 = 77;

static POWERS: LazyLock<[U256; MOST_ZEROS as usize + 1]> = LazyLock::new(|| {
    let mut power = U256::ONE;
    std::array::from_fn(|index| {
        if index > 0 {
            power *= U256::from(10u8);
        }
        power
    })
});

/// 10^n, for n up to [`MOST_ZEROS`].
pub(crate) fn power_of_ten(n: u32) -> U256 {
    POWERS[n as usize]
}

/// How many digits a number has; none of zero.
pub(crate) fn digits(number: U256) -> u32 {
    let bits = U256::BITS - number.leading_zeros();
    // log10(2), a little too small: right, or one too few.
    let estimate = (bits * 1233) >> 12;
    estimate + u32::from(estimate <= MOST_ZEROS && number >= power_of_ten(estimate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_right_around_every_power_of_ten() {
        assert_eq!(digits(U256::ZERO), 0);
        for n in 0..=MOST_ZEROS {
            let power = power_of_ten(n);
            assert_eq!((digits(power - 1), digits(power)), (n, n + 1));
        }
        assert_eq!(digits(U256::MAX), 78);
    }
}
