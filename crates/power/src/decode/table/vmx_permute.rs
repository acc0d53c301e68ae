//! VMX permutes, merges, splats, packs, and moves of elements (Book I, 6.8, 6.12 to 6.15).

use crate::decode::pattern::{Pattern, va, vx, vx_sub};
use crate::semantics::vmx_permute as vp;

/// VX form without VRA.
const fn vxb(xo: u32) -> Pattern {
    vx(xo).reserved(11, 5)
}
/// VX form with a 4-bit UIM in place of VRA.
const fn vxu(xo: u32) -> Pattern {
    vx(xo).reserved(11, 1)
}

insns! {
    "vmrghb"   vx(12), "vrt,vra,vrb" => vp::vmrghb;
    "vmrghh"   vx(76), "vrt,vra,vrb" => vp::vmrghh;
    "vmrghw"   vx(140), "vrt,vra,vrb" => vp::vmrghw;
    "vmrglb"   vx(268), "vrt,vra,vrb" => vp::vmrglb;
    "vmrglh"   vx(332), "vrt,vra,vrb" => vp::vmrglh;
    "vmrglw"   vx(396), "vrt,vra,vrb" => vp::vmrglw;
    "vmrgew"   vx(1932), "vrt,vra,vrb" => vp::vmrgew;
    "vmrgow"   vx(1676), "vrt,vra,vrb" => vp::vmrgow;
    "vpkuhum"  vx(14), "vrt,vra,vrb" => vp::vpkuhum;
    "vpkuwum"  vx(78), "vrt,vra,vrb" => vp::vpkuwum;
    "vpkudum"  vx(1102), "vrt,vra,vrb" => vp::vpkudum;
    "vpkuhus"  vx(142), "vrt,vra,vrb" => vp::vpkuhus;
    "vpkuwus"  vx(206), "vrt,vra,vrb" => vp::vpkuwus;
    "vpkudus"  vx(1230), "vrt,vra,vrb" => vp::vpkudus;
    "vpkshus"  vx(270), "vrt,vra,vrb" => vp::vpkshus;
    "vpkswus"  vx(334), "vrt,vra,vrb" => vp::vpkswus;
    "vpksdus"  vx(1358), "vrt,vra,vrb" => vp::vpksdus;
    "vpkshss"  vx(398), "vrt,vra,vrb" => vp::vpkshss;
    "vpkswss"  vx(462), "vrt,vra,vrb" => vp::vpkswss;
    "vpksdss"  vx(1486), "vrt,vra,vrb" => vp::vpksdss;
    "vpkpx"    vx(782), "vrt,vra,vrb" => vp::vpkpx;
    "vbpermq"  vx(1356), "vrt,vra,vrb" => vp::vbpermq;
    "vbpermd"  vx(1484), "vrt,vra,vrb" => vp::vbpermd;
    "vupkhsb"  vxb(526), "vrt,vrb" => vp::vupkhsb;
    "vupkhsh"  vxb(590), "vrt,vrb" => vp::vupkhsh;
    "vupkhsw"  vxb(1614), "vrt,vrb" => vp::vupkhsw;
    "vupkhpx"  vxb(846), "vrt,vrb" => vp::vupkhpx;
    "vupklsb"  vxb(654), "vrt,vrb" => vp::vupklsb;
    "vupklsh"  vxb(718), "vrt,vrb" => vp::vupklsh;
    "vupklsw"  vxb(1742), "vrt,vrb" => vp::vupklsw;
    "vupklpx"  vxb(974), "vrt,vrb" => vp::vupklpx;
    "vgbbd"    vxb(1292), "vrt,vrb" => vp::vgbbd;
    "vperm"    va(43), "vrt,vra,vrb,vrc" => vp::vperm;
    "vpermr"   va(59), "vrt,vra,vrb,vrc" => vp::vpermr;
    "vpermxor" va(45), "vrt,vra,vrb,vrc" => vp::vpermxor;
    "vsldoi"   va(44).reserved(21, 1), "vrt,vra,vrb,shb" => vp::vsldoi;
    "vspltb"   vxu(524), "vrt,vrb,uim4" => vp::vspltb;
    "vsplth"   vx(588).reserved(11, 2), "vrt,vrb,uim3" => vp::vsplth;
    "vspltw"   vx(652).reserved(11, 3), "vrt,vrb,uim2" => vp::vspltw;
    "vspltisb" vx(780).reserved(16, 5), "vrt,sim" => vp::vspltisb;
    "vspltish" vx(844).reserved(16, 5), "vrt,sim" => vp::vspltish;
    "vspltisw" vx(908).reserved(16, 5), "vrt,sim" => vp::vspltisw;
    "vextractub" vxu(525), "vrt,vrb,uim4" => vp::vextractub;
    "vextractuh" vxu(589), "vrt,vrb,uim4" => vp::vextractuh;
    "vextractuw" vxu(653), "vrt,vrb,uim4" => vp::vextractuw;
    "vextractd" vxu(717), "vrt,vrb,uim4" => vp::vextractd;
    "vinsertb" vxu(781), "vrt,vrb,uim4" => vp::vinsertb;
    "vinserth" vxu(845), "vrt,vrb,uim4" => vp::vinserth;
    "vinsertw" vxu(909), "vrt,vrb,uim4" => vp::vinsertw;
    "vinsertd" vxu(973), "vrt,vrb,uim4" => vp::vinsertd;
    "vextublx" vx(1549), "rt,ra,vrb" => vp::vextublx;
    "vextuhlx" vx(1613), "rt,ra,vrb" => vp::vextuhlx;
    "vextuwlx" vx(1677), "rt,ra,vrb" => vp::vextuwlx;
    "vextubrx" vx(1805), "rt,ra,vrb" => vp::vextubrx;
    "vextuhrx" vx(1869), "rt,ra,vrb" => vp::vextuhrx;
    "vextuwrx" vx(1933), "rt,ra,vrb" => vp::vextuwrx;
    "vclzlsbb" vx_sub(0, 1538), "rt,vrb" => vp::vclzlsbb;
    "vctzlsbb" vx_sub(1, 1538), "rt,vrb" => vp::vctzlsbb;
}
