//! Cache management and ordering (Book II, 4.3 and 4.6).

use super::util::ea_indexed;
use crate::cpu::system as concrete;
use crate::engine::{Done, Engine, Fence};
use crate::insn::Insn;

/// dcbt, dcbtst, icbt: hints; they never fault and we have no cache to warm.
pub(crate) fn hint<E: Engine>(_: &mut E, _: Insn) -> Done<E> {
    Ok(())
}

/// dcbst: treated as a load by the MMU; our memory is coherent, so nothing is left to do.
pub(crate) fn dcbst<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let ea = ea_indexed(e, i);
    e.touch_block(ea)
}

/// dcbf with any L: ISA 3.0 processors take L = 4 and 6 (dcbfps, dcbstps of ISA 3.1) as L = 0, and Linux relies on it.
/// Host page cache and guest view are one memory: the flush itself has no work, durability is H_SCM_FLUSH's.
pub(crate) fn dcbf<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let ea = ea_indexed(e, i);
    e.touch_block(ea)
}

pub(crate) fn dcbz<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let ea = ea_indexed(e, i);
    e.zero_block(ea)
}

pub(crate) fn icbi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::icbi, i)
}

/// sync: L = 0 heavyweight, 1 lwsync, 2 ptesync; the others are reserved and treated as 0.
pub(crate) fn sync<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    match i.bits(9, 2) {
        1 => {
            e.fence(Fence::Light);
            Ok(())
        }
        2 => e.system(concrete::ptesync, i),
        _ => {
            e.fence(Fence::Full);
            Ok(())
        }
    }
}

pub(crate) fn eieio<E: Engine>(e: &mut E, _: Insn) -> Done<E> {
    e.fence(Fence::Io);
    Ok(())
}

/// wait: may end at once, as the ISA allows.
pub(crate) fn wait<E: Engine>(_: &mut E, _: Insn) -> Done<E> {
    Ok(())
}

/// cpabort: no copy-paste buffer is ever filled.
pub(crate) fn cpabort<E: Engine>(_: &mut E, _: Insn) -> Done<E> {
    Ok(())
}

/// copy and paste: no accelerator is there to paste to; the data storage interrupt of the ISA.
pub(crate) fn copy_paste<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::copy_paste, i)
}
