//! Insertion and extraction of exponents and significands, element by element: no flag is set.

use super::{collect, element_at, width};
use crate::softfloat::{Format, class};

macro_rules! fields {
    ($($exponent:ident, $significand:ident, $insert:ident, $format:ident;)*) => {
        $(/// The biased exponents.
        pub fn $exponent(b: u128) -> u128 {
            const WIDTH: u32 = width(Format::$format);
            collect(WIDTH, |i| Format::$format.biased_exponent(element_at(b, WIDTH, i)).into())
        }

        /// The significands, with the implicit bit of normalised numbers.
        pub fn $significand(b: u128) -> u128 {
            const WIDTH: u32 = width(Format::$format);
            collect(WIDTH, |i| class::significand(Format::$format, element_at(b, WIDTH, i)))
        }

        /// Signs and fractions of A with the low bits of B's elements as exponents.
        pub fn $insert(a: u128, b: u128) -> u128 {
            const WIDTH: u32 = width(Format::$format);
            collect(WIDTH, |i| {
                class::insert_exponent(Format::$format, element_at(a, WIDTH, i), element_at(b, WIDTH, i) as u64)
            })
        })*
    };
}

fields! {
    xvxexpdp, xvxsigdp, xviexpdp, DOUBLE;
    xvxexpsp, xvxsigsp, xviexpsp, SINGLE;
}
