//! The common cases of double and single precision on the host's arithmetic.
//!
//! Valid for rounding to nearest. A function answers `None` for whatever could be special (NaN, infinity,
//! a result that is denormalised, near the ends of the range, or a division by zero); what it does answer is
//! bit-equal to the exact path, FR and FI included. The rounding error that these need comes from TwoSum for
//! sums and from a 106-bit integer product for the rest, so no fused multiply-add is asked of the host.
//! Single-precision functions take and deliver singles in double format.

use super::round::Outcome;
use super::wide::shift_right_jam;
use crate::fpscr::bits as b;

const FRACTION: u64 = (1 << 52) - 1;
const SIGN: u64 = 1 << 63;

/// Status of a finite result that is zero or normalised.
#[inline]
fn finite(result: f64, inexact: bool, away: bool) -> Outcome {
    let bits = result.to_bits();
    // Without branches: signs and exactness are as good as random.
    let sign = bits >> 63;
    let code = if bits << 1 == 0 {
        0b00010 | sign << 4
    } else {
        0b00100 << sign
    };
    let exactness = u64::from(inexact) * (b::XX | b::FI) + u64::from(away) * b::FR;
    let status = code << b::FPRF_SHIFT | exactness;
    Outcome {
        bits: u128::from(bits),
        status,
    }
}

/// The biased exponent of a double.
#[inline]
fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52) as i32 & 0x7FF
}

/// The 53-bit significand of a normalised double.
#[inline]
fn significand(x: f64) -> u128 {
    u128::from(x.to_bits() & FRACTION | 1 << 52)
}

/// The sum and its exact rounding error (Knuth's TwoSum).
#[inline]
fn two_sum(x: f64, y: f64) -> (f64, f64) {
    let sum = x + y;
    let y_part = sum - x;
    (sum, (x - (sum - y_part)) + (y - y_part))
}

/// Whether `error`, the exact value less `result`, means that the magnitude grew by rounding.
#[inline]
fn grew(result: f64, error: f64) -> bool {
    error != 0.0 && (result.to_bits() ^ error.to_bits()) & SIGN != 0
}

/// Double precision.
pub(crate) mod double {
    use super::*;

    /// Exponents of results that are safely normalised and did not overflow, with or without rounding.
    const SAFE: std::ops::RangeInclusive<i32> = 2..=0x7FD;

    /// `a + b`.
    #[inline]
    pub fn add(a: u64, b: u64) -> Option<Outcome> {
        let (sum, error) = two_sum(f64::from_bits(a), f64::from_bits(b));
        // An infinite or NaN intermediate of TwoSum shows in the error.
        if !(SAFE.contains(&exponent(sum)) || sum == 0.0) || !error.is_finite() {
            return None;
        }
        Some(finite(sum, error != 0.0, grew(sum, error)))
    }

    /// `a * b`.
    #[inline]
    pub fn multiply(a: u64, b: u64) -> Option<Outcome> {
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        let product = x * y;
        let (ex, ey, ep) = (exponent(x), exponent(y), exponent(product));
        if ex == 0 || ey == 0 || !SAFE.contains(&ep) {
            // Zero times a finite number; NaN compares unequal.
            return (product == 0.0 && (x == 0.0 || y == 0.0))
                .then(|| finite(product, false, false));
        }
        let exact = significand(x) * significand(y);
        let delivered = significand(product) << (52 + ep - (ex + ey - 1023));
        Some(finite(product, delivered != exact, delivered > exact))
    }

    /// `a / b`.
    #[inline]
    pub fn divide(a: u64, b: u64) -> Option<Outcome> {
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        let quotient = x / y;
        let (ex, ey, eq) = (exponent(x), exponent(y), exponent(quotient));
        // A finite nonzero quotient of an infinity does not exist; x or y denormalised is left to the exact path.
        if ex == 0 || ey == 0 || !SAFE.contains(&eq) {
            return None;
        }
        let dividend = significand(x) << (ex - ey - eq + 1075);
        let delivered = significand(quotient) * significand(y);
        Some(finite(
            quotient,
            delivered != dividend,
            delivered > dividend,
        ))
    }

