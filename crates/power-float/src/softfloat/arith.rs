//! The arithmetic operations on unpacked data: special cases by the ISA's tables, the rest exactly (sticky).
//!
//! A result is still to be rounded. Of several NaN operands the first in the order A, B, C is delivered,
//! quieted; every signalling one sets VXSNAN (Book I, 4.4.1).

use super::round::Intermediate;
use super::wide::{U256, quotient, shift_right_jam, square_root};
use super::{Class, Unpacked};
use crate::fpscr::{Rounding, bits as b};

/// The NaN that `operands` propagate, if any is a NaN.
#[inline]
pub(crate) fn propagated<const N: usize>(operands: [Unpacked; N]) -> Option<Intermediate> {
    let first = operands.iter().find(|o| o.is_nan())?;
    let status = if operands.iter().any(|o| o.is_signalling()) {
        b::VXSNAN
    } else {
        0
    };
    Some(Intermediate {
        value: first.quieted(),
        status,
    })
}

/// The sign of an exact zero that is the sum of numbers with opposite signs.
const fn cancelled(rounding: Rounding) -> Unpacked {
    Unpacked::zero(matches!(rounding, Rounding::Down))
}

/// `a + b`.
#[inline]
pub(crate) fn add(a: Unpacked, b: Unpacked, rounding: Rounding) -> Intermediate {
    if let Some(nan) = propagated([a, b]) {
        return nan;
    }
    match (a.class, b.class) {
        (Class::Infinity, Class::Infinity) if a.sign != b.sign => Intermediate::invalid(b::VXISI),
        (Class::Infinity, _) => Intermediate::of(a),
        (_, Class::Infinity) => Intermediate::of(b),
        (Class::Zero, Class::Zero) if a.sign != b.sign => Intermediate::of(cancelled(rounding)),
        (_, Class::Zero) => Intermediate::of(a),
        (Class::Zero, _) => Intermediate::of(b),
        _ => Intermediate::of(add_finite(a, b, rounding)),
    }
}

fn add_finite(a: Unpacked, b: Unpacked, rounding: Rounding) -> Unpacked {
    let (large, small) = if (a.exponent, a.significand) >= (b.exponent, b.significand) {
        (a, b)
    } else {
        (b, a)
    };
    // One bit of room for the carry; at least 14 bits below the last place of the widest format remain.
    let x = large.significand >> 1;
    let y = shift_right_jam(
        small.significand >> 1,
        (large.exponent - small.exponent) as u32,
    );
    if a.sign == b.sign {
        Unpacked::finite(a.sign, large.exponent + 1, x + y)
    } else if x == y {
        cancelled(rounding)
    } else {
        Unpacked::finite(large.sign, large.exponent + 1, x - y)
    }
}

/// `a - b`.
#[inline]
pub(crate) fn subtract(a: Unpacked, b: Unpacked, rounding: Rounding) -> Intermediate {
    add(a, b.negated(), rounding)
}

/// `a * b`.
#[inline]
pub(crate) fn multiply(a: Unpacked, b: Unpacked) -> Intermediate {
    if let Some(nan) = propagated([a, b]) {
        return nan;
    }
    let sign = a.sign != b.sign;
    match (a.class, b.class) {
        (Class::Infinity, Class::Zero) | (Class::Zero, Class::Infinity) => {
            Intermediate::invalid(b::VXIMZ)
        }
        (Class::Infinity, _) | (_, Class::Infinity) => Intermediate::of(Unpacked::infinity(sign)),
        (Class::Zero, _) | (_, Class::Zero) => Intermediate::of(Unpacked::zero(sign)),
        _ => {
            let product = U256::product(a.significand, b.significand);
            Intermediate::of(Unpacked::finite(
                sign,
                a.exponent + b.exponent + 1,
                product.high_jam(),
            ))
        }
    }
}

