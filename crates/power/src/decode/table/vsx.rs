//! VSX logic, permutes, splats and other moves of bits (Book I, 7.6.3).

use crate::decode::pattern::{Pattern, xany, xx1_sub, xx2, xx2_dcmx, xx2_sub, xx3, xx3_dm, xx4};
use crate::semantics::{vsx_bits as vb, vsx_scalar as vs, vsx_vector as vv};

/// XX2 form without an operand in bits 11 to 15.
const fn xx2b(xo: u32) -> Pattern {
    xx2(xo).reserved(11, 5)
}

insns! {
    "xxland"     xx3(130), "xt,xa,xb" => vb::xxland;
    "xxlandc"    xx3(138), "xt,xa,xb" => vb::xxlandc;
    "xxlor"      xx3(146), "xt,xa,xb" => vb::xxlor;
    "xxlxor"     xx3(154), "xt,xa,xb" => vb::xxlxor;
    "xxlnor"     xx3(162), "xt,xa,xb" => vb::xxlnor;
    "xxlorc"     xx3(170), "xt,xa,xb" => vb::xxlorc;
    "xxlnand"    xx3(178), "xt,xa,xb" => vb::xxlnand;
    "xxleqv"     xx3(186), "xt,xa,xb" => vb::xxleqv;
    "xxmrghw"    xx3(18), "xt,xa,xb" => vb::xxmrghw;
    "xxmrglw"    xx3(50), "xt,xa,xb" => vb::xxmrglw;
    "xxperm"     xx3(26), "xt,xa,xb" => vb::xxperm;
    "xxpermr"    xx3(58), "xt,xa,xb" => vb::xxpermr;
    "xvcpsgndp"  xx3(240), "xt,xa,xb" => vb::xvcpsgndp;
    "xvcpsgnsp"  xx3(208), "xt,xa,xb" => vb::xvcpsgnsp;
    "xviexpdp"   xx3(248), "xt,xa,xb" => vb::xviexpdp;
    "xviexpsp"   xx3(216), "xt,xa,xb" => vb::xviexpsp;
    "xxsldwi"    xx3_dm(2), "xt,xa,xb,shw" => vb::xxsldwi;
    "xxpermdi"   xx3_dm(10), "xt,xa,xb,dm" => vb::xxpermdi;
    "xxsel"      xx4(3), "xt,xa,xb,xc" => vb::xxsel;
    "xxspltw"    xx2(164).reserved(11, 3), "xt,xb,uim2" => vb::xxspltw;
    "xxspltib"   xx1_sub(0, 360), "xt,imm8" => vb::xxspltib;
    "xxextractuw" xx2(165).reserved(11, 1), "xt,xb,uim4" => vb::xxextractuw;
    "xxinsertw"  xx2(181).reserved(11, 1), "xt,xb,uim4" => vb::xxinsertw;
    "xvabsdp"    xx2b(473), "xt,xb" => vb::xvabsdp;
    "xvabssp"    xx2b(409), "xt,xb" => vb::xvabssp;
    "xvnabsdp"   xx2b(489), "xt,xb" => vb::xvnabsdp;
    "xvnabssp"   xx2b(425), "xt,xb" => vb::xvnabssp;
    "xvnegdp"    xx2b(505), "xt,xb" => vb::xvnegdp;
    "xvnegsp"    xx2b(441), "xt,xb" => vb::xvnegsp;
    "xvxexpdp"   xx2_sub(0, 475), "xt,xb" => vb::xvxexpdp;
    "xvxsigdp"   xx2_sub(1, 475), "xt,xb" => vb::xvxsigdp;
    "xxbrh"      xx2_sub(7, 475), "xt,xb" => vb::xxbrh;
    "xvxexpsp"   xx2_sub(8, 475), "xt,xb" => vb::xvxexpsp;
    "xvxsigsp"   xx2_sub(9, 475), "xt,xb" => vb::xvxsigsp;
    "xxbrw"      xx2_sub(15, 475), "xt,xb" => vb::xxbrw;
    "xxbrd"      xx2_sub(23, 475), "xt,xb" => vb::xxbrd;
    "xxbrq"      xx2_sub(31, 475), "xt,xb" => vb::xxbrq;
    "xvtstdcdp"  xx2_dcmx(15, 5), "xt,xb,dcmxv" => vv::xvtstdcdp;
    "xvtstdcsp"  xx2_dcmx(13, 5), "xt,xb,dcmxv" => vv::xvtstdcsp;
    "xsabsdp"    xx2b(345), "xt,xb" => vs::xsabsdp;
    "xsnabsdp"   xx2b(361), "xt,xb" => vs::xsnabsdp;
    "xsnegdp"    xx2b(377), "xt,xb" => vs::xsnegdp;
    "xscpsgndp"  xx3(176), "xt,xa,xb" => vs::xscpsgndp;
    "xsxexpdp"   xx2_sub(0, 347).reserved(31, 1), "rt,xb" => vs::xsxexpdp;
    "xsxsigdp"   xx2_sub(1, 347).reserved(31, 1), "rt,xb" => vs::xsxsigdp;
    "xsiexpdp"   xany(60, 918), "xt,ra,rb" => vs::xsiexpdp;
}
