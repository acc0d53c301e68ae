//! VMX floating-point instructions (Book I, 6.11): single precision, without FPSCR.

use super::vmx::{immediate, set_vrt, vra, vrb, vrc};
use crate::engine::{Done, Engine, Facility};
use crate::insn::Insn;

macro_rules! binaries {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let (a, b) = (vra(e, i), vrb(e, i));
            let value = e.vmx_float(|a, b, _, nj| power_float::vmx::$name(a, b, nj), a, b, b);
            set_vrt(e, i, value)
        }
    )* };
}
binaries!(vaddfp, vsubfp, vmaxfp, vminfp);

macro_rules! ternaries {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let (a, c, b) = (vra(e, i), vrc(e, i), vrb(e, i));
            let value = e.vmx_float(power_float::vmx::$name, a, c, b);
            set_vrt(e, i, value)
        }
    )* };
}
ternaries!(vmaddfp, vnmsubfp);

macro_rules! unaries {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let b = vrb(e, i);
            let value = e.vmx_float(|b, _, _, nj| power_float::vmx::$name(b, nj), b, b, b);
            set_vrt(e, i, value)
        }
    )* };
}
unaries!(
    vrefp, vrsqrtefp, vexptefp, vlogefp, vrfin, vrfiz, vrfip, vrfim
);

macro_rules! from_integers {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            super::vmx::unary_immediate(e, i, |b, uim| power_float::vmx::$name(b, uim as u8), i.ra())
        }
    )* };
}
from_integers!(vcfsx, vcfux);

/// NJ makes no difference to these: a denormalised number truncates to 0 like 0, whatever the scale.
macro_rules! to_integers {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let (b, uim) = (vrb(e, i), immediate(e, i.ra()));
            let value = e.vec2_sat(|b, uim| power_float::vmx::$name(b, uim as u8, false), b, uim);
            set_vrt(e, i, value)
        }
    )* };
}
to_integers!(vctsxs, vctuxs);
