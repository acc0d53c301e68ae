//! Floating-point instructions on FPRs, and those of FPSCR (Book I, 4.6.5 to 4.6.10).

use crate::decode::pattern::{Pattern, a, x, x_sub, xrc, xrc_sub};
use crate::semantics::{float_arithmetic as fa, float_move as fm, float_status as fs};

/// A form without FRC.
const fn ab(primary: u32, xo: u32) -> Pattern {
    a(primary, xo).reserved(21, 5)
}
/// A form without FRB.
const fn ac(primary: u32, xo: u32) -> Pattern {
    a(primary, xo).reserved(16, 5)
}
/// A form with FRB only.
const fn b(primary: u32, xo: u32) -> Pattern {
    ab(primary, xo).reserved(11, 5)
}
/// X form with FRB only.
const fn xb(primary: u32, xo: u32) -> Pattern {
    xrc(primary, xo).reserved(11, 5)
}
/// X form that sets a CR field.
const fn xbf(xo: u32) -> Pattern {
    x(63, xo).reserved(9, 2)
}

insns! {
    "fadd"     ab(63, 21), "frt,fra,frb" => fa::fadd;
    "fadds"    ab(59, 21), "frt,fra,frb" => fa::fadds;
    "fsub"     ab(63, 20), "frt,fra,frb" => fa::fsub;
    "fsubs"    ab(59, 20), "frt,fra,frb" => fa::fsubs;
    "fmul"     ac(63, 25), "frt,fra,frc" => fa::fmul;
    "fmuls"    ac(59, 25), "frt,fra,frc" => fa::fmuls;
    "fdiv"     ab(63, 18), "frt,fra,frb" => fa::fdiv;
    "fdivs"    ab(59, 18), "frt,fra,frb" => fa::fdivs;
    "fmadd"    a(63, 29), "frt,fra,frc,frb" => fa::fmadd;
    "fmadds"   a(59, 29), "frt,fra,frc,frb" => fa::fmadds;
    "fmsub"    a(63, 28), "frt,fra,frc,frb" => fa::fmsub;
    "fmsubs"   a(59, 28), "frt,fra,frc,frb" => fa::fmsubs;
    "fnmadd"   a(63, 31), "frt,fra,frc,frb" => fa::fnmadd;
    "fnmadds"  a(59, 31), "frt,fra,frc,frb" => fa::fnmadds;
    "fnmsub"   a(63, 30), "frt,fra,frc,frb" => fa::fnmsub;
    "fnmsubs"  a(59, 30), "frt,fra,frc,frb" => fa::fnmsubs;
    "fsel"     a(63, 23), "frt,fra,frc,frb" => fm::fsel;
    "fsqrt"    b(63, 22), "frt,frb" => fa::fsqrt;
    "fsqrts"   b(59, 22), "frt,frb" => fa::fsqrts;
    "fre"      b(63, 24), "frt,frb" => fa::fre;
    "fres"     b(59, 24), "frt,frb" => fa::fres;
    "frsqrte"  b(63, 26), "frt,frb" => fa::frsqrte;
    "frsqrtes" b(59, 26), "frt,frb" => fa::frsqrtes;
    "frsp"     xb(63, 12), "frt,frb" => fa::frsp;
    "frin"     xb(63, 392), "frt,frb" => fa::frin;
    "friz"     xb(63, 424), "frt,frb" => fa::friz;
    "frip"     xb(63, 456), "frt,frb" => fa::frip;
    "frim"     xb(63, 488), "frt,frb" => fa::frim;
    "fctiw"    xb(63, 14), "frt,frb" => fa::fctiw;
    "fctiwz"   xb(63, 15), "frt,frb" => fa::fctiwz;
    "fctiwu"   xb(63, 142), "frt,frb" => fa::fctiwu;
    "fctiwuz"  xb(63, 143), "frt,frb" => fa::fctiwuz;
    "fctid"    xb(63, 814), "frt,frb" => fa::fctid;
    "fctidz"   xb(63, 815), "frt,frb" => fa::fctidz;
    "fctidu"   xb(63, 942), "frt,frb" => fa::fctidu;
    "fctiduz"  xb(63, 943), "frt,frb" => fa::fctiduz;
    "fcfid"    xb(63, 846), "frt,frb" => fa::fcfid;
    "fcfids"   xb(59, 846), "frt,frb" => fa::fcfids;
    "fcfidu"   xb(63, 974), "frt,frb" => fa::fcfidu;
    "fcfidus"  xb(59, 974), "frt,frb" => fa::fcfidus;
    "fcmpu"    xbf(0), "bf,fra,frb" => fa::fcmpu;
    "fcmpo"    xbf(32), "bf,fra,frb" => fa::fcmpo;
    "ftdiv"    xbf(128), "bf,fra,frb" => fa::ftdiv;
    "ftsqrt"   xbf(160).reserved(11, 5), "bf,frb" => fa::ftsqrt;

    "fmr"      xb(63, 72), "frt,frb" => fm::fmr;
    "fabs"     xb(63, 264), "frt,frb" => fm::fabs;
    "fnabs"    xb(63, 136), "frt,frb" => fm::fnabs;
    "fneg"     xb(63, 40), "frt,frb" => fm::fneg;
    "fcpsgn"   xrc(63, 8), "frt,fra,frb" => fm::fcpsgn;
    "fmrgew"   x(63, 966), "frt,fra,frb" => fm::fmrgew;
    "fmrgow"   x(63, 838), "frt,fra,frb" => fm::fmrgow;

    "mffs"     xrc_sub(63, 0, 583).reserved(16, 5), "frt" => fs::mffs;
    "mffsce"   x_sub(63, 1, 583).reserved(16, 5), "frt" => fs::mffsce;
    "mffscdrn" x_sub(63, 20, 583), "frt,frb" => fs::mffscdrn;
    "mffscdrni" x_sub(63, 21, 583).reserved(16, 2), "frt,drm" => fs::mffscdrni;
    "mffscrn"  x_sub(63, 22, 583), "frt,frb" => fs::mffscrn;
    "mffscrni" x_sub(63, 23, 583).reserved(16, 3), "frt,rm" => fs::mffscrni;
    "mffsl"    x_sub(63, 24, 583).reserved(16, 5), "frt" => fs::mffsl;
    "mtfsf"    xrc(63, 711), "flm,frb,l6,w" => fs::mtfsf;
    "mtfsfi"   xrc(63, 134).reserved(9, 6).reserved(20, 1), "bf,u,w" => fs::mtfsfi;
    "mtfsb0"   xrc(63, 70).reserved(11, 10), "bt" => fs::mtfsb0;
    "mtfsb1"   xrc(63, 38).reserved(11, 10), "bt" => fs::mtfsb1;
    "mcrfs"    xbf(64).reserved(14, 7), "bf,bfa" => fs::mcrfs;
}
