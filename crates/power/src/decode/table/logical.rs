//! Logical, rotate, shift, count, and bit-permute instructions (Book I, 3.3.13 to 3.3.16).

use crate::decode::pattern::{d, m, md, mds, x, xrc, xs};
use crate::semantics::{logical as lo, rotate as ro};

insns! {
    "andi."   d(28), "ra,rs,ui" => lo::andi_;
    "andis."  d(29), "ra,rs,ui" => lo::andis_;
    "ori"     d(24), "ra,rs,ui" => lo::ori;
    "oris"    d(25), "ra,rs,ui" => lo::oris;
    "xori"    d(26), "ra,rs,ui" => lo::xori;
    "xoris"   d(27), "ra,rs,ui" => lo::xoris;
    "and"     xrc(31, 28), "ra,rs,rb" => lo::and;
    "xor"     xrc(31, 316), "ra,rs,rb" => lo::xor;
    "nand"    xrc(31, 476), "ra,rs,rb" => lo::nand;
    "or"      xrc(31, 444), "ra,rs,rb" => lo::or [called_in_line];
    "nor"     xrc(31, 124), "ra,rs,rb" => lo::nor;
    "eqv"     xrc(31, 284), "ra,rs,rb" => lo::eqv;
    "andc"    xrc(31, 60), "ra,rs,rb" => lo::andc;
    "orc"     xrc(31, 412), "ra,rs,rb" => lo::orc;
    "extsb"   xrc(31, 954), "ra,rs" => lo::extsb;
    "extsh"   xrc(31, 922), "ra,rs" => lo::extsh;
    "extsw"   xrc(31, 986), "ra,rs" => lo::extsw;
    "cntlzw"  xrc(31, 26), "ra,rs" => lo::cntlzw;
    "cnttzw"  xrc(31, 538), "ra,rs" => lo::cnttzw;
    "cntlzd"  xrc(31, 58), "ra,rs" => lo::cntlzd;
    "cnttzd"  xrc(31, 570), "ra,rs" => lo::cnttzd;
    "cmpb"    x(31, 508), "ra,rs,rb" => lo::cmpb;
    "popcntb" x(31, 122).reserved(16, 5), "ra,rs" => lo::popcntb;
    "popcntw" x(31, 378).reserved(16, 5), "ra,rs" => lo::popcntw;
    "popcntd" x(31, 506).reserved(16, 5), "ra,rs" => lo::popcntd;
    "prtyd"   x(31, 186).reserved(16, 5), "ra,rs" => lo::prtyd;
    "prtyw"   x(31, 154).reserved(16, 5), "ra,rs" => lo::prtyw;
    "bpermd"  x(31, 252), "ra,rs,rb" => lo::bpermd;
    "cdtbcd"  x(31, 282).reserved(16, 5), "ra,rs" => lo::cdtbcd;
    "cbcdtd"  x(31, 314).reserved(16, 5), "ra,rs" => lo::cbcdtd;
    "rlwinm"  m(21), "ra,rs,sh,mb,me" => ro::rlwinm;
    "rlwnm"   m(23), "ra,rs,rb,mb,me" => ro::rlwnm;
    "rlwimi"  m(20), "ra,rs,sh,mb,me" => ro::rlwimi;
    "rldicl"  md(30, 0), "ra,rs,sh6,mb6" => ro::rldicl;
    "rldicr"  md(30, 1), "ra,rs,sh6,mb6" => ro::rldicr;
    "rldic"   md(30, 2), "ra,rs,sh6,mb6" => ro::rldic;
    "rldimi"  md(30, 3), "ra,rs,sh6,mb6" => ro::rldimi;
    "rldcl"   mds(30, 8), "ra,rs,rb,mb6" => ro::rldcl;
    "rldcr"   mds(30, 9), "ra,rs,rb,mb6" => ro::rldcr;
    "slw"     xrc(31, 24), "ra,rs,rb" => ro::slw;
    "srw"     xrc(31, 536), "ra,rs,rb" => ro::srw;
    "srawi"   xrc(31, 824), "ra,rs,sh" => ro::srawi;
    "sraw"    xrc(31, 792), "ra,rs,rb" => ro::sraw;
    "sld"     xrc(31, 27), "ra,rs,rb" => ro::sld;
    "srd"     xrc(31, 539), "ra,rs,rb" => ro::srd;
    "sradi"   xs(31, 413), "ra,rs,sh6" => ro::sradi;
    "srad"    xrc(31, 794), "ra,rs,rb" => ro::srad;
    "extswsli" xs(31, 445), "ra,rs,sh6" => ro::extswsli;
    "mcrxrx"  x(31, 576), "bf" => lo::mcrxrx;
}
