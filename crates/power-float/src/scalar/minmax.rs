//! Maximum and minimum: the VSX kind, C's (`a > b ? a : b`) and Java's (`Math.max`).

use crate::fpscr::Fpscr;
use crate::softfloat::Format;
use crate::softfloat::minmax::{self, Pick};

macro_rules! min_max {
    ($($name:ident, $rule:ident, $pick:ident, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, a: u64, b: u64) -> Option<u64> {
            let (result, status) = minmax::$rule(Format::DOUBLE, Pick::$pick, a.into(), b.into());
            f.raise(status);
            (!f.suppresses(status)).then_some(result as u64)
        })*
    };
}

min_max! {
    xsmaxdp, number, Largest, "`xsmaxdp`: the larger; a number rather than a quiet NaN; +0 rather than -0.";
    xsmindp, number, Smallest, "`xsmindp`: the smaller; a number rather than a quiet NaN; -0 rather than +0.";
    xsmaxcdp, c_operator, Largest, "`xsmaxcdp`: A if it is greater, else B, also for a NaN.";
    xsmincdp, c_operator, Smallest, "`xsmincdp`: A if it is less, else B, also for a NaN.";
    xsmaxjdp, java, Largest, "`xsmaxjdp`: a NaN (A's first) unchanged, else the larger; +0 rather than -0.";
    xsminjdp, java, Smallest, "`xsminjdp`: a NaN (A's first) unchanged, else the smaller; -0 rather than +0.";
}
