//! Branch, system call and Condition Register instructions (Book I, chapter 2), and moves from and to CR.

use crate::decode::pattern::{branch, sc, x, x_bit11, xany, xl};
use crate::semantics::{branch as br, condition as cr};

insns! {
    "b"      branch(18), "li" => br::b, Branch;
    "bc"     branch(16), "bo,bi,bd" => br::bc, Branch;
    "bclr"   xl(19, 16), "bo,bi,bh" => br::bclr, Branch;
    "bcctr"  xl(19, 528), "bo,bi,bh" => br::bcctr, Branch;
    "bctar"  xl(19, 560), "bo,bi,bh" => br::bctar, Branch;
    "sc"     sc(2), "lev" => br::sc;
    "scv"    sc(1), "lev" => br::scv;
    "crand"  xany(19, 257), "bt,ba,bb" => cr::crand;
    "crnand" xany(19, 225), "bt,ba,bb" => cr::crnand;
    "cror"   xany(19, 449), "bt,ba,bb" => cr::cror;
    "crxor"  xany(19, 193), "bt,ba,bb" => cr::crxor;
    "crnor"  xany(19, 33), "bt,ba,bb" => cr::crnor;
    "creqv"  xany(19, 289), "bt,ba,bb" => cr::creqv;
    "crandc" xany(19, 129), "bt,ba,bb" => cr::crandc;
    "crorc"  xany(19, 417), "bt,ba,bb" => cr::crorc;
    "mcrf"   xany(19, 0), "bf,bfa" => cr::mcrf;
    "mfcr"   x_bit11(31, 0, 19), "rt" => cr::mfcr;
    "mfocrf" x_bit11(31, 1, 19), "rt,fxm" => cr::mfocrf;
    "mtcrf"  x_bit11(31, 0, 144), "fxm,rs" => cr::mtcrf;
    "mtocrf" x_bit11(31, 1, 144), "fxm,rs" => cr::mtcrf;
    "isync"  x(19, 150), "" => br::isync [called_in_line];
}
