//! VMX loads, stores and permute controls (Book I, 6.7), and moves to and from VSCR (6.16).

use super::util::ea_indexed;
use crate::engine::{Done, Engine, Facility, Lower, Order, Width};
use crate::insn::Insn;

/// EA of a VMX access: its low bits are ignored, so that it is aligned.
#[inline(always)]
fn ea_aligned<E: Engine>(e: &mut E, i: Insn, bytes: u64) -> E::Word {
    let ea = ea_indexed(e, i);
    let mask = e.imm(!(bytes - 1));
    e.and(ea, mask)
}

/// lvx, lvxl. Also lvebx, lvehx and lvewx: they leave the elements that they don't name undefined, and those are in the same
/// quadword.
pub(crate) fn lvx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vmx)?;
    let ea = ea_aligned(e, i, 16);
    let value = e.load_vector(ea)?;
    e.set_vsr(32 + i.rt(), value);
    Ok(())
}

/// stvx, stvxl.
pub(crate) fn stvx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vmx)?;
    let ea = ea_aligned(e, i, 16);
    let value = e.vsr(32 + i.rt());
    e.store_vector(ea, value)
}

/// Stores the element that stvx would store at the same address.
#[inline(always)]
fn store_element<E: Engine>(e: &mut E, i: Insn, width: Width) -> Done<E> {
    e.require(Facility::Vmx)?;
    let ea = ea_aligned(e, i, width.bytes());
    let low = e.imm(15);
    let mut offset = e.and(ea, low);
    if e.big_endian() {
        let last = e.imm(16 - width.bytes());
        offset = e.sub(last, offset);
    }
    let vector = e.vsr(32 + i.rt());
    let value = e.vec_to_word(
        |v, offset| (v >> (8 * (offset & 15))) as u64,
        vector,
        offset,
    );
    e.store(ea, value, width, Order::Mode)
}

pub(crate) fn stvebx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    store_element(e, i, Width::Byte)
}

pub(crate) fn stvehx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    store_element(e, i, Width::Half)
}

pub(crate) fn stvewx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    store_element(e, i, Width::Word)
}

#[inline(always)]
fn permute_control<E: Engine>(e: &mut E, i: Insn, f: fn(u128) -> u128) -> Done<E> {
    e.require(Facility::Vmx)?;
    let ea = ea_indexed(e, i);
    let ea = e.vector(ea, ea);
    let value = e.vec1(Lower::Call, f, ea);
    e.set_vsr(32 + i.rt(), value);
    Ok(())
}

pub(crate) fn lvsl<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    permute_control(e, i, |ea| power_vector::lvsl(ea as u64))
}

pub(crate) fn lvsr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    permute_control(e, i, |ea| power_vector::lvsr(ea as u64))
}

/// Bits of VSCR: NJ and SAT; the others are reserved.
const VSCR_BITS: u32 = 0x0001_0001;

/// mfvscr: VSCR in the last word, zeros before it.
pub(crate) fn mfvscr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vmx)?;
    e.system(
        |cpu, i| {
            cpu.regs.vsr[32 + i.rt() as usize] = u128::from(cpu.regs.vscr);
            Ok(())
        },
        i,
    )
}

pub(crate) fn mtvscr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vmx)?;
    e.system(
        |cpu, i| {
            cpu.regs.vscr = cpu.regs.vsr[32 + i.rb() as usize] as u32 & VSCR_BITS;
            Ok(())
        },
        i,
    )
}
