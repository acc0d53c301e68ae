//! Branches, system calls, isync (Book I, 2.4 and 2.5; Book II, 4.6.1).

use crate::cpu::system as concrete;
use crate::engine::{BranchKind, BranchReg, Done, Engine, Target};
use crate::insn::Insn;

/// LR = the address after this instruction, where LK says so.
#[inline(always)]
fn link<E: Engine>(e: &mut E, i: Insn) {
    if i.rc() {
        let cia = e.cia();
        let four = e.imm(4);
        let next = e.add(cia, four);
        e.set_branch_reg(BranchReg::Lr, next);
    }
}

/// The condition that BO and BI spell; CTR is decremented on the way. None: always.
#[inline(always)]
fn condition<E: Engine>(e: &mut E, i: Insn, use_ctr: bool) -> Option<E::Cond> {
    let bo = i.rt();
    let mut taken = None;
    if use_ctr && bo & 4 == 0 {
        let ctr = e.branch_reg(BranchReg::Ctr);
        let one = e.imm(1);
        let ctr = e.sub(ctr, one);
        e.set_branch_reg(BranchReg::Ctr, ctr);
        let zero = e.imm(0);
        let is_zero = e.eq(ctr, zero);
        taken = Some(if bo & 2 != 0 {
            is_zero
        } else {
            e.negate(is_zero)
        });
    }
    if bo & 16 == 0 {
        let mut c = e.cr_bit(i.ra());
        if bo & 8 == 0 {
            c = e.negate(c);
        }
        taken = Some(match taken {
            Some(t) => e.both(t, c),
            None => c,
        });
    }
    taken
}

#[inline(always)]
fn direct<W>(i: Insn, offset: i64) -> Target<W> {
    if i.aa() {
        Target::Absolute(offset as u64)
    } else {
        Target::Relative(offset)
    }
}

#[inline(always)]
fn jump_or_call(i: Insn) -> BranchKind {
    if i.rc() {
        BranchKind::Call
    } else {
        BranchKind::Jump
    }
}

pub(crate) fn b<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    link(e, i);
    e.branch(None, direct(i, i.li()), jump_or_call(i));
    Ok(())
}

pub(crate) fn bc<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let taken = condition(e, i, true);
    link(e, i);
    e.branch(taken, direct(i, i.bd()), jump_or_call(i));
    Ok(())
}

#[inline(always)]
fn to_register<E: Engine>(e: &mut E, i: Insn, register: BranchReg, use_ctr: bool) -> Done<E> {
    let target = e.branch_reg(register);
    let taken = condition(e, i, use_ctr);
    link(e, i);
    let kind = match (i.rc(), register) {
        (true, _) => BranchKind::Call,
        (false, BranchReg::Lr) => BranchKind::Return,
        (false, _) => BranchKind::Jump,
    };
    e.branch(taken, Target::Register(target), kind);
    Ok(())
}

pub(crate) fn bclr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    to_register(e, i, BranchReg::Lr, true)
}

/// bcctr: "decrement CTR" is an invalid form; CTR is left alone then, as POWER9 does.
pub(crate) fn bcctr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    to_register(e, i, BranchReg::Ctr, false)
}

pub(crate) fn bctar<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    to_register(e, i, BranchReg::Tar, true)
}

pub(crate) fn sc<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::sc, i)
}

pub(crate) fn scv<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::scv, i)
}

pub(crate) fn isync<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::isync, i)
}
