//! Vector comparisons, maximum and minimum, and operand tests.

use super::{collect, deliver, element_at, width};
use crate::fpscr::Fpscr;
use crate::softfloat::compare::{compare_bits, ordered_exceptions, quiet_exceptions};
use crate::softfloat::minmax::{Pick, number};
use crate::softfloat::{Format, Outcome, class};

/// CR6 of a comparison: 0b1000 if it holds for all elements, 0b0010 if for none.
#[inline]
pub(crate) const fn cr6(mask: u128) -> u8 {
    match mask {
        u128::MAX => 0b1000,
        0 => 0b0010,
        _ => 0,
    }
}

fn compare(
    f: &mut Fpscr,
    format: Format,
    a: u128,
    b: u128,
    wanted: u8,
    ordered: bool,
) -> Option<(u128, u8)> {
    let width = width(format);
    let f0 = *f;
    let mask = deliver(f, width, |_, i| {
        let (field, signalling) =
            compare_bits(format, element_at(a, width, i), element_at(b, width, i));
        let status = match (field == 1, ordered) {
            (true, true) => ordered_exceptions(f0, signalling),
            (true, false) => quiet_exceptions(signalling),
            (false, _) => 0,
        };
        let bits = if field & wanted != 0 {
            u128::MAX >> (128 - width)
        } else {
            0
        };
        Outcome { bits, status }
    })?;
    Some((mask, cr6(mask)))
}

macro_rules! comparisons {
    ($($name:ident, $format:ident, $wanted:literal, $ordered:literal, $what:literal;)*) => {
        $(#[doc = concat!("The mask of the elements with ", $what, ", and CR6.")]
        pub fn $name(f: &mut Fpscr, a: u128, b: u128) -> Option<(u128, u8)> {
            compare(f, Format::$format, a, b, $wanted, $ordered)
        })*
    };
}

comparisons! {
    xvcmpeqdp, DOUBLE, 2, false, "A = B, doubles";
    xvcmpeqsp, SINGLE, 2, false, "A = B, singles";
    xvcmpgtdp, DOUBLE, 4, true, "A > B (VXVC for a NaN), doubles";
    xvcmpgtsp, SINGLE, 4, true, "A > B (VXVC for a NaN), singles";
    xvcmpgedp, DOUBLE, 6, true, "A >= B (VXVC for a NaN), doubles";
    xvcmpgesp, SINGLE, 6, true, "A >= B (VXVC for a NaN), singles";
}

macro_rules! min_max {
    ($($name:ident, $format:ident, $pick:ident, $what:literal;)*) => {
        $(#[doc = $what]
        pub fn $name(f: &mut Fpscr, a: u128, b: u128) -> Option<u128> {
            let width = width(Format::$format);
            deliver(f, width, |_, i| {
                let (a, b) = (element_at(a, width, i), element_at(b, width, i));
                let (bits, status) = number(Format::$format, Pick::$pick, a, b);
                Outcome { bits, status }
            })
        })*
    };
}

min_max! {
    xvmaxdp, DOUBLE, Largest, "The larger of A and B, a number rather than a quiet NaN, doubles.";
    xvmaxsp, SINGLE, Largest, "The larger of A and B, a number rather than a quiet NaN, singles.";
    xvmindp, DOUBLE, Smallest, "The smaller of A and B, a number rather than a quiet NaN, doubles.";
    xvminsp, SINGLE, Smallest, "The smaller of A and B, a number rather than a quiet NaN, singles.";
}

fn any_element(format: Format, test: impl Fn(u32) -> u8) -> u8 {
    (0..128 / width(format)).fold(0, |field, i| field | test(i))
}

macro_rules! operand_tests {
    ($($divide:ident, $root:ident, $classes:ident, $format:ident;)*) => {
        $(/// The CR field that says whether a software division A / B needs care in some element.
        pub fn $divide(a: u128, b: u128) -> u8 {
            const WIDTH: u32 = width(Format::$format);
            any_element(Format::$format, |i| {
                class::test_divide(Format::$format, element_at(a, WIDTH, i), element_at(b, WIDTH, i))
            })
        }

        /// The CR field that says whether a software square root of B needs care in some element.
        pub fn $root(b: u128) -> u8 {
            const WIDTH: u32 = width(Format::$format);
            any_element(Format::$format, |i| class::test_root(Format::$format, element_at(b, WIDTH, i)))
        }

        /// The mask of the elements that are in one of the data classes of `dcmx`.
        pub fn $classes(b: u128, dcmx: u8) -> u128 {
            const WIDTH: u32 = width(Format::$format);
            collect(WIDTH, |i| {
                let is_in = class::in_data_class(Format::$format, element_at(b, WIDTH, i), dcmx);
                if is_in { u128::MAX } else { 0 }
            })
        })*
    };
}

operand_tests! {
    xvtdivdp, xvtsqrtdp, xvtstdcdp, DOUBLE;
    xvtdivsp, xvtsqrtsp, xvtstdcsp, SINGLE;
}
