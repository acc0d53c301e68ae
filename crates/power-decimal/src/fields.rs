//! Format operations: packed decimal digits, exponents and significands as such (Book I, 5.6.6).
//!
//! Of these `denbcd` alone touches FPSCR.

use power_float::Fpscr;
use power_float::fpscr::bits as b;

use crate::format::{Format, unpack};
use crate::number::{Class, Number};
use crate::outcome::Outcome;

/// A number's low `count` decimal digits, four bits each.
fn to_bcd(mut number: u128, count: u32) -> u128 {
    (0..count).fold(0, |bcd, index| {
        let digit = number % 10;
        number /= 10;
        bcd | digit << (4 * index)
    })
}

/// The number of `count` digits of four bits each. None where one is no digit.
fn from_bcd(bcd: u128, count: u32) -> Option<u128> {
    (0..count).rev().try_fold(0, |number, index| {
        let digit = bcd >> (4 * index) & 0xF;
        (digit <= 9).then_some(number * 10 + digit)
    })
}

/// Digits of four bits that fill a register of a format.
const fn nibbles<F>() -> u32 {
    2 * size_of::<F>() as u32
}

/// `ddedpd`, `ddedpdq`: the rightmost digits of the significand as packed decimal: unsigned where
/// SP is 0 or 1, else with a sign code: 0xD for minus; for plus 0xC where SP is 2, 0xF where it is
/// 3.
pub fn ddedpd<F: Format>(b: F, sp: u8) -> F {
    let b = unpack(b);
    let bcd = if sp & 2 == 0 {
        to_bcd(b.coefficient, nibbles::<F>())
    } else {
        let code = match (b.sign, sp & 1) {
            (true, _) => 0xD,
            (false, 0) => 0xC,
            (false, _) => 0xF,
        };
        to_bcd(b.coefficient, nibbles::<F>() - 1) << 4 | code
    };
    F::of(bcd)
}

/// `denbcd`, `denbcdq`: packed decimal as a number with exponent 0: unsigned, or where `signed`
/// with a sign code in the last four bits. An invalid conversion where a digit or the sign code is
/// none.
pub fn denbcd<F: Format>(f: &mut Fpscr, b: F, signed: bool) -> Option<F> {
    let (bcd, count) = (b.into(), nibbles::<F>());
    let number = if signed {
        let sign = match bcd & 0xF {
            0xA | 0xC | 0xE | 0xF => Some(false),
            0xB | 0xD => Some(true),
            _ => None,
        };
        sign.zip(from_bcd(bcd >> 4, count - 1))
    } else {
        from_bcd(bcd, count).map(|number| (false, number))
    };
    let outcome = match number {
        Some((sign, coefficient)) => Outcome::exact(Number::finite(sign, coefficient, 0)),
        None => Outcome::invalid(b::VXCVI),
    };
    outcome.deliver(f)
}

/// `dxex`, `dxexq`: the biased exponent; -1 of an infinity, -2 of a quiet NaN, -3 of a signalling
/// one.
pub fn dxex<F: Format>(b: F) -> u64 {
    let b = unpack(b);
    let exponent = match b.class {
        Class::Finite => b.exponent + F::LAYOUT.bias,
        Class::Infinity => -1,
        Class::Quiet => -2,
        Class::Signalling => -3,
    };
    i64::from(exponent) as u64
}

/// `diex`, `diexq`: sign and significand of B with the biased exponent `a`; an infinity or a NaN
/// where `a` is what [`dxex`] delivers of one, a quiet NaN for every other number that is no
/// exponent.
pub fn diex<F: Format>(a: u64, b: F) -> F {
    let b = unpack(b);
    let (class, exponent) = match a as i64 {
        -1 => (Class::Infinity, 0),
        -3 => (Class::Signalling, 0),
        biased if (0..=F::LAYOUT.largest_biased().into()).contains(&biased) => {
            (Class::Finite, biased as i32 - F::LAYOUT.bias)
        }
        _ => (Class::Quiet, 0),
    };
    F::of(F::LAYOUT.pack(Number {
        class,
        exponent,
        ..b
    }))
}

/// Digits of the significand that an instruction shifts: infinities and NaNs have no leftmost one.
fn shifted_digits<F: Format>(number: Number) -> u32 {
    F::LAYOUT.digits() - u32::from(!number.is_finite())
}

/// `dscli`, `dscliq`: the significand of A shifted left by `sh` digits (0 to 63); sign, class and
/// exponent stay.
pub fn dscli<F: Format>(a: F, sh: u8) -> F {
    let a = unpack(a);
    let (sh, digits) = (u32::from(sh & 63), shifted_digits::<F>(a));
    let coefficient = match digits.checked_sub(sh) {
        Some(left) => a.coefficient % 10u128.pow(left) * 10u128.pow(sh),
        None => 0,
    };
    F::of(F::LAYOUT.pack(Number { coefficient, ..a }))
}

/// `dscri`, `dscriq`: as [`dscli`], to the right.
pub fn dscri<F: Format>(a: F, sh: u8) -> F {
    let a = unpack(a);
    let sh = u32::from(sh & 63);
    let coefficient = if sh < shifted_digits::<F>(a) {
        a.coefficient / 10u128.pow(sh)
    } else {
        0
    };
    F::of(F::LAYOUT.pack(Number { coefficient, ..a }))
}
