//! VMX comparisons (Book I, 6.9.3 and 6.11.3): a mask, and with Rc how many elements it has in CR field 6.

use super::vmx::{set_vrt, vra, vrb};
use crate::engine::{Done, Engine, Facility, Lower};
use crate::insn::Insn;

macro_rules! comparisons {
    ($($name:ident),* $(,)?) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let (a, b) = (vra(e, i), vrb(e, i));
            let mask = if i.vrc() {
                e.vec2_cr6(
                    |a, b, _| {
                        let mask = power_vector::$name(a, b);
                        (mask, power_vector::cr6_of_mask(mask))
                    },
                    a,
                    b,
                    0,
                )
            } else {
                e.vec2(Lower::Call, power_vector::$name, a, b)
            };
            set_vrt(e, i, mask)
        }
    )* };
}
comparisons! {
    vcmpequb, vcmpequh, vcmpequw, vcmpequd,
    vcmpgtub, vcmpgtuh, vcmpgtuw, vcmpgtud, vcmpgtsb, vcmpgtsh, vcmpgtsw, vcmpgtsd,
    vcmpneb, vcmpneh, vcmpnew, vcmpnezb, vcmpnezh, vcmpnezw,
}

/// CR field 6 follows from the result of a comparison of floats as well.
macro_rules! float_comparisons {
    ($($name:ident $cr6:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let (a, b) = (vra(e, i), vrb(e, i));
            let mut mask = e.vmx_float(|a, b, _, nj| power_float::vmx::$name(a, b, nj).0, a, b, b);
            if i.vrc() {
                mask = e.vec2_cr6(|mask, _, _| (mask, $cr6(mask)), mask, mask, 0);
            }
            set_vrt(e, i, mask)
        }
    )* };
}
float_comparisons! {
    vcmpeqfp power_vector::cr6_of_mask;
    vcmpgefp power_vector::cr6_of_mask;
    vcmpgtfp power_vector::cr6_of_mask;
    vcmpbfp all_within_bounds;
}

/// CR field 6 of vcmpbfp: EQ where no element is out of bounds.
const fn all_within_bounds(out: u128) -> u8 {
    if out == 0 { 0b0010 } else { 0 }
}
