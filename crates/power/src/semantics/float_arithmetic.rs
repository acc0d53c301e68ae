//! Floating-point arithmetic, rounding, conversion and comparison on FPRs (Book I, 4.6.6 to 4.6.8).

use power_float::{Fpscr, scalar as fp};

use crate::engine::{Done, Engine, Facility, Integral, Lower, ToInteger};
use crate::insn::Insn;

/// CR field 1 where Rc says so: also where an enabled exception ends the instruction.
#[inline(always)]
pub(super) fn record<E: Engine>(e: &mut E, i: Insn, done: Done<E>) -> Done<E> {
    if i.rc() {
        e.float_record();
    }
    done
}

/// FRT = f(FRB).
#[inline(always)]
pub(super) fn unary<E: Engine>(
    e: &mut E,
    i: Insn,
    lower: Lower,
    f: fn(&mut Fpscr, u64) -> Option<u64>,
) -> Done<E> {
    e.require(Facility::Float)?;
    let b = e.vsr_high(i.rb());
    let done = e.float1(lower, f, i.rt(), b);
    record(e, i, done)
}

/// FRT = f(FRA, the register `second`).
#[inline(always)]
fn binary<E: Engine>(
    e: &mut E,
    i: Insn,
    second: u32,
    lower: Lower,
    f: fn(&mut Fpscr, u64, u64) -> Option<u64>,
) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, b) = (e.vsr_high(i.ra()), e.vsr_high(second));
    let done = e.float2(lower, f, i.rt(), a, b);
    record(e, i, done)
}

/// FRT = f(FRA, FRC, FRB).
#[inline(always)]
fn ternary<E: Engine>(
    e: &mut E,
    i: Insn,
    lower: Lower,
    f: fn(&mut Fpscr, u64, u64, u64) -> Option<u64>,
) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, c, b) = (
        e.vsr_high(i.ra()),
        e.vsr_high(i.rc_reg()),
        e.vsr_high(i.rb()),
    );
    let done = e.float3(lower, f, i.rt(), a, c, b);
    record(e, i, done)
}

macro_rules! binaries {
    ($($name:ident $second:ident $lower:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            binary(e, i, i.$second(), Lower::$lower, fp::$name)
        }
    )* };
}
binaries! {
    fadd rb Add64;
    fadds rb Add32;
    fsub rb Sub64;
    fsubs rb Sub32;
    fmul rc_reg Mul64;
    fmuls rc_reg Mul32;
    fdiv rb Div64;
    fdivs rb Div32;
}

macro_rules! ternaries {
    ($($name:ident $lower:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            ternary(e, i, Lower::$lower, fp::$name)
        }
    )* };
}
ternaries! {
    fmadd Madd64;
    fmadds Madd32;
    fmsub Msub64;
    fmsubs Msub32;
    fnmadd Nmadd64;
    fnmadds Nmadd32;
    fnmsub Nmsub64;
    fnmsubs Nmsub32;
}

const fn to_integer(signed: bool, bits: u8, truncates: bool) -> Lower {
    Lower::ToInteger(ToInteger {
        signed,
        bits,
        truncates,
        doubled: false,
    })
}

macro_rules! unaries {
    ($($name:ident $lower:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            unary(e, i, $lower, fp::$name)
        }
    )* };
}
unaries! {
    fsqrt Lower::Root64;
    fsqrts Lower::Root32;
    fre Lower::Call;
    fres Lower::Call;
    frsqrte Lower::Call;
    frsqrtes Lower::Call;
    frsp Lower::RoundToSingle;
    frin Lower::Integral64(Integral::NearestAway);
    friz Lower::Integral64(Integral::TowardZero);
    frip Lower::Integral64(Integral::Up);
    frim Lower::Integral64(Integral::Down);
    fctid to_integer(true, 64, false);
    fctidz to_integer(true, 64, true);
    fctidu to_integer(false, 64, false);
    fctiduz to_integer(false, 64, true);
    fctiw to_integer(true, 32, false);
    fctiwz to_integer(true, 32, true);
    fctiwu to_integer(false, 32, false);
    fctiwuz to_integer(false, 32, true);
    fcfid Lower::FromInteger { signed: true, single: false };
    fcfids Lower::FromInteger { signed: true, single: true };
    fcfidu Lower::FromInteger { signed: false, single: false };
    fcfidus Lower::FromInteger { signed: false, single: true };
}

macro_rules! comparisons {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let (a, b) = (e.vsr_high(i.ra()), e.vsr_high(i.rb()));
            e.float_compare(Lower::Compare64, fp::$name, i.bf(), a, b)
        }
    )* };
}
comparisons!(fcmpu, fcmpo);

pub(crate) fn ftdiv<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let (a, b) = (e.vsr_high(i.ra()), e.vsr_high(i.rb()));
    let field = e.pure2(|a, b| fp::ftdiv(a, b).into(), a, b);
    e.set_cr_field(i.bf(), field);
    Ok(())
}

pub(crate) fn ftsqrt<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let b = e.vsr_high(i.rb());
    let field = e.pure1(|b| fp::ftsqrt(b).into(), b);
    e.set_cr_field(i.bf(), field);
    Ok(())
}
