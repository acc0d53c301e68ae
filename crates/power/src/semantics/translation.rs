//! Management of cached translations: tlbie and its kin, SLB instructions (Book III, 5.9.3).

use crate::cpu::translation as concrete;
use crate::engine::{Done, Engine};
use crate::insn::Insn;

pub(crate) fn tlbie<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::tlbie, i)
}

pub(crate) fn tlbiel<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::tlbiel, i)
}

pub(crate) fn tlbsync<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::tlbsync, i)
}

pub(crate) fn slb<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::slb, i)
}

pub(crate) fn slb_read<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::slb_read, i)
}