    /// The square root of `a`.
    #[inline]
    pub fn root(a: u64) -> Option<Outcome> {
        let x = f64::from_bits(a);
        let ex = exponent(x);
        if ex == 0 || ex == 0x7FF || a & SIGN != 0 {
            return None;
        }
        let root = x.sqrt();
        let radicand = significand(x) << (ex - 2 * exponent(root) + 1075);
        let delivered = significand(root) * significand(root);
        Some(finite(root, delivered != radicand, delivered > radicand))
    }

    /// `a * c + b`, in integers: the exact sum is at hand then, and with it FR and FI.
    #[inline]
    pub fn multiply_add(a: u64, c: u64, b: u64) -> Option<Outcome> {
        let (x, y, z) = (f64::from_bits(a), f64::from_bits(c), f64::from_bits(b));
        let (ex, ey, ez) = (exponent(x), exponent(y), exponent(z));
        if ex == 0 || ey == 0 || ex == 0x7FF || ey == 0x7FF || ez == 0x7FF {
            return None;
        }
        let z_significand = if ez == 0 {
            u128::from(b & FRACTION)
        } else {
            significand(z)
        };
        // Both left-justified under bit 126; a bit 0 of either is worth 2^scale.
        let mut product = (significand(x) * significand(y)) << 20;
        let mut addend = z_significand << 73;
        let product_scale = ex + ey - 2150 - 20;
        let addend_scale = ez.max(1) - 1075 - 73;
        let distance = product_scale - addend_scale;
        let scale = if distance >= 0 {
            addend = shift_right_jam(addend, distance as u32);
            product_scale
        } else {
            product = shift_right_jam(product, distance.unsigned_abs());
            addend_scale
        };
        let product_negative = (a ^ c) & SIGN != 0;
        let (negative, sum) = if product_negative == (b & SIGN != 0) {
            (product_negative, product + addend)
        } else if product >= addend {
            (product_negative, product - addend)
        } else {
            (!product_negative, addend - product)
        };
        if sum == 0 {
            return Some(finite(0.0, false, false));
        }
        let zeros = sum.leading_zeros();
        let normalised = sum << zeros;
        let biased = scale + 127 - zeros as i32 + 1023;
        if !SAFE.contains(&biased) {
            return None;
        }
        const UNIT: u128 = 1 << 75;
        let rest = normalised & (UNIT - 1);
        let kept = (normalised >> 75) as u64;
        let away = rest > UNIT / 2 || rest == UNIT / 2 && kept & 1 != 0;
        // A carry out of the fraction moves into the exponent, as it should.
        let magnitude = ((biased as u64) << 52) + (kept & FRACTION) + u64::from(away);
        let result = f64::from_bits(magnitude | if negative { SIGN } else { 0 });
        Some(finite(result, rest != 0, away))
    }
}

/// Conversions between doubles and 64-bit integers.
pub(crate) mod integer {
    use super::*;

    /// `a` truncated to a signed integer of `bits` bits, and the status, if it is in range.
    #[inline]
    pub fn truncated(a: u64, bits: u32) -> Option<(u64, u64)> {
        const LIMIT: f64 = (1u64 << 63) as f64;
        let x = f64::from_bits(a);
        if x.is_nan() || x.abs() >= LIMIT {
            return None;
        }
        let integer = x as i64;
        let spare = 64 - bits;
        if integer << spare >> spare != integer {
            return None;
        }
        let status = if integer as f64 == x {
            0
        } else {
            b::XX | b::FI
        };
        Some((integer as u64, status))
    }

    /// A signed integer as a double.
    #[inline]
    pub fn to_double(integer: i64) -> Outcome {
        delivered(integer, integer as f64)
    }

    /// A signed integer as a single, in double format.
    #[inline]
    pub fn to_single(integer: i64) -> Outcome {
        delivered(integer, f64::from(integer as f32))
    }

