//! VMX permutes, merges, splats, packs, extraction and insertion of elements (Book I, 6.8), and what moves elements to GPRs.

use super::vmx::{bind, bind_binary, constant, set_vrt, unary_immediate, vra, vrb, vrt};
use crate::engine::{Done, Engine, Facility};
use crate::insn::Insn;

bind_binary! {
    vmrghb, vmrghh, vmrghw, vmrglb, vmrglh, vmrglw, vmrgew, vmrgow,
    vpkuhum, vpkuwum, vpkudum, vpkpx, vbpermq, vbpermd,
}
bind!(binary_saturating: vpkuhus, vpkuwus, vpkudus, vpkshus, vpkswus, vpksdus, vpkshss, vpkswss, vpksdss);
bind!(unary: vupkhsb, vupkhsh, vupkhsw, vupkhpx, vupklsb, vupklsh, vupklsw, vupklpx, vgbbd);
bind!(ternary: vperm, vpermr, vpermxor);

pub(crate) fn vsldoi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vmx)?;
    let (a, b) = (vra(e, i), vrb(e, i));
    let value = e.vec2_imm(
        |a, b, shb| power_vector::vsldoi(a, b, shb as u8),
        a,
        b,
        i.bits(22, 4),
    );
    set_vrt(e, i, value)
}

/// VRT = f(VRB, UIM).
macro_rules! with_immediate {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            unary_immediate(e, i, |b, uim| power_vector::$name(b, uim as u8), i.bits(12, 4))
        }
    )* };
}
with_immediate!(
    vspltb, vsplth, vspltw, vextractub, vextractuh, vextractuw, vextractd
);

/// VRT = f(old VRT, VRB, UIM).
macro_rules! inserts {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let (t, b) = (vrt(e, i), vrb(e, i));
            let value = e.vec2_imm(|t, b, uim| power_vector::$name(t, b, uim as u8), t, b, i.bits(12, 4));
            set_vrt(e, i, value)
        }
    )* };
}
inserts!(vinsertb, vinserth, vinsertw, vinsertd);

/// VRT = the sign-extended immediate in all elements.
macro_rules! splats {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let sim = (i.ra() << 3) as i8 >> 3;
            let value = constant(e, power_vector::$name(sim));
            set_vrt(e, i, value)
        }
    )* };
}
splats!(vspltisb, vspltish, vspltisw);

/// RT = f(RA, VRB).
macro_rules! extracts_to_gpr {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let (a, b) = (e.gpr(i.ra()), vrb(e, i));
            let value = e.vec_to_word(|b, a| power_vector::$name(a, b), b, a);
            e.set_gpr(i.rt(), value);
            Ok(())
        }
    )* };
}
extracts_to_gpr!(vextublx, vextuhlx, vextuwlx, vextubrx, vextuhrx, vextuwrx);

/// RT = f(VRB).
macro_rules! counts_to_gpr {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let (b, none) = (vrb(e, i), e.imm(0));
            let value = e.vec_to_word(|b, _| power_vector::$name(b), b, none);
            e.set_gpr(i.rt(), value);
            Ok(())
        }
    )* };
}
counts_to_gpr!(vclzlsbb, vctzlsbb);
