//! Load and store quadword, multiple and string (Book I, 3.3.4, 3.3.6, 3.3.7).

use super::util::{ea_displacement, ra_or_zero};
use crate::cpu::system as concrete;
use crate::engine::{Done, Engine, Order, Width};
use crate::insn::Insn;

/// lq: RTp:RTp+1. The quadword is one number: its high half goes to the even register whichever the byte order.
pub(crate) fn lq<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let ea = ea_displacement(e, i, i.dq());
    let value = e.load_vector(ea)?;
    let (high, low) = e.halves(value);
    let rt = i.rt() & !1;
    e.set_gpr(rt, high);
    e.set_gpr(rt + 1, low);
    Ok(())
}

pub(crate) fn stq<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let ea = ea_displacement(e, i, i.ds());
    let rs = i.rt() & !1;
    let (high, low) = (e.gpr(rs), e.gpr(rs + 1));
    let value = e.vector(high, low);
    e.store_vector(ea, value)
}

/// lmw and stmw raise an alignment interrupt in little-endian mode; [`concrete::big_endian_only`] does that.
pub(crate) fn lmw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::big_endian_only, i)?;
    let base = ea_displacement(e, i, i.si());
    for (n, r) in (i.rt()..32).enumerate() {
        let offset = e.imm(4 * n as u64);
        let ea = e.add(base, offset);
        let value = e.load(ea, Width::Word, Order::Mode)?;
        e.set_gpr(r, value);
    }
    Ok(())
}

pub(crate) fn stmw<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::big_endian_only, i)?;
    let base = ea_displacement(e, i, i.si());
    for (n, r) in (i.rt()..32).enumerate() {
        let offset = e.imm(4 * n as u64);
        let ea = e.add(base, offset);
        let value = e.gpr(r);
        e.store(ea, value, Width::Word, Order::Mode)?;
    }
    Ok(())
}

/// The byte count of lswi and stswi: NB, 0 meaning 32.
const fn string_bytes(i: Insn) -> u32 {
    if i.rb() == 0 { 32 } else { i.rb() }
}

pub(crate) fn lswi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::big_endian_only, i)?;
    let base = ra_or_zero(e, i);
    let mut register = i.rt();
    let mut value = e.imm(0);
    let bytes = string_bytes(i);
    for n in 0..bytes {
        let offset = e.imm(u64::from(n));
        let ea = e.add(base, offset);
        let byte = e.load(ea, Width::Byte, Order::Mode)?;
        let by = e.imm(u64::from(24 - 8 * (n % 4)));
        let placed = e.shl(byte, by);
        value = e.or(value, placed);
        if n % 4 == 3 || n + 1 == bytes {
            e.set_gpr(register, value);
            register = (register + 1) % 32;
            value = e.imm(0);
        }
    }
    Ok(())
}

pub(crate) fn stswi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::big_endian_only, i)?;
    let base = ra_or_zero(e, i);
    for n in 0..string_bytes(i) {
        let offset = e.imm(u64::from(n));
        let ea = e.add(base, offset);
        let register = e.gpr((i.rt() + n / 4) % 32);
        let by = e.imm(u64::from(24 - 8 * (n % 4)));
        let byte = e.shr(register, by);
        e.store(ea, byte, Width::Byte, Order::Mode)?;
    }
    Ok(())
}

/// lswx and stswx: the byte count is in XER, so they work on the concrete state.
pub(crate) fn lswx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::lswx, i)
}

pub(crate) fn stswx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(concrete::stswx, i)
}
