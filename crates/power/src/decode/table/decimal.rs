//! Decimal floating-point instructions (Book I, chapter 5): DFP long in opcode 59, DFP extended in
//! opcode 63.
//!
//! A number of DFP extended is in an even register and the next one: an odd register number is an
//! invalid form.

use crate::decode::pattern::Suffix::Plain;
use crate::decode::pattern::{Pattern, x, xrc, z22, z23_rc};
use crate::semantics::{decimal as d, decimal_extended as q};

/// X form with FRB only.
const fn xb(primary: u32, xo: u32) -> Pattern {
    xrc(primary, xo).reserved(11, 5)
}
/// X form that sets a CR field.
const fn xbf(primary: u32, xo: u32) -> Pattern {
    x(primary, xo).reserved(9, 2)
}
/// Z22 form that sets a CR field.
const fn z22bf(primary: u32, xo: u32) -> Pattern {
    let pattern = z22(primary, xo).reserved(9, 2).reserved(31, 1);
    Pattern {
        suffix: Plain,
        ..pattern
    }
}
/// Z23 form with R.
const fn z23r(primary: u32, xo: u32) -> Pattern {
    z23_rc(primary, xo).reserved(11, 4)
}

impl Pattern {
    /// With a pair for FRT.
    const fn tp(self) -> Self {
        self.reserved(10, 1)
    }
    /// With a pair for FRA.
    const fn ap(self) -> Self {
        self.reserved(15, 1)
    }
    /// With a pair for FRB.
    const fn bp(self) -> Self {
        self.reserved(20, 1)
    }
}

insns! {
    "dadd"     xrc(59, 2), "frt,fra,frb" => d::dadd;
    "daddq"    xrc(63, 2).tp().ap().bp(), "frtp,frap,frbp" => q::daddq;
    "dsub"     xrc(59, 514), "frt,fra,frb" => d::dsub;
    "dsubq"    xrc(63, 514).tp().ap().bp(), "frtp,frap,frbp" => q::dsubq;
    "dmul"     xrc(59, 34), "frt,fra,frb" => d::dmul;
    "dmulq"    xrc(63, 34).tp().ap().bp(), "frtp,frap,frbp" => q::dmulq;
    "ddiv"     xrc(59, 546), "frt,fra,frb" => d::ddiv;
    "ddivq"    xrc(63, 546).tp().ap().bp(), "frtp,frap,frbp" => q::ddivq;

    "dcmpu"    xbf(59, 642), "bf,fra,frb" => d::dcmpu;
    "dcmpuq"   xbf(63, 642).ap().bp(), "bf,frap,frbp" => q::dcmpuq;
    "dcmpo"    xbf(59, 130), "bf,fra,frb" => d::dcmpo;
    "dcmpoq"   xbf(63, 130).ap().bp(), "bf,frap,frbp" => q::dcmpoq;
    "dtstdc"   z22bf(59, 194), "bf,fra,dcm" => d::dtstdc;
    "dtstdcq"  z22bf(63, 194).ap(), "bf,frap,dcm" => q::dtstdcq;
    "dtstdg"   z22bf(59, 226), "bf,fra,dgm" => d::dtstdg;
    "dtstdgq"  z22bf(63, 226).ap(), "bf,frap,dgm" => q::dtstdgq;
    "dtstex"   xbf(59, 162), "bf,fra,frb" => d::dtstex;
    "dtstexq"  xbf(63, 162).ap().bp(), "bf,frap,frbp" => q::dtstexq;
    "dtstsf"   xbf(59, 674), "bf,fra,frb" => d::dtstsf;
    "dtstsfq"  xbf(63, 674).bp(), "bf,fra,frbp" => q::dtstsfq;
    "dtstsfi"  x(59, 675).reserved(9, 1), "bf,uim6,frb" => d::dtstsfi;
    "dtstsfiq" x(63, 675).reserved(9, 1).bp(), "bf,uim6,frbp" => q::dtstsfiq;

    "dquai"    z23_rc(59, 67), "te,frt,frb,rmc" => d::dquai;
    "dquaiq"   z23_rc(63, 67).tp().bp(), "te,frtp,frbp,rmc" => q::dquaiq;
    "dqua"     z23_rc(59, 3), "frt,fra,frb,rmc" => d::dqua;
    "dquaq"    z23_rc(63, 3).tp().ap().bp(), "frtp,frap,frbp,rmc" => q::dquaq;
    "drrnd"    z23_rc(59, 35), "frt,fra,frb,rmc" => d::drrnd;
    "drrndq"   z23_rc(63, 35).tp().bp(), "frtp,fra,frbp,rmc" => q::drrndq;
    "drintx"   z23r(59, 99), "r,frt,frb,rmc" => d::drintx;
    "drintxq"  z23r(63, 99).tp().bp(), "r,frtp,frbp,rmc" => q::drintxq;
    "drintn"   z23r(59, 227), "r,frt,frb,rmc" => d::drintn;
    "drintnq"  z23r(63, 227).tp().bp(), "r,frtp,frbp,rmc" => q::drintnq;

    "dctdp"    xb(59, 258), "frt,frb" => d::dctdp;
    "dctqpq"   xb(63, 258).tp(), "frtp,frb" => q::dctqpq;
    "drsp"     xb(59, 770), "frt,frb" => d::drsp;
    "drdpq"    xb(63, 770).tp().bp(), "frtp,frbp" => q::drdpq;
    "dcffix"   xb(59, 802), "frt,frb" => d::dcffix;
    "dcffixq"  xb(63, 802).tp(), "frtp,frb" => q::dcffixq;
    "dctfix"   xb(59, 290), "frt,frb" => d::dctfix;
    "dctfixq"  xb(63, 290).bp(), "frt,frbp" => q::dctfixq;

    "ddedpd"   xrc(59, 322).reserved(13, 3), "sp,frt,frb" => d::ddedpd;
    "ddedpdq"  xrc(63, 322).reserved(13, 3).tp().bp(), "sp,frtp,frbp" => q::ddedpdq;
    "denbcd"   xrc(59, 834).reserved(12, 4), "s11,frt,frb" => d::denbcd;
    "denbcdq"  xrc(63, 834).reserved(12, 4).tp().bp(), "s11,frtp,frbp" => q::denbcdq;
    "dxex"     xb(59, 354), "frt,frb" => d::dxex;
    "dxexq"    xb(63, 354).bp(), "frt,frbp" => q::dxexq;
    "diex"     xrc(59, 866), "frt,fra,frb" => d::diex;
    "diexq"    xrc(63, 866).tp().bp(), "frtp,fra,frbp" => q::diexq;
    "dscli"    z22(59, 66), "frt,fra,shd" => d::dscli;
    "dscliq"   z22(63, 66).tp().ap(), "frtp,frap,shd" => q::dscliq;
    "dscri"    z22(59, 98), "frt,fra,shd" => d::dscri;
    "dscriq"   z22(63, 98).tp().ap(), "frtp,frap,shd" => q::dscriq;
}