    fn delivered(integer: i64, result: f64) -> Outcome {
        let back = result as i128;
        let exact = i128::from(integer);
        finite(
            result,
            back != exact,
            back.unsigned_abs() > exact.unsigned_abs(),
        )
    }
}

/// Single precision, in double format.
pub(crate) mod single {
    use super::*;

    /// Exponents (of a double) of single results that are safely normalised.
    const SAFE: std::ops::RangeInclusive<i32> = 898..=1150;

    /// Whether the significands of these doubles have at most 24 bits. (Exponents beyond single precision are fine.)
    #[inline]
    fn narrow(operands: u64) -> bool {
        operands & 0x1FFF_FFFF == 0
    }

    /// `value` (and `error`, far below its last bit) rounded to single precision.
    #[inline]
    fn rounded(value: f64, error: f64) -> Option<Outcome> {
        let result = f64::from(value as f32);
        if !(SAFE.contains(&exponent(result)) || value == 0.0) || !error.is_finite() {
            return None;
        }
        let first = value - result;
        let error = if first != 0.0 { first } else { error };
        Some(finite(result, error != 0.0, grew(result, error)))
    }

    /// A double rounded to single precision (`frsp`).
    #[inline]
    pub fn round(a: u64) -> Option<Outcome> {
        rounded(f64::from_bits(a), 0.0)
    }

    /// `a + b`. Rounding the double sum again is harmless: its 53 bits are more than twice 24 and two.
    #[inline]
    pub fn add(a: u64, b: u64) -> Option<Outcome> {
        if !narrow(a | b) {
            return None;
        }
        let (sum, error) = two_sum(f64::from_bits(a), f64::from_bits(b));
        rounded(sum, error)
    }

    /// `a * b`: exact in double precision.
    #[inline]
    pub fn multiply(a: u64, b: u64) -> Option<Outcome> {
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        let product = x * y;
        if !narrow(a | b) || product == 0.0 && x != 0.0 && y != 0.0 {
            return None;
        }
        rounded(product, 0.0)
    }

    /// `a / b`.
    #[inline]
    pub fn divide(a: u64, b: u64) -> Option<Outcome> {
        let (x, y) = (f64::from_bits(a), f64::from_bits(b));
        if !narrow(a | b) || exponent(x) == 0 || exponent(y) == 0 {
            return None;
        }
        let quotient = x / y;
        if quotient == 0.0 {
            return None;
        }
        // If the quotient has 24 bits, its product with y is exact, and so is the difference: both are near x.
        let error = (x - f64::from(quotient as f32) * y) * if y < 0.0 { -1.0 } else { 1.0 };
        rounded(quotient, error)
    }

    /// The square root of `a`.
    #[inline]
    pub fn root(a: u64) -> Option<Outcome> {
        let x = f64::from_bits(a);
        if !narrow(a) || exponent(x) == 0 || exponent(x) == 0x7FF || a & SIGN != 0 {
            return None;
        }
        let root = x.sqrt();
        let narrowed = f64::from(root as f32);
        rounded(root, x - narrowed * narrowed)
    }

    /// `a * c + b`: the exact product plus B, rounded to odd in double precision, then to single (which is
    /// the one rounding asked for, as 53 bits are at least two more than 24).
    #[inline]
    pub fn multiply_add(a: u64, c: u64, b: u64) -> Option<Outcome> {
        let (x, y) = (f64::from_bits(a), f64::from_bits(c));
        let product = x * y;
        let exact = if exponent(product) == 0 {
            x == 0.0 || y == 0.0
        } else {
            product.is_finite()
        };
        if !narrow(a | c | b) || !exact {
            return None;
        }
        let (sum, error) = two_sum(product, f64::from_bits(b));
        if !error.is_finite() {
            return None;
        }
        let odd = if error != 0.0 && sum.to_bits() & 1 == 0 {
            // The odd neighbour on the side where the exact sum lies.
            let step = if grew(sum, error) { u64::MAX } else { 1 };
            f64::from_bits(sum.to_bits().wrapping_add(step))
        } else {
            sum
        };
        rounded(odd, 0.0)
    }
}
