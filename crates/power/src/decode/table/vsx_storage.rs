//! VMX and VSX loads and stores, and moves between GPRs and VSRs (Book I, 6.7, 7.6.2 and 7.6.3).

use crate::decode::pattern::{dq, ds, x, xany};
use crate::semantics::{vmx_storage as vm, vsx_move as mv, vsx_storage as vs};

insns! {
    "lvx"     x(31, 103), "vrt,ra0,rb" => vm::lvx, Load;
    "lvxl"    x(31, 359), "vrt,ra0,rb" => vm::lvx, Load;
    "lvebx"   x(31, 7), "vrt,ra0,rb" => vm::lvx, Load;
    "lvehx"   x(31, 39), "vrt,ra0,rb" => vm::lvx, Load;
    "lvewx"   x(31, 71), "vrt,ra0,rb" => vm::lvx, Load;
    "lvsl"    x(31, 6), "vrt,ra0,rb" => vm::lvsl;
    "lvsr"    x(31, 38), "vrt,ra0,rb" => vm::lvsr;
    "stvx"    x(31, 231), "vrs,ra0,rb" => vm::stvx, Store;
    "stvxl"   x(31, 487), "vrs,ra0,rb" => vm::stvx, Store;
    "stvebx"  x(31, 135), "vrs,ra0,rb" => vm::stvebx, Store;
    "stvehx"  x(31, 167), "vrs,ra0,rb" => vm::stvehx, Store;
    "stvewx"  x(31, 199), "vrs,ra0,rb" => vm::stvewx, Store;

    "lxsd"    ds(57, 2), "vrt,ds(ra0)" => vs::lxsd, Load;
    "lxssp"   ds(57, 3), "vrt,ds(ra0)" => vs::lxssp, Load;
    "lxsdx"   xany(31, 588), "xt,ra0,rb" => vs::lxsdx, Load;
    "lxsspx"  xany(31, 524), "xt,ra0,rb" => vs::lxsspx, Load;
    "lxsiwax" xany(31, 76), "xt,ra0,rb" => vs::lxsiwax, Load;
    "lxsiwzx" xany(31, 12), "xt,ra0,rb" => vs::lxsiwzx, Load;
    "lxsibzx" xany(31, 781), "xt,ra0,rb" => vs::lxsibzx, Load;
    "lxsihzx" xany(31, 813), "xt,ra0,rb" => vs::lxsihzx, Load;
    "lxv"     dq(61, 1), "xtdq,dq(ra0)" => vs::lxv, Load;
    "lxvx"    xany(31, 268), "xt,ra0,rb" => vs::lxvx, Load;
    "lxvd2x"  xany(31, 844), "xt,ra0,rb" => vs::lxvd2x, Load;
    "lxvw4x"  xany(31, 780), "xt,ra0,rb" => vs::lxvw4x, Load;
    "lxvh8x"  xany(31, 812), "xt,ra0,rb" => vs::lxvh8x, Load;
    "lxvb16x" xany(31, 876), "xt,ra0,rb" => vs::lxvb16x, Load;
    "lxvdsx"  xany(31, 332), "xt,ra0,rb" => vs::lxvdsx, Load;
    "lxvwsx"  xany(31, 364), "xt,ra0,rb" => vs::lxvwsx, Load;
    "lxvl"    xany(31, 269), "xt,ra0,rb" => vs::lxvl, Load;
    "lxvll"   xany(31, 301), "xt,ra0,rb" => vs::lxvll, Load;
    "stxsd"   ds(61, 2), "vrs,ds(ra0)" => vs::stxsd, Store;
    "stxssp"  ds(61, 3), "vrs,ds(ra0)" => vs::stxssp, Store;
    "stxsdx"  xany(31, 716), "xs,ra0,rb" => vs::stxsdx, Store;
    "stxsspx" xany(31, 652), "xs,ra0,rb" => vs::stxsspx, Store;
    "stxsiwx" xany(31, 140), "xs,ra0,rb" => vs::stxsiwx, Store;
    "stxsibx" xany(31, 909), "xs,ra0,rb" => vs::stxsibx, Store;
    "stxsihx" xany(31, 941), "xs,ra0,rb" => vs::stxsihx, Store;
    "stxv"    dq(61, 5), "xsdq,dq(ra0)" => vs::stxv, Store;
    "stxvx"   xany(31, 396), "xs,ra0,rb" => vs::stxvx, Store;
    "stxvd2x" xany(31, 972), "xs,ra0,rb" => vs::stxvd2x, Store;
    "stxvw4x" xany(31, 908), "xs,ra0,rb" => vs::stxvw4x, Store;
    "stxvh8x" xany(31, 940), "xs,ra0,rb" => vs::stxvh8x, Store;
    "stxvb16x" xany(31, 1004), "xs,ra0,rb" => vs::stxvb16x, Store;
    "stxvl"   xany(31, 397), "xs,ra0,rb" => vs::stxvl, Store;
    "stxvll"  xany(31, 429), "xs,ra0,rb" => vs::stxvll, Store;

    "mfvsrd"  xany(31, 51).reserved(16, 5), "ra,xs" => mv::mfvsrd;
    "mfvsrwz" xany(31, 115).reserved(16, 5), "ra,xs" => mv::mfvsrwz;
    "mfvsrld" xany(31, 307).reserved(16, 5), "ra,xs" => mv::mfvsrld;
    "mtvsrd"  xany(31, 179).reserved(16, 5), "xt,ra" => mv::mtvsrd;
    "mtvsrwa" xany(31, 211).reserved(16, 5), "xt,ra" => mv::mtvsrwa;
    "mtvsrwz" xany(31, 243).reserved(16, 5), "xt,ra" => mv::mtvsrwz;
    "mtvsrws" xany(31, 403).reserved(16, 5), "xt,ra" => mv::mtvsrws;
    "mtvsrdd" xany(31, 435), "xt,ra0,rb" => mv::mtvsrdd;
}
