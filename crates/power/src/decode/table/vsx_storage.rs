//! VMX and VSX loads and stores, and moves between GPRs and VSRs (Book I, 6.7, 7.6.2 and 7.6.3).

use crate::decode::pattern::{dq, ds, x, xany};
use crate::semantics::{vmx_storage as vm, vsx_move as mv, vsx_storage as vs};

insns! {
    "lvx"     x(31, 103), "vrt,ra0,rb" => vm::lvx;
    "lvxl"    x(31, 359), "vrt,ra0,rb" => vm::lvx;
    "lvebx"   x(31, 7), "vrt,ra0,rb" => vm::lvx;
    "lvehx"   x(31, 39), "vrt,ra0,rb" => vm::lvx;
    "lvewx"   x(31, 71), "vrt,ra0,rb" => vm::lvx;
    "lvsl"    x(31, 6), "vrt,ra0,rb" => vm::lvsl;
    "lvsr"    x(31, 38), "vrt,ra0,rb" => vm::lvsr;
    "stvx"    x(31, 231), "vrs,ra0,rb" => vm::stvx;
    "stvxl"   x(31, 487), "vrs,ra0,rb" => vm::stvx;
    "stvebx"  x(31, 135), "vrs,ra0,rb" => vm::stvebx;
    "stvehx"  x(31, 167), "vrs,ra0,rb" => vm::stvehx;
    "stvewx"  x(31, 199), "vrs,ra0,rb" => vm::stvewx;

    "lxsd"    ds(57, 2), "vrt,ds(ra0)" => vs::lxsd;
    "lxssp"   ds(57, 3), "vrt,ds(ra0)" => vs::lxssp;
    "lxsdx"   xany(31, 588), "xt,ra0,rb" => vs::lxsdx;
    "lxsspx"  xany(31, 524), "xt,ra0,rb" => vs::lxsspx;
    "lxsiwax" xany(31, 76), "xt,ra0,rb" => vs::lxsiwax;
    "lxsiwzx" xany(31, 12), "xt,ra0,rb" => vs::lxsiwzx;
    "lxsibzx" xany(31, 781), "xt,ra0,rb" => vs::lxsibzx;
    "lxsihzx" xany(31, 813), "xt,ra0,rb" => vs::lxsihzx;
    "lxv"     dq(61, 1), "xtdq,dq(ra0)" => vs::lxv;
    "lxvx"    xany(31, 268), "xt,ra0,rb" => vs::lxvx;
    "lxvd2x"  xany(31, 844), "xt,ra0,rb" => vs::lxvd2x;
    "lxvw4x"  xany(31, 780), "xt,ra0,rb" => vs::lxvw4x;
    "lxvh8x"  xany(31, 812), "xt,ra0,rb" => vs::lxvh8x;
    "lxvb16x" xany(31, 876), "xt,ra0,rb" => vs::lxvb16x;
    "lxvdsx"  xany(31, 332), "xt,ra0,rb" => vs::lxvdsx;
    "lxvwsx"  xany(31, 364), "xt,ra0,rb" => vs::lxvwsx;
    "lxvl"    xany(31, 269), "xt,ra0,rb" => vs::lxvl;
    "lxvll"   xany(31, 301), "xt,ra0,rb" => vs::lxvll;
    "stxsd"   ds(61, 2), "vrs,ds(ra0)" => vs::stxsd;
    "stxssp"  ds(61, 3), "vrs,ds(ra0)" => vs::stxssp;
    "stxsdx"  xany(31, 716), "xs,ra0,rb" => vs::stxsdx;
    "stxsspx" xany(31, 652), "xs,ra0,rb" => vs::stxsspx;
    "stxsiwx" xany(31, 140), "xs,ra0,rb" => vs::stxsiwx;
    "stxsibx" xany(31, 909), "xs,ra0,rb" => vs::stxsibx;
    "stxsihx" xany(31, 941), "xs,ra0,rb" => vs::stxsihx;
    "stxv"    dq(61, 5), "xsdq,dq(ra0)" => vs::stxv;
    "stxvx"   xany(31, 396), "xs,ra0,rb" => vs::stxvx;
    "stxvd2x" xany(31, 972), "xs,ra0,rb" => vs::stxvd2x;
    "stxvw4x" xany(31, 908), "xs,ra0,rb" => vs::stxvw4x;
    "stxvh8x" xany(31, 940), "xs,ra0,rb" => vs::stxvh8x;
    "stxvb16x" xany(31, 1004), "xs,ra0,rb" => vs::stxvb16x;
    "stxvl"   xany(31, 397), "xs,ra0,rb" => vs::stxvl;
    "stxvll"  xany(31, 429), "xs,ra0,rb" => vs::stxvll;

    "mfvsrd"  xany(31, 51).reserved(16, 5), "ra,xs" => mv::mfvsrd;
    "mfvsrwz" xany(31, 115).reserved(16, 5), "ra,xs" => mv::mfvsrwz;
    "mfvsrld" xany(31, 307).reserved(16, 5), "ra,xs" => mv::mfvsrld;
    "mtvsrd"  xany(31, 179).reserved(16, 5), "xt,ra" => mv::mtvsrd;
    "mtvsrwa" xany(31, 211).reserved(16, 5), "xt,ra" => mv::mtvsrwa;
    "mtvsrwz" xany(31, 243).reserved(16, 5), "xt,ra" => mv::mtvsrwz;
    "mtvsrws" xany(31, 403).reserved(16, 5), "xt,ra" => mv::mtvsrws;
    "mtvsrdd" xany(31, 435), "xt,ra0,rb" => mv::mtvsrdd;
}
