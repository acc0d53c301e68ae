//! Moves to and from special purpose registers (Book I, 3.3.17; Book III, 4.4.4). LR, CTR and TAR are handled in values, as
//! translated code wants; every other register is the concrete state's.

use crate::cpu::sprs;
use crate::engine::{BranchReg, Done, Engine};
use crate::insn::Insn;

const fn branch_reg(spr: u32) -> Option<BranchReg> {
    match spr {
        8 => Some(BranchReg::Lr),
        9 => Some(BranchReg::Ctr),
        _ => None,
    }
}

pub(crate) fn mfspr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    if let Some(register) = branch_reg(i.spr()) {
        let value = e.branch_reg(register);
        e.set_gpr(i.rt(), value);
        return Ok(());
    }
    e.system(sprs::mfspr, i)
}

pub(crate) fn mtspr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    if let Some(register) = branch_reg(i.spr()) {
        let value = e.gpr(i.rt());
        e.set_branch_reg(register, value);
        return Ok(());
    }
    e.system(sprs::mtspr, i)
}

pub(crate) fn mftb<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(sprs::mftb, i)
}
