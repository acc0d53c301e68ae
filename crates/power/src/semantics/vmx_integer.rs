//! VMX integer arithmetic, shifts, logic and counts (Book I, 6.9), and the polynomial, cipher and hash functions of 6.10.

use super::vmx::{bind, bind_binary, set_vrt, vra};
use crate::engine::{Done, Engine, Facility, Lower};
use crate::insn::Insn;

bind_binary! {
    vaddubm Lower::VecAdd(8);
    vadduhm Lower::VecAdd(16);
    vadduwm Lower::VecAdd(32);
    vaddudm Lower::VecAdd(64);
    vsububm Lower::VecSub(8);
    vsubuhm Lower::VecSub(16);
    vsubuwm Lower::VecSub(32);
    vsubudm Lower::VecSub(64);
    vand Lower::VecAnd;
    vandc Lower::VecAndc;
    vor Lower::VecOr;
    vxor Lower::VecXor;
    vnor Lower::VecNor;
}
bind_binary! {
    vadduqm, vaddcuq, vaddcuw, vsubuqm, vsubcuq, vsubcuw,
    vmul10ecuq, vmul10euq,
    vmaxub, vmaxuh, vmaxuw, vmaxud, vmaxsb, vmaxsh, vmaxsw, vmaxsd,
    vminub, vminuh, vminuw, vminud, vminsb, vminsh, vminsw, vminsd,
    vavgub, vavguh, vavguw, vavgsb, vavgsh, vavgsw, vabsdub, vabsduh, vabsduw,
    vrlb, vrlh, vrlw, vrld, vslb, vslh, vslw, vsld, vsl, vsrb, vsrh, vsrw, vsrd, vsr, vsrab, vsrah, vsraw, vsrad,
    vslv, vsrv, vslo, vsro, vrlwnm, vrldnm,
    vorc, vnand, veqv,
    vmuloub, vmulouh, vmulouw, vmulosb, vmulosh, vmulosw, vmuleub, vmuleuh, vmuleuw, vmulesb, vmulesh, vmulesw, vmuluwm,
    vpmsumb, vpmsumh, vpmsumw, vpmsumd, vcipher, vcipherlast, vncipher, vncipherlast,
}
bind!(binary_saturating:
    vaddubs, vadduhs, vadduws, vaddsbs, vaddshs, vaddsws, vsububs, vsubuhs, vsubuws, vsubsbs, vsubshs, vsubsws,
    vsum4ubs, vsum4shs, vsum2sws, vsum4sbs, vsumsws,
);
bind!(unary:
    vnegw, vnegd, vprtybw, vprtybd, vprtybq, vextsb2w, vextsh2w, vextsb2d, vextsh2d, vextsw2d,
    vctzb, vctzh, vctzw, vctzd, vclzb, vclzh, vclzw, vclzd, vpopcntb, vpopcnth, vpopcntw, vpopcntd,
);
bind!(unary_a: vmul10cuq, vmul10uq, vsbox);
bind!(ternary:
    vmladduhm, vmsumudm, vmsumubm, vmsummbm, vmsumuhm, vmsumshm, vsel, vaddeuqm, vaddecuq, vsubeuqm, vsubecuq,
);
bind!(ternary_saturating: vmhaddshs, vmhraddshs, vmsumuhs, vmsumshs);
bind!(accumulating: vrlwmi, vrldmi);

/// ST and SIX of the hash functions as one immediate.
#[inline(always)]
fn hash<E: Engine>(e: &mut E, i: Insn, f: fn(u128, u32) -> u128) -> Done<E> {
    e.require(Facility::Vmx)?;
    let a = vra(e, i);
    let value = e.vec1_imm(f, a, i.bits(16, 5));
    set_vrt(e, i, value)
}

pub(crate) fn vshasigmaw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    hash(e, i, |a, st_six| {
        power_vector::vshasigmaw(a, st_six & 16 != 0, st_six as u8 & 15)
    })
}

pub(crate) fn vshasigmad<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    hash(e, i, |a, st_six| {
        power_vector::vshasigmad(a, st_six & 16 != 0, st_six as u8 & 15)
    })
}
