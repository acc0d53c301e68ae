//! Load-and-reserve, store-conditional, atomic memory operations (Book II, 4.5 and 4.6.2).

use super::util::ea_indexed;
use crate::cpu::system as concrete;
use crate::engine::{Done, Engine, Width, XerBit};
use crate::insn::Insn;

macro_rules! reserve {
    ($($load:ident $store:ident $width:ident;)*) => { $(
        pub(crate) fn $load<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_indexed(e, i);
            let value = e.load_reserve(ea, Width::$width)?;
            e.set_gpr(i.rt(), value);
            Ok(())
        }
        pub(crate) fn $store<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_indexed(e, i);
            let value = e.gpr(i.rt());
            let stored = e.store_conditional(ea, value, Width::$width)?;
            // CR0 = 0b00 || stored || SO.
            let no = e.cond_imm(false);
            let so = e.xer_bit(XerBit::So);
            e.set_cr_bit(0, no);
            e.set_cr_bit(1, no);
            e.set_cr_bit(2, stored);
            e.set_cr_bit(3, so);
            Ok(())
        }
    )* };
}
reserve! {
    lbarx stbcx Byte;
    lharx sthcx Half;
    lwarx stwcx Word;
    ldarx stdcx Double;
}

pub(crate) fn lqarx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::lqarx, i)
}

pub(crate) fn stqcx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::stqcx, i)
}

pub(crate) fn lwat<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::load_atomic_word, i)
}

pub(crate) fn ldat<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::load_atomic_double, i)
}

pub(crate) fn stwat<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::store_atomic_word, i)
}

pub(crate) fn stdat<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::store_atomic_double, i)
}
