//! Arithmetic: add, subtract, multiply, divide, square root, multiply-add, estimates, rounding to integral values.

use super::deliver;
use crate::fpscr::{Fpscr, Rounding};
use crate::softfloat::element::{self, Double, Fused, SingleInDouble};
use crate::softfloat::{Control, Format, Outcome, Unpacked, convert, estimate, fast};

macro_rules! binary {
    ($($name:ident, $operation:ident, $shape:ty, $what:literal;)*) => {
        $(#[doc = $what]
        #[inline]
        pub fn $name(f: &mut Fpscr, a: u64, b: u64) -> Option<u64> {
            let outcome = element::$operation::<$shape>(Control::of(*f), a.into(), b.into());
            deliver(f, outcome)
        })*
    };
}

binary! {
    fadd, add, Double, "`fadd`, `xsadddp`: A + B.";
    fadds, add, SingleInDouble, "`fadds`, `xsaddsp`: A + B in single precision.";
    fsub, subtract, Double, "`fsub`, `xssubdp`: A - B.";
    fsubs, subtract, SingleInDouble, "`fsubs`, `xssubsp`: A - B in single precision.";
    fmul, multiply, Double, "`fmul`, `xsmuldp`: A * C.";
    fmuls, multiply, SingleInDouble, "`fmuls`, `xsmulsp`: A * C in single precision.";
    fdiv, divide, Double, "`fdiv`, `xsdivdp`: A / B.";
    fdivs, divide, SingleInDouble, "`fdivs`, `xsdivsp`: A / B in single precision.";
}

macro_rules! multiply_add {
    ($($name:ident, $kind:ident, $shape:ty, $what:literal;)*) => {
        $(#[doc = $what]
        #[inline]
        pub fn $name(f: &mut Fpscr, a: u64, c: u64, b: u64) -> Option<u64> {
            let outcome = element::fused::<$shape>(Fused::$kind, Control::of(*f), a.into(), c.into(), b.into());
            deliver(f, outcome)
        })*
    };
}

multiply_add! {
    fmadd, Add, Double, "`fmadd`, `xsmadd[am]dp`: A * C + B, rounded once.";
    fmadds, Add, SingleInDouble, "`fmadds`, `xsmadd[am]sp`: A * C + B, rounded once to single precision.";
    fmsub, Subtract, Double, "`fmsub`, `xsmsub[am]dp`: A * C - B, rounded once.";
    fmsubs, Subtract, SingleInDouble, "`fmsubs`, `xsmsub[am]sp`: A * C - B, rounded once to single precision.";
    fnmadd, NegatedAdd, Double, "`fnmadd`, `xsnmadd[am]dp`: -(A * C + B), rounded before it is negated.";
    fnmadds, NegatedAdd, SingleInDouble, "`fnmadds`, `xsnmadd[am]sp`: -(A * C + B) in single precision.";
    fnmsub, NegatedSubtract, Double, "`fnmsub`, `xsnmsub[am]dp`: -(A * C - B), rounded before it is negated.";
    fnmsubs, NegatedSubtract, SingleInDouble, "`fnmsubs`, `xsnmsub[am]sp`: -(A * C - B) in single precision.";
}

/// `fsqrt`, `xssqrtdp`: the square root of B.
#[inline]
pub fn fsqrt(f: &mut Fpscr, b: u64) -> Option<u64> {
    let outcome = element::root::<Double>(Control::of(*f), b.into());
    deliver(f, outcome)
}

/// `fsqrts`, `xssqrtsp`: the square root of B in single precision.
#[inline]
pub fn fsqrts(f: &mut Fpscr, b: u64) -> Option<u64> {
    let outcome = element::root::<SingleInDouble>(Control::of(*f), b.into());
    deliver(f, outcome)
}

/// `fre`, `xsredp`: an estimate of 1 / B.
pub fn fre(f: &mut Fpscr, b: u64) -> Option<u64> {
    let outcome = estimate::reciprocal::<Double>(Control::of(*f), b.into());
    deliver(f, outcome)
}

/// `fres`, `xsresp`: an estimate of 1 / B in single precision.
pub fn fres(f: &mut Fpscr, b: u64) -> Option<u64> {
    let outcome = estimate::reciprocal::<SingleInDouble>(Control::of(*f), b.into());
    deliver(f, outcome)
}

/// `frsqrte`, `xsrsqrtedp`: an estimate of 1 / sqrt(B).
pub fn frsqrte(f: &mut Fpscr, b: u64) -> Option<u64> {
    let outcome = estimate::reciprocal_root::<Double>(Control::of(*f), b.into());
    deliver(f, outcome)
}

/// `frsqrtes`, `xsrsqrtesp`: an estimate of 1 / sqrt(B) in single precision.
pub fn frsqrtes(f: &mut Fpscr, b: u64) -> Option<u64> {
    let outcome = estimate::reciprocal_root::<SingleInDouble>(Control::of(*f), b.into());
    deliver(f, outcome)
}

pub use self::{fre as xsredp, fres as xsresp, frsqrte as xsrsqrtedp, frsqrtes as xsrsqrtesp};

/// `frsp`, `xsrsp`: B rounded to single precision.
#[inline]
pub fn frsp(f: &mut Fpscr, b: u64) -> Option<u64> {
    let control = Control::of(*f);
    let outcome = fast_round(control, b).unwrap_or_else(|| {
        let b = Unpacked::unpack(Format::DOUBLE, b.into());
        convert::quieted(b).round_into(Format::SINGLE, Format::DOUBLE, control)
    });
    deliver(f, outcome)
}

pub use self::frsp as xsrsp;

fn fast_round(control: Control, b: u64) -> Option<Outcome> {
    if control.is_nearest() {
        fast::single::round(b)
    } else {
        None
    }
}

macro_rules! integral {
    ($($name:ident, $rounding:ident, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, b: u64) -> Option<u64> {
            let outcome = element::round_to_integral(Format::DOUBLE, Rounding::$rounding, b.into(), false);
            deliver(f, outcome)
        })*
    };
}

integral! {
    frin, NearestAway, "`frin`, `xsrdpi`: B rounded to the nearest integral value, ties away from zero; never inexact.";
    friz, TowardZero, "`friz`, `xsrdpiz`: B rounded to an integral value toward zero; never inexact.";
    frip, Up, "`frip`, `xsrdpip`: B rounded to an integral value toward +infinity; never inexact.";
    frim, Down, "`frim`, `xsrdpim`: B rounded to an integral value toward -infinity; never inexact.";
}

pub use self::{frim as xsrdpim, frin as xsrdpi, frip as xsrdpip, friz as xsrdpiz};

/// `xsrdpic`: B rounded to an integral value as RN says; sets XX, FI and FR where that changes the value.
pub fn xsrdpic(f: &mut Fpscr, b: u64) -> Option<u64> {
    let outcome = element::round_to_integral(Format::DOUBLE, f.rounding(), b.into(), true);
    deliver(f, outcome)
}
