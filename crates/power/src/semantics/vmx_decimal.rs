//! Decimal integers in VMX registers (Book I, 6.17). All set CR field 6.

use super::vmx::{set_vrt, vra, vrb};
use crate::engine::{Done, Engine, Facility};
use crate::insn::Insn;

/// VRT, CR6 = f(VRA, VRB, PS).
#[inline(always)]
fn decimal<E: Engine>(e: &mut E, i: Insn, f: fn(u128, u128, u32) -> (u128, u8)) -> Done<E> {
    e.require(Facility::Vmx)?;
    let (a, b) = (vra(e, i), vrb(e, i));
    let value = e.vec2_cr6(f, a, b, i.bits(22, 1));
    set_vrt(e, i, value)
}

macro_rules! decimals {
    ($($name:ident |$a:ident, $b:ident, $ps:ident| $call:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            decimal(e, i, |$a, $b, $ps| $call)
        }
    )* };
}
decimals! {
    bcdadd |a, b, ps| power_vector::bcdadd(a, b, ps != 0);
    bcdsub |a, b, ps| power_vector::bcdsub(a, b, ps != 0);
    bcds |a, b, ps| power_vector::bcds(a, b, ps != 0);
    bcdsr |a, b, ps| power_vector::bcdsr(a, b, ps != 0);
    bcdtrunc |a, b, ps| power_vector::bcdtrunc(a, b, ps != 0);
    bcdus |a, b, _ps| power_vector::bcdus(a, b);
    bcdutrunc |a, b, _ps| power_vector::bcdutrunc(a, b);
    bcdcpsgn |a, b, _ps| power_vector::bcdcpsgn(a, b);
    bcdcfn |_a, b, ps| power_vector::bcdcfn(b, ps != 0);
    bcdcfz |_a, b, ps| power_vector::bcdcfz(b, ps != 0);
    bcdctz |_a, b, ps| power_vector::bcdctz(b, ps != 0);
    bcdcfsq |_a, b, ps| power_vector::bcdcfsq(b, ps != 0);
    bcdsetsgn |_a, b, ps| power_vector::bcdsetsgn(b, ps != 0);
    bcdctn |_a, b, _ps| power_vector::bcdctn(b);
    bcdctsq |_a, b, _ps| power_vector::bcdctsq(b);
}
