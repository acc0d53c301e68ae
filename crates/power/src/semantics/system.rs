//! Instructions of the operating environment: MSR, interrupt returns, events (Book III). All act on the processor as a whole.

use crate::cpu::system as concrete;
use crate::engine::{Done, Engine};
use crate::insn::Insn;

pub(crate) fn illegal<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::illegal, i)
}

pub(crate) fn mfmsr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::mfmsr, i)
}

pub(crate) fn mtmsr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::mtmsr, i)
}

pub(crate) fn mtmsrd<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::mtmsrd, i)
}

pub(crate) fn rfid<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::rfid, i)
}

pub(crate) fn rfscv<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::rfscv, i)
}

pub(crate) fn hypervisor_only<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::hypervisor_only, i)
}

pub(crate) fn rfebb<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::rfebb, i)
}

pub(crate) fn clrbhrb<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::clrbhrb, i)
}

pub(crate) fn mfbhrbe<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::mfbhrbe, i)
}
