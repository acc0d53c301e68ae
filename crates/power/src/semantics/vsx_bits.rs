//! VSX instructions that only move or combine bits: logic, permutes, splats, byte reversal, signs, and access to the fields of
//! floating-point elements (Book I, 7.6.3).

use power_float::vector as fv;
use power_vector as pv;

use super::vmx::constant;
use super::vsx_storage::facility_of;
use crate::engine::{Done, Engine, Facility, Lower};
use crate::insn::Insn;

/// XT = f(XA, XB).
macro_rules! binaries {
    ($($name:ident $lower:ident $function:path;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (a, b) = (e.vsr(i.xa()), e.vsr(i.xb()));
            let value = e.vec2(Lower::$lower, $function, a, b);
            e.set_vsr(i.xt(), value);
            Ok(())
        }
    )* };
}
binaries! {
    xxland VecAnd pv::xxland;
    xxlandc VecAndc pv::xxlandc;
    xxlor VecOr pv::xxlor;
    xxlxor VecXor pv::xxlxor;
    xxlnor VecNor pv::xxlnor;
    xxlorc Call pv::xxlorc;
    xxlnand Call pv::xxlnand;
    xxleqv Call pv::xxleqv;
    xxmrghw Call pv::xxmrghw;
    xxmrglw Call pv::xxmrglw;
    xvcpsgndp Call pv::xvcpsgndp;
    xvcpsgnsp Call pv::xvcpsgnsp;
    xviexpdp Call fv::xviexpdp;
    xviexpsp Call fv::xviexpsp;
}

/// XT = f(XB).
macro_rules! unaries {
    ($($name:ident $function:path;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let b = e.vsr(i.xb());
            let value = e.vec1(Lower::Call, $function, b);
            e.set_vsr(i.xt(), value);
            Ok(())
        }
    )* };
}
unaries! {
    xvabsdp pv::xvabsdp;
    xvabssp pv::xvabssp;
    xvnabsdp pv::xvnabsdp;
    xvnabssp pv::xvnabssp;
    xvnegdp pv::xvnegdp;
    xvnegsp pv::xvnegsp;
    xxbrh pv::xxbrh;
    xxbrw pv::xxbrw;
    xxbrd pv::xxbrd;
    xxbrq pv::xxbrq;
    xvxexpdp fv::xvxexpdp;
    xvxexpsp fv::xvxexpsp;
    xvxsigdp fv::xvxsigdp;
    xvxsigsp fv::xvxsigsp;
}

/// XT = f(old XT, XA, XB).
macro_rules! permutes {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (t, a, b) = (e.vsr(i.xt()), e.vsr(i.xa()), e.vsr(i.xb()));
            let value = e.vec3(Lower::Call, pv::$name, t, a, b);
            e.set_vsr(i.xt(), value);
            Ok(())
        }
    )* };
}
permutes!(xxperm, xxpermr);

pub(crate) fn xxsel<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b, c) = (e.vsr(i.xa()), e.vsr(i.xb()), e.vsr(i.xc()));
    let value = e.vec3(Lower::Call, pv::xxsel, a, b, c);
    e.set_vsr(i.xt(), value);
    Ok(())
}

/// xxpermdi is how compilers swap and move doublewords, so it is spelled out in primitives.
pub(crate) fn xxpermdi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b) = (e.vsr(i.xa()), e.vsr(i.xb()));
    let ((a_high, a_low), (b_high, b_low)) = (e.halves(a), e.halves(b));
    let high = if i.bits(22, 1) == 0 { a_high } else { a_low };
    let low = if i.bits(23, 1) == 0 { b_high } else { b_low };
    let value = e.vector(high, low);
    e.set_vsr(i.xt(), value);
    Ok(())
}

pub(crate) fn xxsldwi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b) = (e.vsr(i.xa()), e.vsr(i.xb()));
    let value = e.vec2_imm(
        |a, b, shw| pv::xxsldwi(a, b, shw as u8),
        a,
        b,
        i.bits(22, 2),
    );
    e.set_vsr(i.xt(), value);
    Ok(())
}

/// XT = f(XB, UIM).
macro_rules! with_immediate {
    ($($name:ident $first:literal $length:literal;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let b = e.vsr(i.xb());
            let value = e.vec1_imm(|b, uim| pv::$name(b, uim as u8), b, i.bits($first, $length));
            e.set_vsr(i.xt(), value);
            Ok(())
        }
    )* };
}
with_immediate! {
    xxspltw 14 2;
    xxextractuw 12 4;
}

pub(crate) fn xxinsertw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (t, b) = (e.vsr(i.xt()), e.vsr(i.xb()));
    let value = e.vec2_imm(
        |t, b, uim| pv::xxinsertw(t, b, uim as u8),
        t,
        b,
        i.bits(12, 4),
    );
    e.set_vsr(i.xt(), value);
    Ok(())
}

pub(crate) fn xxspltib<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(facility_of(i.xt()))?;
    let value = constant(e, pv::xxspltib(i.bits(13, 8) as u8));
    e.set_vsr(i.xt(), value);
    Ok(())
}