/// `a / b`; `precision` is that of the target format.
#[inline]
pub(crate) fn divide(a: Unpacked, b: Unpacked, precision: u32) -> Intermediate {
    if let Some(nan) = propagated([a, b]) {
        return nan;
    }
    let sign = a.sign != b.sign;
    match (a.class, b.class) {
        (Class::Infinity, Class::Infinity) => Intermediate::invalid(b::VXIDI),
        (Class::Zero, Class::Zero) => Intermediate::invalid(b::VXZDZ),
        (Class::Infinity, _) => Intermediate::of(Unpacked::infinity(sign)),
        (_, Class::Zero) => Intermediate {
            value: Unpacked::infinity(sign),
            status: b::ZX,
        },
        (Class::Zero, _) | (_, Class::Infinity) => Intermediate::of(Unpacked::zero(sign)),
        _ => {
            // One more bit in case the integer part is 0, two to round with.
            let q = quotient(a.significand, b.significand, precision + 3);
            Intermediate::of(Unpacked::finite(sign, a.exponent - b.exponent, q))
        }
    }
}

/// The square root of `a`; `precision` is that of the target format.
#[inline]
pub(crate) fn root(a: Unpacked, precision: u32) -> Intermediate {
    if let Some(nan) = propagated([a]) {
        return nan;
    }
    match a.class {
        Class::Zero => Intermediate::of(a),
        _ if a.sign => Intermediate::invalid(b::VXSQRT),
        Class::Finite => {
            let radicand = if a.exponent % 2 == 0 {
                a.significand >> 1
            } else {
                a.significand
            };
            let root = square_root(radicand, precision + 2);
            Intermediate::of(Unpacked::finite(false, a.exponent.div_euclid(2), root))
        }
        _ => Intermediate::of(a),
    }
}

/// `a * c + b`, rounded once; operands in the ISA's order.
#[inline]
pub(crate) fn multiply_add(
    a: Unpacked,
    c: Unpacked,
    b: Unpacked,
    rounding: Rounding,
) -> Intermediate {
    // Infinity times zero is invalid even where the result is the NaN in B.
    let invalid_product = match (a.class, c.class) {
        (Class::Infinity, Class::Zero) | (Class::Zero, Class::Infinity) => b::VXIMZ,
        _ => 0,
    };
    if let Some(mut nan) = propagated([a, b, c]) {
        nan.status |= invalid_product;
        return nan;
    }
    if invalid_product != 0 {
        return Intermediate::invalid(invalid_product);
    }
    let sign = a.sign != c.sign;
    let product_class = match (a.class, c.class) {
        (Class::Infinity, _) | (_, Class::Infinity) => Class::Infinity,
        (Class::Zero, _) | (_, Class::Zero) => Class::Zero,
        _ => Class::Finite,
    };
    match (product_class, b.class) {
        (Class::Infinity, Class::Infinity) if sign != b.sign => Intermediate::invalid(b::VXISI),
        (Class::Infinity, _) => Intermediate::of(Unpacked::infinity(sign)),
        (_, Class::Infinity) => Intermediate::of(b),
        (Class::Zero, Class::Zero) if sign != b.sign => Intermediate::of(cancelled(rounding)),
        (Class::Zero, _) => Intermediate::of(b),
        (_, Class::Zero) => multiply(a, c),
        _ => Intermediate::of(add_product(a, c, b, rounding)),
    }
}

fn add_product(a: Unpacked, c: Unpacked, b: Unpacked, rounding: Rounding) -> Unpacked {
    let sign = a.sign != c.sign;
    // Both with their leading bit at most at bit 254, so that a carry has room; bit 255 is worth 2^exponent.
    let product = U256::product(a.significand, c.significand).shifted_right_jam(1);
    let product_exponent = a.exponent + c.exponent + 2;
    let addend = U256 {
        high: b.significand >> 1,
        low: b.significand << 127,
    };
    let addend_exponent = b.exponent + 1;
    let exponent = product_exponent.max(addend_exponent);
    // The product keeps 29 or more zeros below its last bit, the addend 142: what a shift loses is far below
    // the other operand's last bit, and the leading bits can't cancel then.
    let x = product.shifted_right_jam((exponent - product_exponent) as u32);
    let y = addend.shifted_right_jam((exponent - addend_exponent) as u32);
    let (sign, sum) = if sign == b.sign {
        (sign, x.plus(y))
    } else if x > y {
        (sign, x.minus(y))
    } else if x < y {
        (b.sign, y.minus(x))
    } else {
        return cancelled(rounding);
    };
    let zeros = sum.leading_zeros();
    Unpacked::finite(
        sign,
        exponent - zeros as i32,
        sum.shifted_left(zeros).high_jam(),
    )
}
